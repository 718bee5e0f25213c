// How fast a backlog in the journal reaches each store, beside the rate of the same store given the same readings ready made; and
// what the writer costs beside what InfluxDB costs for the same points. Ratios count; the absolute numbers are this machine's mood.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { createCatalogue, loadDecoders, startStoreWriter, type ReadingStore, type StoreEntry } from '../ingest/index.ts'
import { openDuckdb } from '../ingest/stores/duckdb.ts'
import { openInflux } from '../ingest/stores/influx.ts'
import { openJournal, openReader } from '../journal/index.ts'
import { startInflux, type Influxd } from '../test/ingest/influxd.ts'
import { cpuSeconds } from './process-tree.ts'

const MESSAGES = Number(process.argv[2] ?? 100_000)
const DEVICES = 5_000
const ROUNDS = 2
/** rounds that are not counted: a store process runs for months, its first seconds say little */
const WARM_UPS = 1
const APPENDED_AT_ONCE = 2_000

type Run = { seconds: number; ownCpuS: number; serverCpuS: number }
type Place = { open(): Promise<ReadingStore>; serverCpuS(): Promise<number>; [Symbol.asyncDispose](): Promise<void> }

const decoders = await loadDecoders()
const folder = () => mkdtemp(join(tmpdir(), 'fengsui-drain-'))
const deps = { log: noLog, meter: noMeter }

/** Detectors that report three values and a battery, twenty messages a second from now backwards. */
async function fillJournal(dir: string): Promise<void> {
  const journal = await openJournal({ dir, ...deps, clock: systemClock })
  const startMs = Date.now() - MESSAGES * 50
  for (let from = 0; from < MESSAGES; from += APPENDED_AT_ONCE) {
    const batch = Array.from({ length: Math.min(APPENDED_AT_ONCE, MESSAGES - from) }, (_, i) =>
      message(from + i, startMs + (from + i) * 50),
    )
    await Promise.all(batch.map(m => journal.append(m)))
  }
  await journal.close()
}

function message(n: number, atMs: number) {
  const deviceId = `smk-${n % DEVICES}`
  const metrics = { temperature_c: 20 + (n % 100) / 10, smoke_obscuration_db_per_m: (n % 37) / 100, humidity_pct: 40 + (n % 300) / 10 }
  const body = {
    v: 1,
    msgId: `m-${n}-${atMs}`,
    deviceId,
    kind: 'smoke',
    ts: atMs,
    seq: Math.floor(n / DEVICES),
    metrics,
    power: { batteryPct: 90 },
  }
  const payload = Buffer.from(JSON.stringify(body))
  const topic = `fire/v1/smoke/${deviceId}/telemetry`
  return { receivedAtMs: atMs + 40, identity: deviceId, clientId: deviceId, topic, qos: 1 as const, retain: false, dup: false, payload }
}

/** The journal decoded once, as batches of the size that the store likes. */
function readyMade(dir: string, batchMessages: number): StoreEntry[][] {
  using reader = openReader({ dir })
  const catalogue = createCatalogue({ decoders })
  const batches: StoreEntry[][] = []
  for (let at = 0; at < MESSAGES; at += batchMessages) {
    const messages = reader.read(at, batchMessages)
    batches.push(messages.flatMap(m => catalogue.decode(m).readings.map(reading => ({ seq: m.seq, reading }))))
  }
  const readings = batches.reduce((sum, batch) => sum + batch.length, 0)
  if (readings !== MESSAGES) throw new Error(`${MESSAGES} messages gave ${readings} readings`)
  return batches
}

async function measure(place: Place, work: () => Promise<void>): Promise<Run> {
  const [cpu, serverCpu, startMs] = [process.cpuUsage(), await place.serverCpuS(), performance.now()]
  await work()
  const used = process.cpuUsage(cpu)
  const seconds = (performance.now() - startMs) / 1000
  return { seconds, ownCpuS: (used.user + used.system) / 1e6, serverCpuS: (await place.serverCpuS()) - serverCpu }
}

async function best(place: Place, journalDir: string): Promise<Run> {
  const store = await place.open()
  const batches = readyMade(journalDir, store.batchMessages)
  const run = await measure(place, async () => {
    for (const batch of batches) await store.write(batch, batch.at(-1)?.seq ?? 0)
  })
  await store.close()
  return run
}

async function drain(place: Place, journalDir: string): Promise<Run> {
  const store = await place.open()
  using reader = openReader({ dir: journalDir })
  const parts = { reader, catalogue: createCatalogue({ decoders }), store, quarantine: { put: () => {} }, ...deps, clock: systemClock }
  const run = await measure(place, async () => {
    const writer = startStoreWriter(parts)
    while (writer.status().position < MESSAGES) await delay(5)
    await writer.close()
  })
  await store.close()
  return run
}

async function duckdbPlace(): Promise<Place> {
  const dir = await folder()
  return {
    open: () => openDuckdb({ dir }, deps),
    serverCpuS: async () => 0,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}

let buckets = 0
async function influxPlace(influx: Influxd): Promise<Place> {
  const dir = await folder()
  const bucket = `drain${++buckets}`
  return {
    open: () => openInflux({ url: influx.url, bucket, dir }, deps),
    serverCpuS: () => cpuSeconds(influx.pid()),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
const round = (value: number, digits = 2): number => Number(value.toFixed(digits))

async function compare(store: string, newPlace: () => Promise<Place>, journalDir: string) {
  const runs: { own: Run; drained: Run }[] = []
  for (let i = 0; i < WARM_UPS + ROUNDS; i++) {
    await using ready = await newPlace()
    const own = await best(ready, journalDir)
    await using behind = await newPlace()
    const drained = await drain(behind, journalDir)
    if (i >= WARM_UPS) runs.push({ own, drained })
  }
  const of = (what: (r: (typeof runs)[number]) => number) => median(runs.map(what))
  const server = of(r => r.drained.serverCpuS)
  return {
    store,
    messages: MESSAGES,
    drainedPerS: Math.round(of(r => MESSAGES / r.drained.seconds)),
    readyMadePerS: Math.round(of(r => MESSAGES / r.own.seconds)),
    ofOwnBest: round(of(r => r.own.seconds / r.drained.seconds)),
    writerCpuUsPerMessage: round((of(r => r.drained.ownCpuS) / MESSAGES) * 1e6, 1),
    linesOnlyCpuUsPerMessage: round((of(r => r.own.ownCpuS) / MESSAGES) * 1e6, 1),
    ...(server > 0 && {
      serverCpuUsPerMessage: round((server / MESSAGES) * 1e6, 1),
      writerOfServerCpu: round(of(r => r.drained.ownCpuS / r.drained.serverCpuS)),
      linesOnlyOfServerCpu: round(of(r => r.own.ownCpuS / r.own.serverCpuS)),
    }),
  }
}

const journalDir = await folder()
const rows: object[] = []
try {
  await fillJournal(journalDir)
  rows.push(await compare('duckdb', duckdbPlace, journalDir))
  if (existsSync('/usr/bin/influxd')) {
    await using influx = await startInflux()
    rows.push(await compare('influx', () => influxPlace(influx), journalDir))
  } else console.log('no /usr/bin/influxd here: InfluxDB is not measured')
} finally {
  await rm(journalDir, { recursive: true, force: true })
}
for (const row of rows) console.log(JSON.stringify({ bench: 'store-drain', ...row }))
console.table(rows)
