// What the journal costs beside the least a durable log can do: the same groups of messages, zstd, appended to a bare file and
// fdatasync'ed, in the same window and interleaved in one run. Ratios count; the absolute numbers are this machine's mood.
import { mkdtempSync, rmSync, statfsSync, readdirSync, statSync } from 'node:fs'
import { open as openFile, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { GroupBuffer, KnownOrigin } from '../journal/encoding.ts'
import { openJournal, verifyJournal, type Lane, type Own, type Waiter } from '../journal/index.ts'

const RUN_MS = 2000
const ROUNDS = 3
const IN_FLIGHT = 8000
const STEADY_PER_S = 10_000
const SLOW_SYNC_MS = 5
const DEVICES = 20_000
const GROUP = { waitMs: 2, messages: 2000, bytes: 1024 * 1024 }

type Sink = { put(i: number, waiter: Waiter): void; close(): Promise<{ bytesOnDisk: number; workerCpuS?: number }> }
type Made = { origin: KnownOrigin; own: Own }

/** A district's telemetry in our own format: short JSON whose numbers differ and whose words repeat. */
function messages(): Made[] {
  let random = 7
  const next = (limit: number): number => (random = (random * 1_103_515_245 + 12_345) % 2_147_483_648) % limit
  return Array.from({ length: DEVICES }, (_, i) => {
    const deviceId = `smoke-${String(i).padStart(5, '0')}`
    const body = {
      v: 1,
      deviceId,
      kind: 'smoke',
      ts: 1_760_000_000_000 + i * 17,
      seq: next(100_000),
      metrics: {
        obscurationDbPerM: next(500) / 10_000,
        temperatureC: 15 + next(100) / 10,
        batteryPct: 60 + next(40),
        rssiDbm: -50 - next(50),
      },
      alarms: { smoke: false, heat: false, tamper: false },
    }
    const origin = new KnownOrigin({ identity: deviceId, clientId: deviceId, topic: `fire/v1/smoke/${deviceId}/telemetry` })
    const payload = Buffer.from(JSON.stringify(body))
    return { origin, own: { receivedAtMs: 1_760_000_000_000 + i, qos: 1, retain: false, dup: false, payload } }
  })
}
const MADE = messages()
const made = (i: number): Made => MADE[i % DEVICES] as Made

async function journalSink(dir: string, addedSyncMs: number): Promise<Sink> {
  const journal = await openJournal({ dir, log: noLog, meter: noMeter, addedSyncMs })
  return {
    put(i, waiter) {
      const { origin, own } = made(i)
      journal.put(origin, own, 'bulk', waiter)
    },
    async close() {
      await journal.close()
      const verdict = verifyJournal({ dir })
      if (!verdict.ok) throw new Error(verdict.problem)
      return { bytesOnDisk: bytesIn(join(dir, 'journal')) }
    },
  }
}

const bytesIn = (dir: string): number => readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0)
const compress = promisify(zstdCompress)
const LEVEL_1 = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** The limit: the same encoding, window, compression and two groups under way; nothing but bytes at the end of a file. */
async function fileSink(dir: string, addedSyncMs: number): Promise<Sink> {
  const path = join(dir, 'file')
  const file = await openFile(path, 'a')
  let group = new GroupBuffer()
  let runs: Waiter[] = []
  let timer: NodeJS.Timeout | undefined
  let windowOver = false
  let underWay = 0
  let last: Promise<void> = Promise.resolve()

  function flush(): void {
    while (underWay < 2 && group.count > 0 && (windowOver || group.count >= GROUP.messages || group.byteLength >= GROUP.bytes)) {
      const [bytes, count, waiters] = [group.bytes(), group.count, runs]
      group = new GroupBuffer()
      runs = []
      underWay++
      const packed = compress(bytes, LEVEL_1)
      last = last
        .then(() => append(file, packed, addedSyncMs))
        .then(() => {
          underWay--
          for (const waiter of new Set(waiters)) waiter.written(count, 'bulk', 0, 0)
          flush()
        })
    }
  }
  return {
    put(i, waiter) {
      const { origin, own } = made(i)
      if (group.count === 0) {
        windowOver = false
        clearTimeout(timer)
        timer = setTimeout(() => ((windowOver = true), flush()), GROUP.waitMs)
      }
      group.add(origin, own)
      if (runs.at(-1) !== waiter) runs.push(waiter)
      if (group.count >= GROUP.messages || group.byteLength >= GROUP.bytes) flush()
    },
    async close() {
      while (group.count > 0 || underWay > 0) await delay(1)
      await file.close()
      return { bytesOnDisk: statSync(path).size }
    },
  }
}

async function append(file: FileHandle, packed: Promise<Uint8Array>, addedSyncMs: number): Promise<void> {
  await file.appendFile(await packed)
  await file.datasync()
  if (addedSyncMs > 0) await delay(addedSyncMs)
}

type Result = { perS: number; p50Ms: number; p99Ms: number; loopP99Ms: number; bytesPerMessage: number }

/** Keeps `IN_FLIGHT` under way, or puts `perS` a second; latency is measured on every message by its place in the queue. */
async function measure(sink: Sink, perS: number | null): Promise<Result> {
  const since: number[] = []
  const tookMs: number[] = []
  let put = 0
  let told = 0
  const waiter: Waiter = {
    written(count: number, _lane: Lane) {
      const now = performance.now()
      for (let i = 0; i < count; i += 50) tookMs.push(now - (since[told + i] ?? now))
      told += count
    },
    failed(_count, _lane, error) {
      throw error
    },
  }
  const loop = monitorEventLoopDelay({ resolution: 1 })
  const startedMs = performance.now()
  loop.enable()
  for (let now = startedMs; now - startedMs < RUN_MS; now = performance.now()) {
    const upTo = perS === null ? told + IN_FLIGHT : Math.floor(((now - startedMs) / 1000) * perS)
    for (; put < upTo; put++) {
      since[put] = now
      sink.put(put, waiter)
    }
    await (perS === null ? new Promise(setImmediate) : delay(1))
  }
  const [done, seconds] = [told, (performance.now() - startedMs) / 1000]
  loop.disable()
  const { bytesOnDisk } = await sink.close()
  const sorted = tookMs.toSorted((a, b) => a - b)
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN
  // the monitor counts its own resolution as delay
  return {
    perS: done / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    loopP99Ms: loop.percentile(99) / 1e6 - 1,
    bytesPerMessage: bytesOnDisk / put,
  }
}

async function run(kind: 'journal' | 'file', perS: number | null, addedSyncMs: number): Promise<Result> {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-bench-'))
  try {
    return await measure(await (kind === 'journal' ? journalSink : fileSink)(dir, addedSyncMs), perS)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** An alarm every 10 ms while bulk takes all it can get and each sync takes 5 ms more. */
async function besideBulk(): Promise<{ alarmP50Ms: number; alarmP99Ms: number; bulkP50Ms: number }> {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-bench-'))
  const journal = await openJournal({ dir, log: noLog, meter: noMeter, addedSyncMs: SLOW_SYNC_MS })
  const { origin, own } = made(0)
  const alarmMs: number[] = []
  const bulkSink: Sink = {
    put: (i, waiter) => journal.put(made(i).origin, made(i).own, 'bulk', waiter),
    close: async () => (await journal.close(), { bytesOnDisk: 0 }),
  }
  const timer = setInterval(() => {
    const startedMs = performance.now()
    const written = (): void => void alarmMs.push(performance.now() - startedMs)
    journal.put(origin, own, 'alarm', { written, failed: (_count, _lane, error) => raise(error) })
  }, 10)
  const bulk = await measure(bulkSink, null).finally(() => clearInterval(timer))
  rmSync(dir, { recursive: true })
  const sorted = alarmMs.toSorted((a, b) => a - b)
  const at = (part: number): number => round(sorted[Math.floor(sorted.length * part)] ?? Number.NaN)
  return { alarmP50Ms: at(0.5), alarmP99Ms: at(0.99), bulkP50Ms: round(bulk.p50Ms) }
}

function raise(error: Error): never {
  throw error
}

const PUT_TURNS = 400

/** What a message costs the thread that puts it (the slab copy, the origin, the count), in CPU; a group's worth at a time. */
async function putCost(senders: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-bench-'))
  const journal = await openJournal({ dir, log: noLog, meter: noMeter })
  const origins = MADE.slice(0, senders).map(({ origin }) => journal.origin(origin))
  const waiter: Waiter = { written() {}, failed() {} }
  // the clock of a thread may tick in milliseconds: only the sum over many short turns is right
  let spentUs = 0
  for (let times = 0; times < PUT_TURNS; times++) {
    const before = process.threadCpuUsage()
    for (let i = 0; i < GROUP.messages; i++) journal.put(origins[i % senders] as KnownOrigin, made(i).own, 'bulk', waiter)
    const { user, system } = process.threadCpuUsage(before)
    spentUs += user + system
    await delay(10)
  }
  await journal.close()
  rmSync(dir, { recursive: true })
  return round((spentUs * 1000) / (PUT_TURNS * GROUP.messages), 0)
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
const round = (value: number, digits = 2): number => Number(value.toFixed(digits))
const LOADS = [
  { load: 'as much as it takes', perS: null, addedSyncMs: 0 },
  { load: `${STEADY_PER_S}/s`, perS: STEADY_PER_S, addedSyncMs: 0 },
  { load: `${STEADY_PER_S}/s, sync +${SLOW_SYNC_MS} ms`, perS: STEADY_PER_S, addedSyncMs: SLOW_SYNC_MS },
]

if (statfsSync(tmpdir()).type === 0x01021994) console.log('the folder for temporary files is in memory: nothing here is synced to a disk')
const rawBytes = MADE.reduce((sum, { own }) => sum + own.payload.byteLength, 0) / DEVICES
const rows = []
for (const { load, perS, addedSyncMs } of LOADS) {
  const runs: Record<'journal' | 'file', Result[]> = { journal: [], file: [] }
  for (let i = 0; i < ROUNDS; i++) for (const kind of ['file', 'journal'] as const) runs[kind].push(await run(kind, perS, addedSyncMs))
  const of = (kind: 'journal' | 'file', what: keyof Result): number => median(runs[kind].map(r => r[what]))
  for (const kind of ['file', 'journal'] as const)
    rows.push({
      load,
      kind,
      perS: round(of(kind, 'perS'), 0),
      ofFile: round(of(kind, 'perS') / of('file', 'perS')),
      p50Ms: round(of(kind, 'p50Ms')),
      p99Ms: round(of(kind, 'p99Ms')),
      p99OfFile: round(of(kind, 'p99Ms') / of('file', 'p99Ms')),
      loopDelayP99Ms: round(of(kind, 'loopP99Ms')),
      bytesPerMessage: round(of(kind, 'bytesPerMessage'), 1),
      ofRawJson: round(of(kind, 'bytesPerMessage') / rawBytes, 3),
    })
}
const beside = await besideBulk()
const putNs = { own: await putCost(GROUP.messages), one: await putCost(1) }
console.table(rows)
console.log(`put(): ${putNs.own} ns of CPU a message on the caller's thread, each from another sender; ${putNs.one} ns all from one`)
console.log(
  `an alarm beside as much bulk as it takes, sync +${SLOW_SYNC_MS} ms: p50 ${beside.alarmP50Ms}, p99 ${beside.alarmP99Ms} ms; the bulk p50 ${beside.bulkP50Ms}`,
)
console.log(JSON.stringify({ bench: 'journal-rate', rounds: ROUNDS, runMs: RUN_MS, putNs, beside, rawBytes: round(rawBytes, 0), rows }))
