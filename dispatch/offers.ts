// An offer that is refused, or not answered in time, goes on to the next of the ranking, by itself, until somebody accepts or nobody is left;
// then the incident is given back to the officers and says so. Due times stand in the database: a restart forgets none.
import { isOpenOrder, type Order } from '#contracts/order.ts'
import { candidatesOf } from './candidates.ts'
import { isOpen } from './incident-states.ts'
import { moveOrder, offer } from './orders.ts'
import { resourceById } from './resources-now.ts'
import type { Turn } from './turn.ts'

/** How many offers run out in one transaction; the rest at the next tick. */
const AT_ONCE = 100

/** The first that was not asked yet; nobody left is told in the timeline. */
export const offerNext = (turn: Turn, ended: Order): void => {
  const incident = turn.incident(ended.incidentId)?.incident
  if (!ended.passesOn || incident === undefined || !isOpen(incident.state)) return
  const tried = new Set(turn.desk.orders.ofIncident(ended.incidentId).map(order => order.resourceId))
  const next = candidatesOf(turn.desk, turn, ended.incidentId).find(
    one => one.task === 'respond' && one.rank !== null && !tried.has(one.resourceId),
  )
  const resource =
    next === undefined ? undefined : resourceById(turn.desk, turn.nowMs, next.resourceId, { ignoreDrills: incident.drill !== true })
  if (next === undefined || resource === undefined) {
    turn.tell(ended.incidentId, { actor: 'system', what: 'nobody-left', orderId: ended.id })
    return
  }
  offer(turn, { incidentId: ended.incidentId, resource, candidate: next, actor: 'system', passesOn: true, insteadOf: ended.id })
}

export const passOnSilent = (turn: Turn, nowMs: number): void => {
  for (const found of turn.desk.orders.owed(nowMs, AT_ONCE)) {
    const order = turn.order(found.id) ?? found
    if (order.state !== 'offered') continue
    offerNext(turn, moveOrder(turn, order, 'time-out', { actor: 'system', reason: `no answer by ${order.answerBy}` }))
  }
}

/** Nobody drives to an incident that is over: who is there has finished, who is not is called back. */
export const endOrders = (turn: Turn, incidentId: string, actor: string, reason: string): void => {
  for (const found of turn.desk.orders.ofIncident(incidentId)) {
    const order = turn.order(found.id) ?? found
    if (isOpenOrder(order.state)) moveOrder(turn, order, order.state === 'on-scene' ? 'complete' : 'withdraw', { actor, reason })
  }
}
