// The embedded store: the contract, and what only it can do: no half batch after kill -9, a damaged file set aside, old days dropped.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
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

test('kill -9 in the middle of writing, then replay: every reading once', { timeout: 60_000 }, async () => {
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

test('a file that another process holds is left alone', { timeout: 30_000 }, async () => {
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

test('of the days of arrival so many are kept; a clock that leaps for one message drops one', async () => {
  using place = folder()
  const store = await openDuckdb({ dir: place.dir, retentionDays: 4 }, deps)
  let seq = 0
  for (const day of [0, 1, 2, 3, 4_000, 4])
    await store.write([{ seq: ++seq, reading: reading({ atMs: T0 + day * 86_400_000, metrics: { temperature_c: day } }) }], seq)
  const [series] = await store.query({ deviceId: 'd1', ...all })
  expect(series?.points.map(([, value]) => value)).toEqual([2, 3, 4])
  await store.close()
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
