// A real InfluxDB that fails in every way it can while a backlog is written to it, and a writer that is killed: afterwards each reading
// of the journal is there exactly once, in the points and in the rollups.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { createCatalogue, loadDecoders, openQuarantine, startStoreWriter } from '../../ingest/index.ts'
import { openInflux } from '../../ingest/stores/influx.ts'
import { openJournal } from '../../journal/index.ts'
import { startInflux, type Influxd } from '../ingest/influxd.ts'
import { startProxy, type Fault } from '../ingest/influx-proxy.ts'
import { journalOf, native, T0, until } from '../ingest/readings.ts'

const MESSAGES = 12_000
const deps = { log: noLog, meter: noMeter }
const decoders = await loadDecoders()
let influx: Influxd
let databases = 0
beforeAll(async () => {
  influx = await startInflux()
})
afterAll(() => influx[Symbol.asyncDispose]())

/** Ten messages a second of fifty devices; a value of each is its number. */
const messages = Array.from({ length: MESSAGES }, (_, i) => {
  const [seq, deviceId] = [i + 1, `s${i % 50}`]
  const body = { deviceId, ts: T0 + seq * 100, seq: Math.floor(i / 50), msgId: `message-${seq}` }
  return { ...native(seq, body), topic: `fire/v1/smoke/${deviceId}/telemetry`, receivedAtMs: T0 + seq * 100 + 20 }
})

async function numbersIn(bucket: string): Promise<{ count: number; sum: number }> {
  const query = 'SELECT count("temperature_c"), sum("temperature_c") FROM "smoke"'
  const answer = await fetch(`${influx.url}/query?db=${bucket}&q=${encodeURIComponent(query)}`)
  const { results } = (await answer.json()) as { results: { series?: { values: [string, number, number][] }[] }[] }
  const [, count = 0, sum = 0] = results[0]?.series?.[0]?.values[0] ?? []
  return { count, sum }
}

async function rollupsIn(bucket: string, dir: string): Promise<{ count: number; sum: number }> {
  const store = await openInflux({ url: influx.url, bucket, dir }, deps)
  const rows = await store.aggregate({ metric: 'temperature_c', fromMs: T0, toMs: T0 + MESSAGES * 200, stepMs: 60_000 })
  await store.close()
  return rows.reduce((total, { count, mean }) => ({ count: total.count + count, sum: total.sum + Math.round(mean * count) }), {
    count: 0,
    sum: 0,
  })
}

const expected = (without: number[] = []) => ({
  count: MESSAGES - without.length,
  sum: (MESSAGES * (MESSAGES + 1)) / 2 - without.reduce((sum, n) => sum + n, 0),
})

/** InfluxDB 1.x that is killed while it makes a shard does not get it open again, by itself and whoever writes. */
async function makeShard(bucket: string): Promise<void> {
  await fetch(`${influx.url}/query?q=CREATE+DATABASE+${bucket}`, { method: 'POST' })
  const made = await fetch(`${influx.url}/write?db=${bucket}&precision=ms`, { method: 'POST', body: `other value=1 ${T0}` })
  expect(made.status).toBe(204)
}

async function setUp(prepare = async (_bucket: string): Promise<void> => {}) {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-faults-'))
  const bucket = `faults${++databases}`
  await prepare(bucket)
  const proxy = await startProxy(influx.url)
  const quarantine = openQuarantine({ dir })
  const failures: string[] = []
  const log = { ...noLog, error: (fields: object) => void failures.push(String((fields as { err?: Error }).err?.message)) }
  const store = await openInflux({ url: proxy.url, bucket, dir }, deps)
  const writer = startStoreWriter({
    reader: journalOf(messages),
    catalogue: createCatalogue({ decoders }),
    store,
    quarantine,
    log,
    meter: noMeter,
    clock: systemClock,
  })
  return {
    dir,
    bucket,
    proxy,
    quarantine,
    failures,
    writer,
    done: () =>
      until(() => writer.status().position === MESSAGES, 60_000).catch((error: unknown) => {
        throw new Error(`${writer.status().detail}; ${failures.slice(-12).join(' | ')}`, { cause: error })
      }),
    [Symbol.asyncDispose]: async () => {
      await writer.close()
      await store.close()
      quarantine.close()
      await proxy[Symbol.asyncDispose]()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const exactlyOnce = async ({ bucket, dir }: { bucket: string; dir: string }, without: number[] = []) => {
  expect(await numbersIn(bucket)).toEqual(expected(without))
  expect(await rollupsIn(bucket, dir)).toEqual(expected(without))
}

const twice = <T>(fault: T): T[] => [fault, fault]
const faults: Record<string, { faults: Fault[]; failed: RegExp }> = {
  'answers 500': { faults: twice({ answer: 500, body: '{"error":"engine is closed"}' }), failed: /answered 500/ },
  'answers 503 without a time': { faults: twice({ answer: 503 }), failed: /answered 503/ },
  'answers 201: a part was written': { faults: twice({ answer: 201 }), failed: /answered 201/ },
  'resets the connection in mid-request': { faults: twice('reset-before'), failed: /failed: / },
  'stores a request and resets the connection': { faults: twice('reset-after'), failed: /failed: / },
}
for (const [name, { faults: queue, failed }] of Object.entries(faults)) {
  test(`${name}: each reading once`, async () => {
    await using place = await setUp()
    place.proxy.faults.push(...queue)
    await place.done()
    expect(place.failures.length).toBeGreaterThan(0)
    expect(place.failures).toEqual(place.failures.map(() => expect.stringMatching(failed) as string))
    await exactlyOnce(place)
  })
}

test('slow by seconds is only slow', async () => {
  await using place = await setUp()
  place.proxy.faults.push({ delayMs: 2_000 }, { delayMs: 100 }, { delayMs: 1_000 })
  await place.done()
  expect(place.failures).toEqual([])
  await exactlyOnce(place)
})

test('429 with Retry-After is left alone for so long', async () => {
  await using place = await setUp()
  place.proxy.faults.push(...Array.from({ length: 4 }, () => ({ answer: 429, headers: { 'retry-after': '2' } })))
  await place.done()
  const times = place.proxy.writes.map(({ atMs }) => atMs)
  const pauses = times.slice(1).map((atMs, i) => atMs - (times[i] ?? 0))
  expect(Math.max(...pauses)).toBeGreaterThanOrEqual(2_000)
  expect(place.failures).toEqual([expect.stringContaining('answered 429')])
  await exactlyOnce(place)
})

test('lines it will never take are held with its words, and the rest is there', async () => {
  await using place = await setUp()
  place.proxy.poison = /temperature_c=(4321|4322|9000) /
  await place.done()
  const entries = place.quarantine.list({ limit: 100 }).entries.toSorted((a, b) => (a.seq ?? 0) - (b.seq ?? 0))
  expect(entries.map(({ id, code }) => [id, code])).toEqual(
    [4321, 4322, 9000].map(seq => [`s-${seq}-s${(seq - 1) % 50}`, 'store-rejected']),
  )
  for (const { reason } of entries) expect(reason).toContain('field type conflict')
  await exactlyOnce(place, [4321, 4322, 9000])
})

test('stopped for a while, and killed in the middle of batches: each reading once', async () => {
  await using place = await setUp(makeShard)
  for (let kills = 0; kills < 3; kills++) {
    const before = place.proxy.writes.length
    await until(() => place.proxy.writes.length > before || place.writer.status().position === MESSAGES, 60_000)
    await influx.stop()
    if (kills === 0) await until(() => !place.writer.status().ok, 60_000)
    await influx.restart()
  }
  await place.done()
  await exactlyOnce(place)
})

test('the writer killed in the middle of batches: each reading once', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-faults-'))
  const bucket = `faults${++databases}`
  const journal = await openJournal({ dir, ...deps, clock: systemClock })
  await Promise.all(messages.map(m => journal.append(m)))
  await journal.close()
  await using proxy = await startProxy(influx.url)
  const entry = join(import.meta.dirname, '../ingest/drain-until-killed.ts')
  let kills = 0
  for (let finished = false; !finished;) {
    // later writes wait a little, so that there is a middle to be killed in
    proxy.faults.splice(0, Infinity, ...Array.from({ length: 8 }, () => ({ delayMs: 150 })))
    const before = proxy.writes.length
    const child = spawn(process.execPath, [entry, dir, proxy.url, bucket, String(MESSAGES)], { stdio: ['ignore', 'ignore', 'inherit'] })
    const gone = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)))
    if (kills < 3) {
      await Promise.race([until(() => proxy.writes.length >= before + 1 + kills, 60_000), gone])
      await delay(kills * 40)
      child.kill('SIGKILL')
      kills += 1
    }
    finished = (await gone) === 0
  }
  expect(await numbersIn(bucket)).toEqual(expected())
  expect(await rollupsIn(bucket, dir)).toEqual(expected())
  rmSync(dir, { recursive: true, force: true })
})
