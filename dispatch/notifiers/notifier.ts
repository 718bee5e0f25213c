// What a notifier is: one way to tell somebody outside about an incident. It says whether trying again can help; when to try again,
// how often, and what the timeline says about it is dispatch/notify.ts. A notifier keeps nothing and never throws on purpose.
import type { Text } from '#contracts/alarm.ts'
import type { Handover } from '#contracts/handover.ts'
import type { Incident } from '#contracts/incident.ts'
import type { Order } from '#contracts/order.ts'
import type { DeviceKind } from '#contracts/reading.ts'

export const NOTIFICATION_EVENTS = ['opened', 'confirmed', 'severity', 'closed', 're-opened', 'merged', 'escalated', 'handover'] as const
export type NotificationEvent = (typeof NOTIFICATION_EVENTS)[number]
/** what the crew of a resource is told on its own terminal, and nobody else */
export const ORDER_NOTICES = ['order', 'order-ended'] as const
export type OrderNotice = (typeof ORDER_NOTICES)[number]
export type AnyEvent = NotificationEvent | OrderNotice

/** `deviceId`, `kind`: the terminal it goes to */
export type NotifiedOrder = Pick<Order, 'id' | 'resourceId' | 'state' | 'answerBy' | 'eta' | 'clock' | 'reason'> & {
  deviceId: string
  kind: DeviceKind
}

/** What leaves the house: the incident as it stood after the event, without the lists of ids and without names of officers. */
export type NotifiedIncident = Omit<
  Incident,
  | 'category'
  | 'alarmIds'
  | 'deviceIds'
  | 'acknowledgedBy'
  | 'closedBy'
  | 'controlledBy'
  | 'stateSince'
  | 'dueAt'
  | 'missedAt'
  | 'handoverAt'
>

export type Notification = {
  /** the outbox row; the same on every attempt, so that whoever receives it twice can tell */
  id: string
  event: AnyEvent
  /** server time of the event, RFC 3339 */
  at: string
  /** one line for people */
  text: Text
  incident: NotifiedIncident
  /** with the event handover only */
  handover?: Handover
  /** with the notices of an order only */
  order?: NotifiedOrder
}

/** `F0312-7K3QX2.opened` -> its incident. */
export const incidentOf = (id: string): string => id.slice(0, Math.max(0, id.indexOf('.')))

/**
 * `reason` is shown in timelines, logs and health lines: no secret, no address (it may carry a token), nothing the other side wrote.
 * `afterMs`: the other side asked to be left alone for this long.
 */
export type Outcome =
  | { outcome: 'delivered' }
  | { outcome: 'retry'; reason: string; afterMs?: number }
  /** the same again cannot succeed; `unsent`: there was nothing to send, which says nothing about the channel */
  | { outcome: 'never'; reason: string; unsent?: true }

export type Notifier = {
  /** the channel: in outbox rows, metrics and timelines; lower case, never changes */
  name: string
  /** sendings open at once; 4 where absent. More for a channel whose receivers are many and slow to answer. */
  inFlightMax?: number
  /**
   * Ends soon after `signal` fires. Delivered only when the other side has said that it has it. `to`: the recipient's address on this
   * channel (a telephone number, a mail address, a device); absent for a channel that has one receiver only.
   */
  send(n: Notification, signal: AbortSignal, to?: string): Promise<Outcome>
}

/** What a channel that needs an address answers without one: the configuration is wrong, and stays so. */
export const NO_ADDRESS: Outcome = { outcome: 'never', reason: 'the recipient has no address on this channel' }
