// The dashboard's files and the headers every answer carries. Files with a hash in their name never change, the page itself is
// asked for every time; a path that is no file is the page (it finds its own way). Nothing here needs a session.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyRequest } from 'fastify'
import { FengsuiError } from '#contracts/errors.ts'
import type { App } from './schema.ts'

const HOST = /^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:]+\](:\d{1,5})?$/

/** 'self' covers WebSockets in current browsers; older ones want the address written out. */
const socketsOf = (request: FastifyRequest): string => (HOST.test(request.host) ? ` ws://${request.host} wss://${request.host}` : '')

/** style-src 'unsafe-inline': the map sets styles on elements. No script but our own, no request but to ourselves. */
const cspFor = (request: FastifyRequest): string =>
  `default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; ` +
  `media-src 'self' blob: data:; connect-src 'self'${socketsOf(request)}; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; ` +
  `form-action 'self'; frame-ancestors 'self'`

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const

export function addHeaders(app: App): void {
  app.addHook('onSend', async (request, reply, payload) => {
    void reply.headers(HEADERS).header('x-request-id', request.id)
    if (!reply.hasHeader('content-security-policy')) void reply.header('content-security-policy', cspFor(request))
    if (!reply.hasHeader('cache-control') && request.url.startsWith('/api/v1/')) void reply.header('cache-control', 'no-store')
    return payload
  })
}

const YEAR_MS = 365 * 86_400_000
const HASHED = /-[A-Za-z0-9_-]{8,}\.\w+$/

export async function page(app: App, { webDir }: { webDir: string }): Promise<void> {
  if (!existsSync(join(webDir, 'index.html'))) {
    app.get('/', { schema: { hide: true } }, async () => {
      throw new FengsuiError('not-found', 'the dashboard is not built; `npm start` builds it')
    })
    return
  }
  await app.register(fastifyStatic, {
    root: webDir,
    index: 'index.html',
    cacheControl: false,
    dotfiles: 'ignore',
    preCompressed: true,
    setHeaders: (reply, path) =>
      void reply.header('cache-control', HASHED.test(path) ? `public, max-age=${YEAR_MS / 1000}, immutable` : 'no-cache'),
  })
}

/** Addresses inside the page (`/incident/17`) are the page; everything else that is missing is an error. */
export const isPageAddress = (request: FastifyRequest): boolean =>
  request.method === 'GET' &&
  (request.headers.accept?.includes('text/html') ?? false) &&
  !/^\/(api|flows|assets)(\/|$)/.test(request.url) &&
  !/\.\w+(\?|$)/.test(request.url)
