// Clients that behave badly all together: two thousand that come back in the same moment, a subscriber that never reads, a publisher that never
// reads its acknowledgements. Nobody else waits for them, and nothing acknowledged is lost.
import { connect, type Socket } from 'node:net'
import { readFile } from 'node:fs/promises'
import { generate } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { processTree, roleOf } from '../../bench/process-tree.ts'
import { expectExactlyOnce } from './ledger.ts'
import { admit, killOne, logged, startLoad } from './load.ts'
import { start, until, type Running } from './running.ts'

const CLIENTS = 2000
const MUTE_MESSAGES = 50_000
const EDGE_MB_MAX = 600

type Login = { username: string; password: string }

/** Connects, and reads nothing after CONNACK but what `hello` is answered with. */
async function mute(running: Running, { username, password }: Login, hello: Buffer | null): Promise<Socket> {
  const socket = connect({ port: running.mqttPort, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {}) // it is cut: that is the point
  const answer = (): Promise<Buffer> => new Promise(resolve => socket.once('data', resolve))
  const login = { username, password: Buffer.from(password) }
  let answered = answer()
  socket.write(generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: 'mute', keepalive: 0, clean: true, ...login }))
  expect([...(await answered)]).toEqual([0x20, 2, 0, 0])
  if (hello !== null) {
    answered = answer()
    socket.write(hello)
    expect((await answered)[0]).toBe(0x90)
  }
  socket.pause()
  return socket
}

const subscribe = generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'fire/v1/#', qos: 0 }] })

function* monologue(): Generator<Buffer> {
  const payload = JSON.stringify({ v: 1, deviceId: 'mute-1', kind: 'environment', metrics: { temperature_c: 21 } })
  const topic = 'fire/v1/environment/mute-1/telemetry'
  for (let i = 0; i < MUTE_MESSAGES; i++)
    yield generate({ cmd: 'publish', topic, payload, qos: 1, messageId: 1 + (i % 65_535), dup: false, retain: false })
}

async function edgeMb(running: Running): Promise<number> {
  for (const pid of await processTree(running.process.pid!))
    if ((await roleOf(pid)) === 'edge') return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  throw new Error('there is no edge')
}

test(`${CLIENTS} come back at once, one never reads: all others are served`, async () => {
  await using running = await start()
  const groups = await admit(running, [
    { connections: CLIENTS, window: 4, rate: 2000, prefix: 'env' },
    { connections: 1, window: 64, rate: 20, devices: 'each', alarm: true, prefix: 'alm' },
  ])
  const [listener, talker] = (await admit(running, [{ connections: 2, window: 1, prefix: 'mute' }]))[0]!.credentials!
  await using load = await startLoad({ port: running.mqttPort, groups, backOffMs: { first: 10, longest: 1000 } })
  await load.acked(2000)

  await killOne(running, load, 'edge')
  await load.ready()
  expect(load.progress().lost).toBeGreaterThanOrEqual(CLIENTS)
  await load.acked(2000)

  const lostBefore = load.progress().lost
  const deaf = await mute(running, listener!, subscribe)
  const talking = await mute(running, talker!, null)
  for (const packet of monologue()) talking.write(packet)
  await until(
    () => running.output().includes('cut a subscriber that does not read'),
    120_000,
    () => `the subscriber was not cut: ${JSON.stringify(load.progress())}\n${logged(running)}`,
  )
  await load.acked(2000)
  // a connection each: nobody else was cut, and what it did not read is not piled up
  expect(load.progress(), logged(running)).toMatchObject({ lost: lostBefore })
  expect(await edgeMb(running)).toBeLessThan(EDGE_MB_MAX)
  deaf.destroy()
  talking.destroy()
  await expectExactlyOnce(running, await load.stop())
})
