// The InfluxDB store against a real influxd: the contract, an outage, lines that it refuses, and thinning on the server.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { StoreRefusal } from '../../ingest/index.ts'
import { openInflux } from '../../ingest/stores/influx.ts'
import { queryInflux } from '../../ingest/stores/influx-query.ts'
import { startInflux, type Influxd } from '../ingest/influxd.ts'
import { reading, T0 } from '../ingest/readings.ts'
import { storeContract } from '../ingest/store-contract.ts'

const deps = { log: noLog, meter: noMeter }
let influx: Influxd
let databases = 0
beforeAll(async () => {
  influx = await startInflux()
})
afterAll(() => influx[Symbol.asyncDispose]())

async function bench() {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-influx-'))
  const bucket = `test ${++databases}`
  return {
    bucket,
    open: () => openInflux({ url: influx.url, bucket, dir }, deps),
    [Symbol.asyncDispose]: async () => rmSync(dir, { recursive: true, force: true }),
  }
}

storeContract('influx', bench)

const all = { fromMs: T0 - 1_000, toMs: T0 + 3_600_000 }
const numbered = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ seq: i + 1, reading: reading({ atMs: T0 + i * 10, seq: i, metrics: { temperature_c: i } }) }))

test('while it is down nothing is taken for stored; afterwards the same batch goes through', async () => {
  await using place = await bench()
  const store = await place.open()
  await store.write(numbered(100).slice(0, 50), 50)
  await influx.stop()
  await expect(store.write(numbered(100), 100)).rejects.toMatchObject({ code: 'room-unavailable' })
  expect(await store.position()).toBe(50)
  await influx.restart()
  await store.write(numbered(100), 100)
  const [series] = await store.query({ deviceId: 'd1', ...all, points: 1_000 })
  expect(series?.points.map(([, value]) => value)).toEqual(numbered(100).map((_, i) => i))
  await store.close()
})

test('a reading it refuses is told, and the others are stored', async () => {
  await using place = await bench()
  // a field that is text already cannot take numbers
  await fetch(`${influx.url}/query?q=${encodeURIComponent(`CREATE DATABASE "${place.bucket}"`)}`, { method: 'POST' })
  const line = `smoke,device=x odd_c="text" ${BigInt(T0) * 1_000_000n}`
  await fetch(`${influx.url}/write?db=${encodeURIComponent(place.bucket)}`, { method: 'POST', body: line })
  const store = await place.open()
  const batch = numbered(300)
  batch[117] = { seq: 118, reading: reading({ deviceId: 'bad', atMs: T0 + 1_170, metrics: { odd_c: 1 } }) }
  const refused: StoreRefusal[] = []
  await store.write(batch, 300, [], refusals => refused.push(...refusals))
  expect(refused).toEqual([{ seq: 118, deviceId: 'bad', reason: expect.stringMatching(/answered 400: .*field type conflict/) as string }])
  const [series] = await store.query({ deviceId: 'd1', ...all, points: 1_000 })
  expect(series?.points.length).toBe(299)
  expect(await store.position()).toBe(300)
  await store.close()
})

test('two readings of one millisecond are two points, a repeat is none', async () => {
  await using place = await bench()
  const store = await place.open()
  const twice = [7, 8].map(seq => ({ seq, reading: reading({ seq, metrics: { temperature_c: seq } }) }))
  await store.write(twice, 8)
  await store.write([{ seq: 9, reading: twice[1]?.reading ?? reading() }], 9)
  const [series] = await store.query({ deviceId: 'd1', ...all, points: 10 })
  expect(series?.points.map(([, value]) => value)).toEqual([7, 8])
  await store.close()
})

test('a series too long to fetch is thinned by the server and keeps its peaks', async () => {
  await using place = await bench()
  const store = await place.open()
  const batch = numbered(2_000)
  batch[700] = { seq: 701, reading: reading({ atMs: T0 + 7_000, seq: 700, metrics: { temperature_c: 99_999 } }) }
  await store.write(batch, 2_000)
  await store.close()
  for (const metric of [undefined, 'temperature_c']) {
    const q = { deviceId: 'd1', ...all, toMs: T0 + 20_000, points: 100, ...(metric !== undefined && { metric }) }
    const [series, ...others] = await queryInflux({ url: influx.url, bucket: place.bucket, headers: {} }, q, 500)
    expect(others).toEqual([])
    expect(series?.metric).toBe('temperature_c')
    expect(series?.points.length).toBeLessThanOrEqual(100)
    const values = series?.points.map(([, value]) => value) ?? []
    expect(Math.max(...values)).toBe(99_999)
    expect(Math.min(...values)).toBe(0)
  }
})

test('what is written is what docs/stores.md says: measurements, tags, fields and types', async () => {
  await using place = await bench()
  const store = await place.open()
  const everything = reading({
    metrics: { temperature_c: 20 },
    alarms: { smoke: true },
    batteryPct: 80,
    rssiDbm: -70,
    rsrpDbm: -90,
    snrDb: 7,
    lqi: 200,
    online: true,
  })
  const drone = reading({ deviceId: 'uav', kind: 'drone', position: { lat: 31.9, lon: 118.8, heightM: 80, mslAltM: 95 } })
  await store.write([{ seq: 1, reading: everything, area: '湖熟' }], 1)
  // of another minute of arrival: the first run is written with the next batch
  await store.write([{ seq: 2, reading: { ...drone, receivedAt: new Date(T0 + 60_000).toISOString() } }], 2)
  await store.write([], 3)
  await store.close()
  const keys = async (what: string): Promise<Record<string, string[][]>> => {
    const url = `${influx.url}/query?db=${encodeURIComponent(place.bucket)}&q=${encodeURIComponent(`SHOW ${what} KEYS`)}`
    const { results } = (await (await fetch(url)).json()) as { results: { series: { name: string; values: string[][] }[] }[] }
    return Object.fromEntries((results[0]?.series ?? []).map(({ name, values }) => [name, values]))
  }
  const [fields, tags] = [await keys('FIELD'), await keys('TAG')]
  const page = readFileSync(join(import.meta.dirname, '../../docs/stores.md'), 'utf8')
  const [points = '', rollups = ''] = [/^\| the kind: .*$/m, /^\| `reading_1m` .*$/m].map(row => row.exec(page)?.[0])
  const named = (row: string, column: number) => [...(row.split('|')[column] ?? '').matchAll(/`([a-z_*]+)`/g)].map(match => match[1] ?? '')

  expect(Object.keys(fields).sort()).toEqual(['drone', 'reading_1m', 'smoke'])
  for (const measurement of ['smoke', 'drone']) {
    expect(tags[measurement]?.flat()).toEqual(named(points, 2))
    for (const [field = '', type] of fields[measurement] ?? []) {
      expect(type).toBe('float')
      expect([...named(points, 3), 'temperature_c']).toContain(field.startsWith('alarm_') ? 'alarm_*' : field)
    }
  }
  const written = [...(fields['smoke'] ?? []), ...(fields['drone'] ?? [])].map(([field = '']) =>
    field.startsWith('alarm_') ? 'alarm_*' : field,
  )
  expect(named(points, 3).filter(field => !written.includes(field))).toEqual([])
  expect(tags['reading_1m']?.flat()).toEqual(named(rollups, 2))
  const types = [...(rollups.split('|')[3] ?? '').matchAll(/`(\w+)` (\w+)/g)].map(([, field = '', type = '']) => [field, type])
  expect(fields['reading_1m']?.toSorted()).toEqual(types.toSorted())
})

test('a replay from nothing makes the same points, of the rollups too, however the batches are cut', async () => {
  await using place = await bench()
  const batch = Array.from({ length: 400 }, (_, i) => ({
    seq: i + 1,
    reading: reading({ atMs: T0 + i * 1_000, seq: i, deviceId: `d${i % 5}`, metrics: { temperature_c: i / 3 } }),
    ...(i % 2 === 0 && { area: 'a1' }),
  }))
  const everything = async () => {
    const select = encodeURIComponent('SELECT * FROM /.*/')
    return (await fetch(`${influx.url}/query?db=${encodeURIComponent(place.bucket)}&epoch=u&q=${select}`)).text()
  }
  const fill = async (atOnce: number) => {
    const store = await openInflux({ url: influx.url, bucket: place.bucket }, deps)
    for (let from = 0; from < batch.length; from += atOnce)
      await store.write(batch.slice(from, from + atOnce), Math.min(400, from + atOnce))
    await store.write([], 401)
    await store.close()
    return everything()
  }
  const first = await fill(37)
  expect(first).toContain('reading_1m')
  expect(await fill(100)).toBe(first)
  expect(await fill(400)).toBe(first)
})
