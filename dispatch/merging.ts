// One incident goes into another: its alarms move, its timeline stays readable from the other, and it ends as 'merged'.
import type { Incident } from '#contracts/incident.ts'
import { isOpen } from './incident-states.ts'
import type { Turn } from './turn.ts'

type Stands = 'confirmedAt' | 'helpAskedAt'

/** What stands of either stands of both: a confirmation, from its first time on, and a call for help that nobody has answered. */
const takenAlong = (from: Incident, into: Incident): Partial<Pick<Incident, Stands>> => {
  const first = (field: Stands): Partial<Pick<Incident, Stands>> => {
    const [earliest] = [from[field], into[field]].filter(at => at !== undefined).toSorted()
    return earliest === undefined ? {} : { [field]: earliest }
  }
  return { ...first('confirmedAt'), ...first('helpAskedAt') }
}

/** Both must exist and be open; who calls has checked. */
export const absorb = (turn: Turn, o: { from: string; into: string; actor: string; reason: string }): void => {
  const from = turn.incident(o.from)
  const into = turn.incident(o.into)
  if (from === undefined || into === undefined || !isOpen(from.incident.state) || !isOpen(into.incident.state))
    throw new RangeError(`merging ${o.from} into ${o.into}: both must be open incidents`)
  const ids = turn.desk.alarms.idsOf(o.from)
  for (const id of ids) {
    const record = turn.alarm(id)
    if (record !== undefined) turn.saveAlarm({ ...record, alarm: { ...record.alarm, incidentId: o.into } })
  }
  turn.desk.alarms.forgetLines(o.from)
  // crews under way go on, to the incident that remains
  const orders = turn.desk.orders.ofIncident(o.from)
  for (const order of orders) turn.saveOrder({ ...order, incidentId: o.into })
  turn.saveIncident({
    ...from,
    incident: {
      ...from.incident,
      state: 'merged',
      mergedInto: o.into,
      alarmIds: [],
      deviceIds: [],
      activeAlarms: 0,
      unacknowledgedAlarms: 0,
    },
  })
  const took = takenAlong(from.incident, into.incident)
  const openedAt = from.incident.openedAt < into.incident.openedAt ? from.incident.openedAt : into.incident.openedAt
  const lastAt = from.incident.lastAt > into.incident.lastAt ? from.incident.lastAt : into.incident.lastAt
  const escalation = Math.max(from.escalation, into.escalation)
  const step = escalation > into.escalation ? from.incident.escalation : into.incident.escalation
  turn.saveIncident({
    escalation,
    incident: { ...into.incident, ...took, openedAt, lastAt, ...(step !== undefined && { escalation: step }) },
  })
  const detail = { alarms: ids.length }
  turn.tell(o.from, { actor: o.actor, what: 'merged', note: `${o.into}: ${o.reason}`, detail: { ...detail, into: o.into } })
  turn.tell(o.into, { actor: o.actor, what: 'absorbed', note: `${o.from}: ${o.reason}`, detail: { ...detail, from: o.from } })
}
