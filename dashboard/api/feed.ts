// GET /api/v1/feed/:consumer: readings in journal order behind a durable cursor, at least once. The answer's `cursor` goes
// back as `ack` when the batch is done; what was not acknowledged comes again. Waits for news at most WAIT_MAX_MS.
import type { FastifyRequest } from 'fastify'
import { FengsuiError } from '#contracts/errors.ts'
import { DEVICE_KINDS, type Reading } from '#contracts/reading.ts'
import { eachOf } from './alarms.ts'
import { answers } from './errors.ts'
import { either, integer, list, object, oneOf, ref, text, type App } from './schema.ts'

export type FeedParts = {
  feed: {
    head(): number
    /** the readings of the next `maxMessages` journal messages after `afterSeq`; a message is never cut in two */
    read(afterSeq: number, maxMessages: number): { seq: number; reading: Reading }[]
    cursors: { get(consumer: string): number | undefined; set(consumer: string, seq: number): void }
  }
}
export type Feed = { wake: () => void; close(): void }

const WAIT_MAX_MS = 25_000
/** how soon a waiting request sees news that nobody announced */
const POLL_MS = 50
/** requests that may wait at once; beyond it they are refused with 429 */
const WAITING_MAX = 200
const LIMIT_MAX = 1000
/** messages looked through in one request when a filter lets little pass: bounds the time of one answer */
const SCAN_MAX = 20_000
/** consumers whose first cursor is kept in memory until they acknowledge; the oldest is forgotten */
const FRESH_MAX = 1000
/** keeps consumers of the feed apart from the rooms' own cursors */
const NAMESPACE = 'feed:'

const query = object(
  {},
  {
    ack: integer({ minimum: 0, description: 'the `cursor` of the batch that is done' }),
    limit: integer({
      minimum: 1,
      maximum: LIMIT_MAX,
      default: 200,
      description: 'journal messages in one answer; a message may hold several readings',
    }),
    wait: integer({ minimum: 0, maximum: WAIT_MAX_MS, default: 0, description: 'ms to wait when there is nothing' }),
    kinds: text({ maxLength: 500, description: 'only these device kinds, with commas' }),
    areas: text({ maxLength: 1000, description: 'only these areas, with commas' }),
    from: either(oneOf(['start', 'head'] as const), integer({ minimum: 0 })),
  },
)

export function feedRoutes(app: App, { feed }: FeedParts): Feed {
  const waiting = new Set<() => void>()
  const fresh = new Map<string, number>()
  let closed = false
  let seenHead = -1
  const wake = () => {
    for (const go of waiting) go()
  }
  const timer = setInterval(() => {
    if (waiting.size === 0) return
    try {
      const head = feed.head()
      if (head !== seenHead) wake()
      seenHead = head
    } catch {
      // who waits reads again, meets the same error, and is told: a timer's throw would end the process and its alarms with it
      wake()
    }
  }, POLL_MS)

  /** A consumer without a cursor starts at the head, or where `from` says; an existing one goes on where it was. */
  function positionOf(consumer: string, from: 'start' | 'head' | number | undefined): number {
    const known = feed.cursors.get(NAMESPACE + consumer) ?? 0
    if (known > 0) return known
    const started = fresh.get(consumer)
    if (started !== undefined) return started
    const start = from === 'start' ? 0 : typeof from === 'number' ? Math.min(from, feed.head()) : feed.head()
    if (start > 0) feed.cursors.set(NAMESPACE + consumer, start)
    fresh.set(consumer, start)
    const oldest = fresh.keys().next()
    if (fresh.size > FRESH_MAX && oldest.done !== true) fresh.delete(oldest.value)
    return start
  }

  /** An older acknowledgement that comes late is harmless: the cursor never goes back. */
  function acknowledge(consumer: string, position: number, ack: number): number {
    if (ack > feed.head()) throw new FengsuiError('invalid-request', 'querystring.ack is beyond the head: it must be a cursor of this feed')
    if (ack <= position) return position
    feed.cursors.set(NAMESPACE + consumer, ack)
    fresh.delete(consumer)
    return ack
  }

  function nextBatch(after: number, limit: number, wanted: (reading: Reading) => boolean): { cursor: number; readings: object[] } {
    let cursor = after
    for (let scanned = 0; scanned < SCAN_MAX; scanned += limit) {
      const head = feed.head()
      if (cursor >= head) break
      const found = feed.read(cursor, limit)
      // messages without a reading leave no trace in the answer, but the cursor must pass them
      cursor = found.at(-1)?.seq ?? Math.min(cursor + limit, head)
      const readings = found.filter(entry => wanted(entry.reading)).map(entry => ({ off: entry.seq, ...entry.reading }))
      if (readings.length > 0) return { cursor, readings }
    }
    return { cursor, readings: [] }
  }

  const news = (request: FastifyRequest, ms: number): Promise<void> =>
    new Promise(resolve => {
      const done = () => {
        clearTimeout(limit)
        waiting.delete(done)
        request.raw.off('close', done)
        resolve()
      }
      const limit = setTimeout(done, ms)
      waiting.add(done)
      request.raw.once('close', done)
    })

  app.get('/api/v1/feed/:consumer', {
    config: { scope: 'feed' },
    schema: {
      summary: 'Readings in journal order behind a durable cursor, at least once',
      tags: ['feed'],
      params: object({ consumer: text({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }) }),
      querystring: query,
      response: answers({ 200: object({ cursor: integer(), head: integer(), readings: list(ref('Reading')) }) }),
    },
    handler: async (request, reply) => {
      const { ack, limit = 200, wait = 0, kinds, areas, from } = request.query
      const { consumer } = request.params
      const wanted = filterOf(kinds, areas)
      let position = positionOf(consumer, from)
      if (ack !== undefined) position = acknowledge(consumer, position, ack)
      const untilMs = performance.now() + wait
      let batch = nextBatch(position, limit, wanted)
      while (batch.readings.length === 0 && !closed && !request.raw.destroyed && performance.now() < untilMs) {
        if (waiting.size >= WAITING_MAX) {
          void reply.header('retry-after', 1)
          throw new FengsuiError('too-many-requests', `${WAITING_MAX} requests wait on the feed already`)
        }
        seenHead = Math.max(seenHead, batch.cursor)
        await news(request, untilMs - performance.now())
        batch = nextBatch(batch.cursor, limit, wanted)
      }
      return { ...batch, head: feed.head() }
    },
  })

  return {
    wake,
    close() {
      closed = true
      clearInterval(timer)
      wake()
    },
  }
}

function filterOf(kinds: string | undefined, areas: string | undefined): (reading: Reading) => boolean {
  const kindSet = kinds === undefined ? null : new Set<string>(eachOf(kinds, DEVICE_KINDS, 'querystring.kinds'))
  const areaSet = areas === undefined ? null : new Set(areas.split(',').map(area => area.trim()))
  return reading => (kindSet?.has(reading.kind) ?? true) && (areaSet?.has(reading.place?.area ?? '') ?? true)
}
