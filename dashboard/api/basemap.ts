// GET /api/v1/district/basemap.pmtiles: the district's base map in one file, read by the page in byte ranges (RFC 9110 14).
// One range a request; several at once are answered with the whole file, which the RFC allows.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'
import { answers } from './errors.ts'
import type { App } from './schema.ts'

export const BASEMAP_FILE = 'basemap.pmtiles'

type Span = { from: number; to: number }

/** `null` = send everything, 'none' = nothing of it lies in the file. */
export function spanOf(header: string | undefined, size: number): Span | 'none' | null {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (found === null) return null
  const [, first = '', last = ''] = found
  if (first === '' && last === '') return null
  // the last n bytes (14.1.2)
  if (first === '') return Number(last) === 0 || size === 0 ? 'none' : { from: Math.max(0, size - Number(last)), to: size - 1 }
  const from = Number(first)
  const to = Math.min(size - 1, last === '' ? size - 1 : Number(last))
  if (last !== '' && Number(last) < from) return null
  return from >= size ? 'none' : { from, to }
}

const BYTES = { type: 'string', format: 'binary', description: 'PMTiles 3, vector tiles: areas, water, roads, buildings, stations' }

export function basemapRoute(app: App, { districtDir }: { districtDir: string }): void {
  app.get(`/api/v1/district/${BASEMAP_FILE}`, {
    config: { scope: 'read' },
    schema: {
      summary: 'The base map as PMTiles, whole or in ranges; `npm run basemap` builds it',
      tags: ['desk'],
      response: answers({ 200: BYTES, 206: BYTES, 304: { type: 'null' }, 416: { type: 'null' } }),
    },
    handler: async (request, reply) => {
      const file = join(districtDir, BASEMAP_FILE)
      const found = await stat(file).catch(() => null)
      if (found === null) throw new FengsuiError('not-found', 'the district has no base map; `npm run basemap` builds one')
      const etag = `"${found.size.toString(36)}-${Math.floor(found.mtimeMs).toString(36)}"`
      void reply.header('etag', etag).header('accept-ranges', 'bytes').header('cache-control', 'private, max-age=600')
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      const ifRange = request.headers['if-range']
      const span = ifRange !== undefined && ifRange !== etag ? null : spanOf(request.headers.range, found.size)
      if (span === 'none') return reply.code(416).header('content-range', `bytes */${found.size}`).send()
      void reply.type('application/vnd.pmtiles')
      if (span === null) return reply.header('content-length', found.size).send(createReadStream(file))
      const { from, to } = span
      void reply.code(206).header('content-range', `bytes ${from}-${to}/${found.size}`)
      return reply.header('content-length', to - from + 1).send(createReadStream(file, { start: from, end: to }))
    },
  })
}
