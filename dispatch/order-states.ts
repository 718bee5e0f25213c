// The life of one order, as one table: what is not in it cannot happen. Pure; docs/dispatch.md shows the same table.
import type { OrderState } from '#contracts/order.ts'

export const ORDER_EVENTS = ['accept', 'refuse', 'en-route', 'on-scene', 'complete', 'time-out', 'withdraw'] as const
export type OrderEvent = (typeof ORDER_EVENTS)[number]
export type OrderTransition = { from: OrderState; event: OrderEvent; to: OrderState }

export const ORDER_TRANSITIONS: readonly OrderTransition[] = [
  { from: 'offered', event: 'accept', to: 'accepted' },
  { from: 'offered', event: 'refuse', to: 'refused' },
  { from: 'offered', event: 'time-out', to: 'silent' },
  { from: 'offered', event: 'withdraw', to: 'withdrawn' },
  // a crew that is on the road has accepted
  { from: 'offered', event: 'en-route', to: 'en-route' },

  { from: 'accepted', event: 'refuse', to: 'refused' },
  { from: 'accepted', event: 'en-route', to: 'en-route' },
  { from: 'accepted', event: 'on-scene', to: 'on-scene' },
  { from: 'accepted', event: 'withdraw', to: 'withdrawn' },

  { from: 'en-route', event: 'refuse', to: 'refused' },
  { from: 'en-route', event: 'on-scene', to: 'on-scene' },
  { from: 'en-route', event: 'withdraw', to: 'withdrawn' },

  { from: 'on-scene', event: 'complete', to: 'complete' },
  { from: 'on-scene', event: 'withdraw', to: 'withdrawn' },
]

/** The state after `event`, or null where the table has no such step. */
export const orderStep = (from: OrderState, event: OrderEvent): OrderState | null =>
  ORDER_TRANSITIONS.find(t => t.from === from && t.event === event)?.to ?? null

export const allowedOrderEvents = (from: OrderState): OrderEvent[] => ORDER_TRANSITIONS.filter(t => t.from === from).map(t => t.event)
