// GET /api/v1/feed/:consumer/incidents: what happened to incidents, in the order in which it was written down, behind a durable cursor of
// its own, at least once. For flows that act on an incident; it changes nothing about one.
import { answers } from './errors.ts'
import { refuseFurther } from './feed-source.ts'
import { consumerParams, untilClosed } from './feed-asked.ts'
import { integer, list, object, open, text, type App } from './schema.ts'

export type IncidentFeedParts = {
  feed: { cursors: { get(consumer: string): number | undefined; set(consumer: string, seq: number): void; all(): Record<string, number> } }
  incidents: {
    /** each with its incident as it is now */
    incidentEvents(after: number, limit: number): { seq: number; incidentId: string; entry: object; incident: object | null }[]
    lastIncidentEvent(): number
  }
}

const WAIT_MAX_MS = 25_000
const LIMIT_MAX = 500
/** incidents change by people and by alarms, seldom: looked for this often by who waits */
const LOOK_MS = 200
const NAMESPACE = 'incidents:'

export function incidentFeed(app: App, { feed, incidents }: IncidentFeedParts): { close(): void } {
  let closed = false
  /** 0 is a place too: a consumer on an empty system begins there and misses nothing. */
  function positionOf(consumer: string): number {
    const known = feed.cursors.get(NAMESPACE + consumer) ?? 0
    if (known > 0) return known - 1
    refuseFurther(feed.cursors)
    const start = incidents.lastIncidentEvent()
    feed.cursors.set(NAMESPACE + consumer, start + 1)
    return start
  }

  app.get('/api/v1/feed/:consumer/incidents', {
    config: { scope: 'feed' },
    schema: {
      summary: 'What happened to incidents, behind a durable cursor, at least once',
      tags: ['feed'],
      params: consumerParams,
      querystring: object(
        {},
        {
          ack: integer({ minimum: 0, description: 'the `cursor` of the batch that is done' }),
          limit: integer({ minimum: 1, maximum: LIMIT_MAX, default: 100 }),
          wait: integer({ minimum: 0, maximum: WAIT_MAX_MS, default: 0 }),
        },
      ),
      response: answers({
        200: object({
          cursor: integer(),
          head: integer(),
          events: list(object({ seq: integer(), incidentId: text(), entry: open() }, {}, { additionalProperties: true })),
        }),
      }),
    },
    handler: async request => {
      const { ack, limit = 100, wait = 0 } = request.query
      const { consumer } = request.params
      let position = positionOf(consumer)
      if (ack !== undefined && ack > position && ack <= incidents.lastIncidentEvent()) {
        feed.cursors.set(NAMESPACE + consumer, ack + 1)
        position = ack
      }
      const untilMs = performance.now() + wait
      let events = incidents.incidentEvents(position, limit)
      while (events.length === 0 && !closed && !request.raw.destroyed && performance.now() < untilMs) {
        await pause(Math.min(LOOK_MS, untilMs - performance.now()), untilClosed(request))
        events = incidents.incidentEvents(position, limit)
      }
      return { cursor: events.at(-1)?.seq ?? position, head: incidents.lastIncidentEvent(), events }
    },
  })
  return { close: () => void (closed = true) }
}

const pause = (ms: number, onGone: (go: () => void) => () => void): Promise<void> =>
  new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      forget()
      resolve()
    }
    const timer = setTimeout(done, ms)
    const forget = onGone(done)
  })
