// What a station's terminal or a drone says of its order moves that order, as if its crew had said it. Only along the table, and only of the
// order it names: a terminal that still shows an old task changes nothing.
import type { Device } from '#contracts/device.ts'
import type { Order } from '#contracts/order.ts'
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

export type SaidStep = { order: Order; event: OrderEvent; deviceId: string }

/** Steps that telemetry says were taken and the queue does not know yet. */
export const stepsSaid = (desk: Desk): SaidStep[] =>
  desk.orders.open().flatMap(order => {
    const deviceId = desk.resources.get(order.resourceId)?.profile.deviceId
    const device = deviceId === undefined ? undefined : desk.device(deviceId)
    const event = device === undefined ? undefined : eventSaid(device, order.id)
    return event === undefined || deviceId === undefined || orderStep(order.state, event) === null ? [] : [{ order, event, deviceId }]
  })

export const takeSteps = (turn: Turn, said: readonly SaidStep[]): void => {
  for (const { order, event, deviceId } of said) {
    const reason = event === 'refuse' ? 'its terminal refused' : undefined
    const moved = moveOrder(turn, turn.order(order.id) ?? order, event, { actor: `device:${deviceId}`, reason })
    if (event === 'refuse') offerNext(turn, moved)
  }
}
