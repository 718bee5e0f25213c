// The whole way of an alarm, put together when it is asked for: what stands with the alarm, who was told of its incident, and how far the
// incident has come. Nothing of the later stages is written into the alarm, so that an order does not rewrite ten thousand of them.
import type { Alarm, Waterfall } from '#contracts/alarm.ts'
import type { Incident } from '#contracts/incident.ts'
import { stagesOf, totalMsOf } from '#contracts/waterfall.ts'
import type { Desk } from './turn.ts'

const later = (desk: Desk, incident: Incident): Waterfall => {
  const { notifiedMs, heardMs } = desk.tellings.told(incident.id)
  const { dispatchedAt, acceptedAt, enRouteAt, onSceneAt } = incident
  return {
    ...(notifiedMs !== null && { notifiedAt: new Date(notifiedMs).toISOString() }),
    ...(heardMs !== null && { heardAt: new Date(heardMs).toISOString() }),
    ...(dispatchedAt !== undefined && { dispatchedAt }),
    ...(acceptedAt !== undefined && { acceptedAt }),
    ...(enRouteAt !== undefined && { enRouteAt }),
    ...(onSceneAt !== undefined && { onSceneAt }),
  }
}

export const wayOf = (desk: Desk, alarm: Alarm, incident: Incident | undefined): Waterfall => {
  const times = { ...alarm.waterfall, ...(incident !== undefined && later(desk, incident)) }
  const stages = stagesOf(times)
  const totalMs = totalMsOf(stages)
  return { ...times, stages, ...(totalMs !== undefined && { totalMs }) }
}
