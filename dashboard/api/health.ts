// Outside /api: /healthz (this process lives), /readyz (a line per room), /metrics (Prometheus). The first two are open;
// /metrics is open from this machine only, unless a token with the scope read is shown.
import type { FastifyRequest } from 'fastify'
import type { RoomHealth } from '#contracts/live.ts'
import { requireScope } from './auth.ts'
import { answers } from './errors.ts'
import { flag, list, object, oneOf, ref, text, type App } from './schema.ts'

export type HealthParts = { health: () => RoomHealth[]; metricsText: () => Promise<string> }

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])
/** behind a proxy on this machine every request comes from loopback; the proxy's header gives it away */
const isLocal = (request: FastifyRequest): boolean =>
  LOOPBACK.has(request.ip) && request.headers['x-forwarded-for'] === undefined && request.headers['forwarded'] === undefined

export function healthRoutes(app: App, { health, metricsText }: HealthParts): void {
  const tags = ['operation']
  app.get(
    '/healthz',
    {
      schema: { summary: 'This process lives', tags, security: [], response: answers({ 200: object({ status: oneOf(['ok'] as const) }) }) },
    },
    async () => ({ status: 'ok' }),
  )

  const ready = object({ ready: flag(), rooms: list(ref('RoomHealth')) })
  app.get('/readyz', {
    schema: {
      summary: 'A line per room; 200 only when all are well (JSON with Accept: application/json)',
      tags,
      security: [],
      response: { 200: ready, 503: ready },
    },
    handler: async (request, reply) => {
      const rooms = health()
      const isReady = rooms.every(room => room.ok)
      void reply.code(isReady ? 200 : 503).header('cache-control', 'no-store')
      if (request.headers.accept?.includes('application/json')) return reply.send({ ready: isReady, rooms })
      const lines = rooms.map(({ room, ok, detail }) => `${room}: ${ok ? 'ok' : 'not ok'}, ${detail.replaceAll(/\s+/g, ' ')}\n`)
      return reply.type('text/plain; charset=utf-8').send(lines.join(''))
    },
  })

  app.get('/metrics', {
    schema: {
      summary: 'Prometheus text; from other machines with a token that has the scope read',
      tags,
      response: answers({ 200: text() }),
    },
    handler: async (request, reply) => {
      if (!isLocal(request)) requireScope(request, 'read')
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metricsText())
    },
  })
}
