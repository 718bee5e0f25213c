// Deadlines: an incident that stays too long in a state goes one step up the chain, by itself, until the city has it. The due time is written
// with the change that started it, in its transaction; so it survives any crash, and what came due meanwhile is done at the first tick.
import { ESCALATION_LEVELS, type Incident } from '#contracts/incident.ts'
import type { PostureMode } from '#contracts/posture.ts'
import type { Deadline } from './deadline-rows.ts'
import type { IncidentRecord } from './incident-rows.ts'
import { isOpen } from './incident-states.ts'
import { allowedS } from './plan.ts'
import type { Desk, Turn } from './turn.ts'
import { escalatedWords, missedWords } from './words.ts'

/** How many come due in one transaction; the rest at the next tick. */
const AT_ONCE = 200
const WHAT = 'state'

const allowedFor = (desk: Desk, incident: Incident, mode: PostureMode): number | null => allowedS(desk.plan, { ...incident, mode })

/** Where an incident of this level begins; a rise never takes it down the chain. */
export const startingStep = (desk: Desk, severity: Incident['severity'], mode: PostureMode): number =>
  ESCALATION_LEVELS.indexOf(desk.plan.startsAt[mode][severity - 1] ?? 'grid')

const sinceOf = (incident: Incident): number => Date.parse(incident.stateSince ?? incident.queuedAt)

/**
 * From when its time counts, as it stood under `mode`: from when the state began, or from its last step up the chain, which gave the next in
 * the chain their full time.
 */
const countedFrom = (desk: Desk, incident: Incident, mode: PostureMode): number => {
  const allowed = allowedFor(desk, incident, mode)
  const { dueAt, missedAt } = incident
  const steppedMs = dueAt !== undefined && allowed !== null ? Date.parse(dueAt) - allowed * 1000 : Date.parse(missedAt ?? '')
  return Number.isFinite(steppedMs) ? Math.max(sinceOf(incident), steppedMs) : sinceOf(incident)
}

/** Since when it is in this state, and the step it begins with: a graver level may begin higher, none takes it down the chain. */
const placed = (desk: Desk, before: IncidentRecord | undefined, after: IncidentRecord, nowMs: number): IncidentRecord => {
  const { incident } = after
  const graver = before === undefined || incident.severity < before.incident.severity
  const first = graver && incident.category === 'fire' ? startingStep(desk, incident.severity, desk.posture().mode) : 0
  const step = Math.max(after.escalation, first)
  const stateSince = before?.incident.state === incident.state ? new Date(sinceOf(incident)).toISOString() : new Date(nowMs).toISOString()
  return { escalation: step, incident: { ...incident, stateSince, ...(step > 0 && { escalation: ESCALATION_LEVELS[step] ?? 'city' }) } }
}

/**
 * The record with its due time, as it is to be written; the row beside it is written here. The time begins with the state, and anew with a step
 * up the chain; a graver level does not begin it anew, but nothing is due before now.
 */
export const withDeadline = (desk: Desk, before: IncidentRecord | undefined, after: IncidentRecord, nowMs: number): IncidentRecord => {
  const next = placed(desk, before, after, nowMs)
  if (!isOpen(next.incident.state)) return timed(desk, next, null, nowMs, nowMs)
  const moved = before?.incident.state !== next.incident.state
  const climbed = before !== undefined && before.escalation !== next.escalation
  if (!moved && !climbed && before.incident.severity === next.incident.severity) return next
  const { mode } = desk.posture()
  return timed(
    desk,
    next,
    allowedFor(desk, next.incident, mode),
    moved || climbed ? nowMs : countedFrom(desk, before.incident, mode),
    nowMs,
  )
}

const timed = (desk: Desk, record: IncidentRecord, allowed: number | null, fromMs: number, nowMs: number): IncidentRecord => {
  const { dueAt: _due, ...incident } = record.incident
  if (allowed === null) {
    desk.deadlines.drop('incident', incident.id, WHAT)
    return { ...record, incident }
  }
  const dueMs = Math.max(nowMs, fromMs + allowed * 1000)
  desk.deadlines.put({ subject: 'incident', subjectId: incident.id, what: WHAT, dueMs })
  return { ...record, incident: { ...incident, dueAt: new Date(dueMs).toISOString() } }
}

/** One step up; at the city there is nobody above: the auditor keeps saying so. */
const missed = (turn: Turn, { subjectId, dueMs }: Deadline): void => {
  const record = turn.incident(subjectId)
  if (record === undefined || !isOpen(record.incident.state)) return turn.desk.deadlines.dropAll('incident', subjectId)
  const { state } = record.incident
  const detail = { state, due: new Date(dueMs).toISOString(), lateMs: turn.nowMs - dueMs }
  turn.tell(subjectId, { actor: 'system', what: 'deadline-missed', text: missedWords(state), detail })
  turn.afterCommit(meter => meter.count('fengsui_deadlines_missed_total', { state }))
  turn.desk.deadlines.drop('incident', subjectId, WHAT)
  const from = ESCALATION_LEVELS[record.escalation]
  const to = ESCALATION_LEVELS[record.escalation + 1]
  const { dueAt: _due, ...incident } = record.incident
  const missedAt = { ...incident, missedAt: turn.now }
  if (from === undefined || to === undefined) return turn.saveIncident({ ...record, incident: missedAt })
  turn.tell(subjectId, { actor: 'system', what: 'escalated', text: escalatedWords(from, to), detail: { from, to, state } })
  turn.saveIncident({ ...record, escalation: record.escalation + 1, incident: { ...missedAt, escalation: to } })
}

/** The 1-3-5 clock only tells: a crew that is late is not called back. */
const clockMissed = (turn: Turn, { subjectId, what }: Deadline): void => {
  turn.desk.deadlines.drop('order', subjectId, what)
  const order = turn.order(subjectId)
  const incident = order === undefined ? undefined : turn.incident(order.incidentId)?.incident
  if (order === undefined || incident === undefined) return
  // joint action is owed in a confirmed fire, and there when a second crew is
  const there = turn.desk.orders.ofIncident(order.incidentId).filter(one => one.state === 'on-scene' || one.state === 'complete')
  if (what === 'joint' && (incident.confirmedAt === undefined || there.length > 1)) return
  turn.saveOrder({ ...order, late: [...(order.late ?? []), what as 'turn-out' | 'on-scene' | 'joint'] })
  turn.tell(order.incidentId, { actor: 'system', what: `late-${what}`, orderId: order.id, detail: { resourceId: order.resourceId } })
}

export const doWhatIsDue = (turn: Turn, nowMs: number): void => {
  for (const deadline of turn.desk.deadlines.due(nowMs, AT_ONCE)) {
    if (deadline.subject === 'incident') missed(turn, deadline)
    else clockMissed(turn, deadline)
  }
}

/** After a change of posture from `was`: every open incident gets the time that holds now, from when its time began. */
export const retimeAll = (turn: Turn, openIds: readonly string[], was: PostureMode): void => {
  const { desk, nowMs } = turn
  const { mode } = desk.posture()
  for (const id of openIds) {
    const record = turn.incident(id)
    if (record === undefined || !isOpen(record.incident.state)) continue
    turn.saveIncident(timed(desk, record, allowedFor(desk, record.incident, mode), countedFrom(desk, record.incident, was), nowMs))
  }
}
