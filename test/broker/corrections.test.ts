// What Aedes gets wrong on the way out and is put right: DUP, Session Present, the QoS that was granted, the queue of a session
// that was given up.
import { generate, parser, type Packet } from 'mqtt-packet'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { aMoment, closed, connectFrame, lay, until, type Table } from './table.ts'

/** A client without automatic answers: what arrives is only looked at. */
function bare(
  table: Table,
  o: { clientId: string; clean?: boolean },
): { socket: Socket; packets: Packet[]; publishes(): string[]; send(p: Packet): void } {
  const socket = table.socket()
  const packets: Packet[] = []
  const reading = parser()
  reading.on('packet', packet => packets.push(packet))
  socket.on('data', (chunk: Buffer) => reading.parse(chunk))
  socket.write(connectFrame(o))
  return {
    socket,
    packets,
    publishes: () =>
      packets.flatMap(p =>
        p.cmd === 'publish' ? [`${p.payload.toString()} q${p.qos}${p.dup ? ' dup' : ''}${p.retain ? ' retained' : ''}`] : [],
      ),
    send: packet => void socket.write(generate(packet)),
  }
}
const subscribe = (...subscriptions: { topic: string; qos: 0 | 1 | 2 }[]): Packet => ({ cmd: 'subscribe', messageId: 1, subscriptions })
const sessionPresent = async (client: { packets: Packet[] }): Promise<boolean | undefined> => {
  const first = await until(() => client.packets[0])
  return first?.cmd === 'connack' ? first.sessionPresent : undefined
}
async function end(client: { socket: Socket }): Promise<void> {
  client.socket.end(generate({ cmd: 'disconnect' }))
  await closed(client.socket)
}

test('what is sent again is marked DUP, what is sent for the first time is not, and what was acknowledged does not come back', async () => {
  await using table = await lay({ anonymous: true })
  const session = { clientId: 's', clean: false }
  const first = bare(table, session)
  first.send(subscribe({ topic: 'cmd', qos: 1 }))
  await until(() => first.packets.length === 2)
  await table.broker.publish('cmd', 'acknowledged')
  await table.broker.publish('cmd', 'not acknowledged')
  await until(() => first.publishes().length === 2)
  const [acknowledged] = first.packets.filter(p => p.cmd === 'publish')
  first.send({ cmd: 'puback', messageId: acknowledged?.messageId ?? 0 })
  await aMoment()
  await end(first)
  await table.broker.publish('cmd', 'while away')
  const second = bare(table, session)
  await until(() => second.publishes().length === 2)
  expect(second.publishes()).toEqual(['not acknowledged q1 dup', 'while away q1'])
  await end(second)
  const third = bare(table, session)
  await until(() => third.publishes().length === 2)
  expect(third.publishes()).toEqual(['not acknowledged q1 dup', 'while away q1 dup'])
})

test('a QoS 2 delivery goes on where it was: PUBREL comes back, not the message', async () => {
  await using table = await lay({ anonymous: true })
  const session = { clientId: 's', clean: false }
  const first = bare(table, session)
  first.send(subscribe({ topic: 'x', qos: 2 }))
  await until(() => first.packets.length === 2)
  const sender = await table.client(null)
  await sender.publishAsync('x', 'once', { qos: 2 })
  await until(() => first.publishes().length === 1)
  const messageId = first.packets.at(-1)?.messageId ?? 0
  first.send({ cmd: 'pubrec', messageId })
  await until(() => first.packets.at(-1)?.cmd === 'pubrel')
  await end(first)
  const second = bare(table, session)
  await until(() => second.packets.at(-1)?.cmd === 'pubrel')
  expect([second.publishes(), second.packets.at(-1)?.messageId]).toEqual([[], messageId])
  second.send({ cmd: 'pubcomp', messageId })
  await aMoment()
  await end(second)
  const third = bare(table, session)
  await sessionPresent(third)
  await aMoment()
  expect(third.packets).toHaveLength(1)
})

test('Session Present says whether there is a session, with subscriptions or without', async () => {
  await using table = await lay({ anonymous: true })
  for (const [clean, present] of [
    [false, false],
    [false, true],
    [true, false],
    [false, false],
    [false, true],
  ] as const) {
    const client = bare(table, { clientId: 's', clean })
    expect(await sessionPresent(client)).toBe(present)
    await end(client)
  }
})

test('a clean session takes the queue of the one before with it', async () => {
  await using table = await lay({ anonymous: true })
  const first = bare(table, { clientId: 's', clean: false })
  first.send(subscribe({ topic: 'cmd', qos: 1 }))
  await until(() => first.packets.length === 2)
  await end(first)
  await table.broker.publish('cmd', 'for the session')
  await end({ socket: bare(table, { clientId: 's' }).socket })
  const back = bare(table, { clientId: 's', clean: false })
  expect(await sessionPresent(back)).toBe(false)
  await aMoment()
  expect(back.publishes()).toEqual([])
})

test('nothing comes at a higher QoS than was granted, live or retained, with wildcards or without', async () => {
  await using table = await lay({ anonymous: true })
  const sender = await table.client(null)
  await sender.publishAsync('kept/1', 'retained', { qos: 1, retain: true })
  const granted = { zero: 0, one: 1, two: 2 } as const
  const clients = Object.entries(granted).map(([clientId, qos]) => {
    const client = bare(table, { clientId })
    client.send(subscribe({ topic: 'live/+', qos }, { topic: 'kept/#', qos }))
    return client
  })
  await until(() => clients.every(client => client.publishes().length === 1))
  await sender.publishAsync('live/1', 'live', { qos: 2 })
  await until(() => clients.every(client => client.publishes().length === 2))
  expect(clients.map(client => client.publishes())).toEqual([
    ['retained q0 retained', 'live q0'],
    ['retained q1 retained', 'live q1'],
    ['retained q1 retained', 'live q2'],
  ])
})

test('what comes while the queue of one that was away is being sent comes behind it, each once', async () => {
  await using table = await lay({ anonymous: true })
  const session = { clientId: 's', clean: false }
  const first = bare(table, session)
  first.send(subscribe({ topic: 'cmd', qos: 1 }))
  await until(() => first.packets.length === 2)
  await end(first)
  for (let n = 0; n < 20; n++) await table.broker.publish('cmd', `${n}`)
  const second = bare(table, session)
  for (let n = 20; n < 60; n++) {
    await table.broker.publish('cmd', `${n}`)
    if (n > 30) await until(() => second.packets.length > n - 30)
  }
  await until(() => second.publishes().length === 60)
  await table.broker.publish('cmd', 'last')
  await until(() => second.publishes().includes('last q1'))
  expect(second.publishes()).toEqual([...Array.from({ length: 60 }, (_, n) => `${n} q1`), 'last q1'])
})
