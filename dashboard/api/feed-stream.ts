// The feed as a stream: one request that stays open, a line of JSON a batch. Sends no more readings than the consumer gave credit for and
// has not acknowledged yet, so a slow consumer slows only itself. A consumer has one stream: a newer one ends the older.
import type { ServerResponse } from 'node:http'
import { answers } from './errors.ts'
import { consumerParams, filters, untilClosed, wantedOf } from './feed-asked.ts'
import { lineOf, type Batch, type FeedSource } from './feed-source.ts'
import { integer, object, text, type App } from './schema.ts'

const CREDIT_MAX = 2_000
const BATCH_MESSAGES = 200
/** a line without readings, so that both sides know the other is there */
const HEARTBEAT_MS = 10_000
/** how often a line says that the filter let nothing pass, so that the cursor can follow */
const PASSING_MS = 500

export function feedStream(app: App, source: FeedSource): void {
  const streams = new Map<string, ServerResponse>()

  app.get('/api/v1/feed/:consumer/stream', {
    config: { scope: 'feed' },
    schema: {
      summary: 'The same as lines of JSON that keep coming; acknowledge by POST',
      description: 'Each line is `{cursor, head, readings, ticks}`. At most `credit` readings are under way unacknowledged.',
      tags: ['feed'],
      params: consumerParams,
      querystring: object({}, { credit: integer({ minimum: 1, maximum: CREDIT_MAX, default: 200 }), ...filters }),
      response: answers({ 200: text({ description: 'application/x-ndjson' }) }),
    },
    handler: async (request, reply) => {
      const { consumer } = request.params
      const { credit = 200, from } = request.query
      const wanted = wantedOf(request.query)
      let sent = source.positionOf(consumer, from)
      reply.hijack()
      const { raw } = reply
      raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
      streams.get(consumer)?.destroy()
      streams.set(consumer, raw)
      const underWay: { cursor: number; readings: number }[] = []
      let owed = 0
      const isOpen = () => !source.isClosed() && !raw.destroyed
      /** where the consumer stands on disk; heard of, since asking the disk for each line costs as much as the line */
      let acknowledged = sent
      let heard = (): void => {}
      const forget = source.acknowledged(consumer, position => {
        acknowledged = position
        heard()
      })
      /** how many readings may still be sent */
      const room = (): number => {
        while (underWay[0] !== undefined && underWay[0].cursor <= acknowledged) owed -= underWay.shift()!.readings
        return credit - owed
      }
      let wroteMs = 0
      const write = async (batch: Batch): Promise<void> => {
        wroteMs = performance.now()
        if (!raw.write(lineOf(batch)) && isOpen()) await drained(raw)
      }
      try {
        await write({ cursor: sent, head: source.head(), readings: [], ticks: [] })
        while (isOpen()) {
          const left = room()
          if (left <= 0) {
            await acknowledgement(raw, done => (heard = done))
            continue
          }
          const batch = source.next(sent, Math.min(left, BATCH_MESSAGES), wanted)
          const isNews = batch.readings.length > 0 || batch.ticks.length > 0
          const silentMs = performance.now() - wroteMs
          const isPassing = batch.cursor > sent && silentMs > PASSING_MS
          sent = batch.cursor
          if (isNews) {
            const readings = Math.max(1, batch.readings.length)
            underWay.push({ cursor: sent, readings })
            owed += readings
          }
          if (isNews || isPassing || silentMs > HEARTBEAT_MS) await write(batch)
          if (!isNews) await source.news(sent, HEARTBEAT_MS, untilClosed(request))
        }
      } finally {
        forget()
        if (streams.get(consumer) === raw) streams.delete(consumer)
        raw.end()
      }
    },
  })
}

const drained = (raw: ServerResponse): Promise<void> =>
  new Promise(resolve => {
    const done = () => {
      raw.off('drain', done)
      raw.off('close', done)
      resolve()
    }
    raw.once('drain', done)
    raw.once('close', done)
  })

function acknowledgement(raw: ServerResponse, onHeard: (done: () => void) => void): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(limit)
      raw.off('close', done)
      resolve()
    }
    const limit = setTimeout(done, HEARTBEAT_MS)
    onHeard(done)
    raw.once('close', done)
  })
}
