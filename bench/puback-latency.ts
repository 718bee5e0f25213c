// How long a device waits for its PUBACK at 5,000 messages a second over 500 connections, counted from the moment the message was due: ours (on
// disk by then) beside Aedes and mosquitto (not on disk), and the same with a subscriber to everything that never reads.
import { connect } from 'node:net'
import { generate } from 'mqtt-packet'
import type { LoadReport } from './raw-load.ts'
import { load, median, openBroker, round, runnable, type Variant } from './side-by-side.ts'

const ROUNDS = 3
const RATE = 5000
const CONNECTIONS = 500
const RUN_MS = 4000
/** both are Node: their first ten seconds under load are those of a compiler on the same core */
const WARM_UP_MS = 12_000

/** Takes everything and reads nothing. */
async function frozen(port: number): Promise<() => void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {}) // being cut is what it is there for
  socket.write(generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: 'frozen', keepalive: 0, clean: true }))
  await new Promise(resolve => socket.once('data', resolve))
  socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 0 }] }))
  await new Promise(resolve => socket.once('data', resolve))
  socket.pause()
  return () => void socket.destroy()
}

async function run(variant: Variant, withFrozen: boolean): Promise<LoadReport> {
  await using broker = await openBroker(variant)
  const thaw = withFrozen ? await frozen(broker.port) : () => {}
  const group = { connections: CONNECTIONS, window: 64, rate: RATE }
  const report = await load({ port: broker.port, groups: [group], ms: RUN_MS, warmUpMs: WARM_UP_MS, spin: true })
  thaw()
  return report
}

const cases: { variant: Variant; withFrozen: boolean }[] = [
  ...runnable(['ours', 'stock', 'mosquitto']).map(variant => ({ variant, withFrozen: false })),
  { variant: 'ours', withFrozen: true },
  { variant: 'stock', withFrozen: true },
]
const runs = new Map(cases.map(one => [one, [] as LoadReport[]]))
for (let i = 0; i < ROUNDS; i++) for (const [{ variant, withFrozen }, reports] of runs) reports.push(await run(variant, withFrozen))

const of = (one: (typeof cases)[number], what: (r: LoadReport) => number): number => median((runs.get(one) ?? []).map(what))
const base = cases[0]!
const rows = cases.map(one => ({
  variant: one.variant,
  'frozen subscriber': one.withFrozen,
  'acks/s': round(of(one, r => r.acked / r.seconds)),
  p50Ms: round(
    of(one, r => r.p50Ms),
    2,
  ),
  p99Ms: round(
    of(one, r => r.p99Ms),
    2,
  ),
  'p99.9Ms': round(
    of(one, r => r.p999Ms),
    2,
  ),
  'p99 / ours without': round(of(one, r => r.p99Ms) / of(base, r => r.p99Ms), 2),
}))
console.table(rows)
console.log(JSON.stringify({ bench: 'puback-latency', rounds: ROUNDS, runMs: RUN_MS, rows }))
