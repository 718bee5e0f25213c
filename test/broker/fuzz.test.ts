// Bytes that no client would send: whatever comes, that connection may end, and every other one goes on. Seeded; the seed is in
// the message of a failure.
import { generate, type Packet } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { connectFrame, lay, publishFrame, until } from './table.ts'

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

test('no bytes stop the broker', { timeout: 60_000 }, async () => {
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
