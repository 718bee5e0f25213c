// Commands against a real HTTP server: shown at once, taken back when refused, the first officer named, nothing sent while the link is dead.
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createApi } from '../../dashboard/web/src/api.ts'
import { why } from '../../dashboard/web/src/actions.ts'
import { learn, t } from '../../dashboard/web/src/i18n.ts'
import { effect } from '@preact/signals'
import { createStore, type Store } from '../../dashboard/web/src/store.ts'
import type { SocketHandlers } from '../../dashboard/web/src/live/socket.ts'
import { at, delta, incident, snapshot } from './incidents.ts'

let server: Server
let requests: string[]
let reply: (request: IncomingMessage) => { status: number; body: object }
let live: SocketHandlers
let store: Store
let outside: number

await learn('zh-CN')
beforeEach(async () => {
  requests = []
  outside = 0
  reply = () => ({ status: 200, body: {} })
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const { status, body } = reply(request)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const api = createApi(
    (path, init) => fetch(typeof path === 'string' ? new URL(path, base) : path, init),
    () => {
      outside += 1
    },
  )
  const openSocket = (_path: string, handlers: SocketHandlers) => {
    live = handlers
    return { close() {} }
  }
  store = createStore({ api, openSocket, nowMs: () => Date.now(), random: () => 0 })
  store.start()
  live.opened()
  live.heard(JSON.stringify(snapshot({ incidents: [incident('a')] })))
})
afterEach(async () => {
  store.stop()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})
const shown = () => store.incidents.value.get('a')
const acknowledge = () => store.actions.acknowledge(incident('a'))

test('an answer that stops half-way is told as none, in our own words', async () => {
  const torn = new ReadableStream({
    start(out) {
      out.enqueue(new TextEncoder().encode('{"id":'))
      out.error(new DOMException('signal timed out', 'TimeoutError'))
    },
  })
  const api = createApi(
    async () => new Response(torn),
    () => {},
  )
  const error = await api.get('incidents/a').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'no-answer' })
  expect(why(error)).toBe(t('error.no-answer'))
})

describe('acknowledge', () => {
  test('is shown before the server has answered, and stays until the live state says it', async () => {
    const sent = acknowledge()
    expect(shown()).toMatchObject({ state: 'acknowledged', unacknowledgedAlarms: 0 })
    expect(store.desk.value.incidents.get('a')?.state).toBe('new')
    expect(await sent).toBe(true)
    expect(shown()?.state).toBe('acknowledged')
    live.heard(JSON.stringify(delta(11, { incidents: [incident('a', { state: 'acknowledged', acknowledgedBy: 'user:zhang' })] })))
    expect(store.pending.value.size).toBe(0)
    expect(shown()).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'user:zhang' })
    expect(requests).toEqual(['POST /api/v1/incidents/a/acknowledge'])
  })
  test('is taken back when refused, with the server’s reason', async () => {
    reply = () => ({ status: 503, body: { code: 'room-unavailable', message: 'dispatch is restarting', hint: '', requestId: 'r-7' } })
    expect(await acknowledge()).toBe(false)
    expect(shown()?.state).toBe('new')
    expect(store.toasts.value.at(-1)).toMatchObject({
      tone: 'bad',
      text: expect.stringContaining('dispatch is restarting (r-7)') as string,
    })
  })
  test('the second officer is told who was first, and sees it', async () => {
    const first = incident('a', { state: 'acknowledged', acknowledgedBy: 'user:li', acknowledgedAt: at(0) })
    reply = request =>
      request.method === 'POST' ? { status: 409, body: { code: 'conflict', message: 'li was first' } } : { status: 200, body: first }
    expect(await acknowledge()).toBe(false)
    expect(store.toasts.value.at(-1)).toMatchObject({ tone: 'bad', text: expect.stringContaining('li') as string })
    expect(shown()).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'user:li' })
  })
  test('is refused, not queued, while the link is down', async () => {
    live.closed(1006)
    expect(await acknowledge()).toBe(false)
    expect(shown()?.state).toBe('new')
    expect(requests).toEqual([])
    live.opened()
    expect(requests).toEqual([])
  })
})

test('a session that ended leads out of the desk', async () => {
  reply = () => ({ status: 401, body: { code: 'unauthenticated', message: 'log in' } })
  await store.actions.note('a', 'called the household')
  expect(outside).toBe(1)
})

test('no answer at all is said as such', async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  expect(await acknowledge()).toBe(false)
  expect(shown()?.state).toBe('new')
  expect(store.toasts.value).toHaveLength(1)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

test('a flood is shown a few times a second, the first of it at once, and the last of it in the end', async () => {
  let shown = 0
  const stop = effect(() => {
    void store.incidents.value
    shown += 1
  })
  live.heard(JSON.stringify(delta(11, { incidents: [incident('first')] })))
  expect(store.incidents.value.has('first')).toBe(true)
  const before = shown
  for (let n = 0; n < 200; n += 1) live.heard(JSON.stringify(delta(12 + n, { incidents: [incident(`i-${n}`)] })))
  expect(shown - before).toBeLessThan(30)
  await vi.waitFor(() => expect(store.incidents.value.size).toBe(202), { timeout: 60_000, interval: 20 })
  stop()
})
