// What a desk sees first: the open incidents, every alarm that belongs to one or still stands, the open orders and all resources.
import { ALARM_STATES, type Alarm } from '#contracts/alarm.ts'
import type { Incident } from '#contracts/incident.ts'
import type { Order } from '#contracts/order.ts'
import type { Posture } from '#contracts/posture.ts'
import type { Resource } from '#contracts/resource.ts'
import { OPEN_STATES, type IncidentDesk } from './incidents.ts'
import type { AlarmDesk } from './alarms.ts'
import type { OrderDesk } from './orders.ts'
import type { ResourceDesk } from './resources.ts'

/** in one snapshot; the lists of the API show the rest */
const INCIDENTS_MAX = 2000
const ALARMS_MAX = 5000
const ORDERS_MAX = 2000
const STANDING = ALARM_STATES.filter(state => state !== 'NORM')

export function openQueue(
  posture: Posture,
  desk: Pick<AlarmDesk, 'alarms' | 'alarm'> & Pick<IncidentDesk, 'incidents'> & Pick<OrderDesk, 'orders'> & Pick<ResourceDesk, 'resources'>,
): {
  incidents: Incident[]
  alarms: Alarm[]
  orders: Order[]
  resources: Resource[]
  posture: Posture
} {
  const incidents = desk.incidents({ states: OPEN_STATES, limit: INCIDENTS_MAX })
  const alarms = new Map(desk.alarms({ states: STANDING, limit: ALARMS_MAX }).map(alarm => [alarm.id, alarm]))
  for (const id of incidents.flatMap(incident => incident.alarmIds)) {
    if (alarms.size >= ALARMS_MAX) break
    const alarm = alarms.has(id) ? undefined : desk.alarm(id)
    if (alarm !== undefined) alarms.set(id, alarm)
  }
  return {
    incidents,
    alarms: [...alarms.values()],
    orders: desk.orders({ open: true, limit: ORDERS_MAX }),
    resources: desk.resources(),
    posture,
  }
}
