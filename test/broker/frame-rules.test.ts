// Every rule of the frame validators, one row each, through a real socket: the connection ends, and the reason names the clause.
import { generate } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { closed, connectFrame, lay, publishFrame, received, until } from './table.ts'

/** A field with its two length bytes. */
const field = (bytes: string | number[]): number[] => {
  const body = typeof bytes === 'string' ? [...Buffer.from(bytes)] : bytes
  return [body.length >> 8, body.length & 0xff, ...body]
}
const frame = (first: number, body: number[]): Buffer => Buffer.from([first, body.length, ...body])
const connect = (flags: number, fields: number[], head = [...field('MQTT'), 4]): Buffer => frame(0x10, [...head, flags, 0, 0, ...fields])
const publish = (first: number, topic: string | number[], rest: number[] = []): Buffer => frame(first, [...field(topic), ...rest])

const AFTER_CONNECT: [rule: string, bytes: Buffer, reason: string][] = [
  ['a second CONNECT', connectFrame({ clientId: 'c' }), 'MQTT-3.1.0-2'],
  ['a CONNACK', frame(0x20, [0, 0]), 'only a server'],
  ['a SUBACK', frame(0x90, [0, 1, 0]), 'only a server'],
  ['an UNSUBACK', frame(0xb0, [0, 1]), 'only a server'],
  ['a PINGRESP', frame(0xd0, []), 'only a server'],
  ['type 0', frame(0x00, []), 'reserved type'],
  ['type 15', frame(0xf0, []), 'reserved type'],
  ['a length of five bytes', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]), 'MQTT-2.2.3'],
  ['PUBLISH with QoS 3', publish(0x36, 't', [0, 1]), 'MQTT-3.3.1-4'],
  ['PUBLISH with DUP and QoS 0', publish(0x38, 't'), 'MQTT-3.3.1-2'],
  ['PUBLISH without a topic', frame(0x30, [0]), 'MQTT-3.3.2-1'],
  ['PUBLISH with a topic longer than it', frame(0x30, [0, 9, 0x74]), 'MQTT-3.3.2-1'],
  ['PUBLISH without room for its identifier', publish(0x32, 't', [0]), 'MQTT-2.3.1-1'],
  ['PUBLISH with identifier 0', publish(0x32, 't', [0, 0]), 'MQTT-2.3.1-1'],
  ['QoS 2 PUBLISH with identifier 0', publish(0x34, 't', [0, 0]), 'MQTT-2.3.1-1'],
  ['PUBLISH with an empty topic', publish(0x30, ''), 'MQTT-4.7.3-1'],
  ['PUBLISH with a + in its topic', publish(0x30, 'a/+'), 'MQTT-3.3.2-2'],
  ['PUBLISH with a # in its topic', publish(0x30, 'a/#'), 'MQTT-3.3.2-2'],
  ['PUBLISH with NUL in its topic', publish(0x30, [0x61, 0]), 'MQTT-1.5.3-2'],
  ['PUBLISH with a control character', publish(0x30, [0x61, 7]), 'control characters'],
  ['PUBLISH with a lone continuation byte', publish(0x30, [0x61, 0x80]), 'MQTT-1.5.3-1'],
  ['PUBLISH with a surrogate', publish(0x30, [0xed, 0xa0, 0x80]), 'MQTT-1.5.3-1'],
  ['PUBLISH with an overlong slash', publish(0x30, [0xc0, 0xaf]), 'MQTT-1.5.3-1'],
  ['PUBLISH with 101 levels', publish(0x30, '/'.repeat(100)), '101 levels'],
  ['PUBACK with flags', frame(0x41, [0, 1]), 'MQTT-2.2.2-2'],
  ['PUBACK of one byte', frame(0x40, [1]), 'MQTT-3.4.1'],
  ['PUBACK of three bytes', frame(0x40, [0, 1, 0]), 'MQTT-3.4.1'],
  ['PUBACK of identifier 0', frame(0x40, [0, 0]), 'MQTT-2.3.1-1'],
  ['PUBREC of identifier 0', frame(0x50, [0, 0]), 'MQTT-2.3.1-1'],
  ['PUBREL without its flag', frame(0x60, [0, 1]), 'MQTT-3.6.1-1'],
  ['PUBREL of three bytes', frame(0x62, [0, 1, 0]), 'MQTT-3.4.1'],
  ['PUBCOMP with flags', frame(0x72, [0, 1]), 'MQTT-2.2.2-2'],
  ['SUBSCRIBE without its flag', frame(0x80, [0, 1, ...field('t'), 0]), 'MQTT-3.8.1-1'],
  ['SUBSCRIBE with identifier 0', frame(0x82, [0, 0, ...field('t'), 0]), 'MQTT-2.3.1-1'],
  ['SUBSCRIBE without a filter', frame(0x82, [0, 1]), 'MQTT-3.8.3-3'],
  ['SUBSCRIBE with an empty filter', frame(0x82, [0, 1, ...field(''), 0]), 'MQTT-4.7.3-1'],
  ['SUBSCRIBE with QoS 3', frame(0x82, [0, 1, ...field('t'), 3]), 'MQTT-3-8.3-4'],
  ['SUBSCRIBE without a QoS', frame(0x82, [0, 1, ...field('t')]), 'MQTT-3.8.3-1'],
  ['SUBSCRIBE with a filter longer than it', frame(0x82, [0, 1, 0, 9, 0x74]), 'MQTT-1.5.3'],
  ['SUBSCRIBE with # in the middle', frame(0x82, [0, 1, ...field('a/#/b'), 0]), 'MQTT-4.7.1-2'],
  ['SUBSCRIBE with # behind a name', frame(0x82, [0, 1, ...field('a#'), 0]), 'MQTT-4.7.1-2'],
  ['SUBSCRIBE with + behind a name', frame(0x82, [0, 1, ...field('a+/b'), 0]), 'MQTT-4.7.1-3'],
  ['SUBSCRIBE with invalid UTF-8', frame(0x82, [0, 1, ...field([0xff]), 0]), 'MQTT-1.5.3-1'],
  ['SUBSCRIBE with a bad second filter', frame(0x82, [0, 1, ...field('t'), 0, ...field([0]), 0]), 'MQTT-1.5.3-2'],
  ['UNSUBSCRIBE without its flag', frame(0xa0, [0, 1, ...field('t')]), 'MQTT-3.10.1-1'],
  ['UNSUBSCRIBE without a filter', frame(0xa2, [0, 1]), 'MQTT-3.10.3-2'],
  ['UNSUBSCRIBE with identifier 0', frame(0xa2, [0, 0, ...field('t')]), 'MQTT-2.3.1-1'],
  ['UNSUBSCRIBE with NUL', frame(0xa2, [0, 1, ...field([0])]), 'MQTT-1.5.3-2'],
  ['PINGREQ with flags', frame(0xc1, []), 'MQTT-2.2.2-2'],
  ['PINGREQ with a body', frame(0xc0, [0]), 'MQTT-3.12'],
  ['DISCONNECT with flags', frame(0xe1, []), 'MQTT-3.14.1-1'],
  ['DISCONNECT with a body', frame(0xe0, [0]), 'MQTT-3.14.1-1'],
]

const FIRST: [rule: string, bytes: Buffer, reason: string][] = [
  ['no CONNECT', frame(0xc0, []), 'MQTT-3.1.0-1'],
  ['CONNECT with flags', frame(0x11, []), 'MQTT-2.2.2-2'],
  ['another protocol', connect(2, field('c'), [...field('HTTP'), 4]), 'MQTT-3.1.2-1'],
  ['nothing in it', frame(0x10, []), 'MQTT-3.1.2-1'],
  ['an end before its flags', frame(0x10, [...field('MQTT'), 4]), 'MQTT-3.1.2-3'],
  ['the reserved flag', connect(3, field('c')), 'MQTT-3.1.2-3'],
  ['a will of QoS 3', connect(0x1e, [...field('c'), ...field('w'), ...field('')]), 'MQTT-3.1.2-14'],
  ['a will QoS without a will', connect(0x0a, field('c')), 'MQTT-3.1.2-13'],
  ['a will retain flag without a will', connect(0x22, field('c')), 'MQTT-3.1.2-15'],
  ['a password without a user name', connect(0x42, [...field('c'), ...field('p')]), 'MQTT-3.1.2-22'],
  ['no ClientId', connect(2, []), 'MQTT-3.1.3-1'],
  ['a user name that is not there', connect(0x82, field('c')), 'MQTT-3.1.3-1'],
  ['bytes behind its last field', connect(2, [...field('c'), 0]), 'MQTT-3.1.3-1'],
  ['a ClientId of invalid UTF-8', connect(2, field([0xff])), 'MQTT-1.5.3-1'],
  ['a ClientId with NUL', connect(2, field([0x61, 0])), 'MQTT-1.5.3-2'],
  ['an empty will topic', connect(6, [...field('c'), ...field(''), ...field('x')]), 'MQTT-4.7.3-1'],
  ['a will topic with NUL', connect(6, [...field('c'), ...field([0]), ...field('x')]), 'MQTT-1.5.3-2'],
  ['a user name of invalid UTF-8', connect(0x82, [...field('c'), ...field([0xc3, 0x28])]), 'MQTT-1.5.3-1'],
]

describe('after CONNECT', () => {
  test.each(AFTER_CONNECT)('%s', async (_, bytes, reason) => {
    await using table = await lay({ anonymous: true })
    const socket = table.socket()
    socket.write(Buffer.concat([connectFrame({ clientId: 'c' }), bytes, publishFrame({ topic: 't', payload: 'behind it' })]))
    await closed(socket)
    expect(table.refusals).toMatchObject([{ code: 'protocol-error', clientId: 'c', reason: expect.stringContaining(reason) }])
    expect(table.journal.messages).toEqual([])
  })
})

describe('as a CONNECT', () => {
  test.each(FIRST)('%s', async (_, bytes, reason) => {
    await using table = await lay({ anonymous: true })
    const socket = table.socket()
    const got = received(socket)
    socket.write(bytes)
    await closed(socket)
    expect(table.refusals).toMatchObject([{ code: 'protocol-error', reason: expect.stringContaining(reason) }])
    expect(got.bytes()).toHaveLength(0)
    expect(table.broker.connections()).toBe(0)
  })
})

test('everything that is allowed, in one connection', async () => {
  await using table = await lay({ anonymous: true })
  const socket = table.socket()
  const got = received(socket)
  socket.write(
    Buffer.concat([
      connectFrame({ clientId: '\u706b\u707e \u{1f525} \ufeff\ufffd' }),
      generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '+/\u706b/#', qos: 2 }] }),
      generate({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['+/\u706b/#', 'never/asked/+'] }),
      publishFrame({ topic: '/\u706b//\u{1f525}', payload: Buffer.alloc(0), qos: 0 }),
      publishFrame({ topic: '/\u706b//\u{1f525}', payload: Buffer.from([0, 0xff]), messageId: 65_535, dup: true }),
      publishFrame({ topic: '/'.repeat(99), payload: 'deep', messageId: 3 }),
      generate({ cmd: 'pingreq' }),
    ]),
  )
  await until(
    () => got.bytes().length,
    n => n === 4 + 5 + 4 + 4 + 4 + 2,
  )
  expect(table.journal.messages.map(m => [m.topic.length, m.payload.length, m.qos, m.dup])).toEqual([
    [6, 0, 0, false],
    [6, 2, 1, true],
    [99, 4, 1, false],
  ])
  socket.write(generate({ cmd: 'disconnect' }))
  await closed(socket)
  expect(table.refusals).toEqual([])
})
