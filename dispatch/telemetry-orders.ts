// What a station's terminal or a drone says of its order moves that order, as if its crew had said it. Only along the table, and only of the
// order it names: a terminal that still shows an old task changes nothing.
import type { Device } from '#contracts/device.ts'
import type { Order, OrderState } from '#contracts/order.ts'
import { offerNext } from './offers.ts'
import { orderStep, type OrderEvent } from './order-states.ts'
import { moveOrder } from './orders.ts'
import type { Desk, Turn } from './turn.ts'

const BY_TASK: Record<string, OrderEvent> = {
  acknowledged: 'accept',
  departed: 'en-route',
  arrived: 'on-scene',
  controlled: 'complete',
  returned: 'complete',
  refused: 'refuse',
}
const BY_MISSION: Record<string, OrderEvent> = {
  preparing: 'accept',
  'taking-off': 'accept',
  'en-route': 'en-route',
  'on-scene': 'on-scene',
  returning: 'complete',
  landing: 'complete',
  landed: 'complete',
  aborted: 'refuse',
  failed: 'refuse',
}

type Said = { dispatchId?: unknown; state?: unknown } | undefined

const eventSaid = (device: Device, orderId: string): OrderEvent | undefined => {
  const task = device.state?.['task'] as Said
  if (task?.dispatchId === orderId) return BY_TASK[String(task.state)]
  const mission = device.state?.['mission'] as Said
  return mission?.dispatchId === orderId ? BY_MISSION[String(mission.state)] : undefined
}

/** From the offer to the end; a place may be reached without the one before it where the table has a step past it. */
const ONWARD = ['accept', 'on-scene', 'complete'] as const satisfies OrderEvent[]

/** A report says what is so, not what was last reported: of what was said while nobody listened, the steps before it were taken too. */
const stepsTo = (from: OrderState, event: OrderEvent): OrderEvent[] => {
  if (orderStep(from, event) !== null) return [event]
  const events: OrderEvent[] = []
  let state = from
  for (const one of ONWARD.slice(0, ONWARD.indexOf(event as (typeof ONWARD)[number]) + 1)) {
    const next = orderStep(state, one)
    if (next === null) continue
    events.push(one)
    state = next
  }
  return events.at(-1) === event ? events : []
}

export type SaidStep = { order: Order; events: OrderEvent[]; deviceId: string }

/** Steps that telemetry says were taken and the queue does not know yet. */
export const stepsSaid = (desk: Desk): SaidStep[] =>
  desk.orders.open().flatMap(order => {
    const deviceId = desk.resources.get(order.resourceId)?.profile.deviceId
    const device = deviceId === undefined ? undefined : desk.device(deviceId)
    const event = device === undefined ? undefined : eventSaid(device, order.id)
    const events = event === undefined ? [] : stepsTo(order.state, event)
    return events.length === 0 || deviceId === undefined ? [] : [{ order, events, deviceId }]
  })

export const takeSteps = (turn: Turn, said: readonly SaidStep[]): void => {
  for (const { order, events, deviceId } of said) {
    for (const event of events) {
      const reason = event === 'refuse' ? 'its terminal refused' : undefined
      const moved = moveOrder(turn, turn.order(order.id) ?? order, event, { actor: `device:${deviceId}`, reason })
      if (event === 'refuse') offerNext(turn, moved)
    }
  }
}
