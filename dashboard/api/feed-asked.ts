// What all ways of reading the feed are asked with: whose cursor, which readings, and until when to wait.
import type { FastifyRequest } from 'fastify'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { eachOf } from './alarms.ts'
import type { Wanted } from './feed-source.ts'
import { either, flag, integer, object, oneOf, text } from './schema.ts'

export const consumerParams = object({ consumer: text({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }) })
export const filters = {
  kinds: text({ maxLength: 500, description: 'only these device kinds, with commas' }),
  areas: text({ maxLength: 1000, description: 'only these areas, with commas' }),
  ticks: flag({ description: "also the journal's own clock, by which rules know that time passed in silence" }),
  from: either(oneOf(['start', 'head'] as const), integer({ minimum: 0 })),
}
export const untilClosed =
  (request: FastifyRequest) =>
  (go: () => void): (() => void) => {
    request.raw.once('close', go)
    return () => void request.raw.off('close', go)
  }

export function wantedOf(o: { kinds?: string | undefined; areas?: string | undefined; ticks?: boolean | undefined }): Wanted {
  const kinds = o.kinds === undefined ? null : new Set<string>(eachOf(o.kinds, DEVICE_KINDS, 'querystring.kinds'))
  const areas = o.areas === undefined ? null : new Set(o.areas.split(',').map(area => area.trim()))
  return {
    reading: reading => (kinds?.has(reading.kind) ?? true) && (areas?.has(reading.place?.area ?? '') ?? true),
    ticks: o.ticks === true,
  }
}
