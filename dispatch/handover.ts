// Makes the hand-over package for 119: at once when two independent triggers confirm a fire, and whenever an officer asks for it. It is made in
// the transaction of the confirmation, so there is no confirmed fire without one; telling it outside is the outbox's.
import type { Handover } from '#contracts/handover.ts'
import type { Incident } from '#contracts/incident.ts'
import type { IncidentRecord } from './incident-rows.ts'
import { resourcesNow } from './resources-now.ts'
import { planeFrom } from './travel/travel.ts'
import type { Turn } from './turn.ts'

const ALARMS_MAX = 20
const NOTES_MAX = 20
const STATIONS_MAX = 3
const HYDRANTS_MAX = 8

type Hydrant = { id?: unknown; pressureKpa?: unknown }

const waterNear = (turn: Turn, incident: Incident): Handover['water'] => {
  const { position } = incident
  if (position === undefined) return []
  const metresTo = planeFrom(position)
  return resourcesNow(turn.desk, turn.nowMs)
    .flatMap(r => {
      const hydrants = r.deviceId === undefined ? undefined : turn.desk.device(r.deviceId)?.state?.['hydrants']
      return r.position === undefined || !Array.isArray(hydrants) ? [] : [{ r, distanceM: Math.round(metresTo(r.position)), hydrants }]
    })
    .toSorted((a, b) => a.distanceM - b.distanceM)
    .slice(0, STATIONS_MAX)
    .map(({ r, distanceM, hydrants }) => ({
      station: r.name,
      distanceM,
      hydrants: (hydrants as Hydrant[])
        .slice(0, HYDRANTS_MAX)
        .flatMap(({ id, pressureKpa }) =>
          typeof id === 'string' ? [{ id, ...(typeof pressureKpa === 'number' && { pressureKpa }) }] : [],
        ),
    }))
}

const packageOf = (turn: Turn, incident: Incident, o: { by: string; why: Handover['why'] }): Handover => {
  const { desk } = turn
  const lines = desk.alarms.linesOf(incident.id)
  const alarms = lines.slice(0, ALARMS_MAX).flatMap(line => {
    const alarm = turn.alarm(line.id)?.alarm
    if (alarm === undefined) return []
    const { raisedAt: at, kind, severity, deviceId, place, text } = alarm
    return [{ at, kind, severity, active: line.active, text, ...(deviceId !== undefined && { deviceId }), ...(place && { place }) }]
  })
  const kindOf = (id: string) => desk.resources.get(id)?.profile.kind ?? 'micro-station'
  const sent = desk.orders.ofIncident(incident.id).map(order => ({
    name: order.resourceName,
    kind: kindOf(order.resourceId),
    state: order.state,
    at: order.steps.at(-1)?.at ?? order.offeredAt,
    ...(order.eta !== undefined && { eta: order.eta }),
  }))
  const notes = desk.incidents
    .timeline(incident.id, 500)
    .flatMap(({ what, at, actor: by, note }) => (what === 'note' && note !== undefined ? [{ at, by, note }] : []))
    .slice(-NOTES_MAX)
  return {
    version: 1,
    id: `${incident.id}-119-${desk.handovers.countOf(incident.id) + 1}`,
    incidentId: incident.id,
    at: turn.now,
    ...o,
    ...(incident.drill === true && { drill: true }),
    title: incident.title,
    kind: incident.kind,
    severity: incident.severity,
    ...(incident.place && { place: incident.place }),
    ...(incident.position && { position: incident.position }),
    firstAlarmAt: incident.openedAt,
    ...(incident.confirmedAt !== undefined && { confirmedAt: incident.confirmedAt }),
    alarms,
    alarmsInAll: lines.length,
    sent,
    water: waterNear(turn, incident),
    notes,
  }
}

/** The record with the time of its hand-over; the package is kept and told. */
export const handOver = (turn: Turn, record: IncidentRecord, o: { by: string; why: Handover['why'] }): IncidentRecord => {
  const made = packageOf(turn, record.incident, o)
  turn.desk.handovers.add(made)
  turn.tell(record.incident.id, { actor: o.by, what: 'handover', note: made.id, detail: { why: o.why } })
  return { ...record, incident: { ...record.incident, handoverAt: turn.now } }
}
