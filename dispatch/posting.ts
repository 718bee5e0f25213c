// Alarms raised by people, flows and other systems. The idempotency key makes the alarm's id, so sending it again, even years
// later or after a crash, answers with the alarm that is there.
import { createHash } from 'node:crypto'
import { ALARM_KINDS, type AlarmKind, type Evidence, type Severity, type Text } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Place, Position } from '#contracts/reading.ts'
import { actorOf, BY_CHARACTERS_MAX, oneOf, optional, required, timeMs } from './checks.ts'
import type { AlarmRecord } from './alarm-rows.ts'
import { continueAlarm } from './commit.ts'
import { raiseAlarm, type NewAlarm } from './raising.ts'
import { DEFAULT_SEVERITY } from './severities.ts'
import type { Turn } from './turn.ts'

export type Posting = {
  idempotencyKey: string
  /** flow:<rev>, user:<name>, system:<room>; keys are told apart by it */
  origin: string
  kind: AlarmKind
  severity?: Severity
  subject?: string
  deviceId?: string
  place?: Place
  position?: Position
  /** event time, RFC 3339; now where absent */
  at?: string
  text: Text
  evidence?: Evidence[]
  drill?: boolean
  by: string
}

/** Event times believed, as for devices: from 24 h before to 2 min after now. Older than 5 min counts as late. */
const PAST_MS_MAX = 24 * 3_600_000
const FUTURE_MS_MAX = 2 * 60_000
const LATE_MS = 5 * 60_000
const KEY_CHARACTERS_MAX = 200
const TEXT_CHARACTERS_MAX = 500

/** A flow's retry may come from another revision of it, or from a second copy: keys of flows are told apart from others only. */
const sourceOf = (origin: string): string => (origin.startsWith('flow:') ? 'flow' : origin)

const alarmIdOf = (o: Posting): string => {
  const key = required('idempotencyKey', o.idempotencyKey, KEY_CHARACTERS_MAX)
  return `post-${createHash('sha256')
    .update(JSON.stringify([sourceOf(o.origin), key]))
    .digest('hex')
    .slice(0, 24)}`
}

const eventTime = (turn: Turn, at: string | undefined): number => {
  if (at === undefined) return turn.nowMs
  const atMs = timeMs('at', at)
  if (atMs < turn.nowMs - PAST_MS_MAX || atMs > turn.nowMs + FUTURE_MS_MAX)
    throw new FengsuiError('invalid-request', `at is ${at}: from 24 h before to 2 min after now (${turn.now}) is believed`)
  return atMs
}

const severityOf = (kind: AlarmKind, given: Severity | undefined): Severity => {
  if (given === undefined) return DEFAULT_SEVERITY[kind]
  if (![1, 2, 3, 4].includes(given)) throw new FengsuiError('invalid-request', `severity is ${String(given)}: 1 (gravest) to 4 is needed`)
  return given
}

/** Most pieces of evidence and characters of one place word in one posting. */
const EVIDENCE_POSTED_MAX = 100
const PLACE_CHARACTERS_MAX = 200

/** A place in plain words; a word of which nothing is left is no word. */
export const placeGiven = (place: Place | undefined): Place | undefined => {
  if (place === undefined) return undefined
  const words = Object.entries(place).map(([name, word]) => [name, optional(`place.${name}`, word, PLACE_CHARACTERS_MAX)] as const)
  return Object.fromEntries(words.filter(([, word]) => word !== undefined)) as Place
}

const checkEvidence = (evidence: Evidence[] | undefined): void => {
  if ((evidence?.length ?? 0) > EVIDENCE_POSTED_MAX)
    throw new FengsuiError('invalid-request', `evidence has ${evidence?.length ?? 0} pieces, at most ${EVIDENCE_POSTED_MAX} are taken`)
}

const checkPosition = (position: Position | undefined): void => {
  if (position === undefined) return
  const { lat, lon } = position
  const isThere = Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && !(lat === 0 && lon === 0)
  if (!isThere)
    throw new FengsuiError('invalid-request', `position is ${lat}/${lon}: WGS84 degrees are needed, and 0/0 is never a position`)
}

const alarmOf = (o: Posting, id: string, kind: AlarmKind, atMs: number, nowMs: number): NewAlarm => ({
  id,
  kind,
  severity: severityOf(kind, o.severity),
  origin: o.origin,
  subject: o.subject ?? o.deviceId ?? id,
  ...(o.deviceId !== undefined && { deviceId: o.deviceId }),
  ...(o.place !== undefined && { place: o.place }),
  ...(o.position !== undefined && { position: o.position }),
  raisedAt: new Date(atMs).toISOString(),
  late: nowMs - atMs > LATE_MS,
  latching: true,
  ...(o.drill === true && { drill: true as const }),
  text: { zh: required('text.zh', o.text.zh, TEXT_CHARACTERS_MAX), en: required('text.en', o.text.en, TEXT_CHARACTERS_MAX) },
  evidence: o.evidence ?? [],
  counterEvidence: [],
})

/** A flow may add evidence to its alarm and make it graver; what it said before it may say again. It never lowers or ends one. */
const addedByFlow = (turn: Turn, before: AlarmRecord, o: Posting): void => {
  checkEvidence(o.evidence)
  const known = new Set(before.alarm.evidence.map(pieceOf))
  const evidence = (o.evidence ?? []).filter(piece => !known.has(pieceOf(piece)))
  const isGraver = o.severity !== undefined && o.severity < before.alarm.severity
  if (evidence.length === 0 && !isGraver) return
  const at = new Date(eventTime(turn, o.at)).toISOString()
  continueAlarm(turn, {
    type: 'update',
    alarmId: before.alarm.id,
    at,
    evidence,
    ...(o.severity !== undefined && isGraver && { severity: o.severity }),
  })
}

const pieceOf = ({ seq, deviceId, what }: Evidence): string => `${seq} ${deviceId} ${what}`

/** The alarm's id, and whether it is new. */
export const postAlarm = (turn: Turn, o: Posting): { alarmId: string; created: boolean } => {
  const { actor } = actorOf(o.by)
  required('origin', o.origin, BY_CHARACTERS_MAX)
  const kind = oneOf('kind', o.kind, ALARM_KINDS)
  const alarmId = alarmIdOf(o)
  const before = turn.alarm(alarmId)
  if (before !== undefined) {
    if (before.alarm.kind === kind) {
      if (o.origin.startsWith('flow:')) addedByFlow(turn, before, o)
      return { alarmId, created: false }
    }
    throw new FengsuiError(
      'conflict',
      `idempotencyKey ${o.idempotencyKey} was used for a ${before.alarm.kind}: take a new key for a ${kind}`,
    )
  }
  const place = placeGiven(o.place)
  checkPosition(o.position)
  checkEvidence(o.evidence)
  const atMs = eventTime(turn, o.at)
  raiseAlarm(turn, alarmOf({ ...o, ...(place !== undefined && { place }) }, alarmId, kind, atMs, turn.nowMs), atMs, {})
  turn.desk.audit.append({
    at: turn.now,
    actor,
    action: 'alarm.posted',
    subject: alarmId,
    detail: { origin: o.origin, kind, ...(o.drill === true && { drill: true }) },
  })
  return { alarmId, created: true }
}
