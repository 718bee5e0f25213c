// From a kind's findings to alarm signals: derived ids, wording, and how much repeated evidence is passed on.
import { createHash } from 'node:crypto'
import type { AlarmSignal, Evidence, RuleRef, Severity, Text } from '#contracts/alarm.ts'
import type { Finding, Whose } from './kind.ts'
import type { Rule, RuleSet } from './schema.ts'

/** The alarm that is open for one rule and one subject: its id, how many repeats it had, event time of the newest one passed on. */
export type Episode = { id: string; n: number; toldMs: number; /** its level, once it is not the rule's */ severity?: Severity }

/** The first repeats are passed on; later ones at most one a minute of event time, saying how many there were. */
export const REPEATS_TOLD = 5
export const REPEAT_EVERY_MS = 60_000
const ALARM_ID_HEX = 32

/** The same evidence makes the same alarm, in every replay. Fields are joined by NUL, which none of them can hold. */
export const alarmIdOf = (ruleId: string, version: string, subject: string, at: string): string =>
  createHash('sha256').update([ruleId, version, subject, at].join('\0')).digest('hex').slice(0, ALARM_ID_HEX)

export const ruleRefOf = (rule: Rule, set: RuleSet): RuleRef => ({
  id: rule.id,
  version: String(rule.version),
  kind: rule.kind,
  set: set.name,
  setVersion: set.version,
  parameters: rule.parameters,
})

const shown = (value: Evidence['value'] | undefined): string =>
  typeof value === 'number' ? String(Math.round(value * 100) / 100) : String(value ?? '')

function worded({ zh, en }: Text, deviceId: string, first: Evidence | undefined): Text {
  const fill = (text: string) =>
    text.replace(/\{(value|threshold|device)\}/g, (_, name: string) =>
      name === 'device' ? deviceId : shown(name === 'value' ? first?.value : first?.threshold),
    )
  return { zh: fill(zh), en: fill(en) }
}

type Episodic = Exclude<Finding, { type: 'remark' }>
export type Told = { episode: Episode | undefined; signal?: AlarmSignal }
/** `late`: what raised it was overtaken by newer readings. */
export type Cause = { whose: Whose; late: boolean }

export function told(rule: Rule, ref: RuleRef, episode: Episode | undefined, cause: Cause, finding: Episodic): Told {
  const at = new Date(finding.atMs).toISOString()
  if (finding.type === 'raise') {
    const whose = finding.whose ?? cause.whose
    const alarmId = alarmIdOf(rule.id, ref.version, finding.key === undefined ? whose.key : `${whose.key}\0${finding.key}`, at)
    const opened: Episode = {
      id: alarmId,
      n: 0,
      toldMs: finding.atMs,
      ...(finding.severity !== undefined && { severity: finding.severity }),
    }
    return { episode: opened, signal: raised(rule, ref, alarmId, at, { whose, late: cause.late }, finding) }
  }
  if (episode === undefined) return { episode }
  if (finding.type === 'clear')
    return { episode: undefined, signal: { type: 'clear', alarmId: episode.id, at, evidence: finding.evidence } }
  return continued(rule, episode, at, finding)
}

function continued(rule: Rule, episode: Episode, at: string, finding: Episodic): Told {
  const n = episode.n + 1
  const { severity } = finding
  const rises = severity !== undefined && severity < (episode.severity ?? rule.alarm.severity)
  if (!rises && n > REPEATS_TOLD && finding.atMs - episode.toldMs < REPEAT_EVERY_MS) return { episode: { ...episode, n } }
  const evidence = finding.evidence.map((e, i) => (i === 0 ? { ...e, note: e.note ?? `repeat ${n}` } : e))
  return {
    episode: { ...episode, n, toldMs: finding.atMs, ...(rises && { severity }) },
    signal: { type: 'update', alarmId: episode.id, at, evidence, ...(rises && { severity }) },
  }
}

function raised(rule: Rule, ref: RuleRef, alarmId: string, at: string, { whose, late }: Cause, finding: Episodic): AlarmSignal {
  const { key, deviceId, place, position } = whose
  return {
    type: 'raise',
    alarmId,
    kind: rule.alarm.kind,
    severity: finding.severity ?? rule.alarm.severity,
    rule: ref,
    subject: key,
    deviceId,
    ...(place !== undefined && { place }),
    ...(position !== undefined && { position }),
    at,
    late,
    latching: rule.alarm.latching,
    evidence: finding.evidence,
    counterEvidence: finding.counterEvidence ?? [],
    text: worded(rule.text, deviceId, finding.evidence[0]),
    ...(rule.guidance !== undefined && { guidance: worded(rule.guidance, deviceId, finding.evidence[0]) }),
  }
}

/** Something about an alarm of another rule. */
export const remarked = (finding: Extract<Finding, { type: 'remark' }>): AlarmSignal => ({
  type: 'update',
  alarmId: finding.alarmId,
  at: new Date(finding.atMs).toISOString(),
  evidence: finding.evidence,
  ...(finding.counterEvidence.length > 0 && { counterEvidence: finding.counterEvidence }),
  ...(finding.severity !== undefined && { severity: finding.severity }),
})
