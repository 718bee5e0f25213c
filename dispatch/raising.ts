// A new alarm enters the queue: it gets its incident, its first lines in timeline and audit, and the stations of its way that
// are known. The same id a second time is the same alarm and changes nothing.
import type { Alarm, Waterfall } from '#contracts/alarm.ts'
import { latches, step } from './alarm-states.ts'
import { addEvidence } from './evidence.ts'
import { extend, placeAlarm } from './grouping.ts'
import type { Turn } from './turn.ts'

export type Trace = { brokerAt?: string; diskAt?: string; ruleAt?: string }
export type NewAlarm = Omit<Alarm, 'state' | 'incidentId' | 'updates' | 'waterfall'>

const waterfallOf = (turn: Turn, alarm: NewAlarm, trace: Trace): Waterfall => ({
  sensorAt: alarm.evidence[0]?.ts ?? alarm.raisedAt,
  ...(trace.brokerAt !== undefined && { brokerAt: trace.brokerAt }),
  ...(trace.diskAt !== undefined && { diskAt: trace.diskAt }),
  ...(trace.ruleAt !== undefined && { ruleAt: trace.ruleAt }),
  // the alarm and its incident stand in the queue in one transaction
  alarmAt: turn.now,
  incidentAt: turn.now,
})

const measure = (turn: Turn, alarm: NewAlarm, trace: Trace): void =>
  turn.afterCommit(meter => {
    meter.count('fengsui_alarms_raised_total', { kind: alarm.kind })
    if (trace.brokerAt !== undefined)
      meter.observe('fengsui_alarm_latency_seconds', Math.max(0, turn.desk.clock.nowMs() - Date.parse(trace.brokerAt)) / 1000)
  })

/** False when an alarm of this id exists already. `actor` as in timelines: rule:<id>, user:<name>, flow:<rev>. */
export const raiseAlarm = (turn: Turn, given: NewAlarm, atMs: number, trace: Trace): boolean => {
  if (turn.alarm(given.id) !== undefined) return false
  const latching = latches(given.kind, given.latching)
  const memory = step({ state: 'NORM', active: false, acknowledged: false, latching }, 'raise')
  if (memory === null) throw new RangeError('the state table has no way to raise an alarm')
  const bounded = { ...given, latching, evidence: addEvidence([], given.evidence), counterEvidence: addEvidence([], given.counterEvidence) }
  const { incidentId, opened } = placeAlarm(turn, { ...bounded, state: memory.state, updates: 0, waterfall: {} }, atMs)
  const alarm: Alarm = { ...bounded, state: memory.state, updates: 0, incidentId, waterfall: waterfallOf(turn, given, trace) }
  const lastMs = Math.max(atMs, ...given.evidence.map(piece => Date.parse(piece.ts)).filter(Number.isFinite))
  turn.saveAlarm({
    alarm,
    active: memory.active,
    acknowledged: memory.acknowledged,
    evidenceCount: given.evidence.length,
    lastMs,
    queuedMs: turn.nowMs,
    shelvedUntilMs: null,
  })
  extend(turn, incidentId, atMs, lastMs)
  const detail = { kind: alarm.kind, severity: alarm.severity, at: alarm.raisedAt, deviceId: alarm.deviceId }
  turn.tell(incidentId, { actor: alarm.origin, what: opened ? 'opened' : 'alarm', text: alarm.text, alarmId: alarm.id, detail })
  measure(turn, given, trace)
  return true
}
