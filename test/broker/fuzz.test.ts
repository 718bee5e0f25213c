// Bytes that no client would send: whatever comes, that connection may end, and every other one goes on. Seeded; the seed is in
// the message of a failure.
import { generate, parser, type Packet } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { connectFrame, lay, publishFrame, received, textOf, until } from './table.ts'

function random(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const subscribe: Packet = { cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: 'a/+/#', qos: 1 }] }
const unsubscribe: Packet = { cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['a/b'] }
const acks = (['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).map(cmd => generate({ cmd, messageId: 9 }))
const SEEDS: Buffer[] = [
  publishFrame({ topic: 'a/b', payload: 'payload' }),
  publishFrame({ topic: 'a/b', payload: 'payload', qos: 2, messageId: 9 }),
  publishFrame({ topic: 'a/b', payload: '', qos: 0 }),
  generate(subscribe),
  generate(unsubscribe),
  generate({ cmd: 'pingreq' }),
  ...acks,
]

test('no bytes stop the broker', async () => {
  const seed = Date.now() >>> 0
  const upTo = random(seed)
  const pick = <T>(from: readonly T[]): T => from[upTo(from.length)]!
  await using table = await lay({ anonymous: true })
  const healthy = await table.client(null)
  for (let round = 0; round < 300; round++) {
    const socket = table.socket()
    const frames = Array.from({ length: 6 }, () => Buffer.from(pick(SEEDS)))
    for (const frame of frames) for (let i = upTo(4); i > 0; i--) frame[upTo(frame.length)] = pick([0, 1, 0x7f, 0x80, 0xff, upTo(256)])
    const connect = connectFrame({ clientId: `c${round}`, clean: upTo(2) === 0 })
    if (upTo(4) === 0) connect[upTo(connect.length)] = upTo(256)
    const bytes = Buffer.concat([connect, ...frames])
    const cut = upTo(bytes.length)
    socket.write(bytes.subarray(0, cut))
    await new Promise(resolve => setImmediate(resolve))
    socket.end(bytes.subarray(cut))
    if (round % 20 === 0) await healthy.publishAsync('still/here', `${round}`, { qos: 1 })
  }
  await healthy.publishAsync('still/here', 'last', { qos: 1 })
  expect(
    table.journal.messages.filter(m => m.topic === 'still/here'),
    `seed ${seed}`,
  ).toHaveLength(16)
  await until(
    () => table.broker.connections(),
    n => n <= 1,
  )
})

test('however the bytes are cut, the same is stored and the same is answered', async () => {
  const seed = Date.now() >>> 0
  const upTo = random(seed)
  const pick = <T>(from: readonly T[]): T => from[upTo(from.length)]!
  const topics = ['a/b', 'a/c', 'fire/v1/smoke/d1/telemetry', 'keep']
  for (let round = 0; round < 25; round++) {
    let acks = 0
    const frames = Array.from({ length: 60 }, (_, i): Buffer => {
      const kind = upTo(10)
      const messageId = i + 1
      if (kind === 0) return (acks++, generate({ cmd: 'pingreq' }))
      if (kind === 1) return (acks++, generate({ cmd: 'subscribe', messageId, subscriptions: [{ topic: `nobody/${i}`, qos: 1 }] }))
      const qos = pick([0, 1, 1, 1, 2] as const)
      if (qos > 0) acks++
      const payload = Buffer.alloc(pick([0, 1, 20, 200, 5000]), `${i} `)
      return generate({ cmd: 'publish', topic: pick(topics), payload, qos, messageId, dup: false, retain: upTo(8) === 0 })
    })
    const bytes = Buffer.concat([connectFrame({ clientId: 'c' }), ...frames])
    const whole = await result(bytes, () => bytes.length, acks)
    const pieces = await result(bytes, () => 1 + upTo(pick([3, 50, 3000])), acks)
    expect(pieces, `seed ${seed}, round ${round}`).toEqual(whole)
  }
})

async function result(bytes: Buffer, size: () => number, acks: number): Promise<{ stored: string[]; answered: string[] }> {
  await using table = await lay({ anonymous: true, laneOf: () => (_, from, to) => (to - from === 20 ? 'alarm' : 'bulk') })
  const socket = table.socket()
  socket.setNoDelay(true)
  const got = received(socket)
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + size())
    socket.write(bytes.subarray(at, end))
    at = end
    await new Promise(resolve => setImmediate(resolve))
  }
  const packets = (): Packet[] => {
    const all: Packet[] = []
    const reading = parser()
    reading.on('packet', packet => all.push(packet))
    reading.parse(got.bytes())
    return all
  }
  await until(() => packets().length === 1 + acks)
  expect(table.refusals).toEqual([])
  return {
    stored: table.journal.messages.map(m => `${m.topic} ${m.qos} ${m.retain} ${textOf(m).slice(0, 9)}`),
    // MQTT orders each kind of answer, not one against another
    answered: packets()
      .map(p => `${p.cmd} ${p.messageId ?? ''}`)
      .toSorted((a, b) => a.slice(0, 4).localeCompare(b.slice(0, 4))),
  }
}
