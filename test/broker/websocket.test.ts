// MQTT over WebSocket, with real ones: what the standard's chapter 6 demands, that the door behind it is the same, and what
// everything else that speaks HTTP gets.
import { request } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import mqtt from 'mqtt'
import { WebSocket, type ClientOptions } from 'ws'
import { closed, connectFrame, lay, publishFrame, textOf, until, type Table } from './table.ts'
import { authority, folder } from './x509.ts'

const ca = authority()
const files = folder()
afterAll(() => files[Symbol.dispose]())

type Open = { socket: WebSocket; got(): Buffer; ended: Promise<number> }

async function open(url: string, o: ClientOptions = {}, protocols: string[] = ['mqtt']): Promise<Open> {
  const socket = new WebSocket(url, protocols, o)
  const chunks: Buffer[] = []
  socket.on('message', (data: Buffer) => chunks.push(data))
  const ended = new Promise<number>(resolve => socket.once('close', resolve))
  await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return { socket, got: () => Buffer.concat(chunks), ended }
}

const urlOf = (table: Table): string => `ws://127.0.0.1:${table.broker.ports.ws}/mqtt`

test('one byte stream, however it is cut into frames [MQTT-6.0.0-2], and the subprotocol is answered [MQTT-6.0.0-4]', async () => {
  await using table = await lay({ wsPort: 0 })
  await table.issue('d1')
  const { socket, got } = await open(urlOf(table), {}, ['other', 'mqtt'])
  expect(socket.protocol).toBe('mqtt')
  const bytes = Buffer.concat([
    connectFrame({ clientId: 'c', ...table.login('d1') }),
    ...[1, 2, 3].map(messageId => publishFrame({ topic: 'fire/v1/smoke/d1/event', payload: `n${messageId}`, messageId })),
  ])
  for (let at = 0; at < bytes.length; at += 7) socket.send(bytes.subarray(at, at + 7))
  await until(
    () => got().length,
    n => n === 4 + 3 * 4,
  )
  expect(table.journal.messages.map(textOf)).toEqual(['n1', 'n2', 'n3'])
  socket.terminate()
})

test('mqtt.js comes in over ws, a wrong password does not, and a foreign topic ends it', async () => {
  await using table = await lay({ wsPort: 0 })
  await table.issue('d1')
  const dial = (password: string) =>
    mqtt.connectAsync(urlOf(table), { protocolVersion: 4, username: 'd1', password, reconnectPeriod: 0 }, false)
  const client = await dial(table.login('d1').password)
  await client.publishAsync('fire/v1/smoke/d1/event', '{}', { qos: 1 })
  await client.publishAsync('fire/v1/smoke/d1/event', '{}', { qos: 2 })
  const ended = closed(client)
  client.publish('fire/v1/smoke/d2/event', '{}', { qos: 1 })
  await ended
  await expect(dial('wrong')).rejects.toMatchObject({ code: 4 })
  expect(table.refusals).toMatchObject([
    { code: 'not-your-topic', address: '127.0.0.1' },
    { code: 'bad-credentials', address: '127.0.0.1' },
  ])
  expect(table.journal.messages).toHaveLength(2)
})

test('a text frame ends the connection [MQTT-6.0.0-1]', async () => {
  await using table = await lay({ wsPort: 0, anonymous: true })
  const { socket, ended } = await open(urlOf(table))
  socket.send('not binary')
  await ended
  expect(table.refusals).toMatchObject([{ code: 'protocol-error', reason: expect.stringContaining('MQTT-6.0.0-1') }])
})

test('without the subprotocol mqtt there is no connection [MQTT-6.0.0-3]', async () => {
  await using table = await lay({ wsPort: 0, anonymous: true })
  await expect(open(urlOf(table), {}, [])).rejects.toThrow('400')
  await expect(open(urlOf(table), {}, ['amqp'])).rejects.toThrow('400')
  expect(table.refusals.map(r => r.reason)).toEqual([expect.stringContaining('MQTT-6.0.0-3'), expect.stringContaining('amqp')])
})

test('other HTTP gets one line; no HTTP, and what never comes, the end', async () => {
  await using table = await lay({ wsPort: 0, limits: { connectTimeoutMs: 300 } })
  const status = await new Promise<number | undefined>((resolve, reject) => {
    request({ host: '127.0.0.1', port: table.broker.ports.ws, path: '/' }, answer => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end()
  })
  expect(status).toBe(426)
  const garbage = table.socket(table.broker.ports.ws)
  garbage.write(connectFrame({ clientId: 'c' }))
  await closed(garbage)
  const silent = table.socket(table.broker.ports.ws)
  await closed(silent)
  const upgraded = await open(urlOf(table)) // and then no CONNECT
  await upgraded.ended
})

test('a frame larger than any packet may be ends the connection, before it is buffered', async () => {
  await using table = await lay({ wsPort: 0, anonymous: true, maxPayloadBytes: 1024 })
  const { socket, ended } = await open(urlOf(table))
  socket.send(Buffer.alloc(200_000))
  expect(await ended).toBe(1009)
})

test('over TLS, with a certificate; a session revoked is a connection ended', async () => {
  const server = ca.server()
  const tls = {
    cert: files.put('server.pem', server.cert),
    key: files.put('server.key', server.key),
    clientCa: files.put('ca.pem', ca.cert),
    clients: 'required' as const,
  }
  await using table = await lay({ wssPort: 0, tls })
  await table.issue('d1')
  const { cert, key } = ca.device('d1')
  const url = `wss://127.0.0.1:${table.broker.ports.wss}/`
  await expect(open(url, { ca: ca.cert })).rejects.toThrow()
  const { socket, got, ended } = await open(url, { ca: ca.cert, cert, key })
  socket.send(connectFrame({ clientId: 'c' }))
  await until(() => got().length)
  expect(got()).toEqual(Buffer.from([0x20, 2, 0, 0]))
  table.credentials.revoke('d1')
  table.broker.disconnect('d1')
  await ended
  await until(
    () => table.broker.connections(),
    n => n === 0,
  )
})

test('behind a proxy its header comes before HTTP', async () => {
  await using table = await lay({ wsPort: 0, proxyProtocol: true })
  const raw = table.socket(table.broker.ports.ws)
  raw.write('PROXY TCP4 203.0.113.7 192.0.2.1 8080 80\r\n')
  const { socket, ended } = await open(urlOf(table), { createConnection: () => raw })
  socket.send(connectFrame({ clientId: 'c', username: 'd1', password: 'x' }))
  await ended
  expect(table.refusals).toMatchObject([{ code: 'bad-credentials', address: '203.0.113.7 8080' }])
})

test('whoever hangs up while he is refused ends nobody but himself', async () => {
  await using table = await lay({ wsPort: 0, anonymous: true })
  const thrown: Error[] = []
  const hear = (error: Error): void => void thrown.push(error)
  process.on('uncaughtExceptionMonitor', hear)
  const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13'
  try {
    for (const protocol of ['', 'sec-websocket-protocol: mqtt\r\n'])
      for (let i = 0; i < 6; i++) {
        const socket = table.socket(table.broker.ports.ws).on('error', () => {})
        await new Promise(resolve => socket.once('connect', resolve))
        socket.write(`GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n${key}\r\n${protocol}\r\n`)
        if (i % 2 === 0) await new Promise(resolve => setImmediate(resolve))
        else await new Promise(resolve => socket.once('data', resolve))
        socket.resetAndDestroy()
      }
    await expect(open(urlOf(table))).resolves.toBeDefined()
    expect(thrown.map(error => error.message)).toEqual([])
  } finally {
    process.off('uncaughtExceptionMonitor', hear)
  }
})
