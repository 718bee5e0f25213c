// Connections that end in the middle of something: what was sent counts, what was asked for by one touches no other, and nobody's
// session is confused with the one before it.
import { generate } from 'mqtt-packet'
import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import type { BrokerOptions } from '../../broker/index.ts'
import { aMoment, closed, connectFrame, lay, publishFrame, received, textOf, until, type Table } from './table.ts'

const laneOf: NonNullable<BrokerOptions['laneOf']> = () => (bytes, from, to) =>
  Buffer.from(bytes.subarray(from, to)).includes('alarm') ? 'alarm' : 'bulk'
const CONNACK_BYTES = 4
const will = { topic: 'will', payload: Buffer.from('gone'), qos: 1 as const, retain: false }
const withWill = (clientId: string): Buffer =>
  generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, keepalive: 0, clean: true, clientId, will })
const retained = (payload: string): Buffer =>
  generate({ cmd: 'publish', retain: true, dup: false, qos: 0, topic: 't', payload, messageId: 0 })
const pubrec = (messageId: number): Buffer => Buffer.from([0x50, 2, 0, messageId])

/** Connected, and everything that comes behind CONNACK. */
async function connected(table: Table, connect: Buffer): Promise<{ socket: Socket; bytes(): Buffer }> {
  const socket = table.socket()
  const got = received(socket)
  socket.write(connect)
  await until(() => got.bytes().length >= CONNACK_BYTES)
  return { socket, bytes: () => got.bytes().subarray(CONNACK_BYTES) }
}

test('who says goodbye and hangs up at once has said everything it sent, and leaves no will', async () => {
  await using table = await lay({ anonymous: true })
  const { socket } = await connected(table, withWill('c'))
  table.journal.hold()
  socket.end(Buffer.concat([publishFrame({ topic: 't', payload: 'plain', qos: 0 }), retained('kept'), generate({ cmd: 'disconnect' })]))
  await until(() => table.journal.waiting)
  await aMoment()
  table.journal.release()
  await closed(socket)
  await until(() => table.broker.connections() === 0)
  await aMoment()
  expect(table.journal.messages.map(textOf)).toEqual(['plain', 'kept'])
})

test('who hangs up without a goodbye leaves its will behind everything it sent, and still gets its acknowledgements', async () => {
  await using table = await lay({ anonymous: true })
  const { socket, bytes } = await connected(table, withWill('c'))
  table.journal.hold()
  socket.end(Buffer.concat([publishFrame({ topic: 't', payload: 'plain', messageId: 7 }), retained('kept')]))
  await until(() => table.journal.waiting)
  await aMoment()
  table.journal.release()
  await closed(socket)
  await until(() => table.journal.messages.length === 3)
  expect(table.journal.messages.map(textOf)).toEqual(['plain', 'kept', 'gone'])
  expect(bytes()).toEqual(Buffer.from([0x40, 2, 0, 7]))
})

test('all in one breath, CONNECT to goodbye', async () => {
  await using table = await lay()
  await table.issue('d1', { grants: ['t'] })
  const socket = table.socket()
  socket.end(
    Buffer.concat([
      connectFrame({ clientId: 'c', ...table.login('d1') }),
      publishFrame({ topic: 't', payload: 'plain', qos: 0 }),
      retained('kept'),
      generate({ cmd: 'disconnect' }),
    ]),
  )
  await until(() => table.journal.messages.length === 2)
})

test('who unsubscribes and is gone in the same moment takes the subscription of nobody else', async () => {
  await using table = await lay({ anonymous: true })
  const watcher = await table.client(null)
  const seen: string[] = []
  watcher.on('message', (_, payload) => seen.push(payload.toString()))
  await watcher.subscribeAsync('t/#', { qos: 0 })
  const accepted: Socket[] = []
  const note = (message: unknown): void => void accepted.push((message as { socket: Socket }).socket)
  diagnostics.subscribe('net.server.socket', note)
  const { socket, bytes } = await connected(table, connectFrame({ clientId: 'c' }))
  diagnostics.unsubscribe('net.server.socket', note)
  socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't/#', qos: 0 }] }))
  await until(() => bytes().length === 5)
  accepted[0]?.on('data', () => process.nextTick(() => accepted[0]?.destroy(new Error('reset'))))
  socket.write(generate({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['t/#'] }))
  await closed(socket)
  await until(() => table.broker.connections() === 1)
  const sender = await table.client(null)
  await sender.publishAsync('t/1', 'wanted', { qos: 1 })
  await until(() => seen.length)
  expect(seen).toEqual(['wanted'])
})

test('a will is shown to subscribers behind what was sent before it', async () => {
  await using table = await lay({ anonymous: true })
  const watcher = await table.client(null)
  const seen: string[] = []
  watcher.on('message', (_, payload) => seen.push(payload.toString()))
  await watcher.subscribeAsync('#', { qos: 1 })
  const { socket } = await connected(table, withWill('c'))
  table.journal.hold()
  socket.write(publishFrame({ topic: 't', payload: 'before' }))
  await until(() => table.journal.waiting)
  socket.resetAndDestroy()
  await until(() => table.journal.waiting === 2)
  table.journal.release()
  await until(() => seen.length === 2)
  expect(seen).toEqual(['before', 'gone'])
})

test('a new session with the ClientId of one whose QoS 2 message is on its way may use the same number: it is another message', async () => {
  await using table = await lay({ anonymous: true })
  table.journal.hold()
  const first = await connected(table, connectFrame({ clientId: 'c' }))
  first.socket.write(publishFrame({ topic: 't', payload: 'first', qos: 2, messageId: 1 }))
  await until(() => table.journal.waiting === 1)
  first.socket.resetAndDestroy()
  await until(() => table.broker.connections() === 0)
  const second = await connected(table, connectFrame({ clientId: 'c' }))
  second.socket.write(publishFrame({ topic: 't', payload: 'second', qos: 2, messageId: 1 }))
  await aMoment()
  table.journal.release()
  await until(() => second.bytes().length)
  expect(second.bytes()).toEqual(pubrec(1))
  expect(table.journal.messages.map(textOf)).toEqual(['first', 'second'])
})

test.for([true, false])(
  'a QoS 2 message that is stored after its session (clean: %s) has ended is not taken for one of the next',
  async clean => {
    await using table = await lay({ anonymous: true })
    table.journal.hold()
    const first = await connected(table, connectFrame({ clientId: 'c', clean }))
    first.socket.write(publishFrame({ topic: 't', payload: 'first', qos: 2, messageId: 1 }))
    await until(() => table.journal.waiting === 1)
    first.socket.resetAndDestroy()
    await until(() => table.broker.connections() === 0)
    const second = await connected(table, connectFrame({ clientId: 'c' }))
    table.journal.release()
    await aMoment()
    second.socket.write(publishFrame({ topic: 't', payload: 'second', qos: 2, messageId: 1 }))
    await until(() => second.bytes().length)
    expect(second.bytes()).toEqual(pubrec(1))
    expect(table.journal.messages.map(textOf)).toEqual(['first', 'second'])
  },
)

test('a QoS 2 message on disk, but not acknowledged in its turn yet, is stored once when it is sent again', async () => {
  await using table = await lay({ anonymous: true, laneOf })
  table.journal.hold()
  const frames = Buffer.concat([
    publishFrame({ topic: 't', payload: 'bulk 1', qos: 2, messageId: 1 }),
    publishFrame({ topic: 't', payload: 'alarm 2', qos: 2, messageId: 2 }),
  ])
  const first = await connected(table, Buffer.concat([connectFrame({ clientId: 'c', clean: false }), frames]))
  await until(() => table.journal.waiting === 2)
  table.journal.commit('alarm')
  await aMoment()
  first.socket.resetAndDestroy()
  await until(() => table.broker.connections() === 0)
  const second = await connected(table, Buffer.concat([connectFrame({ clientId: 'c', clean: false }), frames]))
  await aMoment()
  table.journal.release()
  await until(() => second.bytes().length === 8)
  expect(second.bytes()).toEqual(Buffer.concat([pubrec(1), pubrec(2)]))
  expect(table.journal.messages.map(textOf).sort()).toEqual(['alarm 2', 'bulk 1'])
})

test('who does not know the password ends nothing of the session whose names it gives', async () => {
  await using table = await lay()
  await table.issue('d1')
  const topic = 'fire/v1/smoke/d1/event'
  const connect = connectFrame({ clientId: 'c', clean: false, ...table.login('d1') })
  const frame = publishFrame({ topic, payload: 'once', qos: 2, messageId: 7 })
  const first = await connected(table, connect)
  first.socket.write(frame)
  await until(() => first.bytes().length === 4)
  first.socket.destroy()
  await until(() => table.broker.connections() === 0)
  const stranger = await connected(table, connectFrame({ clientId: 'c', username: 'd1', password: 'guessed' }))
  await closed(stranger.socket)
  const back = await connected(table, connect)
  back.socket.write(frame)
  await until(() => back.bytes().length === 4)
  expect(table.journal.messages).toHaveLength(1)
})

test('one identity cannot take all the room for half-done QoS 2 messages', async () => {
  await using table = await lay({ limits: { halfDone: 40, halfDoneOfIdentity: 10 } })
  await table.issue('greedy')
  await table.issue('d1')
  for (let i = 0; i < 8; i++) {
    const { socket } = await connected(table, connectFrame({ clientId: `c${i}`, clean: false, ...table.login('greedy') }))
    for (let id = 1; id <= 10; id++)
      socket.write(publishFrame({ topic: 'fire/v1/smoke/greedy/event', payload: 'x', qos: 2, messageId: id }))
    await aMoment()
    socket.destroy()
  }
  const { socket, bytes } = await connected(table, connectFrame({ clientId: 'c', ...table.login('d1') }))
  socket.write(publishFrame({ topic: 'fire/v1/smoke/d1/event', payload: 'x', qos: 2, messageId: 3 }))
  await until(() => bytes().length)
  expect(bytes()).toEqual(pubrec(3))
})

test('a clock that jumps sends the will of nobody who is connected', async () => {
  const intervals: (() => void)[] = []
  const real = setInterval
  const spy = vi.spyOn(globalThis, 'setInterval').mockImplementation(((run: () => void, ms: number) => {
    intervals.push(run)
    return real(run, ms)
  }) as typeof setInterval)
  await using table = await lay({ anonymous: true })
  spy.mockRestore()
  await connected(table, withWill('c'))
  const later = Date.now() + 3_600_000
  const clock = vi.spyOn(Date, 'now').mockReturnValue(later)
  for (const run of intervals.toReversed()) {
    run()
    await aMoment()
  }
  clock.mockRestore()
  expect(table.journal.messages).toEqual([])
})

test('connections that are reset at any moment of coming in leave nothing behind', async () => {
  await using table = await lay({ anonymous: true })
  const connect = connectFrame({ clientId: 'c', clean: false })
  const first = await connected(table, connect)
  first.socket.write(
    generate({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [
        { topic: 'a', qos: 1 },
        { topic: 'b', qos: 0 },
      ],
    }),
  )
  await until(() => first.bytes().length)
  for (let i = 0; i < 200; i++) {
    const socket = table.socket()
    await once(socket, 'connect')
    socket.write(connect)
    for (let turn = 0; turn < i % 8; turn++) await new Promise(resolve => setImmediate(resolve))
    socket.resetAndDestroy()
  }
  await aMoment()
  first.socket.destroy()
  await until(() => table.broker.connections() === 0, Boolean, 5000)
})
