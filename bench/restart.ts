// How long the system takes to be ready with 10,000 open alarms in 200 places, beside the same start with a queue that is empty; and what
// the first looks at such a queue cost: the lists of the API and the snapshot of a desk.
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { WebSocket } from 'ws'
import { openDispatch } from '../dispatch/index.ts'
import { start } from '../test/system/running.ts'
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

const startedMs = async (dir: string, look?: (running: Awaited<ReturnType<typeof start>>) => Promise<void>): Promise<number> => {
  const from = performance.now()
  const running = await start({ dir })
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

const looks = async (running: Awaited<ReturnType<typeof start>>): Promise<void> => {
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
await startedMs(empty.dir)
await startedMs(full.dir)
fill(full.file)
const [emptyMs, fullMs]: [number[], number[]] = [[], []]
for (let round = 0; round < ROUNDS; round++) {
  emptyMs.push(await startedMs(empty.dir))
  fullMs.push(await startedMs(full.dir, round === ROUNDS - 1 ? looks : undefined))
}
const [base, loaded] = [percentile(emptyMs, 0.5), percentile(fullMs, 0.5)]
console.log(
  `ready with an empty queue (baseline)           median ${base.toFixed(0)} ms (${Math.min(...emptyMs).toFixed(0)} to ${Math.max(...emptyMs).toFixed(0)})`,
)
console.log(
  `ready with ${ALARMS.toLocaleString('en')} open alarms                 median ${loaded.toFixed(0)} ms, ratio ${(loaded / base).toFixed(2)} (${Math.min(...fullMs).toFixed(0)} to ${Math.max(...fullMs).toFixed(0)})`,
)
