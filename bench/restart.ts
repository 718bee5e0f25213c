// How long the system takes to be ready with 10,000 open alarms in 200 places, beside the same start with a queue that is empty, with compiled code
// kept between starts as `npm start` keeps it, and without; how soon the core alone is back after kill -9; and what the first looks at such a queue
// cost: the lists of the API and the snapshot of a desk. Flows are off.
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { WebSocket } from 'ws'
import { openDispatch } from '../dispatch/index.ts'
import { start, until } from '../test/system/running.ts'
import { processTree, roleOf } from './process-tree.ts'
import { benchFolder, fireSignal, percentile } from './queue-desk.ts'

const ALARMS = 10_000
const ROUNDS = 5

const fill = (file: string): void => {
  const queue = openDispatch({ file, clock: systemClock, log: noLog, meter: noMeter })
  const signals = Array.from({ length: ALARMS }, (_, n) => ({
    signal: fireSignal(n, { atMs: Date.now(), each: 50 }),
    trace: { brokerAt: '', diskAt: '', ruleAt: '' },
  }))
  // at position 0 nothing is read: the journal of this folder is empty
  for (let i = 0; i < ALARMS; i += 500) queue.commit({ position: i + 500, signals: signals.slice(i, i + 500), rows: [] })
  queue.close()
}

type Running = Awaited<ReturnType<typeof start>>
const KEPT = {}
const NOT_KEPT = { NODE_DISABLE_COMPILE_CACHE: '1' }

const startedMs = async (dir: string, env: Record<string, string>, look?: (running: Running) => Promise<void>): Promise<number> => {
  const from = performance.now()
  const running = await start({ dir, env })
  const ms = performance.now() - from
  await look?.(running)
  await running.stop()
  return ms
}

const timed = async (work: () => Promise<number>): Promise<string> => {
  const ms: number[] = []
  let bytes = 0
  for (let i = 0; i < 5; i++) {
    const from = performance.now()
    bytes = await work()
    ms.push(performance.now() - from)
  }
  return `median ${percentile(ms, 0.5).toFixed(0)} ms, ${(bytes / 1024).toFixed(0)} KiB`
}

/** From kill -9 of the core until the supervisor says that it is back; its pause before it starts one again is in it. */
const backMs = async (running: Running): Promise<number> => {
  const all = await processTree(running.process.pid!)
  const core = all[(await Promise.all(all.map(roleOf))).indexOf('core')]
  if (core === undefined) throw new Error('there is no core among the processes')
  const from = performance.now()
  process.kill(core, 'SIGKILL')
  await until(() => running.output().includes('process is back'), 60_000, 'the core is back')
  return performance.now() - from
}

const looks = async (running: Running): Promise<void> => {
  const { token } = (await (
    await fetch(`${running.http}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'admin', password: 'a-long-test-password' }),
    })
  ).json()) as { token: string }
  const size = async (path: string): Promise<number> => (await (await running.api(path)).text()).length
  const snapshot = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${running.http.replace('http', 'ws')}/api/v1/live`, { headers: { authorization: `Bearer ${token}` } })
      socket.once('error', reject)
      socket.once('message', (data: Buffer) => {
        socket.close()
        resolve(data.length)
      })
    })
  console.log(`GET /incidents?state=open (200 of 200)         ${await timed(() => size('/api/v1/incidents?state=open&limit=500'))}`)
  console.log(`GET /alarms (200, as a list asks)              ${await timed(() => size('/api/v1/alarms'))}`)
  console.log(`GET /alarms?limit=5000                         ${await timed(() => size('/api/v1/alarms?limit=5000'))}`)
  console.log(`snapshot of a desk (200 incidents, 5,000 alarms) ${await timed(snapshot)}`)
}

using empty = benchFolder()
using full = benchFolder()
await startedMs(empty.dir, KEPT)
await startedMs(full.dir, KEPT)
fill(full.file)
const [emptyMs, fullMs, coldMs, coreMs]: [number[], number[], number[], number[]] = [[], [], [], []]
for (let round = 0; round < ROUNDS; round++) {
  emptyMs.push(await startedMs(empty.dir, KEPT))
  fullMs.push(await startedMs(full.dir, KEPT, round === ROUNDS - 1 ? looks : async running => void coreMs.push(await backMs(running))))
  coldMs.push(await startedMs(full.dir, NOT_KEPT))
}
const base = percentile(emptyMs, 0.5)
const line = (name: string, ms: number[]): string =>
  `${name.padEnd(48)} median ${percentile(ms, 0.5).toFixed(0)} ms, ratio ${(percentile(ms, 0.5) / base).toFixed(2)} (${Math.min(...ms).toFixed(0)} to ${Math.max(...ms).toFixed(0)})`
console.log(line('ready with an empty queue (baseline)', emptyMs))
console.log(line(`ready with ${ALARMS.toLocaleString('en')} open alarms`, fullMs))
console.log(line('the same, nothing compiled kept between starts', coldMs))
console.log(line('the core alone back after kill -9', coreMs))
