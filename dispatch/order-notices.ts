// An order is told to the resource's own terminal, over MQTT: a row of the outbox, written in the transaction of the order's change, so that
// neither is without the other. What the crew presses there moves the order, as if it had been pressed on their phone. Drills are not sent.
import type { Order } from '#contracts/order.ts'
import type { DeviceKind } from '#contracts/reading.ts'
import type { ResourceKind } from '#contracts/resource.ts'
import type { Ack } from './acks.ts'
import { outward } from './announce.ts'
import type { Notification, OrderNotice } from './notifiers/notifier.ts'
import { orderStep } from './order-states.ts'
import type { OutboxRow } from './outbox.ts'
import type { Desk, Turn } from './turn.ts'
import { orderNoticeWords } from './words.ts'

/** the channel of these rows; no channel of the notify file may be called so */
export const ORDER_CHANNEL = 'order'
/** a drone is flown by commands, a camera goes nowhere: they have no crew that reads */
const WITH_CREW: ReadonlySet<ResourceKind> = new Set(['micro-station', 'grid-officer', 'engine'])
/** that it is over is news for so long */
const ENDED_NEWS_MS = 15 * 60_000

const idOf = (order: Order, event: OrderNotice): string => `${order.id}.${event}`

/** The terminal of the resource; undefined where it has none, or one that speaks another language. */
const terminalOf = (desk: Desk, resourceId: string): { deviceId: string; kind: DeviceKind } | undefined => {
  const profile = desk.resources.get(resourceId)?.profile
  if (profile?.deviceId === undefined || !WITH_CREW.has(profile.kind)) return undefined
  const device = desk.device(profile.deviceId)
  if (device?.family !== undefined && device.family !== 'native') return undefined
  return { deviceId: profile.deviceId, kind: device?.kind ?? 'micro-station' }
}

const write = (turn: Turn, order: Order, event: OrderNotice): void => {
  const incident = turn.incident(order.incidentId)?.incident
  const terminal = terminalOf(turn.desk, order.resourceId)
  if (order.drill === true || incident === undefined || terminal === undefined) return
  const { id, resourceId, state, answerBy, eta, clock, reason } = order
  const more = { ...(eta && { eta }), ...(clock && { clock }), ...(reason !== undefined && { reason }) }
  const notification: Notification = {
    id: idOf(order, event),
    event,
    at: turn.now,
    text: orderNoticeWords(event, incident.title),
    incident: outward(incident),
    order: { id, resourceId, state, answerBy, ...terminal, ...more },
  }
  turn.desk.outbox.write(notification, { channel: ORDER_CHANNEL, recipient: resourceId, nowMs: turn.nowMs })
}

/** The crew is asked. */
export const noticeOffered = (turn: Turn, order: Order): void => write(turn, order, 'order')

/** Nobody is asked any more; who was told and did not end it themselves is told so. */
export const noticeEnded = (turn: Turn, order: Order): void => {
  turn.desk.outbox.cancel(idOf(order, 'order'), ORDER_CHANNEL, 'the order is over', turn.nowMs)
  if (order.state === 'withdrawn' || order.state === 'silent') write(turn, order, 'order-ended')
}

/** Where a row of this channel goes; null = it is no news any more. */
export const orderAddressOf = (desk: Desk, { notification: n, createdMs }: OutboxRow): { to: string } | null => {
  if (n.order === undefined) return null
  const isNews = n.event === 'order' ? desk.orders.get(n.order.id)?.endedAt === undefined : desk.clock.nowMs() - createdMs < ENDED_NEWS_MS
  return isNews ? { to: n.order.deviceId } : null
}

export type OrderAnswer = { order: Order; deviceId: string; says: 'accept' | 'refuse' | 'heard' | 'nothing'; reason?: string }

/** What a terminal says of an order that was told to it; undefined where the answer is to something else, or comes from another device. */
export const orderAnswerOf = (desk: Desk, { id, deviceId, status, reason }: Ack): OrderAnswer | undefined => {
  const orderId = /^(.+)\.order(?:-ended)?$/.exec(id)?.[1]
  const order = orderId === undefined ? undefined : desk.orders.get(orderId)
  if (order === undefined || desk.resources.get(order.resourceId)?.profile.deviceId !== deviceId) return undefined
  const event = status === 'accepted' || status === 'done' ? 'accept' : status === 'refused' ? 'refuse' : undefined
  const about = { order, deviceId, ...(reason !== undefined && { reason }) }
  if (id.endsWith('.order-ended')) return { ...about, says: 'nothing' }
  // told twice, or what somebody else has done meanwhile: it changes nothing
  if (event !== undefined) return { ...about, says: orderStep(order.state, event) === null ? 'nothing' : event }
  return { ...about, says: status === 'heard' && order.heardAt === undefined && order.endedAt === undefined ? 'heard' : 'nothing' }
}
