// What a person does to an incident: acknowledge, note, escalate, merge, close. The first acknowledgement wins; the second officer
// is told who was first and when.
import { FengsuiError } from '#contracts/errors.ts'
import { ESCALATION_LEVELS, type EscalationLevel, type IncidentState } from '#contracts/incident.ts'
import { moveAlarm } from './alarm-moves.ts'
import { isUnacknowledged } from './alarm-states.ts'
import { actorOf, NOTE_CHARACTERS_MAX, optional, REASON_CHARACTERS_MAX, required } from './checks.ts'
import { handOver } from './handover.ts'
import type { IncidentRecord } from './incident-rows.ts'
import { followOrders } from './incident-progress.ts'
import { allowedIncidentEvents, incidentStep, type IncidentEvent } from './incident-states.ts'
import { absorb } from './merging.ts'
import { endOrders } from './offers.ts'
import type { Turn } from './turn.ts'
import { openedAgain } from './settle.ts'
import { escalatedWords, REOPENED_BY_HAND } from './words.ts'

export const existing = (turn: Turn, id: string): IncidentRecord => {
  const record = turn.incident(id)
  if (record === undefined) throw new FengsuiError('not-found', `there is no incident ${id}`)
  return record
}

const whoAndWhen = ({ incident: i }: IncidentRecord): string => {
  if (i.state === 'merged') return ` into ${i.mergedInto ?? 'another incident'}`
  if (i.state === 'closed') return ` by ${i.closedBy ?? 'system'} at ${i.closedAt ?? 'an unknown time'}`
  return i.acknowledgedBy === undefined ? '' : ` by ${i.acknowledgedBy} at ${i.acknowledgedAt ?? 'an unknown time'}`
}

const BY_PEOPLE: ReadonlySet<IncidentEvent> = new Set([
  'acknowledge',
  'escalate',
  'note',
  'dispatch',
  'control',
  'merge',
  'close',
  're-open',
])

export const stepOf = (record: IncidentRecord, event: IncidentEvent): IncidentState => {
  const state = incidentStep(record.incident.state, event)
  if (state === null) {
    const { id, state: was } = record.incident
    const allowed = allowedIncidentEvents(was).filter(one => BY_PEOPLE.has(one))
    throw new FengsuiError(
      'conflict',
      `incident ${id} is ${was}${whoAndWhen(record)}: ${event} is not possible; allowed now: ${allowed.join(', ') || 'nothing'}`,
    )
  }
  return state
}

export const acknowledgeAlarmsOf = (turn: Turn, incidentId: string, by: string): number => {
  let count = 0
  for (const line of turn.desk.alarms.linesOf(incidentId)) {
    const record = isUnacknowledged(line.state) ? turn.alarm(line.id) : undefined
    if (record !== undefined && moveAlarm(turn, record, 'acknowledge', { by }) !== null) count += 1
  }
  return count
}

/** On an incident that somebody has, this answers the alarms that joined since; who took the incident first stays as it was. */
export const acknowledgeIncident = (turn: Turn, id: string, o: { by: string; note?: string }): void => {
  const { by, actor } = actorOf(o.by)
  const note = optional('note', o.note, NOTE_CHARACTERS_MAX)
  const record = existing(turn, id)
  const state = stepOf(record, 'acknowledge')
  const alarms = acknowledgeAlarmsOf(turn, id, by)
  if (record.incident.state !== 'new' && alarms === 0)
    throw new FengsuiError('conflict', `incident ${id} is already acknowledged${whoAndWhen(record)}`)
  const first = record.incident.acknowledgedAt === undefined ? { acknowledgedAt: turn.now, acknowledgedBy: by } : {}
  turn.saveIncident({ ...record, incident: { ...record.incident, state, ...first } })
  turn.touch(id)
  turn.tell(id, { actor, what: 'acknowledged', ...(note !== undefined && { note }), detail: { alarms } })
}

export const noteIncident = (turn: Turn, id: string, o: { by: string; note: string }): void => {
  const { actor } = actorOf(o.by)
  const note = required('note', o.note, NOTE_CHARACTERS_MAX)
  const record = existing(turn, id)
  stepOf(record, 'note')
  turn.tell(id, { actor, what: 'note', note })
  turn.saveIncident(record)
}

/** `seen`: the step that whoever sends it up saw it at; two who press at once send it up once. */
export const escalateIncident = (turn: Turn, id: string, o: { by: string; note?: string; seen?: EscalationLevel }): void => {
  const { actor } = actorOf(o.by)
  const note = optional('note', o.note, NOTE_CHARACTERS_MAX)
  const record = existing(turn, id)
  stepOf(record, 'escalate')
  const from = ESCALATION_LEVELS[record.escalation]
  const to = ESCALATION_LEVELS[record.escalation + 1]
  if (o.seen !== undefined && o.seen !== from)
    throw new FengsuiError('conflict', `incident ${id} is with the ${from ?? 'city'} already, and not with the ${o.seen} any more`)
  if (from === undefined || to === undefined)
    throw new FengsuiError('conflict', `incident ${id} is with the city already: there is nobody above`)
  turn.tell(id, { actor, what: 'escalated', text: escalatedWords(from, to), ...(note !== undefined && { note }), detail: { from, to } })
  turn.saveIncident({ ...record, escalation: record.escalation + 1, incident: { ...record.incident, escalation: to } })
}

/** What was merged itself stands for the incident at the end of its way. */
const remaining = (turn: Turn, { incident }: IncidentRecord): string => {
  let at: string = incident.mergedInto ?? incident.id
  for (let next = turn.incident(at)?.incident.mergedInto; next !== undefined && next !== at; next = turn.incident(at)?.incident.mergedInto)
    at = next
  return at
}

const mustTakeAlarms = (turn: Turn, into: IncidentRecord, from: string): void => {
  const { id, state } = into.incident
  if (incidentStep(state, 'alarm') !== null) return
  const end = remaining(turn, into)
  const has = end === from ? `${end} has its alarms already` : `merge into ${end}, which has its alarms`
  const instead = state === 'merged' ? has : 're-open it first'
  throw new FengsuiError('conflict', `incident ${id} is ${state}${whoAndWhen(into)}: nothing can be merged into it; ${instead}`)
}

export const mergeIncident = (turn: Turn, id: string, o: { by: string; into: string; reason: string }): void => {
  const { actor } = actorOf(o.by)
  const reason = required('reason', o.reason, REASON_CHARACTERS_MAX)
  if (o.into === id) throw new FengsuiError('invalid-request', `into is ${id}: an incident cannot be merged into itself`)
  const from = existing(turn, id)
  const into = existing(turn, o.into)
  stepOf(from, 'merge')
  mustTakeAlarms(turn, into, id)
  if (from.incident.category !== into.incident.category)
    throw new FengsuiError(
      'invalid-request',
      `${id} is ${from.incident.category}, ${o.into} is ${into.incident.category}: a fire is kept apart from technical faults`,
    )
  if (from.incident.drill !== into.incident.drill)
    throw new FengsuiError(
      'invalid-request',
      `${from.incident.drill === true ? id : o.into} is a drill: it is kept apart from what is real`,
    )
  absorb(turn, { from: id, into: o.into, actor, reason })
  followOrders(turn, o.into, actor)
}

/** Under control, said by an officer; a crew says it by completing its order. */
export const controlIncident = (turn: Turn, id: string, o: { by: string; note?: string }): void => {
  const { by, actor } = actorOf(o.by)
  const note = optional('note', o.note, NOTE_CHARACTERS_MAX)
  const record = existing(turn, id)
  const state = stepOf(record, 'control')
  turn.saveIncident({ ...record, incident: { ...record.incident, state, controlledAt: turn.now, controlledBy: by } })
  turn.tell(id, { actor, what: 'controlled', ...(note !== undefined && { note }) })
}

/** A closed incident again in the queue, for who closed it too soon. */
export const reopenIncident = (turn: Turn, id: string, o: { by: string; reason: string }): void => {
  const { actor } = actorOf(o.by)
  const reason = required('reason', o.reason, REASON_CHARACTERS_MAX)
  const record = existing(turn, id)
  stepOf(record, 're-open')
  turn.saveIncident({ ...record, incident: openedAgain(record.incident) })
  turn.desk.alarms.setLive(id, true)
  turn.touch(id)
  turn.tell(id, { actor, what: 're-opened', text: REOPENED_BY_HAND, note: reason })
}

/** A rule, or the system that watches itself, says when it is over; nobody else says it in their place. */
const isWatched = (origin: string): boolean => origin.startsWith('rule:') || origin.startsWith('system:')

/** Alarms that nothing watches end with their incident; one whose detector still stands in alarm stays active, and that is told. */
const endAlarms = (turn: Turn, id: string, by: string): number => {
  let standing = 0
  for (const line of turn.desk.alarms.linesOf(id)) {
    if (!line.active) continue
    const record = turn.alarm(line.id)
    if (record === undefined || isWatched(record.alarm.origin)) standing += 1
    else moveAlarm(turn, record, 'clear', { by })
  }
  return standing
}

export const closeIncident = (
  turn: Turn,
  id: string,
  o: { by: string; cause: string; falseAlarm: boolean; feedback?: string; note?: string },
): void => {
  const { by, actor } = actorOf(o.by)
  const cause = required('cause', o.cause, REASON_CHARACTERS_MAX)
  const note = optional('note', o.note, NOTE_CHARACTERS_MAX)
  if (typeof o.falseAlarm !== 'boolean') throw new FengsuiError('invalid-request', 'falseAlarm is missing: true or false')
  const record = existing(turn, id)
  const feedback = optional('feedback', o.feedback, NOTE_CHARACTERS_MAX)
  const state = stepOf(record, 'close')
  endOrders(turn, id, actor, 'the incident was closed')
  acknowledgeAlarmsOf(turn, id, by)
  const standing = endAlarms(turn, id, by)
  const first = record.incident.acknowledgedAt === undefined ? { acknowledgedAt: turn.now, acknowledgedBy: by } : {}
  const incident = {
    ...existing(turn, id).incident,
    state,
    ...first,
    closedAt: turn.now,
    closedBy: by,
    cause,
    ...(feedback !== undefined && { feedback }),
    falseAlarm: o.falseAlarm,
  }
  turn.saveIncident({ ...record, incident })
  turn.desk.alarms.setLive(id, false)
  turn.touch(id)
  const words = [cause, feedback, note, standing > 0 ? `${standing} alarm(s) still active at the device` : undefined]
    .filter(Boolean)
    .join('; ')
  turn.tell(id, { actor, what: 'closed', note: words, detail: { cause, feedback, falseAlarm: o.falseAlarm, standing } })
}

/** An officer's one act; a confirmed fire has one already, this gives the brigade the newest. */
export const handoverIncident = (turn: Turn, id: string, o: { by: string }): void => {
  const { actor } = actorOf(o.by)
  turn.saveIncident(handOver(turn, existing(turn, id), { by: actor, why: 'by-hand' }))
}
