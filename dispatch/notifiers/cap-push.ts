// Hands CAP 1.2 messages to an alert aggregator over HTTP: one POST a message, as XML. What is sent is what the feed (GET /api/v1/cap)
// shows; who prefers to fetch reads that instead.
import type { Clock } from '#contracts/clock.ts'
import { isOfFeed } from '../cap.ts'
import { addressOf, postXml } from './http.ts'
import type { Notification, Notifier } from './notifier.ts'

export type CapPushOptions = { name?: string; url: string; token?: string; timeoutMs?: number }
export type CapPushParts = {
  clock: Clock
  /** the message as it stands in the feed; undefined = not kept any more */ messageOf(n: Notification): string | undefined
}

/** @throws FengsuiError setting-invalid */
export const openCapPush = (o: CapPushOptions, { clock, messageOf }: CapPushParts): Notifier => {
  const name = o.name ?? 'cap'
  const address = addressOf(name, o.url)
  return {
    name,
    async send(n, signal) {
      if (!isOfFeed(n.event)) return { outcome: 'never', reason: 'CAP has no message of this event', unsent: true }
      const body = messageOf(n)
      if (body === undefined) return { outcome: 'never', reason: 'the message is not kept any more', unsent: true }
      const headers = { 'idempotency-key': n.id, ...(o.token !== undefined && { authorization: `Bearer ${o.token}` }) }
      return postXml({ address, headers, body, signal, nowMs: clock.nowMs(), ...(o.timeoutMs !== undefined && { timeoutMs: o.timeoutMs }) })
    },
  }
}
