// Talking to the API: whole answers, refusals in its own words, lines cut anywhere, and connections that break or never answer.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiAt, reasonOf, type Api } from '../../flows/nodes/lib/http.ts'

const asked: { method: string | undefined; headers: IncomingMessage['headers']; body: string }[] = []
const ports = new Set<number | undefined>()
function answer(req: IncomingMessage, res: ServerResponse, body: string): void {
  asked.push({ method: req.method, headers: req.headers, body })
  ports.add(req.socket.remotePort)
  if (req.url === '/base/well') return void res.writeHead(201).end('{"id":"烽燧"}')
  if (req.url === '/base/busy') return void res.writeHead(429, { 'retry-after': '7' }).end('{"code":"too-many-requests","message":"wait"}')
  if (req.url === '/base/never') return
  if (req.url === '/base/broken') {
    res.writeHead(200, { 'content-length': '100' }).write('{"half":')
    return void setTimeout(() => res.destroy(), 20)
  }
  res.writeHead(200)
  const lines = Buffer.from('{"n":1}\n{"n":"二"}\n{"n":3}\n')
  // in the middle of a character
  res.write(lines.subarray(0, 15))
  setTimeout(() => {
    res.write(lines.subarray(15))
    if (req.url === '/base/cut') setTimeout(() => res.destroy(), 20)
    else res.end()
  }, 20)
}
const server = createServer((req, res) => {
  let body = ''
  req.on('data', chunk => (body += String(chunk))).on('end', () => answer(req, res, body))
})
let api: Api
beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  api = apiAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`, 'secret')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
const never = new AbortController().signal

test('a whole answer over a connection that stays open, with the token and the body in its length', async () => {
  const body = JSON.stringify({ ack: 1, what: '火' })
  for (let i = 0; i < 3; i++) {
    const said = await api.ask('/well', { method: 'POST', body, headers: { 'idempotency-key': 'k' }, timeoutMs: 5000 })
    expect(said).toMatchObject({ status: 201, ok: true, body: '{"id":"烽燧"}' })
  }
  expect(asked.at(-1)).toMatchObject({ method: 'POST', body, headers: { authorization: 'Bearer secret', 'idempotency-key': 'k' } })
  expect(ports.size).toBe(1)
})

test('a refusal is an answer, in the API’s own words', async () => {
  const said = await api.ask('/busy', { timeoutMs: 5000 })
  expect(said).toMatchObject({ ok: false, status: 429, retryAfterS: 7 })
  expect(reasonOf(said)).toBe('429 too-many-requests wait')
  await expect(api.lines('/busy', never)).rejects.toThrow('429 too-many-requests wait')
})

test('no answer, half an answer, somebody who goes, and what is no address are errors', async () => {
  await expect(api.ask('/never', { timeoutMs: 30 })).rejects.toThrow('no answer within')
  await expect(api.ask('/broken', { timeoutMs: 5000 })).rejects.toThrow()
  const leaving = new AbortController()
  const asking = api.ask('/never', { timeoutMs: 5000, signal: leaving.signal })
  leaving.abort()
  await expect(asking).rejects.toThrow('abort')
  await expect(apiAt('', undefined).ask('/well', { timeoutMs: 5000 })).rejects.toThrow('no address')
})

test('lines come one at a time, whole though they were cut in the middle of a character, and then an end', async () => {
  const lines = await api.lines('/lines', never)
  const all: unknown[] = []
  for (let line = await lines.next(); line !== null; line = await lines.next()) all.push((JSON.parse(line) as { n: unknown }).n)
  expect(all).toEqual([1, '二', 3])
  expect(lines.next()).toBe(null)
})

test('a stream that breaks gives what had come, and then the error', async () => {
  const lines = await api.lines('/cut', never)
  expect([await lines.next(), await lines.next(), await lines.next()]).toEqual(['{"n":1}', '{"n":"二"}', '{"n":3}'])
  await expect((async () => lines.next())()).rejects.toThrow('aborted')
})
