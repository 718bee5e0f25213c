// Tells a station's tablet, speaker or siren over our own broker: a command on its cmd topic at QoS 1, which waits in its persistent
// session while it is away. Delivered is only what the device itself acknowledged on its ack topic; that it was queued says nothing.
import type { Clock } from '#contracts/clock.ts'
import type { DeviceKind } from '#contracts/reading.ts'
import { DEVICE_ID, nativeTopic } from '#contracts/topic.ts'
import { levelOf, oneLine } from './lines.ts'
import { NO_ADDRESS, type Notification, type NotifiedOrder, type Notifier } from './notifier.ts'

export type MqttOptions = { name?: string; kind?: DeviceKind; ackTimeoutMs?: number }
export type MqttParts = {
  clock: Clock
  publish(topic: string, payload: string): Promise<void>
  /** Resolves true when `deviceId` acknowledges `id`, false when `signal` fires first. */
  acknowledged(id: string, deviceId: string, signal: AbortSignal): Promise<boolean>
}

/** A tablet answers within a second; one that is away is told again, by back-off, for as long as the event is news. */
export const ACK_TIMEOUT_MS = 8_000
/** a district has hundreds of stations, and the silent ones must not hold up the others */
const IN_FLIGHT_MAX = 512

/** What the device receives; docs/commands.md shows it. */
export const alertPayload = (n: Notification, nowMs: number): string => {
  const { id, kind, severity, state, title, place, position, openedAt, confirmedAt } = n.incident
  const incident = {
    id,
    kind,
    severity,
    state,
    title,
    openedAt,
    ...(place && { place }),
    ...(position && { position }),
    ...(confirmedAt && { confirmedAt }),
  }
  const text = { zh: oneLine(n.text.zh), en: oneLine(n.text.en) }
  const parameters = { event: n.event, level: levelOf(n), text, incident }
  return JSON.stringify({ v: 1, id: n.id, ts: new Date(nowMs).toISOString(), command: 'alert', parameters, by: 'system' })
}

/** What a crew's terminal receives with an order; it reports `dispatchId` in its telemetry, or answers on its ack topic. */
const orderPayload = (n: Notification, order: NotifiedOrder, nowMs: number): string => {
  const { id: orderId, deviceId: _device, kind: _kind, ...more } = order
  const { id, kind, severity, title, place, position } = n.incident
  const incident = { id, kind, severity, title, ...(place && { place }), ...(position && { position }) }
  const text = { zh: oneLine(n.text.zh), en: oneLine(n.text.en) }
  const parameters = { event: n.event, dispatchId: orderId, ...more, level: levelOf(n), text, incident }
  return JSON.stringify({ v: 1, id: n.id, ts: new Date(nowMs).toISOString(), command: 'order', parameters, by: 'system' })
}

export const openMqtt = (o: MqttOptions, { clock, publish, acknowledged }: MqttParts): Notifier => ({
  name: o.name ?? 'station',
  inFlightMax: IN_FLIGHT_MAX,
  async send(n, signal, to) {
    if (to === undefined || !DEVICE_ID.test(to)) return NO_ADDRESS
    const ends = AbortSignal.any([signal, AbortSignal.timeout(o.ackTimeoutMs ?? ACK_TIMEOUT_MS)])
    // listening before it is asked: the answer can be there before publish() is back
    const answer = acknowledged(n.id, to, ends)
    try {
      const kind = n.order?.kind ?? o.kind ?? 'micro-station'
      const payload = n.order === undefined ? alertPayload(n, clock.nowMs()) : orderPayload(n, n.order, clock.nowMs())
      await publish(nativeTopic({ kind, deviceId: to, channel: 'cmd' }), payload)
    } catch {
      return { outcome: 'retry', reason: 'the broker did not take it' }
    }
    return (await answer) ? { outcome: 'delivered' } : { outcome: 'retry', reason: 'no acknowledgement of the device in time' }
  },
})
