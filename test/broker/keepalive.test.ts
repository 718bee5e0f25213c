// Silence: a client that has gone without a word is found by its keepalive and its will is sent; one that speaks, or that we do
// not read, is left alone. And how many may come in at once.
import { generate } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { Keepalive, type Kept } from '../../broker/keepalive.ts'
import { aMoment, closed, connectFrame, lay, publishFrame, received, textOf, until } from './table.ts'

class Client implements Kept {
  heardMs = 0
  cutMs: number | null = null
  readonly keepaliveMs: number
  readonly #clock: { ms: number }
  constructor(keepaliveMs: number, clock: { ms: number }) {
    this.keepaliveMs = keepaliveMs
    this.#clock = clock
  }
  lastHeardMs(): number {
    return this.heardMs
  }
  silent(): void {
    this.cutMs = this.#clock.ms
  }
}

test('on a virtual clock: cut after one and a half times, a tick late at most, never early', () => {
  const clock = { ms: 0 }
  const keepalive = new Keepalive(() => clock.ms)
  const [silent, speaking, endless, gone, slow] = [2000, 2000, 0, 2000, 60_000].map(ms => new Client(ms, clock))
  for (const client of [silent, speaking, endless, gone, slow]) keepalive.add(client!)
  keepalive.remove(gone!)
  for (clock.ms = 0; clock.ms <= 200_000; clock.ms += 50) {
    if (clock.ms < 100_000) speaking!.heardMs = clock.ms
    keepalive.look()
  }
  keepalive.close()
  for (const [client, atMs] of [
    [silent, 3000],
    [speaking, 99_950 + 3000],
    [slow, 90_000],
  ] as const) {
    expect(client!.cutMs).toBeGreaterThanOrEqual(atMs)
    expect(client!.cutMs).toBeLessThanOrEqual(atMs + 500)
  }
  expect([endless!.cutMs, gone!.cutMs]).toEqual([null, null])
})

const frameWith = (o: { clientId: string; keepalive: number; will?: string }): Buffer =>
  generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId: o.clientId,
    keepalive: o.keepalive,
    ...(o.will === undefined ? {} : { will: { topic: 'status', payload: Buffer.from(o.will), qos: 1, retain: false } }),
  })

test('the will of who fell silent is journalled; who pings or publishes stays', async () => {
  await using table = await lay({ anonymous: true })
  const silent = table.socket()
  const [pinging, publishing] = [table.socket(), table.socket()]
  const got = received(pinging)
  silent.write(frameWith({ clientId: 'silent', keepalive: 1, will: 'gone' }))
  pinging.write(frameWith({ clientId: 'pinging', keepalive: 1 }))
  publishing.write(frameWith({ clientId: 'publishing', keepalive: 1 }))
  await until(() => table.broker.connections() === 3)
  const speaking = setInterval(() => {
    pinging.write(generate({ cmd: 'pingreq' }))
    publishing.write(publishFrame({ topic: 't', payload: 'here', qos: 0 }))
  }, 100)
  await closed(silent)
  clearInterval(speaking)
  expect(table.journal.messages.filter(m => m.topic === 'status').map(m => [m.clientId, textOf(m)])).toEqual([['silent', 'gone']])
  expect(table.broker.connections()).toBe(2)
  expect(got.bytes().subarray(4, 6)).toEqual(Buffer.from([0xd0, 0]))
  expect(table.refusals).toEqual([])
})

test('who is not read by us is not called silent', async () => {
  await using table = await lay({ anonymous: true, limits: { inFlightOfClient: 1 } })
  const socket = table.socket()
  const got = received(socket)
  table.journal.hold()
  socket.write(
    Buffer.concat([
      frameWith({ clientId: 'c', keepalive: 1, will: 'gone' }),
      publishFrame({ topic: 't', payload: 'one', messageId: 1 }),
      publishFrame({ topic: 't', payload: 'two', messageId: 2 }),
    ]),
  )
  await until(() => table.journal.waiting)
  await new Promise(resolve => setTimeout(resolve, 2500))
  table.journal.release()
  await until(() => got.bytes().length === 4 + 8)
  expect(table.journal.messages.map(textOf)).toEqual(['one', 'two'])
})

test('two thousand who come at once all get in; above the rate they wait their turn', async () => {
  await using table = await lay({ anonymous: true, limits: { newConnectionsAtOnce: 500, newConnectionsPerS: 2000 } })
  const sockets = Array.from({ length: 2000 }, (_, i) => {
    const socket = table.socket()
    socket.write(connectFrame({ clientId: `c${i}` }))
    return socket
  })
  await until(
    () => table.broker.connections(),
    n => n === 2000,
    40_000,
  )
  expect(table.refusals).toEqual([])
  expect(sockets.every(socket => !socket.destroyed)).toBe(true)
})

test('who would wait too long to be let in is told apart and closed', async () => {
  await using table = await lay({ anonymous: true, limits: { newConnectionsAtOnce: 1, newConnectionsPerS: 0.001, connectTimeoutMs: 300 } })
  await table.client(null)
  const late = table.socket()
  late.write(connectFrame({ clientId: 'late' }))
  await closed(late)
  await aMoment()
  expect(table.refusals).toMatchObject([{ code: 'too-many-connections', reason: expect.stringContaining('new connections a second') }])
  expect(table.broker.connections()).toBe(1)
})
