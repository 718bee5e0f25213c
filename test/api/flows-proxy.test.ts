// The way to Node-RED, against an upstream that checks passes with the flows room's own verifier.
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { userOf, verifyToken } from '../../flows/sso.ts'
import { startRoom, type Room } from './room.ts'

const SECRET = 'the shared secret of core and flows'
let room: Room
const seen: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[] = []
const userIn = (headers: IncomingHttpHeaders) => {
  const claim = verifyToken(SECRET, headers.authorization?.replace('Bearer ', '') ?? '', Date.now())
  return claim === null ? null : { ...claim, user: userOf(claim.name, claim.role) }
}

const upstream = createServer((request, response) => {
  let body = ''
  request.on('data', chunk => (body += String(chunk)))
  request.on('end', () => {
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
    if (request.url === '/flows') {
      response.writeHead(301, { location: '/flows/' }).end()
      return
    }
    response
      .writeHead(userIn(request.headers) === null ? 401 : 200, { 'content-type': 'text/html', 'set-cookie': 'sneaky=1' })
      .end('<p>editor</p>')
  })
})
const sockets = new WebSocketServer({ server: upstream })
sockets.on('connection', (socket, request) => {
  seen.push({ method: 'UPGRADE', url: request.url ?? '', headers: request.headers, body: '' })
  socket.on('message', data => socket.send(`echo ${(data as Buffer).toString()}`))
})

beforeAll(async () => {
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  room = await startRoom({ parts: { flows: { url, token: () => SECRET } } })
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
  upstream.closeAllConnections()
  upstream.close()
})
beforeEach(() => {
  seen.length = 0
})
const get = (path: string, as: string | null, headers: Record<string, string> = {}) => room.ask(path, { as, headers })
const cookie = () => ({ cookie: `fengsui_session=${room.tokens['engineer']}` })

test('the editor opens with our session, and Node-RED sees neither cookie nor token, only a pass', async () => {
  const answer = await get('/flows/settings?x=1', null, { ...cookie(), authorization: 'Basic c3RhbGU6c3RhbGU=' })
  expect(answer).toMatchObject({ status: 200, text: '<p>editor</p>' })
  expect(answer.headers.get('set-cookie')).toBeNull()
  expect(answer.headers.get('content-security-policy')).toContain("'unsafe-eval'")
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(seen).toMatchObject([{ method: 'GET', url: '/flows/settings?x=1' }])
  expect(seen[0]!.headers.cookie).toBeUndefined()
  expect(userIn(seen[0]!.headers)).toMatchObject({ name: 'engineer', role: 'engineer', user: { username: 'engineer' } })
  expect(JSON.stringify(seen)).not.toContain(room.tokens['engineer'])
  expect((await get('/flows', null, cookie())).headers.get('location')).toBe('/flows/')
})

test('officers look, engineers and administrators change, others stay outside', async () => {
  const deploy = (as: string) => room.ask('/flows/flows', { as, method: 'POST', json: { flows: [], rev: 'x' } })
  expect((await get('/flows/', 'officer')).status).toBe(200)
  expect((await deploy('officer')).status).toBe(403)
  expect((await get('/flows/', 'station')).status).toBe(403)
  expect((await get('/flows/', 'station')).status).toBe(403)
  for (const as of ['engineer', 'admin']) expect((await deploy(as)).status).toBe(200)
  expect(seen.at(-1)).toMatchObject({ method: 'POST', url: '/flows/flows', body: '{"flows":[],"rev":"x"}' })
  expect(room.dispatch.audit({ limit: 1 })).toMatchObject([
    { actor: 'user:admin', action: 'flows.write', subject: '/flows/flows', detail: { method: 'POST' } },
  ])
})

test('a token gets the least role that has its scopes', async () => {
  room.issue('gate', ['flows:read', 'flows:write'])
  room.issue('watcher', ['flows:read'])
  await get('/flows/', 'gate')
  await get('/flows/', 'watcher')
  expect(seen.map(one => userIn(one.headers)?.role)).toEqual(['engineer', 'officer'])
})

test('a person without a session is sent to the login, a program is told', async () => {
  const page = await get('/flows/', null, { accept: 'text/html' })
  expect([page.status, page.headers.get('location')]).toEqual([302, '/?next=/flows/'])
  expect(await get('/flows/', null)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  expect(seen).toEqual([])
})

test('a cookie from a foreign page deploys nothing', async () => {
  const foreign = { ...cookie(), origin: 'https://evil.example' }
  expect((await room.ask('/flows/flows', { as: null, method: 'POST', json: {}, headers: foreign })).status).toBe(403)
  expect(seen).toEqual([])
})

test('the editor’s socket: same pass, both ways; not for others, not from elsewhere', async () => {
  const open = (headers: Record<string, string>) =>
    new Promise<WebSocket>((resolve, reject) => {
      const socket = new WebSocket(`${room.url.replace('http', 'ws')}/flows/comms`, { headers })
      socket.once('open', () => resolve(socket))
      socket.once('error', reject)
    })
  const socket = await open({ ...cookie(), origin: room.url })
  const answered = new Promise(resolve => socket.once('message', data => resolve((data as Buffer).toString())))
  socket.send('hello')
  expect(await answered).toBe('echo hello')
  expect(seen).toMatchObject([{ method: 'UPGRADE', url: '/flows/comms' }])
  expect(seen[0]!.headers.cookie).toBeUndefined()
  expect(userIn(seen[0]!.headers)).toMatchObject({ role: 'engineer' })
  socket.terminate()
  await expect(open({})).rejects.toThrow(/401/)
  await expect(open({ authorization: `Bearer ${room.tokens['station']}` })).rejects.toThrow(/403/)
  await expect(open({ ...cookie(), origin: 'https://evil.example' })).rejects.toThrow(/403/)
})

test('no way out of /flows', async () => {
  for (const path of ['/flows/..%2fsecret', '/flows/%2e%2e/secret', '/flows/..\\secret']) {
    const { status } = await get(path, 'admin')
    expect([400, 404]).toContain(status)
  }
  expect(seen.filter(one => !one.url.startsWith('/flows/'))).toEqual([])
})

test('while Node-RED is away: a page for people, an error for programs, and the API closes all the same', async () => {
  const away = await startRoom({ roles: ['engineer'], parts: { flows: { url: 'http://127.0.0.1:1', token: () => SECRET } } })
  const page = await away.ask('/flows/', { as: 'engineer', headers: { accept: 'text/html' } })
  expect(page.status).toBe(503)
  expect(page.text).toContain('报警不受影响')
  expect(await away.ask('/flows/flows', { as: 'engineer' })).toMatchObject({ status: 503, body: { code: 'room-unavailable' } })
  await away[Symbol.asyncDispose]()
})

/** Asks for an upgrade; `reset` = and is gone before an answer could come. */
const upgradeAt = async (port: number, path: string, { reset = false } = {}): Promise<string> => {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  await new Promise(resolve => socket.once('connect', resolve))
  const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13'
  socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n${key}\r\n\r\n`)
  let got = ''
  socket.on('data', data => (got += data.toString('latin1')))
  const ended = new Promise(resolve => socket.once('close', resolve))
  if (reset) setImmediate(() => socket.resetAndDestroy())
  await ended
  return got.split('\r\n', 1)[0] ?? ''
}

test('whoever hangs up in the middle of an upgrade ends nobody but himself, flows on or off', async () => {
  const off = await startRoom({ roles: [] })
  const thrown: Error[] = []
  const hear = (error: Error): void => void thrown.push(error)
  process.on('uncaughtExceptionMonitor', hear)
  try {
    for (const { api } of [room, off])
      for (const path of ['/flows/comms', '/flows', '/api/v1/live', '/nowhere', '/%66lows/comms'])
        for (let i = 0; i < 4; i++) await upgradeAt(api.port, path, { reset: true })
    expect(await upgradeAt(off.api.port, '/flows/comms')).toBe('HTTP/1.1 404 Not Found')
    expect(thrown.map(error => error.message)).toEqual([])
  } finally {
    process.off('uncaughtExceptionMonitor', hear)
    await off[Symbol.asyncDispose]()
  }
})

test('a frame that is none, and an editor that is away, end that socket alone', async () => {
  const away = await startRoom({ roles: ['viewer'], parts: { flows: { url: 'http://127.0.0.1:1', token: () => SECRET } } })
  const thrown: Error[] = []
  const hear = (error: Error): void => void thrown.push(error)
  process.on('uncaughtExceptionMonitor', hear)
  const open = ({ url, tokens }: Room): WebSocket =>
    new WebSocket(`${url.replace('http', 'ws')}/flows/comms`, { headers: { authorization: `Bearer ${tokens['viewer']}` } }).on(
      'error',
      () => {},
    )
  const ended = (socket: WebSocket) => new Promise(resolve => socket.once('close', resolve))
  try {
    await ended(open(away))
    const bad = open(room)
    await new Promise(resolve => bad.once('open', resolve))
    // reserved bits, an opcode that is none
    ;(bad as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from([0xff, 0x80, 1, 2, 3, 4]))
    await ended(bad)
    expect(thrown.map(error => error.message)).toEqual([])
  } finally {
    process.off('uncaughtExceptionMonitor', hear)
    await away[Symbol.asyncDispose]()
  }
})
