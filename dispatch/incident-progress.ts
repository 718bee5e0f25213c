// How far an incident has come follows from its orders, along the table of incident-states.ts; nothing else sets these states. Each change
// stands in the timeline through the act that made it.
import type { Incident, IncidentState } from '#contracts/incident.ts'
import { isOpenOrder, type Order, type OrderState } from '#contracts/order.ts'
import type { IncidentRecord } from './incident-rows.ts'
import { incidentStep, type IncidentEvent } from './incident-states.ts'
import { looksOnly } from './ranking.ts'
import type { Turn } from './turn.ts'

const EVENTS_UP_TO: Partial<Record<OrderState, IncidentEvent[]>> = {
  offered: ['dispatch'],
  accepted: ['dispatch', 'accept'],
  'en-route': ['dispatch', 'accept', 'en-route'],
  'on-scene': ['dispatch', 'accept', 'en-route', 'on-scene'],
}

const walked = (from: IncidentState, events: readonly IncidentEvent[]): IncidentState =>
  events.reduce<IncidentState>((state, event) => incidentStep(state, event) ?? state, from)

const UNDER_WAY: readonly IncidentState[] = ['dispatched', 'accepted', 'en-route', 'on-scene']

/** What is under control stays so until somebody is sent anew: crews that were there before end their orders or arrive late. */
const staysControlled = ({ state, controlledAt = '' }: Incident, open: readonly Order[]): boolean =>
  state === 'controlled' && !open.some(order => order.offeredAt >= controlledAt)

/** The state that the orders leave: nobody under way any more gives it back, or has it controlled where somebody finished in this handling. */
export const stateByOrders = (incident: Incident, orders: readonly Order[]): IncidentState => {
  const { state, dispatchedAt = '' } = incident
  const open = orders.filter(order => isOpenOrder(order.state))
  if (staysControlled(incident, open)) return state
  const isDone = orders.some(order => order.state === 'complete' && (order.endedAt ?? '') >= dispatchedAt)
  if (open.length === 0 && isDone && state === 'on-scene') return walked(state, ['control'])
  if (!UNDER_WAY.includes(state) && open.length === 0) return state
  const without = UNDER_WAY.includes(state) ? walked(state, ['give-back']) : state
  return open.reduce((so, order) => walked(so, EVENTS_UP_TO[order.state] ?? []), without)
}

/** First times of this handling; a re-opened incident begins anew. */
const stamped = (incident: Incident, state: IncidentState, now: string, by: string): Incident => {
  const reached = UNDER_WAY.indexOf(state)
  return {
    ...incident,
    state,
    ...(reached >= 0 && { dispatchedAt: incident.dispatchedAt ?? now }),
    ...(reached >= 1 && { acceptedAt: incident.acceptedAt ?? now }),
    ...(reached >= 2 && { enRouteAt: incident.enRouteAt ?? now }),
    ...(reached >= 3 && { onSceneAt: incident.onSceneAt ?? now }),
    ...(state === 'controlled' && incident.state !== 'controlled' && { controlledAt: now, controlledBy: by }),
  }
}

/** What only looks has nothing in hand: a fire over which a drone stands still waits for a crew, and is not under control when it flies home. */
const isOfCrew = (turn: Turn, { resourceId }: Order): boolean => {
  const profile = turn.desk.resources.get(resourceId)?.profile
  return profile === undefined || !looksOnly(profile.capabilities)
}

/** After an order of the incident has changed. */
export const followOrders = (turn: Turn, incidentId: string, by: string): IncidentRecord | undefined => {
  const record = turn.incident(incidentId)
  if (record === undefined) return undefined
  const { incident } = record
  const state = stateByOrders(
    incident,
    turn.desk.orders.ofIncident(incidentId).filter(order => isOfCrew(turn, order)),
  )
  const next = { ...record, incident: stamped(incident, state, turn.now, by) }
  turn.saveIncident(next)
  if (state === 'controlled' && incident.state !== 'controlled') turn.tell(incidentId, { actor: by, what: 'controlled' })
  return next
}
