// The end of every turn: each incident that was touched is summarised anew from its alarms, and what follows from that is done
// and told: confirmation, a graver level, set-aside alarms coming back, re-opening, a technical incident ending by itself.
import type { FirstHandling, Incident } from '#contracts/incident.ts'
import { moveAlarm } from './alarm-moves.ts'
import { handOver } from './handover.ts'
import type { IncidentRecord } from './incident-rows.ts'
import { isOpen } from './incident-states.ts'
import { endOrders } from './offers.ts'
import { summarise, type Summary } from './summary.ts'
import type { Turn } from './turn.ts'
import { confirmedWords, severityWords, titleOf } from './words.ts'

const time = (ms: number): string => new Date(ms).toISOString()

const described = (turn: Turn, before: Incident, s: Summary): Incident => {
  const place = s.placedBy === undefined ? before.place : turn.alarm(s.placedBy)?.alarm.place
  const position = s.positionedBy === undefined ? before.position : turn.alarm(s.positionedBy)?.alarm.position
  const confirmedAt = s.confirmation === null ? before.confirmedAt : time(s.confirmation.atMs)
  const { signs: _signs, ...rest } = before
  return {
    ...rest,
    kind: s.kind,
    // a confirmation stands, even if one of its devices is put out of service later
    severity: confirmedAt === undefined ? s.severity : 1,
    title: titleOf(s.kind, place, s.firstDevice ?? before.id),
    ...(place && { place }),
    ...(position && { position }),
    ...(confirmedAt !== undefined && { confirmedAt }),
    ...(s.signs > 0 && { signs: s.signs }),
    openedAt: time(s.openedMs),
    lastAt: time(s.lastMs),
    alarmIds: s.alarmIds,
    deviceIds: s.deviceIds,
    activeAlarms: s.activeAlarms,
    unacknowledgedAlarms: s.unacknowledgedAlarms,
  }
}

/** Level I is never shelved: what was set aside while it was less grave comes back. Out of service stays: that device is not believed. */
const bringBack = (turn: Turn, incidentId: string, setAside: readonly string[]): void => {
  for (const alarmId of setAside) {
    const record = turn.alarm(alarmId)
    if (record === undefined) continue
    moveAlarm(turn, record, 'rise', { by: 'system' })
    turn.tell(incidentId, { actor: 'system', what: 'unshelved', alarmId, note: 'the incident is of level I' })
  }
}

const tellWhatRose = (turn: Turn, before: Incident, after: Incident, s: Summary): void => {
  if (before.confirmedAt === undefined && s.confirmation !== null) {
    const { first, second, atMs } = s.confirmation
    turn.tell(after.id, {
      actor: 'system',
      what: 'confirmed',
      text: confirmedWords(first, second),
      detail: { first, second, at: time(atMs) },
    })
  } else if (after.severity < before.severity)
    turn.tell(after.id, { actor: 'system', what: 'severity', text: severityWords(before.severity, after.severity) })
}

/** What the earlier handling left is in the timeline; the new one begins without it. How soon the first answer came is kept. */
const HANDLING = [
  'closedAt',
  'closedBy',
  'cause',
  'feedback',
  'falseAlarm',
  'acknowledgedAt',
  'acknowledgedBy',
  'dispatchedAt',
  'acceptedAt',
  'enRouteAt',
  'onSceneAt',
  'controlledAt',
  'controlledBy',
  'missedAt',
  'helpAskedAt',
] as const satisfies (keyof Incident)[]

const crewTimes = ({ dispatchedAt, acceptedAt, enRouteAt, onSceneAt, controlledAt }: FirstHandling): FirstHandling =>
  onSceneAt === undefined
    ? {}
    : {
        onSceneAt,
        ...(dispatchedAt !== undefined && { dispatchedAt }),
        ...(acceptedAt !== undefined && { acceptedAt }),
        ...(enRouteAt !== undefined && { enRouteAt }),
        ...(controlledAt !== undefined && { controlledAt }),
      }

/** Who answered in ten seconds has not been late because it was opened again an hour after. */
const firstHandlingOf = (incident: Incident): FirstHandling => {
  const before = incident.firstHandling ?? {}
  const acknowledgedAt = before.acknowledgedAt ?? incident.acknowledgedAt
  return {
    ...(acknowledgedAt !== undefined && { acknowledgedAt }),
    ...crewTimes(before.onSceneAt === undefined ? incident : before),
  }
}

export const openedAgain = (incident: Incident): Incident => {
  const open: Incident = { ...incident, state: 'new', firstHandling: firstHandlingOf(incident) }
  for (const field of HANDLING) delete open[field]
  return open
}

const reopened = (turn: Turn, incident: Incident): Incident => {
  turn.desk.alarms.setLive(incident.id, true)
  turn.tell(incident.id, { actor: 'system', what: 're-opened' })
  return openedAgain(incident)
}

/** Nobody is under way to what is over. */
const ended = (turn: Turn, record: IncidentRecord): Incident => {
  const cause = 'all alarms returned to normal'
  turn.saveIncident(record)
  endOrders(turn, record.incident.id, 'system', cause)
  const incident = turn.incident(record.incident.id)?.incident ?? record.incident
  turn.desk.alarms.setLive(incident.id, false)
  turn.tell(incident.id, { actor: 'system', what: 'closed', note: cause })
  return { ...incident, state: 'closed', closedAt: turn.now, closedBy: 'system', cause, falseAlarm: false }
}

/** With the last of its alarms, and not because a person opened it again while all of them were over. */
const endsByItself = (turn: Turn, { id, state, category }: Incident, { allReturned }: Summary): boolean =>
  isOpen(state) && category === 'technical' && allReturned && turn.hasMovedAlarms(id)

/** In this turn, whatever confirmed it: its second trigger, or another that went into it. */
const isNewlyConfirmed = (turn: Turn, { id, state, confirmedAt }: Incident): boolean =>
  confirmedAt !== undefined && isOpen(state) && turn.desk.incidents.get(id)?.incident.confirmedAt === undefined

const settleOne = (turn: Turn, id: string): void => {
  const record = turn.incident(id)
  if (record === undefined || record.incident.state === 'merged') return
  const before = record.incident
  let s = summarise(turn.desk.alarms.linesOf(id))
  if (s.severity === 1 && isOpen(before.state) && s.setAside.length > 0) {
    bringBack(turn, id, s.setAside)
    s = summarise(turn.desk.alarms.linesOf(id))
  }
  let after = described(turn, before, s)
  tellWhatRose(turn, before, after, s)
  if (after.state === 'closed' && after.unacknowledgedAlarms > 0) after = reopened(turn, after)
  else if (endsByItself(turn, after, s)) after = ended(turn, { ...record, incident: after })
  const next = { ...record, incident: after }
  turn.saveIncident(isNewlyConfirmed(turn, after) ? handOver(turn, next, { by: 'system', why: 'confirmed' }) : next)
}

export const settle = (turn: Turn): void => {
  for (const id of turn.touched()) settleOne(turn, id)
}
