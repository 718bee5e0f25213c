// Alarms: kinds, severities, ISA-18.2 states, and the evidence every alarm carries.
import type { Place, Position } from './reading.ts'
import type { Waterfall } from './waterfall.ts'

export type { Waterfall }

export const ALARM_KINDS = [
  'fire-alarm',
  'pre-alarm',
  'gas-alarm',
  'co-alarm',
  'manual-call',
  'heat',
  'electrical-fire',
  'water-leak',
  'pressure-low',
  'pressure-high',
  'level-low',
  'level-high',
  'fault',
  'tamper',
  'low-battery',
  'device-offline',
  'gateway-offline',
  'drone-offline',
  'sensor-fault',
  'station-not-ready',
  'test',
  'health',
] as const
export type AlarmKind = (typeof ALARM_KINDS)[number]

/** 1 = level I (red) ... 4 = level IV (blue). Smaller is graver. */
export type Severity = 1 | 2 | 3 | 4

/** ISA-18.2 / IEC 62682 states. */
export const ALARM_STATES = ['NORM', 'UNACK', 'ACKED', 'RTNUN', 'SHLVD', 'DSUPR', 'OOSRV'] as const
export type AlarmState = (typeof ALARM_STATES)[number]

/** Kinds that mean people may be in danger: they make incidents of category 'fire' and are never shed, folded or silenced. */
const HAZARDS: ReadonlySet<AlarmKind> = new Set([
  'fire-alarm',
  'pre-alarm',
  'gas-alarm',
  'co-alarm',
  'manual-call',
  'heat',
  'electrical-fire',
])
export const isHazard = (kind: AlarmKind): boolean => HAZARDS.has(kind)

/** One reading's part in an alarm. `seq` is its place in the journal; what/value/threshold are in the unit that `what` ends in. */
export type Evidence = {
  seq: number
  deviceId: string
  ts: string
  receivedAt: string
  what: string
  value: number | boolean | string
  threshold?: number
  note?: string
}

export type RuleRef = { id: string; version: string; kind: string; set: string; setVersion: string; parameters: Record<string, unknown> }

/** zh-CN and en wording of the same fact. */
export type Text = { zh: string; en: string }

/** What the rules say happened, in event time. The fold makes these; dispatch turns them into alarms and incidents. */
export type AlarmSignal =
  | {
      type: 'raise'
      alarmId: string
      kind: AlarmKind
      severity: Severity
      rule: RuleRef
      subject: string
      deviceId: string
      place?: Place
      position?: Position
      at: string
      late: boolean
      latching: boolean
      evidence: Evidence[]
      counterEvidence: Evidence[]
      text: Text
      guidance?: Text
    }
  | { type: 'update'; alarmId: string; at: string; evidence: Evidence[]; counterEvidence?: Evidence[]; severity?: Severity }
  | { type: 'clear'; alarmId: string; at: string; evidence: Evidence[] }

export type Alarm = {
  id: string
  kind: AlarmKind
  severity: Severity
  state: AlarmState
  /** rule:<id> for rules, flow:<rev> for Node-RED, user:<name> for people, system:<room> for ourselves */
  origin: string
  rule?: RuleRef
  subject: string
  deviceId?: string
  place?: Place
  position?: Position
  /** event time of the first evidence */
  raisedAt: string
  clearedAt?: string
  acknowledgedAt?: string
  acknowledgedBy?: string
  /** while it is shelved: when it comes back by itself */
  shelvedUntil?: string
  late: boolean
  latching: boolean
  /** part of a drill: never mixed with real ones, nothing of it goes out */
  drill?: true
  /** how often evidence was added after the first */
  updates: number
  incidentId: string
  text: Text
  guidance?: Text
  evidence: Evidence[]
  counterEvidence: Evidence[]
  waterfall: Waterfall
}
