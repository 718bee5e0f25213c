// The embedded store: the contract, and what only it can do: no half batch after kill -9, a damaged file set aside, old days dropped.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { StoreRefusal } from '../../ingest/index.ts'
import { openDuckdb } from '../../ingest/stores/duckdb.ts'
import { reading, T0 } from './readings.ts'
import { storeContract } from './store-contract.ts'

const deps = { log: noLog, meter: noMeter }

function folder(): { dir: string; [Symbol.dispose](): void } {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-duckdb-'))
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) }
}

/** The child writes a line for each batch; its output is read to the end, so that only the signal can end it. */
function batches(output: Readable, count: number): Promise<void> {
  return new Promise(resolve => {
    let seen = 0
    output.on('data', chunk => {
      seen += String(chunk).split('\n').length - 1
      if (seen >= count) resolve()
    })
  })
}

storeContract('duckdb', async () => {
  const { dir, [Symbol.dispose]: remove } = folder()
  return { open: () => openDuckdb({ dir }, deps), [Symbol.asyncDispose]: async () => remove() }
})

const all = { fromMs: T0 - 86_400_000, toMs: T0 + 30 * 86_400_000, points: 10_000 }

test('kill -9 in the middle of writing, then replay: every reading once', async () => {
  using place = folder()
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'write-until-killed.ts'), place.dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = new Promise(resolve => child.once('exit', (_, signal) => resolve(signal)))
    await batches(child.stdout, 5 + round * 3)
    // into the middle of a batch, wherever that is
    await new Promise(resolve => setTimeout(resolve, Math.random() * 30))
    child.kill('SIGKILL')
    expect(await gone).toBe('SIGKILL')

    const store = await openDuckdb({ dir: place.dir }, deps)
    expect(store.notice).toBeUndefined()
    const position = await store.position()
    expect(position).toBeGreaterThan(0)
    const [series] = await store.query({ deviceId: 'd1', metric: 'count_count', ...all })
    expect(series?.points.length).toBe(Math.min(position, 10_000))
    const rollups = await store.aggregate({ metric: 'count_count', fromMs: all.fromMs, toMs: all.toMs, stepMs: 86_400_000 })
    const total = rollups.reduce((sum, { count, mean }) => ({ count: sum.count + count, sum: sum.sum + Math.round(count * mean) }), {
      count: 0,
      sum: 0,
    })
    expect(total).toEqual({ count: position, sum: (position * (position + 1)) / 2 })
    expect((await store.rows('catalogue')).map(([, json]) => Number(json))).toEqual([position])
    await store.close()
  }
})

test('a file that will not open is set aside and the store begins again at 0, and says so', async () => {
  using place = folder()
  const file = join(place.dir, 'readings.duckdb')
  writeFileSync(file, 'this is no database '.repeat(1_000))
  const store = await openDuckdb({ dir: place.dir }, deps)
  expect(store.notice).toContain('kept as')
  expect(await store.position()).toBe(0)
  await store.write([{ seq: 1, reading: reading({ metrics: { temperature_c: 1 } }) }], 1)
  await store.close()
  expect(existsSync(`${file}.broken`)).toBe(true)
  expect(existsSync(`${file}.opening`)).toBe(false)
  const again = await openDuckdb({ dir: place.dir }, deps)
  expect(again.notice).toBeUndefined()
  expect(await again.position()).toBe(1)
  await again.close()
})

test('two openings that killed the process count as failures', async () => {
  using place = folder()
  const store = await openDuckdb({ dir: place.dir }, deps)
  await store.write([], 7)
  await store.close()
  writeFileSync(join(place.dir, 'readings.duckdb.opening'), '2')
  const again = await openDuckdb({ dir: place.dir }, deps)
  expect(again.notice).toContain('the process died')
  expect(await again.position()).toBe(0)
  await again.close()
})

test('a file that another process holds is left alone', async () => {
  using place = folder()
  const child = spawn(process.execPath, [join(import.meta.dirname, 'write-until-killed.ts'), place.dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise(resolve => child.once('exit', resolve))
  await batches(child.stdout, 1)
  await expect(openDuckdb({ dir: place.dir }, deps)).rejects.toMatchObject({ code: 'room-unavailable' })
  child.kill('SIGKILL')
  await gone
  const store = await openDuckdb({ dir: place.dir }, deps)
  expect(store.notice).toBeUndefined()
  expect(await store.position()).toBeGreaterThan(0)
  await store.close()
})

const DAY = 86_400_000
const at = (seq: number, atMs: number, value: number, arrivedMs = atMs) => ({
  seq,
  reading: reading({ atMs, receivedAt: new Date(arrivedMs).toISOString(), metrics: { temperature_c: value } }),
})
const tablesIn = async (dir: string) => {
  const instance = await DuckDBInstance.create(join(dir, 'readings.duckdb'))
  const connection = await instance.connect()
  const names = (await connection.runAndReadAll('SELECT table_name FROM duckdb_tables() ORDER BY 1'))
    .getRows()
    .map(([name]) => String(name))
  connection.closeSync()
  instance.closeSync()
  return names
}

test('days of the event are kept for so long, and then dropped one a minute, so that a leaping clock costs one', async () => {
  using place = folder()
  let nowMs = T0
  const store = await openDuckdb({ dir: place.dir, retentionDays: 4, clock: { nowMs: () => nowMs } }, deps)
  let seq = 0
  const kept = async () => (await store.query({ deviceId: 'd1', ...all }))[0]?.points.map(([, value]) => value)
  for (const day of [0, 1, 2, 3, 4]) {
    nowMs = T0 + day * DAY
    await store.write([at(++seq, nowMs, day)], seq)
  }
  nowMs = T0 + 4_000 * DAY
  await store.write([], seq)
  await store.write([], seq)
  expect(await kept()).toEqual([1, 2, 3, 4])
  nowMs = T0 + 6 * DAY
  await store.write([], seq)
  nowMs += 61_000
  await store.write([], seq)
  expect(await kept()).toEqual([2, 3, 4])
  nowMs += 61_000
  await store.write([], seq)
  expect(await kept()).toEqual([2, 3, 4])
  await store.close()
})

test('times that cannot be true make no tables: they are refused, and so is one day too many', async () => {
  using place = folder()
  const store = await openDuckdb({ dir: place.dir, retentionDays: 10, clock: { nowMs: () => T0 } }, deps)
  const refused: StoreRefusal[] = []
  const write = (batch: ReturnType<typeof at>[], upTo: number) => store.write(batch, upTo, [], told => refused.push(...told))
  await write([at(1, T0 - 11 * DAY, 1, T0), at(2, T0 + 2 * DAY, 2, T0), at(3, T0 - 10 * DAY, 3, T0), at(4, T0 + DAY, 4, T0)], 4)
  expect(refused.map(({ seq, reason }) => [seq, reason])).toEqual([
    [1, expect.stringContaining('older than the 10 days') as string],
    [2, expect.stringContaining('has not come') as string],
  ])
  refused.length = 0
  // a clock of ours that leaps every day
  const leaps = Array.from({ length: 60 }, (_, i) => at(5 + i, T0 + (100 + i) * DAY, i))
  await write(leaps, 64)
  expect(refused).toHaveLength(60 - (10 + 31 - 2))
  expect(await store.position()).toBe(64)
  await store.close()
  expect((await tablesIn(place.dir)).filter(name => name.startsWith('v_'))).toHaveLength(41)
})

test('a file of the first version opens: its readings move to the days of their events', async () => {
  using place = folder()
  const instance = await DuckDBInstance.create(join(place.dir, 'readings.duckdb'))
  const connection = await instance.connect()
  const old = T0 - 3 * DAY + 5_000
  await connection.run(`CREATE TABLE progress (position BIGINT NOT NULL); INSERT INTO progress VALUES (9);
    CREATE TABLE state_row (room VARCHAR NOT NULL, key VARCHAR NOT NULL, json VARCHAR NOT NULL); INSERT INTO state_row VALUES ('catalogue', 'a', '1');
    CREATE TABLE name (id INTEGER NOT NULL, name VARCHAR NOT NULL); INSERT INTO name VALUES (1, 'd:d1'), (2, 'm:temperature_c');
    CREATE TABLE v_20260101 (device INTEGER, metric INTEGER, ts BIGINT, value DOUBLE);
    INSERT INTO v_20260101 VALUES (1, 2, ${T0}, 20), (1, 2, ${old}, 21), (1, 2, ${T0 - 500 * DAY}, 22)`)
  connection.closeSync()
  instance.closeSync()
  for (let opened = 0; opened < 2; opened++) {
    const store = await openDuckdb({ dir: place.dir, clock: { nowMs: () => T0 } }, deps)
    expect(store.notice).toBeUndefined()
    expect(await store.position()).toBe(9)
    expect(await store.rows('catalogue')).toEqual([['a', '1']])
    const ask = (fromMs: number, toMs: number) => store.query({ deviceId: 'd1', fromMs, toMs, points: 10 })
    expect(await ask(old, old + 1)).toEqual([{ metric: 'temperature_c', points: [[old, 21]] }])
    expect(await ask(T0 - 600 * DAY, T0 + DAY)).toEqual([
      {
        metric: 'temperature_c',
        points: [
          [old, 21],
          [T0, 20],
        ],
      },
    ])
    await store.close()
  }
  const tables = await tablesIn(place.dir)
  expect(tables.filter(name => /^[vr]_/.test(name))).toEqual(['r_20251229', 'r_20260101', 'v_20251229', 'v_20260101'])
})

test('rollup parts are merged once a minute, and answers stay as they were', async () => {
  using place = folder()
  let nowMs = T0
  const store = await openDuckdb({ dir: place.dir, clock: { nowMs: () => nowMs } }, deps)
  for (let seq = 1; seq <= 20; seq++) await store.write([at(seq, T0 + seq * 1_000, seq)], seq)
  const ask = () => store.aggregate({ metric: 'temperature_c', fromMs: T0, toMs: T0 + 600_000, stepMs: 60_000 })
  const before = await ask()
  expect(before).toEqual([{ t: T0, count: 20, mean: 10.5, min: 1, max: 20 }])
  nowMs += 61_000
  await store.write([at(21, T0 + 61_000, 100)], 21)
  expect(await ask()).toEqual([...before, { t: T0 + 60_000, count: 1, mean: 100, min: 100, max: 100 }])
  await store.close()
  const instance = await DuckDBInstance.create(join(place.dir, 'readings.duckdb'))
  const connection = await instance.connect()
  expect((await connection.runAndReadAll('SELECT minute, count FROM r_20260101 ORDER BY 1')).getRows().map(row => row.map(Number))).toEqual(
    [
      [T0 / 60_000, 20],
      [T0 / 60_000 + 1, 1],
    ],
  )
  connection.closeSync()
  instance.closeSync()
})

test('a batch that fails leaves nothing behind and may be sent again', async () => {
  using place = folder()
  const store = await openDuckdb({ dir: place.dir }, deps)
  const broken = { ...reading({ deviceId: 'new' }), metrics: { temperature_c: 1 }, ts: 'no time' }
  const good = { seq: 1, reading: reading({ metrics: { temperature_c: 5 } }) }
  await expect(store.write([good, { seq: 2, reading: broken }], 2)).rejects.toThrow()
  expect(await store.position()).toBe(0)
  await store.write([good], 2)
  const [series] = await store.query({ deviceId: 'd1', ...all })
  expect(series?.points).toEqual([[T0, 5]])
  await store.close()
})

test('somebody inventing names is stopped, the rest is stored', async () => {
  using place = folder()
  const store = await openDuckdb({ dir: place.dir, namesMax: 3 }, deps)
  const batch = ['a', 'b', 'c'].map((deviceId, i) => ({ seq: i + 1, reading: reading({ deviceId, metrics: { temperature_c: i } }) }))
  const refused: StoreRefusal[] = []
  await store.write(batch, 3, [], refusals => refused.push(...refusals))
  expect(refused.map(({ deviceId }) => deviceId)).toEqual(['c'])
  expect((await store.query({ deviceId: 'b', ...all }))[0]?.points).toEqual([[T0, 1]])
  expect(await store.position()).toBe(3)
  await store.close()
})
