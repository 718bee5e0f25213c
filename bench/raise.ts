// One alarm into the queue: alarm, incident, timeline, audit and three notifications in one committed transaction, beside the smallest
// transaction that this disk can commit, taken in turns. Half of the alarms open an incident, half join one; 1,000 stand open before.
import { DatabaseSync } from 'node:sqlite'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { startCheckpoints } from '../dispatch/checkpoints.ts'
import { openDispatch } from '../dispatch/index.ts'
import { benchFolder, fireSignal, line, percentile } from './queue-desk.ts'

const BEFORE = 1_000
const MEASURED = 2_000
/** alarms of one place */
const EACH = 2

using folder = benchFolder()
const ladder = [{ channel: 'tablet', to: 'station-1', waitS: 30 }] as const
const recipients = ['captain', 'duty-room'].map(name => ({ name, ladder }))
const queue = openDispatch({ file: folder.file, clock: systemClock, log: noLog, meter: noMeter, channels: ['city'], recipients })
const checkpoints = startCheckpoints({ file: folder.file, log: noLog })
const bare = new DatabaseSync(`${folder.file}.bare`)
bare.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (n INTEGER PRIMARY KEY, json TEXT)')
const insert = bare.prepare('INSERT INTO t (json) VALUES (?)')

const raise = (n: number): void => {
  const signal = fireSignal(n, { atMs: Date.now(), each: EACH })
  queue.commit({ position: n + 1, signals: [{ signal, trace: { brokerAt: '', diskAt: '', ruleAt: '' } }], rows: [] })
}
for (let n = 0; n < BEFORE * EACH; n++) raise(n)

const raisedMs: number[] = []
const bareMs: number[] = []
const cpu = process.threadCpuUsage()
const all = process.cpuUsage()
let bareCpu = 0
for (let i = 0; i < MEASURED; i++) {
  const t0 = performance.now()
  raise(BEFORE * EACH + i)
  const t1 = performance.now()
  const before = process.threadCpuUsage()
  insert.run('x'.repeat(500))
  const { user, system } = process.threadCpuUsage(before)
  bareCpu += user + system
  raisedMs.push(t1 - t0)
  bareMs.push(performance.now() - t1)
}
const { user, system } = process.threadCpuUsage(cpu)
const total = process.cpuUsage(all)
const base = percentile(bareMs, 0.5)
console.log(line('one row committed (baseline)', bareMs, base))
console.log(line('one alarm committed with all that goes with it', raisedMs, base))
const each = (microseconds: number): string => (microseconds / 1000 / MEASURED).toFixed(2)
console.log(
  `CPU of one alarm ${each(user + system - bareCpu)} ms, the rest is the disk; with checkpoints and garbage collection beside it ${each(total.user + total.system - bareCpu)} ms`,
)
await checkpoints.close()
queue.close()
bare.close()
