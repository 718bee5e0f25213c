// What TLS and the door's checks cost: time to connect and memory for each of 5,000 TLS connections, ours beside Aedes behind the
// same TLS; and the durable PUBACK rate with every check of the door (password, topic, size, rate, room) beside the same door that
// asks nothing of a message. Brokers in processes of their own, on a core of their own. BENCH_TLS_CONNECTIONS for fewer.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { authority } from '../test/broker/x509.ts'
import { cpuSeconds } from './process-tree.ts'
import { isPinned, load, median, round } from './side-by-side.ts'
import type { Ready, TlsVariant } from './tls-broker.ts'

const CONNECTIONS = Number(process.env['BENCH_TLS_CONNECTIONS'] ?? 5000)
const ROUNDS = 3
const OPENING_MAX = 100
const SETTLE_MS = 3000
const PATTERNS = { 'gateways 50x256': { connections: 50, window: 256 }, 'fleet 1000x1': { connections: 1000, window: 1 } }

const ca = authority()
const server = ca.server()

type Broker = { ready: Ready; pid: number; rssBytes(): number; [Symbol.asyncDispose](): Promise<void> }

async function open(variant: TlsVariant, devices = 0): Promise<Broker> {
  const cache = join(import.meta.dirname, '..', '.cache')
  mkdirSync(cache, { recursive: true })
  const dir = mkdtempSync(join(cache, 'bench-'))
  writeFileSync(join(dir, 'server.pem'), server.cert)
  writeFileSync(join(dir, 'server.key'), server.key)
  const args = [join(import.meta.dirname, 'tls-broker.ts'), variant, dir, String(devices)]
  const [file, all] = isPinned ? ['taskset', ['-c', '0', process.execPath, ...args]] : [process.execPath, args]
  const child = spawn(file, all, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [ready] = (await once(child, 'message')) as [Ready]
  const pid = child.pid ?? 0
  return {
    ready,
    pid,
    rssBytes: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024,
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const connectFrame = (id: string): Buffer => {
  const body = Buffer.concat([Buffer.from([0, 4]), Buffer.from('MQTT'), Buffer.from([4, 2, 0, 0, 0, id.length]), Buffer.from(id)])
  return Buffer.concat([Buffer.from([0x10, body.length]), body])
}

/** Resolves on CONNACK. */
function dial(port: number, i: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: [ca.cert] })
    socket.once('error', reject)
    socket.once('data', () => resolve(socket))
    socket.write(connectFrame(`c${i}`))
  })
}

async function connections(variant: TlsVariant): Promise<{ seconds: number; kbEach: number; cpuMsEach: number }> {
  await using broker = await open(variant)
  const { port } = broker.ready
  const sockets: TLSSocket[] = []
  for (let i = 0; i < 20; i++) sockets.push(await dial(port, i)) // code that loads late is no connection's cost
  await delay(SETTLE_MS)
  const [before, cpuBefore, begunMs] = [broker.rssBytes(), await cpuSeconds(broker.pid), performance.now()]
  let next = 0
  const some = async (): Promise<void> => {
    while (next < CONNECTIONS) sockets.push(await dial(port, next++))
  }
  await Promise.all(Array.from({ length: OPENING_MAX }, some))
  const seconds = (performance.now() - begunMs) / 1000
  const cpuS = (await cpuSeconds(broker.pid)) - cpuBefore
  await delay(SETTLE_MS)
  const kbEach = (broker.rssBytes() - before) / 1024 / CONNECTIONS
  for (const socket of sockets) socket.destroy()
  return { seconds, kbEach, cpuMsEach: (cpuS * 1000) / CONNECTIONS }
}

async function rate(variant: TlsVariant, pattern: { connections: number; window: number }): Promise<{ rate: number; usEach: number }> {
  await using broker = await open(variant, pattern.connections)
  const { port, credentials } = broker.ready
  const before = await cpuSeconds(broker.pid)
  const group = { ...pattern, ...(credentials.length > 0 ? { credentials } : {}) }
  const { acked, seconds, accounts } = await load({ port, groups: [group], ms: 2500, warmUpMs: 700 })
  const all = accounts.reduce((sum, account) => sum + account.acked, 0)
  return { rate: acked / seconds, usEach: (((await cpuSeconds(broker.pid)) - before) * 1e6) / all }
}

const medianOf = <T>(all: readonly T[], what: (one: T) => number): number => median(all.map(what))

const byVariant: Record<'ours' | 'stock', Awaited<ReturnType<typeof connections>>[]> = { ours: [], stock: [] }
for (let i = 0; i < ROUNDS; i++) for (const variant of ['stock', 'ours'] as const) byVariant[variant].push(await connections(variant))
const tls = (['ours', 'stock'] as const).map(variant => ({
  variant,
  's to connect all': round(
    medianOf(byVariant[variant], c => c.seconds),
    2,
  ),
  'KB a connection': round(
    medianOf(byVariant[variant], c => c.kbEach),
    1,
  ),
  'broker CPU ms a connection': round(
    medianOf(byVariant[variant], c => c.cpuMsEach),
    2,
  ),
}))
const ratio = (what: (one: { seconds: number; kbEach: number; cpuMsEach: number }) => number): number =>
  round(medianOf(byVariant.ours, what) / medianOf(byVariant.stock, what), 2)
const ratios = { time: ratio(c => c.seconds), memory: ratio(c => c.kbEach), cpu: ratio(c => c.cpuMsEach) }
console.log(`${CONNECTIONS} TLS connections, ours / Aedes with TLS: time ${ratios.time} (bar 1.2), memory ${ratios.memory} (bar 1.2)`)
console.table(tls)

const checks = []
for (const [pattern, group] of Object.entries(PATTERNS)) {
  const runs: Record<'checked' | 'unchecked', Awaited<ReturnType<typeof rate>>[]> = { checked: [], unchecked: [] }
  for (let i = 0; i < ROUNDS; i++) for (const variant of ['unchecked', 'checked'] as const) runs[variant].push(await rate(variant, group))
  const [checked, unchecked] = [medianOf(runs.checked, r => r.rate), medianOf(runs.unchecked, r => r.rate)]
  checks.push({
    pattern,
    'acks/s, all checks': round(checked),
    'acks/s, none': round(unchecked),
    'cost %': round(100 * (1 - checked / unchecked), 1),
    'us/message, all': round(
      medianOf(runs.checked, r => r.usEach),
      2,
    ),
    'us/message, none': round(
      medianOf(runs.unchecked, r => r.usEach),
      2,
    ),
  })
}
console.log('durable PUBACK with and without the checks of the door (bar: 15 %)')
console.table(checks)
console.log(JSON.stringify({ bench: 'tls-connections', connections: CONNECTIONS, rounds: ROUNDS, tls, ratios, checks }))
