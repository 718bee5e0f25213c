// The fast lane beside Aedes: what one client sends keeps its order whichever way it goes, acknowledgements leave in order, what
// somebody wants is shown to them after the commit, and nobody takes more room or rate than is theirs.
import { Allowance } from '../../broker/allowance.ts'
import { generate } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { noMeter } from '#contracts/metrics.ts'
import type { BrokerOptions } from '../../broker/index.ts'
import { aMoment, closed, connectFrame, lay, publishFrame, received, textOf, until } from './table.ts'

/** What says "alarm" may carry one. */
const laneOf: NonNullable<BrokerOptions['laneOf']> = () => (bytes, from, to) =>
  Buffer.from(bytes.subarray(from, to)).includes('alarm') ? 'alarm' : 'bulk'
const CONNACK = 4
const acksIn = (bytes: Buffer): string[] => {
  const acks: string[] = []
  for (let at = CONNACK; at < bytes.length; at += 4) acks.push(`${(bytes[at] ?? 0).toString(16)}:${bytes.readUInt16BE(at + 2)}`)
  return acks
}
const retained = (o: { topic: string; payload: string; messageId: number }): Buffer =>
  generate({ cmd: 'publish', retain: true, dup: false, qos: 1, ...o })

test('acknowledgements keep the order of the messages, whichever lane is on disk first', async () => {
  await using table = await lay({ anonymous: true, laneOf })
  const socket = table.socket()
  const got = received(socket)
  table.journal.hold()
  const payloads = ['bulk 1', 'alarm 2', 'alarm 3', 'bulk 4', 'alarm 5']
  socket.write(
    Buffer.concat([
      connectFrame({ clientId: 'c' }),
      ...payloads.map((payload, i) => publishFrame({ topic: 't', payload, messageId: i + 1 })),
    ]),
  )
  await until(
    () => table.journal.lanes(),
    lanes => lanes === 'baaba',
  )
  table.journal.commit('alarm')
  await aMoment()
  expect(acksIn(got.bytes())).toEqual([])
  table.journal.commit('bulk', 1)
  await until(() => acksIn(got.bytes()).length === 3)
  await aMoment()
  expect(acksIn(got.bytes())).toEqual(['40:1', '40:2', '40:3'])
  table.journal.commit('bulk')
  await until(() => acksIn(got.bytes()).length === 5)
  expect(acksIn(got.bytes())).toEqual(['40:1', '40:2', '40:3', '40:4', '40:5'])
})

test('what Aedes handles waits for the fast lane, and the fast lane for it', async () => {
  await using table = await lay({ anonymous: true, laneOf })
  const socket = table.socket()
  const got = received(socket)
  table.journal.hold()
  socket.write(
    Buffer.concat([
      connectFrame({ clientId: 'c' }),
      publishFrame({ topic: 't', payload: 'fast 1', messageId: 1 }),
      publishFrame({ topic: 't', payload: 'twice 2', qos: 2, messageId: 2 }),
      publishFrame({ topic: 't', payload: 'alarm 3', messageId: 3 }),
      retained({ topic: 't', payload: 'kept 4', messageId: 4 }),
      publishFrame({ topic: 't', payload: 'fast 5', qos: 0 }),
      publishFrame({ topic: 't', payload: 'fast 6', messageId: 6 }),
    ]),
  )
  for (const [waiting, acks] of [
    [1, []],
    [1, ['40:1']],
    [1, ['40:1', '50:2']],
    [1, ['40:1', '50:2', '40:3']],
    [2, ['40:1', '50:2', '40:3', '40:4']],
  ] as const) {
    await until(() => table.journal.waiting === waiting && acksIn(got.bytes()).length === acks.length)
    expect(acksIn(got.bytes())).toEqual(acks)
    table.journal.commit('alarm')
    table.journal.commit('bulk')
  }
  await until(() => acksIn(got.bytes()).length === 5)
  expect(table.journal.messages.map(textOf)).toEqual(['fast 1', 'twice 2', 'alarm 3', 'kept 4', 'fast 5', 'fast 6'])
})

test('messages that Aedes handles are acknowledged in order too', async () => {
  await using table = await lay({ anonymous: true, laneOf })
  const socket = table.socket()
  const got = received(socket)
  table.journal.hold()
  const frames = ['bulk 1', 'alarm 2', 'bulk 3'].map((payload, i) => retained({ topic: `t${i}`, payload, messageId: i + 1 }))
  socket.write(Buffer.concat([connectFrame({ clientId: 'c' }), ...frames]))
  await until(() => table.journal.lanes() === 'bab')
  table.journal.commit('alarm')
  await aMoment()
  expect(acksIn(got.bytes())).toEqual([])
  table.journal.commit('bulk')
  await until(() => acksIn(got.bytes()).length === 3)
  expect(acksIn(got.bytes())).toEqual(['40:1', '40:2', '40:3'])
})

test('a DISCONNECT ends the connection when what came before it is acknowledged', async () => {
  await using table = await lay({ anonymous: true })
  const socket = table.socket()
  const got = received(socket)
  table.journal.hold()
  socket.write(
    Buffer.concat([
      connectFrame({ clientId: 'c' }),
      publishFrame({ topic: 't', payload: 'last', messageId: 9 }),
      generate({ cmd: 'disconnect' }),
    ]),
  )
  await until(() => table.journal.waiting)
  await aMoment()
  expect(table.broker.connections()).toBe(1)
  table.journal.release()
  await closed(socket)
  expect(acksIn(got.bytes())).toEqual(['40:9'])
})

test('a subscriber gets what was sent before and behind its SUBSCRIBE, after the commit, in order across QoS and retain', async () => {
  await using table = await lay({ anonymous: true, laneOf })
  const watcher = await table.client(null)
  const seen: string[] = []
  watcher.on('message', (_, payload) => seen.push(payload.toString()))
  await watcher.subscribeAsync('t/#', { qos: 2 })
  const socket = table.socket()
  table.journal.hold()
  const frames = Array.from({ length: 60 }, (_, i) => {
    const payload = `${i % 7 === 0 ? 'alarm' : 'bulk'} ${i}`
    if (i % 10 === 9) return retained({ topic: 't/kept', payload, messageId: i + 1 })
    return publishFrame({ topic: i % 3 === 0 ? 't/a' : 't/b', payload, qos: i % 2 === 0 ? 0 : 1, messageId: i + 1 })
  })
  socket.write(Buffer.concat([connectFrame({ clientId: 'c' }), ...frames]))
  await until(() => table.journal.waiting)
  await aMoment()
  expect(seen).toEqual([])
  table.journal.release()
  await until(() => seen.length === 60)
  expect(seen.map(text => Number(text.split(' ')[1]))).toEqual(Array.from({ length: 60 }, (_, i) => i))
})

test('who subscribes and publishes in one breath gets its own message', async () => {
  await using table = await lay({ anonymous: true })
  const socket = table.socket()
  const got = received(socket)
  socket.write(
    Buffer.concat([
      connectFrame({ clientId: 'c' }),
      publishFrame({ topic: 'mine', payload: 'too early' }),
      generate({ cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: 'mine', qos: 0 }] }),
      publishFrame({ topic: 'mine', payload: 'for me' }),
      generate({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['mine'] }),
      publishFrame({ topic: 'mine', payload: 'too late', messageId: 4 }),
    ]),
  )
  await until(() => table.journal.messages.length === 3)
  await aMoment()
  const text = got.bytes().toString('latin1')
  expect([text.includes('too early'), text.includes('for me'), text.includes('too late')]).toEqual([false, true, false])
})

test('a persistent session that is away gets it on its return; nobody else keeps it', async () => {
  await using table = await lay({ anonymous: true })
  const session = { clientId: 'away', clean: false }
  const first = await table.client(null, session)
  await first.subscribeAsync('news/+', { qos: 1 })
  await first.endAsync()
  const sender = await table.client(null)
  await sender.publishAsync('news/1', 'while away', { qos: 1 })
  await sender.publishAsync('other/1', 'not for it', { qos: 1 })
  const socket = table.socket()
  const got = received(socket)
  socket.write(connectFrame(session))
  await until(() => got.bytes().toString('latin1').includes('while away'))
  expect(got.bytes().toString('latin1')).not.toContain('not for it')
})

test('a message whose sender is gone before the commit is stored, and shown to who wants it', async () => {
  await using table = await lay({ anonymous: true })
  const watcher = await table.client(null)
  const seen: string[] = []
  watcher.on('message', (_, payload) => seen.push(payload.toString()))
  await watcher.subscribeAsync('t', { qos: 1 })
  table.journal.hold()
  const socket = table.socket()
  socket.write(Buffer.concat([connectFrame({ clientId: 'c' }), publishFrame({ topic: 't', payload: 'its last' })]))
  await until(() => table.journal.waiting)
  socket.resetAndDestroy()
  await until(() => table.broker.connections() === 1)
  table.journal.release()
  await until(() => seen.length)
  expect(seen).toEqual(['its last'])
})

test('what is on disk before a failure is acknowledged, what comes behind it is not', async () => {
  await using table = await lay({ anonymous: true })
  const socket = table.socket()
  const got = received(socket)
  table.journal.hold()
  const frames = [1, 2, 3].map(messageId => publishFrame({ topic: 't', payload: `n${messageId}`, messageId }))
  socket.write(Buffer.concat([connectFrame({ clientId: 'c' }), ...frames]))
  await until(() => table.journal.waiting === 3)
  table.journal.commit('bulk', 1)
  table.journal.fail()
  await closed(socket)
  expect(acksIn(got.bytes())).toEqual(['40:1'])
  expect(table.refusals).toMatchObject([{ code: 'journal-unavailable', topic: 't', reason: expect.stringContaining('disk full') }])
})

test('a message that never ends holds nobody back', async () => {
  await using table = await lay({ anonymous: true, limits: { inFlightBytes: 2000 } })
  const whole = publishFrame({ topic: 't', payload: 'x'.repeat(1500) })
  const unfinished = Array.from({ length: 5 }, () => table.socket())
  for (const [i, socket] of unfinished.entries())
    socket.write(Buffer.concat([connectFrame({ clientId: `u${i}` }), whole.subarray(0, 1400)]))
  await until(() => table.broker.connections() === 5)
  const other = await table.client(null)
  await other.publishAsync('t', 'passes', { qos: 1 })
  expect(table.journal.messages.map(textOf)).toEqual(['passes'])
})

test('a device above its rate is not read for a moment; nothing is dropped, a gateway may send more, nobody is cut', async () => {
  const paused: unknown[] = []
  const meter = { ...noMeter, count: (name: string, labels?: object) => void (name === 'fengsui_mqtt_paused_total' && paused.push(labels)) }
  await using table = await lay({ deviceRate: 20, meter })
  await table.issue('d1')
  await table.issue('gw', { grants: ['gw/#'] })
  const send = (who: string, topic: string): { acks(): number } => {
    const socket = table.socket()
    const got = received(socket)
    const frames = Array.from({ length: 230 }, (_, i) => publishFrame({ topic, payload: `${i}`, messageId: i + 1 }))
    socket.write(Buffer.concat([connectFrame({ clientId: 'c', ...table.login(who) }), ...frames]))
    return { acks: () => acksIn(got.bytes()).length }
  }
  const gateway = send('gw', 'gw/1')
  await until(() => gateway.acks() === 230)
  expect(paused).toEqual([])
  const device = send('d1', 'fire/v1/smoke/d1/telemetry')
  await until(() => device.acks() === 230)
  expect(paused.length).toBeGreaterThan(0)
  expect(paused[0]).toEqual({ cause: 'rate' })
  expect(table.journal.messages.filter(m => m.identity === 'd1').map(textOf)).toEqual(Array.from({ length: 230 }, (_, i) => `${i}`))
  expect(table.refusals).toEqual([])
})

test('all room comes back, also from senders and subscribers that vanish', async () => {
  await using table = await lay({ anonymous: true, limits: { inFlightBytes: 50_000, inFlightOfClient: 8 } })
  const watchers = ([0, 1, 2, 0, 1] as const).map((qos, i) => {
    const socket = table.socket()
    socket.write(connectFrame({ clientId: `w${i}`, clean: i % 2 === 0 }))
    socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos }] }))
    return socket
  })
  await until(() => table.broker.connections() === watchers.length)
  const frames = Array.from({ length: 200 }, (_, i) =>
    publishFrame({ topic: 't', payload: Buffer.alloc(500), messageId: i + 1, qos: i % 11 === 0 ? 2 : 1 }),
  )
  const senders = Array.from({ length: 20 }, (_, i) => {
    const socket = table.socket()
    const got = received(socket)
    socket.write(Buffer.concat([connectFrame({ clientId: `s${i}` }), ...frames]))
    return { socket, got }
  })
  await aMoment()
  for (const socket of [watchers[0], watchers[1], senders[0]?.socket, senders[1]?.socket]) socket?.resetAndDestroy()
  await until(() => senders.slice(2).every(({ got }) => acksIn(got.bytes()).length === frames.length), Boolean, 60_000)
  const last = await table.client(null)
  for (let i = 0; i < 20; i++) await last.publishAsync('t', Buffer.alloc(10_000), { qos: 1 })
  expect(table.refusals).toEqual([])
})

test('a long message counts as so many as it has KiB: what it costs whoever judges it', () => {
  const allowance = new Allowance(10, { username: 'd1', grants: [], mayPublishFor: () => true }, 0)
  allowance.take(200)
  allowance.take(98 * 1024)
  expect(allowance.hasOne(0)).toBe(true)
  allowance.take(900)
  expect(allowance.hasOne(0)).toBe(false)
  allowance.take(250 * 1024)
  expect(allowance.hasOne(20_000)).toBe(false)
  expect(allowance.hasOne(26_000)).toBe(true)
})
