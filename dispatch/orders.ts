// Orders as the queue keeps them: one is made by an offer and moves along the table of order-states.ts. Each step is told in the incident's
// timeline and in the audit trail, and the incident follows. Who may do what is asked elsewhere.
import { FengsuiError } from '#contracts/errors.ts'
import type { Order } from '#contracts/order.ts'
import type { Candidate, Resource } from '#contracts/resource.ts'
import { startClock, stopClock } from './station-clock.ts'
import { followOrders } from './incident-progress.ts'
import { noticeEnded, noticeOffered } from './order-notices.ts'
import { allowedOrderEvents, orderStep, type OrderEvent } from './order-states.ts'
import type { Turn } from './turn.ts'
import { offeredWords, orderWords } from './words.ts'

/** Micro station practice "1-3-5": out of the door, on scene, joint action, counted from the order. */
export const STATION_CLOCK_S = { turnOut: 60, onScene: 180, joint: 300 } as const

const after = (turn: Turn, seconds: number): string => new Date(turn.nowMs + seconds * 1000).toISOString()

const clockOf = (turn: Turn, resource: Resource): Pick<Order, 'clock'> =>
  resource.kind === 'micro-station'
    ? {
        clock: {
          turnOutBy: after(turn, STATION_CLOCK_S.turnOut),
          onSceneBy: after(turn, STATION_CLOCK_S.onScene),
          jointBy: after(turn, STATION_CLOCK_S.joint),
        },
      }
    : {}

export type Offer = {
  incidentId: string
  resource: Resource
  candidate: Candidate | undefined
  /** as in timelines: user:<name>, system */
  actor: string
  passesOn: boolean
  insteadOf?: string
  reason?: string | undefined
}

/** Who calls has checked that the incident is open and the resource free. */
export const offer = (turn: Turn, o: Offer): Order => {
  const { resource, candidate, actor } = o
  const drill = turn.incident(o.incidentId)?.incident.drill
  const practised = turn.desk.orders.openOf(resource.id)
  if (practised?.drill === true && drill !== true)
    moveOrder(turn, practised, 'withdraw', { actor: 'system', reason: 'needed for a real incident' })
  const order: Order = {
    id: `${o.incidentId}-${turn.desk.orders.countOf(o.incidentId) + 1}`,
    incidentId: o.incidentId,
    resourceId: resource.id,
    resourceName: resource.name,
    state: 'offered',
    offeredAt: turn.now,
    offeredBy: actor,
    answerBy: after(turn, turn.desk.plan.offers.answerS),
    ...(candidate?.eta !== undefined && { eta: candidate.eta }),
    ...(candidate?.distanceM !== undefined && { distanceM: candidate.distanceM }),
    ...(candidate?.rank !== null && candidate?.rank !== undefined && { rank: candidate.rank }),
    ...(o.insteadOf !== undefined && { insteadOf: o.insteadOf }),
    passesOn: o.passesOn,
    ...clockOf(turn, resource),
    ...(drill === true && { drill }),
    steps: [{ state: 'offered', at: turn.now, by: actor, ...(o.reason !== undefined && { reason: o.reason }) }],
  }
  turn.saveOrder(order)
  startClock(turn, order)
  turn.tell(o.incidentId, {
    actor,
    what: 'order-offered',
    orderId: order.id,
    text: offeredWords(resource.name, order.eta),
    ...(o.reason !== undefined && { note: o.reason }),
    detail: { resourceId: resource.id, rank: candidate?.rank ?? null, eta: order.eta },
  })
  turn.afterCommit(meter => meter.count('fengsui_orders_total', { state: 'offered' }))
  followOrders(turn, o.incidentId, actor)
  noticeOffered(turn, order)
  return order
}

const lastStep = (order: Order): string => {
  const step = order.steps.at(-1)
  return step === undefined ? '' : ` by ${step.by} at ${step.at}`
}

const TIMES: Partial<Record<Order['state'], 'acceptedAt' | 'enRouteAt' | 'onSceneAt'>> = {
  accepted: 'acceptedAt',
  'en-route': 'enRouteAt',
  'on-scene': 'onSceneAt',
}

export type OrderMove = { actor: string; reason?: string | undefined; at?: string }

/** @throws FengsuiError conflict: says who made it what it is, when, and what is allowed now */
export const moveOrder = (turn: Turn, order: Order, event: OrderEvent, o: OrderMove): Order => {
  const state = orderStep(order.state, event)
  if (state === null) {
    const allowed = allowedOrderEvents(order.state).filter(one => one !== 'time-out')
    throw new FengsuiError(
      'conflict',
      `order ${order.id} is ${order.state}${lastStep(order)}: ${event} is not possible; allowed now: ${allowed.join(', ') || 'nothing'}`,
    )
  }
  const at = o.at ?? turn.now
  const field = TIMES[state]
  const isOver = state === 'complete' || state === 'refused' || state === 'silent' || state === 'withdrawn'
  const moved: Order = {
    ...order,
    state,
    ...(state !== 'silent' && state !== 'refused' && state !== 'withdrawn' && { acceptedAt: order.acceptedAt ?? at }),
    ...(field !== undefined && { [field]: order[field] ?? at }),
    ...(isOver && { endedAt: at }),
    ...(isOver && o.reason !== undefined && { reason: o.reason }),
    steps: [...order.steps, { state, at, by: o.actor, ...(o.reason !== undefined && { reason: o.reason }) }],
  }
  turn.saveOrder(moved)
  stopClock(turn, moved)
  turn.tell(order.incidentId, {
    actor: o.actor,
    what: `order-${state}`,
    orderId: order.id,
    text: orderWords(state, order.resourceName),
    ...(o.reason !== undefined && { note: o.reason }),
    detail: { resourceId: order.resourceId },
  })
  turn.afterCommit(meter => meter.count('fengsui_orders_total', { state }))
  followOrders(turn, order.incidentId, o.actor)
  if (isOver) noticeEnded(turn, moved)
  return moved
}
