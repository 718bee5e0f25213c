// What a person does to one alarm: acknowledge, shelve, suppress, put out of service, and back. Each needs a name, all but the
// acknowledgement a reason; each is told in the incident's timeline and in the audit trail.
import { FengsuiError } from '#contracts/errors.ts'
import { moveAlarm } from './alarm-moves.ts'
import type { AlarmRecord } from './alarm-rows.ts'
import { allowedAlarmEvents, isUnacknowledged, type AlarmEvent } from './alarm-states.ts'
import { actorOf, NOTE_CHARACTERS_MAX, optional, REASON_CHARACTERS_MAX, required, timeMs } from './checks.ts'
import { incidentStep, isOpen } from './incident-states.ts'
import type { Turn } from './turn.ts'

/** No alarm is silent for longer than one shift. */
export const SHELVE_MS_MAX = 8 * 3_600_000

export const existingAlarm = (turn: Turn, id: string): AlarmRecord => {
  const record = turn.alarm(id)
  if (record === undefined) throw new FengsuiError('not-found', `there is no alarm ${id}`)
  return record
}

/** What people may do, by the names that the API gives it. */
const BY_PEOPLE: Partial<Record<AlarmEvent, string>> = {
  acknowledge: 'acknowledge',
  shelve: 'shelve',
  unshelve: 'unshelve',
  suppress: 'suppress',
  'out-of-service': 'out-of-service',
  return: 'return-to-service',
}

/** A level I alarm, or any alarm of an open level I incident, is answered, not set aside. */
const isGrave = (turn: Turn, { alarm }: AlarmRecord): boolean => {
  const incident = turn.incident(alarm.incidentId)?.incident
  return alarm.severity === 1 || (incident !== undefined && isOpen(incident.state) && incident.severity === 1)
}

const SETS_ASIDE: ReadonlySet<AlarmEvent> = new Set(['shelve', 'suppress'])

const allowedNow = (turn: Turn, record: AlarmRecord): string => {
  const grave = isGrave(turn, record)
  const events = allowedAlarmEvents(record.alarm.state).filter(event => !(grave && SETS_ASIDE.has(event)))
  return events.flatMap(event => BY_PEOPLE[event] ?? []).join(', ') || 'nothing'
}

const refused = (turn: Turn, record: AlarmRecord, event: AlarmEvent): FengsuiError => {
  const { id, state, acknowledgedBy, acknowledgedAt } = record.alarm
  const known = acknowledgedBy === undefined ? '' : `, acknowledged by ${acknowledgedBy} at ${acknowledgedAt ?? 'an unknown time'}`
  const asked = BY_PEOPLE[event] ?? event
  return new FengsuiError('conflict', `alarm ${id} is ${state}${known}: ${asked} is not possible; allowed now: ${allowedNow(turn, record)}`)
}

/** A new incident in which nothing is left to acknowledge belongs to the person whose act it was. */
export const takeOver = (turn: Turn, incidentId: string, by: string): void => {
  const record = turn.incident(incidentId)
  if (record === undefined || record.incident.state !== 'new') return
  if (turn.desk.alarms.linesOf(incidentId).some(line => isUnacknowledged(line.state))) return
  const state = incidentStep('new', 'acknowledge') ?? 'acknowledged'
  turn.saveIncident({ ...record, incident: { ...record.incident, state, acknowledgedAt: turn.now, acknowledgedBy: by } })
  turn.tell(incidentId, { actor: actorOf(by).actor, what: 'acknowledged' })
}

type Act = { by: string; event: AlarmEvent; what: string; note?: string | undefined; shelvedUntilMs?: number }

const act = (turn: Turn, record: AlarmRecord, o: Act): void => {
  const { by, actor } = actorOf(o.by)
  const until = o.shelvedUntilMs === undefined ? {} : { shelvedUntilMs: o.shelvedUntilMs }
  if (moveAlarm(turn, record, o.event, { by, ...until }) === null) throw refused(turn, record, o.event)
  const { id: alarmId, incidentId } = record.alarm
  turn.tell(incidentId, { actor, what: o.what, alarmId, ...(o.note !== undefined && { note: o.note }) })
  takeOver(turn, incidentId, by)
}

export const acknowledgeAlarm = (turn: Turn, id: string, o: { by: string; note?: string }): void => {
  const note = optional('note', o.note, NOTE_CHARACTERS_MAX)
  act(turn, existingAlarm(turn, id), { by: o.by, event: 'acknowledge', what: 'alarm-acknowledged', note })
}

const notLevelOne = (turn: Turn, record: AlarmRecord, event: AlarmEvent): void => {
  if (!isGrave(turn, record)) return
  const { id } = record.alarm
  throw new FengsuiError(
    'conflict',
    `alarm ${id} is of level I or of a level I incident: ${event} is not possible; allowed now: ${allowedNow(turn, record)}`,
  )
}

export const shelveAlarm = (turn: Turn, id: string, o: { by: string; reason: string; until: string }): void => {
  const reason = required('reason', o.reason, REASON_CHARACTERS_MAX)
  const untilMs = timeMs('until', o.until)
  if (untilMs <= turn.nowMs || untilMs > turn.nowMs + SHELVE_MS_MAX)
    throw new FengsuiError('invalid-request', `until is ${o.until}: it must lie in the next 8 hours (now is ${turn.now})`)
  const record = existingAlarm(turn, id)
  notLevelOne(turn, record, 'shelve')
  const note = `${reason} (until ${new Date(untilMs).toISOString()})`
  act(turn, record, { by: o.by, event: 'shelve', what: 'shelved', note, shelvedUntilMs: untilMs })
}

export const unshelveAlarm = (turn: Turn, id: string, o: { by: string }): void =>
  act(turn, existingAlarm(turn, id), { by: o.by, event: 'unshelve', what: 'unshelved' })

export const suppressAlarm = (turn: Turn, id: string, o: { by: string; reason: string }): void => {
  const note = required('reason', o.reason, REASON_CHARACTERS_MAX)
  const record = existingAlarm(turn, id)
  notLevelOne(turn, record, 'suppress')
  act(turn, record, { by: o.by, event: 'suppress', what: 'suppressed', note })
}

/** Allowed at every level: a broken detector that cannot be reset must be removable. It is on record who did it and why. */
export const outOfServiceAlarm = (turn: Turn, id: string, o: { by: string; reason: string }): void => {
  const note = required('reason', o.reason, REASON_CHARACTERS_MAX)
  act(turn, existingAlarm(turn, id), { by: o.by, event: 'out-of-service', what: 'out-of-service', note })
}

/** Back from suppression or from out of service. */
export const returnToServiceAlarm = (turn: Turn, id: string, o: { by: string }): void =>
  act(turn, existingAlarm(turn, id), { by: o.by, event: 'return', what: 'returned' })
