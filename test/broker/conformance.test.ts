// MQTT 3.1.1, statement by statement: what a device can ask of the door, over bare sockets. Each case names the normative
// statements it is about; docs/mqtt.md lists them all and says what holds, and test/broker/statements.test.ts holds that page to
// these names. Frame rules have a table of their own in frame-rules.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  connack,
  connect,
  DISCONNECT,
  field,
  packet,
  peerAs,
  PINGREQ,
  PINGRESP,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  rawPeer,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
  type RawPeer,
} from './raw-peer.ts'
import { lay, until, type Table } from './table.ts'

let table: Table
beforeAll(async () => void (table = await lay({ anonymous: true, limits: { unacknowledged: 50, queuedOfSession: 200 } })))
afterAll(() => table[Symbol.asyncDispose]())

const PERSISTENT = { flags: 0 }
const WILL = { flag: 0x04, qos1: 0x08, retain: 0x20 }

let number = 0
/** a name nobody else uses */
const own = (): string => `n${++number}`

async function subscriber(filter: string, qos: number, o: { id?: string; flags?: number } = {}): Promise<RawPeer> {
  const peer = await peerAs(table, o.id ?? own(), o.flags === undefined ? {} : { flags: o.flags })
  peer.send(subscribe(1, [filter, qos]))
  await peer.get(suback(1, qos))
  return peer
}
const publisher = (): Promise<RawPeer> => peerAs(table, own())
async function published(topic: string, payload: string, first = 0x32): Promise<void> {
  const peer = await publisher()
  peer.send(publish(first, topic, payload, first & 0x06 ? 1 : 0))
  if (first & 0x02) await peer.get(puback(1))
  if (first & 0x04) {
    await peer.get(pubrec(1))
    peer.send(pubrel(1))
    await peer.get(pubcomp(1))
  }
  await peer.rests()
  peer.send(DISCONNECT)
}

describe('CONNECT', () => {
  test('a ClientId of 1 to 23 letters and digits is allowed [MQTT-3.1.3-5], and CONNACK comes first [MQTT-3.1.4-4] [MQTT-3.2.0-1]', async () => {
    for (const id of ['a', 'Z9aB0'.repeat(4) + 'xyz']) {
      const peer = rawPeer(table)
      peer.send(connect({ id }), PINGREQ)
      await peer.get(connack(0), PINGRESP)
    }
  })
  test('an empty ClientId gets one of its own with a clean session [MQTT-3.1.3-6], and none without [MQTT-3.1.3-7] [MQTT-3.1.3-8]', async () => {
    const [one, other] = [await peerAs(table, ''), await peerAs(table, '')]
    await Promise.all([one.rests(), other.rests()])
    const peer = rawPeer(table)
    peer.send(connect({ id: '', ...PERSISTENT }), publish(0x30, own()))
    await peer.get(connack(2))
    await peer.ends()
  })
  test('a ClientId that is refused [MQTT-3.1.3-9]: Session Present 0 [MQTT-3.2.2-4], the connection ends [MQTT-3.2.2-5], what follows is not looked at [MQTT-3.1.4-5]', async () => {
    const topic = own()
    const peer = rawPeer(table)
    peer.send(connect({ id: 'redrive:1' }), publish(0x32, topic, 'no', 1))
    await peer.get(connack(2))
    await peer.ends()
    expect(table.journal.messages.some(m => m.topic === topic)).toBe(false)
  })
  test.each([0, 2, 3, 6, 127])('level %i gets CONNACK 1 [MQTT-3.1.2-2]', async level => {
    const peer = rawPeer(table)
    peer.send(connect({ id: 'v', level }))
    await peer.get(connack(1))
    await peer.ends()
  })
  test.each([
    ['another protocol name [MQTT-3.1.2-1]', connect({ id: 'x', name: 'MQTU' })],
    ['the reserved flag [MQTT-3.1.2-3]', connect({ id: 'x', flags: 3 })],
    ['a will flag without topic and message [MQTT-3.1.2-9]', connect({ id: 'x', flags: 6 })],
    ['a will flag without a message [MQTT-3.1.2-9]', connect({ id: 'x', flags: 6, rest: field('t') })],
    ['a will QoS without a will [MQTT-3.1.2-11] [MQTT-3.1.2-13]', connect({ id: 'x', flags: 0x0a })],
    ['a will retain flag without a will [MQTT-3.1.2-11] [MQTT-3.1.2-15]', connect({ id: 'x', flags: 0x22 })],
    ['a will of QoS 3 [MQTT-3.1.2-14]', connect({ id: 'x', flags: 0x1e, rest: [...field('t'), ...field('m')] })],
    ['a user name without its flag [MQTT-3.1.2-18]', connect({ id: 'x', rest: field('u') })],
    ['a user name flag without one [MQTT-3.1.2-19]', connect({ id: 'x', flags: 0x82 })],
    ['a password without its flag [MQTT-3.1.2-20]', connect({ id: 'x', flags: 0x82, rest: [...field('u'), ...field('p')] })],
    ['a password flag without one [MQTT-3.1.2-21]', connect({ id: 'x', flags: 0xc2, rest: field('u') })],
    ['a password without a user name [MQTT-3.1.2-22]', connect({ id: 'x', flags: 0x42, rest: field('p') })],
    ['no ClientId at all [MQTT-3.1.3-1] [MQTT-3.1.3-3]', packet(0x10, [...field('MQTT'), 4, 2, 0, 0])],
    ['a ClientId that is not UTF-8 [MQTT-3.1.3-4]', connect({ id: [0xc3, 0x28] })],
    ['a ClientId with a control character [MQTT-3.1.3-4]', connect({ id: [0x61, 0x1f] })],
    ['a will topic that is not UTF-8 [MQTT-3.1.3-10]', connect({ id: 'x', flags: 6, rest: [...field([0xed, 0xa0, 0x80]), ...field('m')] })],
    ['a will topic with U+009F [MQTT-3.1.3-10]', connect({ id: 'x', flags: 6, rest: [...field([0x61, 0xc2, 0x9f]), ...field('m')] })],
    ['a user name that is not UTF-8 [MQTT-3.1.3-11]', connect({ id: 'x', flags: 0x82, rest: field([0x80]) })],
    ['a user name with U+007F [MQTT-3.1.3-11]', connect({ id: 'x', flags: 0x82, rest: field([0x61, 0x7f]) })],
    ['a user name with U+FFFF [MQTT-3.1.3-11]', connect({ id: 'x', flags: 0x82, rest: field([0xef, 0xbf, 0xbf]) })],
    ['flags in its first byte [MQTT-2.2.2-2]', packet(0x14, [...connect({ id: 'x' }).subarray(2)])],
    ['another packet before it [MQTT-3.1.0-1]', publish(0x30, 'topic', 'payload')],
  ])('%s: the end without a CONNACK [MQTT-3.1.4-1] [MQTT-3.2.2-6] [MQTT-4.8.0-1]', async (_, bytes) => {
    const peer = rawPeer(table)
    peer.send(bytes, PINGREQ)
    await peer.ends()
  })
  test('a second CONNECT ends it [MQTT-3.1.0-2]', async () => {
    const peer = await publisher()
    peer.send(connect({ id: 'again' }))
    await peer.ends()
  })
  test('who comes with the ClientId of another ends that one [MQTT-3.1.4-2] [MQTT-3.1.3-2]', async () => {
    const id = own()
    const first = await peerAs(table, id)
    const second = await peerAs(table, id)
    await first.ends()
    await second.rests()
  })
  test('silence for one and a half keepalives ends it [MQTT-3.1.2-24]; not before, and none for 0', async () => {
    const silent = await peerAs(table, own(), { keepaliveS: 1 })
    const never = await publisher()
    const begun = performance.now()
    await silent.ends()
    expect(performance.now() - begun).toBeGreaterThan(1400)
    await never.rests()
  })
  test('MQTT 3.1 comes in with flags it did not forbid, must name itself, and may mark what it repeats', async () => {
    const peer = rawPeer(table)
    const old = connect({ id: own(), name: 'MQIsdp', level: 3, flags: 3 })
    old[0] = 0x14
    const topic = own()
    const again = subscribe(7, [topic, 2])
    again[0] = 0x8a
    const release = pubrel(9)
    release[0] = 0x6a
    peer.send(old, again, publish(0x34, topic, 'x', 9), release)
    await peer.get(connack(0), suback(7, 2))
    const rest = await peer.take(2 * 4 + publish(0x34, topic, 'x', 1).length)
    expect(rest.includes(publish(0x34, topic, 'x', 1))).toBe(true)
    expect(rest.includes(pubcomp(9))).toBe(true)
    const nameless = rawPeer(table)
    nameless.send(connect({ id: '', name: 'MQIsdp', level: 3 }))
    await nameless.get(connack(2))
    await nameless.ends()
  })
})

describe('sessions', () => {
  test('a persistent session goes on where it was [MQTT-3.1.2-4] [MQTT-3.2.2-2] [MQTT-4.1.0-1] [MQTT-4.1.0-2], with what came meanwhile [MQTT-3.1.2-5] [MQTT-4.5.0-1]', async () => {
    const [id, topic] = [own(), own()]
    const before = await subscriber(topic, 2, { id, ...PERSISTENT })
    before.send(DISCONNECT)
    await before.ends()
    await published(topic, 'one', 0x32)
    await published(topic, 'two', 0x34)
    await published(topic, 'zero', 0x30)
    const after = await peerAs(table, id, { ...PERSISTENT, present: 1 })
    await after.get(publish(0x32, topic, 'one', 1), publish(0x34, topic, 'two', 2))
    await after.rests()
  })
  test('one without subscriptions is a session too; none was there [MQTT-3.2.2-3]; a clean one has none [MQTT-3.2.2-1] [MQTT-3.1.4-3]', async () => {
    const id = own()
    const first = await peerAs(table, id, { ...PERSISTENT, present: 0 })
    first.send(DISCONNECT)
    await first.ends()
    const second = await peerAs(table, id, { ...PERSISTENT, present: 1 })
    second.send(DISCONNECT)
    await second.ends()
    const clean = await peerAs(table, id, { present: 0 })
    clean.send(DISCONNECT)
    await clean.ends()
    await peerAs(table, id, { ...PERSISTENT, present: 0 })
  })
  test('a clean session ends the one before it, queue and all [MQTT-3.1.2-6]; what is retained is not of the session [MQTT-3.1.2-7]', async () => {
    const [id, topic, kept] = [own(), own(), own()]
    const before = await subscriber(topic, 1, { id, ...PERSISTENT })
    before.send(publish(0x33, kept, 'kept', 5), DISCONNECT)
    await before.get(puback(5))
    await before.ends()
    await published(topic, 'queued')
    const clean = await peerAs(table, id)
    clean.send(DISCONNECT)
    await clean.ends()
    const again = await peerAs(table, id, PERSISTENT)
    await again.rests()
    again.send(subscribe(2, [kept, 1]))
    await again.get(suback(2, 1), publish(0x33, kept, 'kept', 1))
  })
  test('what was not acknowledged comes again: same number, DUP, in order, with PUBREL where it was so far [MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-2.3.1-3] [MQTT-4.6.0-1] [MQTT-4.6.0-6]', async () => {
    const [id, topic] = [own(), own()]
    const before = await subscriber(topic, 2, { id, ...PERSISTENT })
    const sender = await publisher()
    sender.send(publish(0x34, topic, 'a', 1), publish(0x32, topic, 'b', 2), publish(0x34, topic, 'c', 3))
    await before.get(publish(0x34, topic, 'a', 1), publish(0x32, topic, 'b', 2), publish(0x34, topic, 'c', 3))
    before.send(pubrec(1))
    await before.get(pubrel(1))
    await before.dies()
    const after = await peerAs(table, id, { ...PERSISTENT, present: 1 })
    await after.get(pubrel(1), publish(0x3a, topic, 'b', 2), publish(0x3c, topic, 'c', 3))
    // and new ones use none of the numbers that are in use [MQTT-2.3.1-4]
    await published(topic, 'd')
    await after.get(publish(0x32, topic, 'd', 4))
    after.send(pubcomp(1), puback(2), pubrec(3))
    await after.get(pubrel(3))
    after.send(pubcomp(3), puback(4))
    await after.rests()
  })
  test('QoS 2 of a persistent session is taken once across connections [MQTT-4.3.3-2]', async () => {
    const [id, topic] = [own(), own()]
    const seen = await subscriber(topic, 2)
    const before = await peerAs(table, id, PERSISTENT)
    before.send(publish(0x34, topic, 'once', 9))
    await before.get(pubrec(9))
    await before.dies()
    const after = await peerAs(table, id, { ...PERSISTENT, present: 1 })
    after.send(publish(0x3c, topic, 'once', 9))
    await after.get(pubrec(9))
    after.send(pubrel(9), pubrel(9))
    await after.get(pubcomp(9), pubcomp(9))
    await seen.get(publish(0x34, topic, 'once', 1))
    seen.send(pubrec(1))
    await seen.get(pubrel(1))
    await seen.rests()
  })
})

describe('wills', () => {
  const withWill = (topic: string, flags: number): Promise<RawPeer> =>
    peerAs(table, own(), { flags: 2 | WILL.flag | flags, rest: [...field(topic), ...field('gone')] })
  test('is published when the connection ends without a word [MQTT-3.1.2-8], not retained [MQTT-3.1.2-16], or retained [MQTT-3.1.2-17]', async () => {
    const [plain, retained] = [own(), own()]
    const seen = await subscriber(plain, 1)
    await (await withWill(plain, WILL.qos1)).dies()
    await seen.get(publish(0x32, plain, 'gone', 1))
    await (await withWill(retained, WILL.qos1 | WILL.retain)).dies()
    await until(() => table.journal.messages.some(m => m.topic === retained))
    await (await subscriber(retained, 1)).get(publish(0x33, retained, 'gone', 1))
    const late = await subscriber(plain, 1)
    await late.rests()
  })
  test('is published when we end it for an error', async () => {
    const topic = own()
    const seen = await subscriber(topic, 0)
    const peer = await withWill(topic, 0)
    peer.send(packet(0xf0, []))
    await peer.ends()
    await seen.get(publish(0x30, topic, 'gone'))
  })
  test('is forgotten with a DISCONNECT [MQTT-3.1.2-10] [MQTT-3.14.4-3]; without a will there is none [MQTT-3.1.2-12]', async () => {
    const topic = own()
    const seen = await subscriber(topic, 0)
    const polite = await withWill(topic, 0)
    polite.send(DISCONNECT)
    await polite.ends()
    await (await publisher()).dies()
    await seen.rests()
  })
})

describe('PUBLISH', () => {
  test.each([
    ['QoS 3 [MQTT-3.3.1-4]', publish(0x36, 't', 'x', 1)],
    ['DUP with QoS 0 [MQTT-3.3.1-2]', publish(0x38, 't')],
    ['identifier 0 [MQTT-2.3.1-1]', publish(0x32, 't', '\0\0')],
    ['a + in its topic [MQTT-3.3.2-2] [MQTT-4.7.1-1]', publish(0x30, 't/+')],
    ['a # in its topic [MQTT-3.3.2-2]', publish(0x30, '#')],
    ['an empty topic [MQTT-4.7.3-1]', publish(0x30, '')],
    ['NUL in its topic [MQTT-1.5.3-2] [MQTT-4.7.3-2]', publish(0x30, [0x61, 0])],
    ['a surrogate in its topic [MQTT-1.5.3-1] [MQTT-3.3.2-1]', publish(0x30, [0xed, 0xbf, 0xbf])],
    ['U+0001 in its topic', publish(0x30, [0x61, 1])],
    ['U+FDD0 in its topic', publish(0x30, [0xef, 0xb7, 0x90])],
    ['U+1FFFE in its topic', publish(0x30, [0xf0, 0x9f, 0xbf, 0xbe])],
    ['a topic longer than it', packet(0x30, [0, 9, 0x74])],
  ])('%s ends the connection', async (_, bytes) => {
    const peer = await publisher()
    peer.send(bytes, PINGREQ)
    await peer.ends()
  })
  test('each QoS is answered as it must be [MQTT-3.3.4-1] [MQTT-2.3.1-6] [MQTT-4.3.2-2] [MQTT-4.3.3-2], QoS 0 has no identifier [MQTT-2.3.1-5]', async () => {
    const topic = own()
    const seen = await subscriber(topic, 0)
    const peer = await publisher()
    peer.send(publish(0x30, topic, 'q0'), publish(0x32, topic, 'q1', 513))
    await peer.get(puback(513))
    peer.send(publish(0x34, topic, 'q2', 514))
    await peer.get(pubrec(514))
    peer.send(pubrel(514))
    await peer.get(pubcomp(514))
    await seen.get(publish(0x30, topic, 'q0'), publish(0x30, topic, 'q1'), publish(0x30, topic, 'q2'))
  })
  test('after PUBACK the same number is a new message [MQTT-4.3.2-2]; before PUBREL the same number is the same [MQTT-4.3.3-2]', async () => {
    const topic = own()
    const seen = await subscriber(topic, 0)
    const peer = await publisher()
    peer.send(publish(0x32, topic, 'x', 7))
    await peer.get(puback(7))
    peer.send(publish(0x32, topic, 'x', 7), publish(0x34, topic, 'y', 8))
    await peer.get(puback(7), pubrec(8))
    peer.send(publish(0x34, topic, 'y', 8), publish(0x3c, topic, 'y', 8))
    await peer.get(pubrec(8), pubrec(8))
    await seen.get(publish(0x30, topic, 'x'), publish(0x30, topic, 'x'), publish(0x30, topic, 'y'))
    await seen.rests()
  })
  test('DUP that came in does not go out [MQTT-3.3.1-3]; first sendings carry none [MQTT-4.3.1-1] [MQTT-4.3.2-1] [MQTT-4.3.3-1]', async () => {
    const topic = own()
    const seen = await subscriber(topic, 2)
    const peer = await publisher()
    peer.send(publish(0x3a, topic, 'x', 1), publish(0x3c, topic, 'y', 2), publish(0x30, topic, 'z'))
    await seen.get(publish(0x32, topic, 'x', 1), publish(0x34, topic, 'y', 2), publish(0x30, topic, 'z'))
  })
  test('a message nobody may publish ends it, unacknowledged [MQTT-3.3.5-2]', async () => {
    const peer = await publisher()
    peer.send(publish(0x32, '$SYS/x', 'no', 1))
    await peer.ends()
  })
})

describe('retained messages', () => {
  test('are kept with their QoS [MQTT-3.3.1-5], the last one only [MQTT-3.3.1-7], sent to new subscriptions marked so [MQTT-3.3.1-6] [MQTT-3.3.1-8], not to those there are [MQTT-3.3.1-9]', async () => {
    const topic = own()
    const there = await subscriber(topic, 1)
    await published(topic, 'old', 0x33)
    await published(topic, 'new', 0x31) // of QoS 0: takes the place of the other
    await there.get(publish(0x32, topic, 'old', 1), publish(0x30, topic, 'new'))
    await (await subscriber(topic, 1)).get(publish(0x31, topic, 'new'))
  })
  test('an empty one takes it away and is not kept [MQTT-3.3.1-10] [MQTT-3.3.1-11]; one that is not retained changes nothing [MQTT-3.3.1-12]', async () => {
    const topic = own()
    await published(topic, 'kept', 0x33)
    await published(topic, 'passing', 0x32)
    const there = await subscriber(topic, 0)
    await there.get(publish(0x31, topic, 'kept'))
    await published(topic, '', 0x33)
    await there.get(publish(0x30, topic, ''))
    await (await subscriber(topic, 0)).rests()
  })
})

test('of native topics only status and about are retained; telemetry and events come once, to whoever is there', async () => {
  const id = own()
  const there = await subscriber(`fire/v1/smoke/${id}/#`, 0)
  for (const channel of ['event', 'telemetry', 'cmd', 'status', 'about']) await published(`fire/v1/smoke/${id}/${channel}`, 'm', 0x33)
  for (const channel of ['event', 'telemetry', 'cmd', 'status', 'about'])
    await there.get(publish(0x30, `fire/v1/smoke/${id}/${channel}`, 'm'))
  const late = await subscriber(`fire/v1/smoke/${id}/#`, 0)
  await late.get(publish(0x31, `fire/v1/smoke/${id}/status`, 'm'), publish(0x31, `fire/v1/smoke/${id}/about`, 'm'))
  await late.rests()
})

describe('SUBSCRIBE and UNSUBSCRIBE', () => {
  test.each([
    ['SUBSCRIBE with flags 0 [MQTT-3.8.1-1]', packet(0x80, [0, 1, ...field('t'), 0])],
    ['SUBSCRIBE with flags 3 [MQTT-3.8.1-1]', packet(0x83, [0, 1, ...field('t'), 0])],
    ['SUBSCRIBE without a filter [MQTT-3.8.3-3]', packet(0x82, [0, 1])],
    ['SUBSCRIBE with QoS 3 [MQTT-3-8.3-4]', subscribe(1, ['t', 3])],
    ['SUBSCRIBE with a reserved bit [MQTT-3-8.3-4]', subscribe(1, ['t', 0x80])],
    ['SUBSCRIBE with a filter that is not UTF-8 [MQTT-3.8.3-1]', subscribe(1, [[0xff], 0])],
    ['SUBSCRIBE with U+001F', subscribe(1, [[0x61, 0x1f], 0])],
    ['SUBSCRIBE with identifier 0 [MQTT-2.3.1-1]', subscribe(0, ['t', 0])],
    ['SUBSCRIBE with an empty second filter [MQTT-4.7.3-1]', subscribe(1, ['t', 0], ['', 0])],
    ['SUBSCRIBE with # before the end [MQTT-4.7.1-2]', subscribe(1, ['a/#/b', 0])],
    ['SUBSCRIBE with # in a level [MQTT-4.7.1-2]', subscribe(1, ['a/b#', 0])],
    ['SUBSCRIBE with + in a level [MQTT-4.7.1-3]', subscribe(1, ['a+', 0])],
    ['UNSUBSCRIBE with flags 0 [MQTT-3.10.1-1]', packet(0xa0, [0, 1, ...field('t')])],
    ['UNSUBSCRIBE with flags 10 [MQTT-3.10.1-1]', packet(0xaa, [0, 1, ...field('t')])],
    ['UNSUBSCRIBE without a filter [MQTT-3.10.3-2]', packet(0xa2, [0, 1])],
    ['UNSUBSCRIBE that is not UTF-8 [MQTT-3.10.3-1]', unsubscribe(1, [0xc0, 0xaf])],
    ['UNSUBSCRIBE with U+009F', unsubscribe(1, [0xc2, 0x9f])],
    ['PUBREL with flags 3 [MQTT-3.6.1-1]', packet(0x63, [0, 1])],
    ['PINGREQ with flags [MQTT-2.2.2-2]', packet(0xc1, [])],
    ['PINGREQ with a body', packet(0xc0, [0])],
    ['DISCONNECT with flags [MQTT-3.14.1-1]', packet(0xe1, [])],
    ['a packet of type 15', packet(0xf0, [])],
    ['a length of five bytes', Buffer.from([0x82, 0x80, 0x80, 0x80, 0x80, 0x01])],
  ])('%s ends the connection', async (_, bytes) => {
    const peer = await publisher()
    peer.send(bytes, PINGREQ)
    await peer.ends()
  })
  test('is answered under its number [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.3.1-7], with one code for each filter in its order [MQTT-3.8.4-4] [MQTT-3.8.4-5] [MQTT-3.9.3-1], of those there are [MQTT-3.9.3-2]', async () => {
    const peer = await publisher()
    const [a, b] = [own(), own()]
    peer.send(subscribe(0xabcd, [a, 2], ['$SYS/#', 1], [b, 0], [a, 1], [`${b}/+/#`, 1]))
    await peer.get(suback(0xabcd, 2, 0x80, 0, 1, 1))
    peer.send(subscribe(2, ['$SYS/a', 1], [a, 0], ['$SYS/a', 0], [a, 0]))
    await peer.get(suback(2, 0x80, 0, 0x80, 0))
    await peer.rests()
  })
  test('the same filter again takes the place of the first, without a gap, and gets what is retained again [MQTT-3.8.4-3]', async () => {
    const topic = own()
    await published(topic, 'kept', 0x33)
    const peer = await subscriber(topic, 0)
    await peer.get(publish(0x31, topic, 'kept'))
    peer.send(subscribe(2, [topic, 1]))
    await peer.get(suback(2, 1), publish(0x33, topic, 'kept', 1))
    await published(topic, 'x')
    await peer.get(publish(0x32, topic, 'x', 2))
    await peer.rests()
  })
  test.each([0, 1, 2])('a message comes at the lower of its QoS and the one granted [MQTT-3.8.4-6]: granted %i', async granted => {
    const topic = own()
    const [exact, wild] = [await subscriber(`${topic}/x`, granted), await subscriber(`${topic}/+`, granted)]
    for (const first of [0x30, 0x32, 0x34]) await published(`${topic}/x`, 'm', first)
    for (const peer of [exact, wild]) {
      const qos: number[] = []
      while (qos.length < 3) qos.push(((await firstOf(peer, `${topic}/x`)) >> 1) & 3)
      expect(qos).toEqual([0, 1, 2].map(sent => Math.min(sent, granted)))
    }
  })
  test('of overlapping filters the highest QoS counts, and the message comes once [MQTT-3.3.5-1]', async () => {
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0],
    ]) {
      const topic = own()
      const filters = [`${topic}/a`, `${topic}/+`, `${topic}/#`]
      const peer = await publisher()
      peer.send(subscribe(1, ...order.map((qos, i): [string, number] => [filters[i]!, qos])))
      await peer.get(suback(1, ...order))
      await published(`${topic}/a`, 'x', 0x34)
      const first = await firstOf(peer, `${topic}/a`)
      expect((first >> 1) & 3).toBe(2)
      await peer.rests()
    }
  })
  test('wildcards match whole levels, empty ones too [MQTT-3.8.3-2] [MQTT-3.3.2-3] [MQTT-4.7.1-2] [MQTT-4.7.1-3], byte for byte [MQTT-4.7.3-4] [MQTT-1.5.3-3]', async () => {
    const base = own()
    const seen = await subscriber(`${base}/#`, 0)
    const [level, empty, mark] = [await subscriber(`${base}/+`, 0), await subscriber(`${base}//+`, 0), await subscriber('\ufeffa', 0)]
    for (const topic of [base, `${base}/`, `${base}/\u706b`, `${base}//x`, `${base}/A`]) await published(topic, 'm', 0x30)
    await seen.get(...[base, `${base}/`, `${base}/\u706b`, `${base}//x`, `${base}/A`].map(topic => publish(0x30, topic, 'm')))
    await level.get(...[`${base}/`, `${base}/\u706b`, `${base}/A`].map(topic => publish(0x30, topic, 'm')))
    await empty.get(publish(0x30, `${base}//x`, 'm'))
    await published('a', 'm', 0x30)
    await published('\ufeffa', 'm', 0x30)
    await mark.get(publish(0x30, '\ufeffa', 'm'))
    await Promise.all([seen, level, empty, mark].map(peer => peer.rests()))
  })
  test('topics that begin with $ are not matched by wildcards in front [MQTT-4.7.2-1]', async () => {
    const name = own()
    const [all, one, named] = [await subscriber(`+/${name}/#`, 0), await subscriber(`+/${name}`, 0), await subscriber(`$x/${name}`, 0)]
    await published(`$x/${name}`, 'm', 0x30)
    await published(`x/${name}`, 'm', 0x30)
    await named.get(publish(0x30, `$x/${name}`, 'm'))
    await one.get(publish(0x30, `x/${name}`, 'm'))
    await all.get(publish(0x30, `x/${name}`, 'm'))
    all.send(DISCONNECT)
  })
  test('UNSUBSCRIBE ends exactly that filter [MQTT-3.10.4-1] [MQTT-3.10.4-2], is answered always [MQTT-3.10.4-4] [MQTT-3.10.4-5], also for many [MQTT-3.10.4-6]', async () => {
    const topic = own()
    const peer = await publisher()
    peer.send(subscribe(1, [topic, 0], [`${topic}/+`, 0], [`${topic}/#`, 0]))
    await peer.get(suback(1, 0, 0, 0))
    peer.send(unsubscribe(2, topic, `${topic}/#`), unsubscribe(3, 'never/asked'))
    await peer.get(unsuback(2), unsuback(3))
    await published(topic, 'm', 0x30)
    await published(`${topic}/x`, 'm', 0x30)
    await peer.get(publish(0x30, `${topic}/x`, 'm'))
    await peer.rests()
  })
  test('what was sent before UNSUBSCRIBE is still finished [MQTT-3.10.4-3]', async () => {
    const topic = own()
    const peer = await subscriber(topic, 2)
    await published(topic, 'm', 0x34)
    await peer.get(publish(0x34, topic, 'm', 1))
    peer.send(unsubscribe(2, topic), pubrec(1))
    const both = await peer.take(8)
    expect([Buffer.concat([unsuback(2), pubrel(1)]), Buffer.concat([pubrel(1), unsuback(2)])].some(b => b.equals(both))).toBe(true)
    peer.send(pubcomp(1))
    await peer.rests()
  })
})

describe('the other side of QoS 1 and 2', () => {
  async function sentOne(qos: 1 | 2): Promise<RawPeer> {
    const topic = own()
    const peer = await subscriber(topic, qos)
    await published(topic, 'm', qos === 1 ? 0x32 : 0x34)
    await peer.get(publish(qos === 1 ? 0x32 : 0x34, topic, 'm', 1))
    return peer
  }
  test.each([
    ['PUBREC for QoS 1', 1, [pubrec(1)]],
    ['PUBCOMP for QoS 1', 1, [pubcomp(1)]],
    ['PUBACK for QoS 2', 2, [puback(1)]],
    ['PUBCOMP before PUBREC', 2, [pubcomp(1)]],
    ['PUBACK after PUBREC', 2, [pubrec(1), puback(1)]],
  ] as const)('%s is not the answer, and ends the connection [MQTT-4.3.2-1] [MQTT-4.3.3-1]', async (_, qos, answers) => {
    const peer = await sentOne(qos)
    for (const answer of answers) {
      if (answer !== answers[0]) await peer.get(pubrel(1))
      peer.send(answer)
    }
    await peer.ends()
  })
  test('a second PUBREC gets its PUBREL again; PUBREL comes in the order of PUBREC [MQTT-4.6.0-4]; the first four bits are as they must be [MQTT-2.2.2-1] [MQTT-3.6.1-1]', async () => {
    const topic = own()
    const peer = await subscriber(topic, 2)
    const sender = await publisher()
    sender.send(publish(0x34, topic, 'a', 1), publish(0x34, topic, 'b', 2), publish(0x34, topic, 'c', 3))
    await peer.get(publish(0x34, topic, 'a', 1), publish(0x34, topic, 'b', 2), publish(0x34, topic, 'c', 3))
    peer.send(pubrec(2), pubrec(1), pubrec(3), pubrec(2))
    await peer.get(pubrel(2), pubrel(1), pubrel(3), pubrel(2))
    peer.send(pubcomp(2), pubcomp(1), pubcomp(3))
    await peer.rests()
  })
  test('acknowledgements nobody waits for are passed over, or answered', async () => {
    const peer = await subscriber(own(), 2)
    peer.send(puback(9), pubcomp(9))
    await peer.rests()
    peer.send(pubrec(9), pubrel(9))
    await peer.get(pubrel(9), pubcomp(9))
    await peer.rests()
  })
  test.each([
    ['PUBACK of identifier 0', packet(0x40, [0, 0])],
    ['PUBACK of three bytes', packet(0x40, [0, 1, 0])],
    ['PUBREC of one byte', packet(0x50, [1])],
    ['PUBREL without a body', packet(0x62, [])],
    ['PUBCOMP with flags', packet(0x72, [0, 1])],
  ])('%s ends the connection', async (_, bytes) => {
    const peer = await publisher()
    peer.send(bytes)
    await peer.ends()
  })
  test('who never acknowledges is cut before a number is used twice [MQTT-2.3.1-4]', async () => {
    const topic = own()
    const peer = await subscriber(topic, 1)
    const sender = await publisher()
    for (let id = 1; id <= 60; id++) sender.send(publish(0x32, topic, 'm', id))
    await until(() => peer.socket.destroyed)
    expect(table.refusals.at(-1)?.reason).toContain('not acknowledged')
  })
})

describe('order', () => {
  test('messages of one sender on a topic come in its order, through every QoS [MQTT-4.6.0-5] [MQTT-4.6.0-6], and are acknowledged in it [MQTT-4.6.0-2] [MQTT-4.6.0-3]', async () => {
    const topic = own()
    const seen = await subscriber(topic, 0)
    const sender = await publisher()
    const firsts = [0x30, 0x32, 0x34, 0x33, 0x32, 0x31, 0x34, 0x30]
    for (const [i, first] of firsts.entries()) sender.send(publish(first, topic, `m${i}`, first & 6 ? i + 1 : 0))
    await seen.get(...firsts.map((_, i) => publish(0x30, topic, `m${i}`)))
    const answers = await sender.take(4 * firsts.filter(first => first & 6).length)
    const idsOf = (type: number): number[] =>
      Array.from({ length: answers.length / 4 }, (_, i) => i * 4).flatMap(at => (answers[at] === type ? [answers[at + 3] ?? 0] : []))
    expect([idsOf(0x40), idsOf(0x50)]).toEqual([
      [2, 4, 5],
      [3, 7],
    ])
  })
})

test('what cannot be kept is not acknowledged: the connection ends [MQTT-4.8.0-2]', async () => {
  const peer = await publisher()
  table.journal.fail()
  peer.send(publish(0x32, own(), 'm', 1))
  await peer.ends()
  table.journal.work()
})

test('PINGREQ is answered [MQTT-3.12.4-1]; after DISCONNECT the connection ends and nothing more is read [MQTT-3.14.4-1] [MQTT-3.14.4-2]', async () => {
  const peer = await publisher()
  const topic = own()
  peer.send(PINGREQ, DISCONNECT, publish(0x30, topic, 'late'))
  await peer.get(PINGRESP)
  await peer.ends()
  expect(table.journal.messages.some(m => m.topic === topic)).toBe(false)
})

test('a user name nobody has means nothing where anybody may come in; one that is known must be right', async () => {
  await table.issue('known')
  const flags = 0xc2
  for (const rest of [
    [...field('p'), ...field('p')],
    [...field(''), ...field([0x61, 0, 0])],
  ])
    await peerAs(table, own(), { flags, rest })
  const wrong = rawPeer(table)
  wrong.send(connect({ id: own(), flags, rest: [...field('known'), ...field('p')] }))
  await wrong.get(connack(4))
  await wrong.ends()
  await peerAs(table, own(), { flags, rest: [...field('known'), ...field(table.login('known').password)] })
})

/** Takes the next PUBLISH of `m` or `x` on that topic, whatever its QoS, and gives its first byte. */
async function firstOf(peer: RawPeer, topic: string): Promise<number> {
  const [first = 0, length = 0] = await peer.take(2)
  const body = await peer.take(length)
  expect(body.toString('latin1', 2, 2 + Buffer.byteLength(topic))).toBe(topic)
  return first
}
