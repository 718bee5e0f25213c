// Outside /api/v1: the page and its headers, docs, health, metrics; and the accounting.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['viewer', 'engineer'] })
})
afterAll(() => room?.[Symbol.asyncDispose]())
const get = (path: string, headers: Record<string, string> = {}) => room.ask(path, { as: null, headers })
const html = { accept: 'text/html,*/*' }

test('the page is asked for every time, hashed files never again, addresses inside the page are the page', async () => {
  const page = await get('/', html)
  expect([page.status, page.text, page.headers.get('cache-control')]).toEqual([200, '<!doctype html><title>desk</title>', 'no-cache'])
  const asset = await get('/assets/main-Ab3dEf9h.js')
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect((await get('/wall', html)).text).toBe(page.text)
  expect((await get('/assets/gone-Ab3dEf9h.js', html)).status).toBe(404)
  expect((await get('/api/v1/gone', html)).body.code).toBe('not-found')
  expect((await get('/..%2f..%2fpackage.json')).status).toBeGreaterThanOrEqual(400)
})

test('every answer carries the protective headers', async () => {
  for (const path of ['/', '/healthz', '/api/v1/kpis', '/api/docs/', '/nowhere']) {
    const { headers } = await get(path)
    const csp = headers.get('content-security-policy') ?? ''
    expect(csp).toContain("default-src 'self'")
    expect(csp).toMatch(/script-src 'self';/)
    expect(csp).toContain(`connect-src 'self' ws://127.0.0.1:${room.api.port}`)
    expect(csp).toContain("frame-ancestors 'self'")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
  }
  expect((await get('/healthz', { host: 'evil.example; script-src *' })).headers.get('content-security-policy')).not.toContain('evil')
})

test('without a built page the root says how to build it, and the API works', async () => {
  const bare = await startRoom({ roles: [], page: false })
  expect((await bare.ask('/', { as: null, headers: html })).body.message).toContain('not built')
  expect((await bare.ask('/wall', { as: null, headers: html })).status).toBe(404)
  expect((await bare.ask('/healthz', { as: null })).status).toBe(200)
  await bare[Symbol.asyncDispose]()
})

test('the docs work offline: nothing comes from elsewhere', async () => {
  const docs = await get('/api/docs/')
  expect(docs.status).toBe(200)
  const initializer = await get('/api/docs/static/swagger-initializer.js')
  expect(initializer.text).toContain('/api/openapi.json')
  const links = [...docs.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(match => match[1]!)
  expect(links.length).toBeGreaterThan(3)
  for (const link of links) {
    expect(link).not.toMatch(/^(https?:)?\/\//)
    expect((await get(new URL(link, 'http://x/api/docs/').pathname)).status).toBe(200)
  }
  expect((await get('/api/openapi.json')).body).toMatchObject({
    openapi: '3.1.0',
    components: { schemas: { Error: {}, Alarm: {}, IncidentDetail: {} } },
  })
})

test('health: alive, a line per room, 503 when one is not well', async () => {
  expect((await get('/healthz')).body).toEqual({ status: 'ok' })
  expect(await get('/readyz')).toMatchObject({ status: 200, text: 'broker: ok, 0 connected\n' })
  room.rooms.push({ room: 'ingest', ok: false, detail: '5 messages\nbehind' })
  expect(await get('/readyz')).toMatchObject({ status: 503, text: 'broker: ok, 0 connected\ningest: not ok, 5 messages behind\n' })
  expect(await get('/readyz', { accept: 'application/json' })).toMatchObject({
    status: 503,
    body: {
      ready: false,
      rooms: [
        { room: 'broker', ok: true },
        { room: 'ingest', ok: false },
      ],
    },
  })
  room.rooms.pop()
})

test('metrics: from this machine; through a proxy only with a token', async () => {
  expect(await get('/metrics')).toMatchObject({ status: 200, text: 'fengsui_journal_head 0\n' })
  expect((await get('/metrics', { 'x-forwarded-for': '10.0.0.9' })).status).toBe(401)
  expect((await room.ask('/metrics', { as: 'viewer', headers: { 'x-forwarded-for': '10.0.0.9' } })).status).toBe(200)
  expect(room.counted['fengsui_http_requests_total']).toBeGreaterThan(3)
})

test('the district: GeoJSON that is sent again only when it changed', async () => {
  const first = await room.ask('/api/v1/district/areas', { as: 'viewer' })
  expect(first).toMatchObject({ status: 200, body: { type: 'FeatureCollection' } })
  expect(first.headers.get('content-encoding')).toBe('gzip')
  const plain = await room.ask('/api/v1/district/areas', { as: 'viewer', headers: { 'accept-encoding': 'identity' } })
  expect([plain.headers.get('content-encoding'), plain.text]).toEqual([null, first.text])
  const again = await room.ask('/api/v1/district/areas', { as: 'viewer', headers: { 'if-none-match': first.headers.get('etag')! } })
  expect([again.status, again.text]).toEqual([304, ''])
})

test('accounting: the report as it is, for whoever may read', async () => {
  const counts = { stored: 4, quarantined: 1, duplicate: 0, 'without-readings': 0, 'passed-over': 0 }
  const account = { since: 0, position: 5, counts, storedWithNote: 1, inFlight: 2, difference: 0, balanced: true }
  const top = [
    { deviceId: 'smk-1', name: 'Kitchen', missing: 3, forgotten: 1, ranges: [{ boot: 2, from: 7, to: 8, at: room.accounting.at }] },
  ]
  Object.assign(room.accounting, {
    known: true,
    asOf: room.accounting.at,
    accepted: 7,
    account,
    gaps: { missing: 3, forgotten: 1, devices: 1, top },
  })
  const { status, body } = await room.ask('/api/v1/accounting', { as: 'viewer' })
  expect(status).toBe(200)
  expect(body).toEqual(room.accounting)
})
