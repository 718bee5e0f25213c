// The promise of the door: a PUBACK means "on disk", in order, once; everything else is not acknowledged.
import { expect, test } from 'vitest'
import { aMoment, closed, connectFrame, lay, publishFrame, received, textOf, until } from './table.ts'

const topic = 'fire/v1/smoke/d1/telemetry'

test('no PUBACK before the journal has it', async () => {
  await using table = await lay()
  await table.issue('d1')
  const client = await table.client('d1')
  table.journal.hold()
  let acknowledged = false
  const publishing = client.publishAsync(topic, 'x', { qos: 1 }).then(() => (acknowledged = true))
  await until(
    () => table.journal.waiting,
    n => n === 1,
  )
  await aMoment()
  expect(acknowledged).toBe(false)
  table.journal.release()
  await publishing
  expect(table.journal.messages).toMatchObject([{ identity: 'd1', topic, qos: 1, retain: false, dup: false }])
})

test('a write that fails is not acknowledged, ends the connection, and does not reach subscribers', async () => {
  await using table = await lay()
  await table.issue('d1')
  await table.issue('watcher', { grants: ['fire/v1/#'] })
  const watcher = await table.client('watcher')
  const seen: string[] = []
  watcher.on('message', (_topic, payload) => seen.push(payload.toString()))
  await watcher.subscribeAsync('fire/v1/#', { qos: 1 })
  const client = await table.client('d1', { clean: false, clientId: 'c' })
  table.journal.fail()
  let acknowledged = false
  client.publish(topic, 'lost?', { qos: 1 }, error => (acknowledged ||= error == null))
  await closed(client)
  expect(acknowledged).toBe(false)
  expect(table.refusals).toMatchObject([{ code: 'journal-unavailable', identity: 'd1', clientId: 'c', topic }])
  table.journal.work()
  const again = await table.client('d1', { clean: false, clientId: 'c' })
  await again.publishAsync(topic, 'after', { qos: 1 })
  await until(() => seen.length)
  expect(seen).toEqual(['after'])
  expect(table.journal.messages.map(textOf)).toEqual(['after'])
})

test('acknowledges in the order of arrival, also when many are pipelined', async () => {
  await using table = await lay()
  await table.issue('d1')
  const socket = table.socket()
  const got = received(socket)
  const { username, password } = table.login('d1')
  const frames = Array.from({ length: 200 }, (_, i) => publishFrame({ topic, payload: `n${i}`, messageId: i + 1 }))
  table.journal.hold()
  socket.write(Buffer.concat([connectFrame({ clientId: 'c', username, password }), ...frames]))
  await until(
    () => table.journal.waiting,
    n => n === 200,
  )
  table.journal.release()
  await until(
    () => got.bytes().length,
    n => n === 4 + 200 * 4,
  )
  const ids = Array.from({ length: 200 }, (_, i) => got.bytes().readUInt16BE(4 + i * 4 + 2))
  expect(ids).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
  expect(table.journal.messages.map(textOf)).toEqual(Array.from({ length: 200 }, (_, i) => `n${i}`))
})

test('QoS 2 is journalled once, however often it is sent', async () => {
  await using table = await lay()
  await table.issue('d1')
  const { username, password } = table.login('d1')
  const socket = table.socket()
  const got = received(socket)
  const once = publishFrame({ topic, payload: 'once', qos: 2, messageId: 7 })
  const again = publishFrame({ topic, payload: 'once', qos: 2, messageId: 7, dup: true })
  socket.write(Buffer.concat([connectFrame({ clientId: 'c', username, password, clean: false }), once, again]))
  const pubrec = Buffer.from([0x50, 2, 0, 7])
  await until(
    () => got.bytes().length,
    n => n === 4 + 8,
  )
  socket.write(again) // after the first was recorded
  await until(
    () => got.bytes().length,
    n => n === 4 + 12,
  )
  expect(got.bytes().subarray(4)).toEqual(Buffer.concat([pubrec, pubrec, pubrec]))
  socket.destroy()

  const back = table.socket() // the PUBRELs were lost with the connection: the session knows the message still
  const backGot = received(back)
  back.write(Buffer.concat([connectFrame({ clientId: 'c', username, password, clean: false }), again]))
  await until(
    () => backGot.bytes().length,
    n => n === 4 + 4,
  )
  back.write(Buffer.from([0x62, 2, 0, 7]))
  await until(
    () => backGot.bytes().length,
    n => n === 4 + 8,
  )
  expect(backGot.bytes().subarray(8)).toEqual(Buffer.from([0x70, 2, 0, 7]))
  expect(table.journal.messages).toHaveLength(1)

  back.write(publishFrame({ topic, payload: 'twice', qos: 2, messageId: 7 })) // released: the number may be used again
  await until(
    () => table.journal.messages.length,
    n => n === 2,
  )
  expect(textOf(table.journal.messages[1])).toBe('twice')
})

test('a repeated QoS 2 message whose first sending was not stored is not acknowledged either', async () => {
  await using table = await lay()
  await table.issue('d1')
  const { username, password } = table.login('d1')
  const socket = table.socket()
  const got = received(socket)
  table.journal.hold()
  const frame = publishFrame({ topic, payload: 'x', qos: 2, messageId: 7 })
  socket.write(Buffer.concat([connectFrame({ clientId: 'c', username, password }), frame, frame]))
  await until(() => table.journal.waiting)
  table.journal.fail()
  await closed(socket)
  expect(got.bytes()).toHaveLength(4)
  expect(table.journal.messages).toEqual([])
})

test('a will is journalled under the identity that left it', async () => {
  await using table = await lay()
  await table.issue('d1')
  const will = { topic: 'fire/v1/smoke/d1/status', payload: Buffer.from('{"online":false}'), qos: 1 as const, retain: true }
  const client = await table.client('d1', { clientId: 'c', will })
  client.stream.destroy() // no DISCONNECT
  await until(() => table.journal.messages.length)
  expect(table.journal.messages).toMatchObject([{ identity: 'd1', clientId: 'c', topic: will.topic, qos: 1, retain: true, dup: false }])
  expect(textOf(table.journal.messages[0])).toBe('{"online":false}')
})

test('a planned end is not the death of the devices: no wills are sent for it', async () => {
  await using table = await lay()
  await table.issue('d1')
  await table.client('d1', { will: { topic: 'fire/v1/smoke/d1/status', payload: Buffer.from('gone'), qos: 1, retain: true } })
  await table.broker.close()
  await aMoment()
  expect(table.journal.messages).toEqual([])
})

test('closing acknowledges what was on its way', async () => {
  await using table = await lay()
  await table.issue('d1')
  const client = await table.client('d1')
  table.journal.hold()
  const publishing = client.publishAsync(topic, 'on its way', { qos: 1 })
  await until(() => table.journal.waiting)
  const closing = table.broker.close()
  table.journal.release()
  await publishing
  await closing
  expect(table.journal.messages).toHaveLength(1)
})

test("the broker's own messages are not readings: neither commands nor $SYS are journalled", async () => {
  await using table = await lay()
  await table.issue('d1')
  const client = await table.client('d1')
  const commands: string[] = []
  client.on('message', (t, payload) => commands.push(`${t} ${payload.toString()}`))
  await client.subscribeAsync('fire/v1/smoke/d1/cmd', { qos: 1 })
  await table.broker.publish('fire/v1/smoke/d1/cmd', '{"do":"silence"}')
  await until(() => commands.length)
  expect(commands).toEqual(['fire/v1/smoke/d1/cmd {"do":"silence"}'])
  expect(table.journal.messages).toEqual([])
  for (const wrong of ['$SYS/x', 'fire/#', ''])
    await expect(table.broker.publish(wrong, 'x')).rejects.toMatchObject({ code: 'invalid-request' })
})
