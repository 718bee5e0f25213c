// What was measured: of one device, thinned to at most `points` a series (minima and maxima kept), and of an area or a kind, step by
// step. The reading store answers; while it is away the routes say so, and nothing else waits for it.
import type { Clock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { answers } from './errors.ts'
import { integer, list, number, object, oneOf, text, time, type App, type Schema } from './schema.ts'

export type HistoryParts = {
  history: {
    query(q: {
      deviceId: string
      metric?: string
      fromMs: number
      toMs: number
      points: number
    }): Promise<{ metric: string; points: [number, number][] }[]>
    aggregate(q: {
      metric: string
      area?: string
      kind?: string
      fromMs: number
      toMs: number
      stepMs: number
    }): Promise<{ t: number; count: number; mean: number; min: number; max: number }[]>
  }
  directory: { get(deviceId: string): object | undefined }
  clock: Clock
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const SPAN_MAX_MS = 400 * DAY_MS
const STEPS_MAX = 5000
const point: Schema<[number, number]> = {
  type: 'array',
  items: { type: 'number' },
  minItems: 2,
  maxItems: 2,
  description: '[ms since 1970, value]',
}

export function historyRoutes(app: App, parts: HistoryParts): void {
  deviceRoute(app, parts)
  aggregateRoute(app, parts)
}

function deviceRoute(app: App, { history, directory, clock }: HistoryParts): void {
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
      const { fromMs, toMs } = spanOf({ from, to }, DAY_MS, clock)
      const asked = { deviceId, fromMs, toMs, points, ...(metric === undefined ? {} : { metric }) }
      const series = await orUnavailable(history.query(asked))
      if (series.length === 0 && directory.get(deviceId) === undefined)
        throw new FengsuiError('not-found', `there is no device ${deviceId}`)
      return { deviceId, from: iso(fromMs), to: iso(toMs), series }
    },
  })
}

function aggregateRoute(app: App, { history, clock }: HistoryParts): void {
  app.get('/api/v1/readings/aggregate', {
    config: { scope: 'read' },
    schema: {
      summary: 'What the devices of an area or a kind measured, by step',
      tags: ['devices'],
      querystring: object(
        { metric: text({ minLength: 1, maxLength: 100 }) },
        {
          area: text({ maxLength: 200, description: 'default: all' }),
          kind: oneOf(DEVICE_KINDS, { description: 'default: all' }),
          from: time({ description: 'default: an hour before `to`; rounded down to the minute' }),
          to: time({ description: 'default: now; rounded up to the minute' }),
          step: integer({ minimum: 60, maximum: 31_536_000, multipleOf: 60, default: 60, description: 'seconds' }),
        },
      ),
      response: answers({ 200: object({ metric: text(), from: time(), to: time(), step: integer(), rows: list(row) }) }),
    },
    handler: async request => {
      const { from, to, step = 60, ...wanted } = request.query
      const span = spanOf({ from, to }, HOUR_MS, clock)
      const fromMs = Math.floor(span.fromMs / MINUTE_MS) * MINUTE_MS
      const toMs = Math.ceil(span.toMs / MINUTE_MS) * MINUTE_MS
      if ((toMs - fromMs) / (step * 1000) > STEPS_MAX)
        throw new FengsuiError('invalid-request', `querystring.step must be wider: at most ${STEPS_MAX} steps are answered`)
      const rows = await orUnavailable(history.aggregate({ ...wanted, fromMs, toMs, stepMs: step * 1000 }))
      return { metric: wanted.metric, from: iso(fromMs), to: iso(toMs), step, rows }
    },
  })
}

const row = object({
  t: integer({ description: 'beginning of the step, ms since 1970, a multiple of it; steps without a value are left out' }),
  count: integer({ description: 'values' }),
  mean: number(),
  min: number(),
  max: number(),
})

type Span = { from: string | undefined; to: string | undefined }

function spanOf({ from, to }: Span, widthMs: number, clock: Clock): { fromMs: number; toMs: number } {
  const toMs = to === undefined ? clock.nowMs() : Date.parse(to)
  const fromMs = from === undefined ? toMs - widthMs : Date.parse(from)
  if (fromMs >= toMs) throw new FengsuiError('invalid-request', 'querystring.from must be before querystring.to')
  if (toMs - fromMs > SPAN_MAX_MS) throw new FengsuiError('invalid-request', 'from and to may be at most 400 days apart')
  return { fromMs, toMs }
}

const orUnavailable = <T>(answer: Promise<T>): Promise<T> =>
  answer.catch((cause: unknown) => {
    throw cause instanceof FengsuiError ? cause : new FengsuiError('room-unavailable', 'the reading store does not answer', { cause })
  })

const iso = (ms: number): string => new Date(ms).toISOString()
