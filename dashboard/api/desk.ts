// The small reads of the desk: figures, the audit trail, the district's map layers.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { createGzip } from 'node:zlib'
import { FengsuiError } from '#contracts/errors.ts'
import type { Kpis } from '#contracts/live.ts'
import { answers } from './errors.ts'
import { integer, list, object, oneOf, open, ref, text, time, type App } from './schema.ts'

export type AuditQuestion = {
  limit: number
  before?: number
  actor?: string
  action?: string
  subject?: string
  from?: string
  to?: string
}
export type DeskParts = {
  kpis(): Kpis
  searchAudit(f: AuditQuestion): { entries: readonly object[]; next?: number }
  districtDir: string
}

export const LAYERS = ['areas', 'roads', 'stations', 'buildings', 'water'] as const

export function deskRoutes(app: App, parts: DeskParts): void {
  app.get(
    '/api/v1/kpis',
    {
      config: { scope: 'read' },
      schema: { summary: 'The figures of the top bar', tags: ['desk'], response: answers({ 200: ref('Kpis') }) },
    },
    async () => parts.kpis(),
  )

  app.get('/api/v1/audit', {
    config: { scope: 'audit:read' },
    schema: {
      summary: 'Who did what, newest first; hash-chained',
      tags: ['desk'],
      querystring: object(
        {},
        {
          limit: integer({ minimum: 1, maximum: 1000, default: 200 }),
          before: integer({ minimum: 1, description: 'only entries with a smaller seq' }),
          actor: text({ maxLength: 200, description: 'part of who, as `user:chen`' }),
          action: text({ maxLength: 100, description: 'how the action begins: `incident.`, `posture.emergency`' }),
          subject: text({ maxLength: 200, description: 'part of what it was done to' }),
          from: time({ description: 'not before' }),
          to: time({ description: 'before' }),
        },
      ),
      response: answers({
        200: object(
          { entries: list(open()) },
          { next: integer({ description: 'go on with `before` = this: 20,000 entries are looked through at once; absent = all were' }) },
        ),
      }),
    },
    handler: async request => {
      const { limit = 200, from, to, ...asked } = request.query
      return parts.searchAudit({
        ...asked,
        limit,
        ...(from === undefined ? {} : { from: new Date(from).toISOString() }),
        ...(to === undefined ? {} : { to: new Date(to).toISOString() }),
      })
    },
  })

  app.get('/api/v1/district/:layer', {
    config: { scope: 'read' },
    schema: {
      summary: 'A map layer of the district as GeoJSON (WGS84)',
      tags: ['desk'],
      params: object({ layer: oneOf(LAYERS) }),
      response: answers({ 200: open({ description: 'a GeoJSON FeatureCollection' }), 304: { type: 'null' } }),
    },
    handler: async (request, reply) => {
      const { layer } = request.params
      const file = join(parts.districtDir, `${layer}.geojson`)
      const found = await stat(file).catch(() => null)
      if (found === null) throw new FengsuiError('not-found', `the district has no layer ${layer}`)
      const etag = `W/"${found.size.toString(36)}-${Math.floor(found.mtimeMs).toString(36)}"`
      void reply.header('etag', etag).header('cache-control', 'private, no-cache').header('vary', 'accept-encoding')
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      void reply.type('application/geo+json')
      if (!(request.headers['accept-encoding']?.includes('gzip') ?? false)) return reply.send(createReadStream(file))
      // coordinates shrink to a sixth; a broken file ends the answer, which the error of the stream reports
      return reply.header('content-encoding', 'gzip').send(pipeline(createReadStream(file), createGzip({ level: 4 }), () => {}))
    },
  })
}
