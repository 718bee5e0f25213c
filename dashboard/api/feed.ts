// The feed over HTTP: readings in journal order behind a durable cursor, at least once. The answer's `cursor` goes back as an
// acknowledgement when the batch is done; what was not acknowledged comes again. As a long poll, or as a stream with credit.
import { FengsuiError } from '#contracts/errors.ts'
import { answers } from './errors.ts'
import { createFeedSource, type FeedParts } from './feed-source.ts'
import { consumerParams, filters, untilClosed, wantedOf } from './feed-asked.ts'
import { incidentFeed, type IncidentFeedParts } from './feed-incidents.ts'
import { feedStream } from './feed-stream.ts'
import { integer, list, object, ref, time, type App, type Schema } from './schema.ts'

export type { FeedEntry, FeedParts } from './feed-source.ts'
export type { IncidentFeedParts } from './feed-incidents.ts'
export type Feed = { wake: () => void; close(): void }

const WAIT_MAX_MS = 25_000
const LIMIT_MAX = 1000
/** what one consumer may store with an acknowledgement: rows, and characters of one */
const ROWS_MAX = 20_000
const ROW_CHARACTERS_MAX = 64 * 1024
const ACK_BYTES_MAX = 8 * 1024 * 1024
const tags = ['feed']

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
    ...filters,
  },
)
const tick = object({ off: integer(), at: time() })
const rows: Schema<[string, string | null][]> = {
  type: 'array',
  maxItems: ROWS_MAX,
  description: '[key, text]; null takes a row away',
  items: { type: 'array', minItems: 2, maxItems: 2 },
}

export function feedRoutes(app: App, parts: FeedParts & IncidentFeedParts): Feed {
  const source = createFeedSource(parts)

  app.get('/api/v1/feed/:consumer', {
    config: { scope: 'feed' },
    schema: {
      summary: 'Readings in journal order behind a durable cursor, at least once',
      tags,
      params: consumerParams,
      querystring: query,
      response: answers({
        200: object({ cursor: integer(), head: integer(), readings: list(ref('Reading')) }, { ticks: list(tick) }),
      }),
    },
    handler: async (request, reply) => {
      const { ack, limit = 200, wait = 0, from } = request.query
      const { consumer } = request.params
      const wanted = wantedOf(request.query)
      let position = source.positionOf(consumer, from)
      if (ack !== undefined) position = source.acknowledge(consumer, ack)
      const untilMs = performance.now() + wait
      const isEmpty = () => batch.readings.length === 0 && batch.ticks.length === 0
      let batch = source.next(position, limit, wanted)
      while (isEmpty() && !source.isClosed() && !request.raw.destroyed && performance.now() < untilMs) {
        await waitFor(() => source.news(batch.cursor, untilMs - performance.now(), untilClosed(request)), reply)
        batch = source.next(batch.cursor, limit, wanted)
      }
      const { cursor, readings, ticks } = batch
      const shown = readings.map(({ seq, reading }) => ({ off: seq, ...reading }))
      return { cursor, readings: shown, head: source.head(), ...(wanted.ticks && { ticks }) }
    },
  })

  app.post('/api/v1/feed/:consumer', {
    config: { scope: 'feed' },
    bodyLimit: ACK_BYTES_MAX,
    schema: {
      summary: 'Acknowledges, and stores with the same stroke what the consumer wants to know again after a restart',
      tags,
      params: consumerParams,
      body: object({ ack: integer({ minimum: 0 }) }, { rows }),
      response: answers({ 200: object({ cursor: integer() }) }),
    },
    handler: async request => {
      const { ack, rows: given = [] } = request.body
      for (const [key, value] of given as unknown[][]) checkRow(key, value)
      return { cursor: source.acknowledge(request.params.consumer, ack, given) }
    },
  })

  app.get('/api/v1/feed/:consumer/rows', {
    config: { scope: 'feed' },
    schema: {
      summary: 'What the consumer stored with its acknowledgements, and its cursor',
      tags,
      params: consumerParams,
      response: answers({ 200: object({ cursor: integer(), rows }) }),
    },
    handler: async request => {
      const { consumer } = request.params
      return { cursor: source.positionOf(consumer, undefined), rows: source.rows(consumer) }
    },
  })

  feedStream(app, source)
  const incidents = incidentFeed(app, parts)
  return {
    wake: source.wake,
    close() {
      incidents.close()
      source.close()
    },
  }
}

/** Too many who wait is the one refusal that time heals by itself. */
async function waitFor(wait: () => Promise<void>, reply: { header(name: string, value: number): unknown }): Promise<void> {
  try {
    await wait()
  } catch (error) {
    void reply.header('retry-after', 1)
    throw error
  }
}

function checkRow(key: unknown, value: unknown): void {
  const isKey = typeof key === 'string' && key !== '' && key.length <= 400
  const isValue = value === null || (typeof value === 'string' && value.length <= ROW_CHARACTERS_MAX)
  if (!isKey || !isValue)
    throw new FengsuiError('invalid-request', `body.rows: a row is [key, text or null], a text of at most ${ROW_CHARACTERS_MAX} characters`)
}
