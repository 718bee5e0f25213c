// From a kind's findings to alarm signals: derived ids, wording, and how much repeated evidence is passed on.
import { createHash } from 'node:crypto'
import type { AlarmSignal, Evidence, RuleRef, Text } from '#contracts/alarm.ts'
import type { Finding, Observation } from './kind.ts'
import type { Rule, RuleSet } from './schema.ts'

/** The alarm that is open for one rule and one device: its id, how many repeats it had, event time of the newest one passed on. */
export type Episode = { id: string; n: number; toldMs: number }

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

export type Told = { episode: Episode | undefined; signal?: AlarmSignal }

export function told(rule: Rule, ref: RuleRef, episode: Episode | undefined, o: Observation, finding: Finding): Told {
  const at = new Date(finding.atMs).toISOString()
  const { evidence } = finding
  if (finding.type === 'raise') {
    const alarmId = alarmIdOf(rule.id, ref.version, o.reading.deviceId, at)
    return { episode: { id: alarmId, n: 0, toldMs: finding.atMs }, signal: raised(rule, ref, alarmId, at, o, evidence) }
  }
  if (episode === undefined) return { episode }
  if (finding.type === 'clear') return { episode: undefined, signal: { type: 'clear', alarmId: episode.id, at, evidence } }
  const n = episode.n + 1
  if (n > REPEATS_TOLD && finding.atMs - episode.toldMs < REPEAT_EVERY_MS) return { episode: { ...episode, n } }
  const counted = evidence.map((e, i) => (i === 0 ? { ...e, note: e.note ?? `repeat ${n}` } : e))
  return { episode: { ...episode, n, toldMs: finding.atMs }, signal: { type: 'update', alarmId: episode.id, at, evidence: counted } }
}

function raised(rule: Rule, ref: RuleRef, alarmId: string, at: string, o: Observation, evidence: Evidence[]): AlarmSignal {
  const { deviceId, place, position } = o.reading
  return {
    type: 'raise',
    alarmId,
    kind: rule.alarm.kind,
    severity: rule.alarm.severity,
    rule: ref,
    subject: deviceId,
    deviceId,
    ...(place !== undefined && { place }),
    ...(position !== undefined && { position }),
    at,
    late: o.late,
    latching: rule.alarm.latching,
    evidence,
    counterEvidence: [],
    text: worded(rule.text, deviceId, evidence[0]),
    ...(rule.guidance !== undefined && { guidance: worded(rule.guidance, deviceId, evidence[0]) }),
  }
}
