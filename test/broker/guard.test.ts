// What a peer can make us hold, and what one peer can do to the others: frames, versions, floods, frozen readers.
import { expect, test } from 'vitest'
import { aMoment, closed, connectFrame, lay, publishFrame, received, textOf, until } from './table.ts'

test('a frame declared too large before CONNECT ends the connection before it is sent', async () => {
  await using table = await lay()
  const socket = table.socket()
  socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x5f])) // a CONNECT of 200 MB
  await closed(socket)
  expect(table.refusals).toMatchObject([{ code: 'payload-too-large', reason: expect.stringContaining('bound is 16384') }])
})

test('bytes that are not MQTT are told so', async () => {
  await using table = await lay()
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\u0016\u0003\u0001', '\u0010\u00ff\u00ff\u00ff\u00ff\u00ff']) {
    const socket = table.socket()
    socket.write(Buffer.from(bytes, 'latin1'))
    await closed(socket)
  }
  expect(table.refusals.map(r => r.code)).toEqual(['protocol-error', 'protocol-error', 'protocol-error'])
})

test('a frame too large after CONNECT is refused by its header, and its topic is named', async () => {
  await using table = await lay({ maxPayloadBytes: 64 * 1024 })
  await table.issue('d1')
  const { username, password } = table.login('d1')
  const socket = table.socket()
  const got = received(socket)
  socket.write(connectFrame({ clientId: 'c', username, password }))
  await until(() => got.bytes().length)
  const frame = publishFrame({ topic: 'fire/v1/smoke/d1/event', payload: Buffer.alloc(300_000) })
  socket.write(frame.subarray(0, 100)) // the rest never needs to come
  await closed(socket)
  expect(table.refusals).toMatchObject([{ code: 'payload-too-large', identity: 'd1', clientId: 'c', topic: 'fire/v1/smoke/d1/event' }])
})

test('a payload above the bound in a frame below it is refused with a sample', async () => {
  await using table = await lay({ maxPayloadBytes: 1000 })
  await table.issue('d1')
  const client = await table.client('d1')
  await client.publishAsync('fire/v1/smoke/d1/event', 'x'.repeat(1000), { qos: 1 })
  const ended = closed(client)
  client.publish('fire/v1/smoke/d1/event', 'x'.repeat(1001), { qos: 1 })
  await ended
  expect(table.refusals).toMatchObject([{ code: 'payload-too-large', topic: 'fire/v1/smoke/d1/event' }])
  expect(table.journal.messages).toHaveLength(1)
})

test('MQTT 5 is refused in its own words, versions that never were with CONNACK 1, and a reason', async () => {
  await using table = await lay({ anonymous: true })
  await expect(table.client(null, { protocolVersion: 5 })).rejects.toMatchObject({ code: 0x84 })
  const five = table.socket()
  const answer = received(five)
  five.write(Buffer.from([0x10, 14, 0, 4, ...Buffer.from('MQTT'), 5, 2, 0, 60, 0, 0, 1, 0x63]))
  await closed(five)
  expect(answer.bytes()).toEqual(Buffer.from([0x20, 3, 0, 0x84, 0]))
  const socket = table.socket()
  const got = received(socket)
  const frame = connectFrame({ clientId: 'c' })
  frame[8] = 9
  socket.write(frame)
  await closed(socket)
  expect(got.bytes()).toEqual(Buffer.from([0x20, 2, 0, 1]))
  expect(table.refusals).toMatchObject([
    { code: 'protocol-version', reason: expect.stringContaining('MQTT 5') },
    { code: 'protocol-version', reason: expect.stringMatching(/MQTT 5;.*set the client to version 4/) },
    { code: 'protocol-version', reason: expect.stringContaining('level 9') },
  ])
})

test('MQTT 3.1, and a bridge that sets its bit, come in', async () => {
  await using table = await lay({ anonymous: true })
  await table.client(null, { protocolVersion: 3, protocolId: 'MQIsdp' })
  const bridge = table.socket()
  const got = received(bridge)
  const frame = connectFrame({ clientId: 'bridge' })
  frame[8] = 0x84
  bridge.write(frame)
  await until(() => got.bytes().length)
  expect(got.bytes()).toEqual(Buffer.from([0x20, 2, 0, 0]))
  expect(table.broker.connections()).toBe(2)
})

test('frames in any pieces arrive whole, also when sent behind CONNECT at once', async () => {
  await using table = await lay({ anonymous: true })
  const payload = 'x'.repeat(300)
  const bytes = Buffer.concat([
    connectFrame({ clientId: 'c' }),
    ...Array.from({ length: 20 }, (_, i) => publishFrame({ topic: 't', payload, messageId: i + 1 })),
  ])
  const socket = table.socket()
  socket.setNoDelay(true)
  const got = received(socket)
  for (let at = 0; at < bytes.length; at += 37) {
    socket.write(bytes.subarray(at, at + 37))
    await new Promise(resolve => setImmediate(resolve))
  }
  await until(
    () => got.bytes().length,
    n => n === 4 + 20 * 4,
  )
  expect(table.journal.messages.map(m => m.payload.length)).toEqual(Array.from({ length: 20 }, () => 300))
})

test('while the disk waits, one device can have only so many messages on the way, and none is lost', async () => {
  const inFlightOfClient = 10
  await using table = await lay({ anonymous: true, limits: { inFlightOfClient } })
  table.journal.hold()
  const socket = table.socket()
  socket.setNoDelay(true)
  const got = received(socket)
  socket.write(connectFrame({ clientId: 'c' }))
  await until(() => got.bytes().length)
  for (let i = 1; i <= 100; i++) {
    socket.write(publishFrame({ topic: 't', payload: `n${i}`, messageId: i })) // one message a segment
    await new Promise(resolve => setImmediate(resolve))
  }
  await until(
    () => table.journal.waiting,
    n => n === inFlightOfClient,
  )
  await aMoment()
  expect(table.journal.waiting).toBe(inFlightOfClient)
  table.journal.release()
  await until(
    () => got.bytes().length,
    n => n === 4 + 100 * 4,
  )
  expect(table.journal.messages.map(textOf)).toEqual(Array.from({ length: 100 }, (_, i) => `n${i + 1}`))
})

test('all devices together can have only so many bytes on the way', async () => {
  await using table = await lay({ anonymous: true, limits: { inFlightBytes: 5000 } })
  table.journal.hold()
  const sockets = Array.from({ length: 10 }, () => table.socket())
  const got = sockets.map(received)
  for (const [i, socket] of sockets.entries())
    socket.write(Buffer.concat([connectFrame({ clientId: `c${i}` }), publishFrame({ topic: 't', payload: 'x'.repeat(1000) })]))
  await until(
    () => table.journal.waiting,
    n => n === 5,
  )
  await aMoment()
  expect(table.journal.waiting).toBe(5)
  sockets[0]?.resetAndDestroy() // its room is given to another
  await until(
    () => table.journal.waiting,
    n => n === 6,
  )
  table.journal.release()
  await until(
    () => got.filter(g => g.bytes().length === 8).length,
    n => n >= 9,
  )
  expect(table.journal.messages).toHaveLength(10)
})

test('a frozen subscriber stalls nobody and is cut', async () => {
  await using table = await lay({ anonymous: true })
  const frozen = table.socket()
  const got = received(frozen)
  frozen.write(connectFrame({ clientId: 'frozen' }))
  await until(() => got.bytes().length)
  frozen.write(Buffer.from([0x82, 6, 0, 1, 0, 1, 0x23, 1])) // SUBSCRIBE # with QoS 1
  await until(
    () => got.bytes().length,
    n => n === 9,
  )
  frozen.pause()
  const healthy = await table.client(null)
  let seen = 0
  healthy.on('message', () => seen++)
  await healthy.subscribeAsync('#', { qos: 1 })
  const device = await table.client(null)
  const payload = Buffer.alloc(32 * 1024)
  let slowestMs = 0
  let sent = 0
  while (table.broker.connections() === 3 && sent < 3000) {
    const startedMs = performance.now()
    await Promise.all(Array.from({ length: 10 }, () => device.publishAsync('t', payload, { qos: 1 })))
    sent += 10
    slowestMs = Math.max(slowestMs, performance.now() - startedMs)
  }
  expect(table.broker.connections()).toBe(2)
  expect(slowestMs).toBeLessThan(3000)
  await until(
    () => seen,
    n => n === sent,
  )
})

test('a subscriber that takes a burst a moment late is not cut', async () => {
  await using table = await lay({ anonymous: true })
  const late = table.socket()
  const got = received(late)
  late.write(connectFrame({ clientId: 'late' }))
  late.write(Buffer.from([0x82, 6, 0, 1, 0, 1, 0x23, 0])) // SUBSCRIBE # with QoS 0
  await until(
    () => got.bytes().length,
    n => n === 9,
  )
  const device = await table.client(null)
  let bytes = 0
  for (let round = 0; round < 20; round++) {
    late.pause()
    const payload = Buffer.alloc(64 * 1024)
    await Promise.all(Array.from({ length: 8 }, () => device.publishAsync('t', payload, { qos: 1 })))
    late.resume()
    bytes += 8 * (payload.length + 7)
    await until(
      () => got.bytes().length,
      n => n === 9 + bytes,
    )
  }
  expect(table.broker.connections()).toBe(2)
})

test('who is away has a bounded queue: what fits is delivered, the rest is not queued', async () => {
  await using table = await lay({ anonymous: true, limits: { queuedOfSession: 5 } })
  const session = { clientId: 'sleepy', clean: false }
  const first = await table.client(null, session)
  await first.subscribeAsync('news', { qos: 1 })
  await first.endAsync()
  const sender = await table.client(null)
  for (let i = 1; i <= 8; i++) await sender.publishAsync('news', `n${i}`, { qos: 1 })
  const socket = table.socket()
  const got = received(socket)
  socket.write(connectFrame({ ...session }))
  await until(() => got.bytes().toString('latin1').includes('n5'))
  await aMoment()
  const text = got.bytes().toString('latin1')
  expect(Array.from({ length: 8 }, (_, i) => text.includes(`n${i + 1}`))).toEqual([true, true, true, true, true, false, false, false])
  expect(table.journal.messages).toHaveLength(8)
})

test('an identity has only so many persistent sessions', async () => {
  await using table = await lay({ limits: { sessionsOfIdentity: 2 } })
  await table.issue('d1')
  const open = async (clientId: string) => {
    const client = await table.client('d1', { clientId, clean: false })
    const ended = closed(client).then(() => 'closed')
    return Promise.race([client.subscribeAsync('fire/v1/smoke/d1/cmd', { qos: 1 }).then(() => 'open'), ended])
  }
  expect([await open('a'), await open('b'), await open('a'), await open('c')]).toEqual(['open', 'open', 'open', 'closed'])
  expect(table.refusals).toMatchObject([{ code: 'too-many-connections', identity: 'd1', clientId: 'c' }])
})

test('sockets are bounded, and one that says nothing is closed', async () => {
  await using table = await lay({ anonymous: true, limits: { connections: 2, connectTimeoutMs: 300 } })
  const silent = table.socket()
  await table.client(null)
  await expect(table.client(null)).rejects.toThrow()
  expect(table.refusals).toMatchObject([{ code: 'too-many-connections' }])
  await closed(silent)
  expect(table.broker.connections()).toBe(1)
})

test('a port that is taken is named', async () => {
  await using table = await lay()
  await expect(lay({ port: table.broker.port })).rejects.toMatchObject({
    code: 'port-in-use',
    message: expect.stringContaining(`:${table.broker.port}`),
  })
})
