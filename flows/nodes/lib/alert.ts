// What a flow says becomes a request to raise an alarm: same rule, same subject, same episode = same key, so that a repeat, a restart
// or a second copy of the flow raises one alarm. Pure; throws Error with what is missing.
import { createHash } from 'node:crypto'
import { ALARM_KINDS, type AlarmKind, type Evidence, type Severity, type Text } from '../../../contracts/alarm.ts'
import type { Place, Position, Reading } from '../../../contracts/reading.ts'

/** What a flow puts in msg.alert; every field may be left to the node's settings or the reading in msg.payload. */
export type Alert = {
  rule?: string
  /** takes the place of rule, subject and episode where what raised it has an identity of its own (fire-rule) */
  key?: string
  subject?: string
  /** RFC 3339: when what is alarmed about began; the same through all of it */
  episode?: string
  kind?: AlarmKind
  severity?: Severity
  deviceId?: string
  place?: Place
  position?: Position
  at?: string
  text?: Partial<Text>
  evidence?: Evidence[]
}
export type AlarmRequest = {
  idempotencyKey: string
  /** stays here: the API knows a flow's alarm by its key */
  rule: string
  origin: string
  kind: AlarmKind
  severity: Severity
  subject: string
  deviceId?: string
  place?: Place
  position?: Position
  at: string
  text: Text
  evidence: Evidence[]
}
export type Defaults = { rule: string; kind: string; severity: number; zh: string; en: string; revision: string }

const EVIDENCE_MAX = 50
const TEXT_CHARS_MAX = 500

export function alarmRequest(alert: Alert, reading: (Partial<Reading> & { off?: number }) | undefined, defaults: Defaults): AlarmRequest {
  const deviceId = alert.deviceId ?? reading?.deviceId
  const subject = alert.subject ?? deviceId
  const at = alert.at ?? reading?.ts
  if (subject === undefined) throw new Error('an alert needs a subject or a deviceId')
  if (at === undefined || Number.isNaN(Date.parse(at))) throw new Error('an alert needs at: the time of the event, RFC 3339')
  const place = alert.place ?? reading?.place
  const position = alert.position ?? reading?.position
  const rule = alert.rule ?? defaults.rule
  return {
    idempotencyKey: alert.key === undefined ? keyOf(rule, subject, alert.episode ?? at) : alert.key.slice(0, 200),
    rule,
    origin: `flow:${defaults.revision.slice(0, 12)}`,
    kind: kindOf(alert.kind ?? defaults.kind),
    severity: severityOf(alert.severity ?? defaults.severity),
    subject,
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(place === undefined ? {} : { place }),
    ...(position === undefined ? {} : { position }),
    at,
    text: textOf(alert.text, defaults),
    evidence: evidenceOf(alert, reading).slice(0, EVIDENCE_MAX),
  }
}

export const keyOf = (rule: string, subject: string, episode: string): string =>
  createHash('sha256').update(`${rule}|${subject}|${episode}`).digest('hex')

function kindOf(kind: string): AlarmKind {
  const known = ALARM_KINDS.find(k => k === kind)
  if (known === undefined) throw new Error(`"${kind}" is no kind of alarm; allowed: ${ALARM_KINDS.join(', ')}`)
  return known
}

function severityOf(severity: number): Severity {
  if (severity === 1 || severity === 2 || severity === 3 || severity === 4) return severity
  throw new Error(`severity must be 1 (gravest) to 4, not ${severity}`)
}

/** A text in one language stands for the other: an alarm without words helps nobody. */
function textOf(text: Partial<Text> | undefined, defaults: Defaults): Text {
  const zh = text?.zh ?? (text?.en === undefined ? defaults.zh : '')
  const en = text?.en ?? (text?.zh === undefined ? defaults.en : '')
  if (zh === '' && en === '') throw new Error('an alert needs a text, zh or en')
  return { zh: (zh || en).slice(0, TEXT_CHARS_MAX), en: (en || zh).slice(0, TEXT_CHARS_MAX) }
}

/** Where a flow names none, the reading it is about is the evidence. */
function evidenceOf(alert: Alert, reading: (Partial<Reading> & { off?: number }) | undefined): Evidence[] {
  if (alert.evidence !== undefined && alert.evidence.length > 0) return alert.evidence
  if (reading?.off === undefined || reading.deviceId === undefined || reading.ts === undefined || reading.receivedAt === undefined)
    return []
  const { off, deviceId, ts, receivedAt } = reading
  return [{ seq: off, deviceId, ts, receivedAt, what: 'reading', value: true }]
}
