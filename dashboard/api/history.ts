// GET /api/v1/devices/:id/readings: what a device measured, thinned to at most `points` a series (minima and maxima kept).
// The reading store answers; while it is away the route says so, and nothing else waits for it.
import type { Clock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { answers } from './errors.ts'
import { integer, list, object, text, time, type App, type Schema } from './schema.ts'

export type HistoryParts = {
  history: {
    query(q: {
      deviceId: string
      metric?: string
      fromMs: number
      toMs: number
      points: number
    }): Promise<{ metric: string; points: [number, number][] }[]>
  }
  directory: { get(deviceId: string): object | undefined }
  clock: Clock
}

const DAY_MS = 86_400_000
const SPAN_MAX_MS = 400 * DAY_MS
const point: Schema<[number, number]> = {
  type: 'array',
  items: { type: 'number' },
  minItems: 2,
  maxItems: 2,
  description: '[ms since 1970, value]',
}

export function historyRoutes(app: App, { history, directory, clock }: HistoryParts): void {
  app.get('/api/v1/devices/:id/readings', {
    config: { scope: 'read' },
    schema: {
      summary: 'What a device measured',
      tags: ['devices'],
      params: object({ id: text({ maxLength: 128 }) }),
      querystring: object(
        {},
        {
          from: time({ description: 'default: a day before `to`' }),
          to: time({ description: 'default: now' }),
          metric: text({ maxLength: 100, description: 'default: all' }),
          points: integer({ minimum: 2, maximum: 5000, default: 500, description: 'at most this many a series' }),
        },
      ),
      response: answers({
        200: object({ deviceId: text(), from: time(), to: time(), series: list(object({ metric: text(), points: list(point) })) }),
      }),
    },
    handler: async request => {
      const { from, to, metric, points = 500 } = request.query
      const deviceId = request.params.id
      const toMs = to === undefined ? clock.nowMs() : Date.parse(to)
      const fromMs = from === undefined ? toMs - DAY_MS : Date.parse(from)
      if (fromMs >= toMs) throw new FengsuiError('invalid-request', 'querystring.from must be before querystring.to')
      if (toMs - fromMs > SPAN_MAX_MS) throw new FengsuiError('invalid-request', 'from and to may be at most 400 days apart')
      const asked = { deviceId, fromMs, toMs, points, ...(metric === undefined ? {} : { metric }) }
      const series = await history.query(asked).catch((cause: unknown) => {
        throw cause instanceof FengsuiError ? cause : new FengsuiError('room-unavailable', 'the reading store does not answer', { cause })
      })
      if (series.length === 0 && directory.get(deviceId) === undefined)
        throw new FengsuiError('not-found', `there is no device ${deviceId}`)
      return { deviceId, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), series }
    },
  })
}
