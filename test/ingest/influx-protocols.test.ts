// How each version of InfluxDB is spoken to, held against a server of ours that answers as their documentation says: 1.8 is a real one
// away, 2.x and 3 Core are not to be had here. The real 1.6.7 is in test/system.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { StoreEntry, StoreRefusal } from '../../ingest/index.ts'
import { openInflux } from '../../ingest/stores/influx.ts'
import { LINES_A_REQUEST } from '../../ingest/stores/influx-send.ts'
import { startProxy, type Seen } from './influx-proxy.ts'
import { reading, T0 } from './readings.ts'

const deps = { log: noLog, meter: noMeter }
const entry = (seq: number, value = seq): StoreEntry => ({
  seq,
  reading: reading({ seq, atMs: T0 + seq, metrics: { temperature_c: value } }),
})

/** What the documentation of a version promises: version header, status of a write, queries that find nothing. */
const speaks =
  (version: string, write: (seen: Seen) => { status: number; body?: string } = () => ({ status: 204 })) =>
  (seen: Seen) => {
    const headers = { 'x-influxdb-version': version, 'content-type': 'application/json' }
    if (seen.url.startsWith('/ping')) return { status: version.startsWith('3') ? 200 : 204, headers }
    return { headers, ...(seen.url.startsWith('/query') ? { status: 200, body: '{"results":[{}]}' } : write(seen)) }
  }

const LINE = `smoke,device=d1 temperature_c=1 ${T0 + 1}001`

test('1.8: its own /write, user and password, and the database is made first', async () => {
  await using server = await startProxy(speaks('1.8.10'))
  const store = await openInflux({ url: `${server.url}/`, token: 'writer:pass word', bucket: 'fire & rescue' }, deps)
  await store.write([entry(1)], 1)
  const basic = `Basic ${Buffer.from('writer:pass word').toString('base64')}`
  expect(server.others.map(({ method, url }) => `${method} ${decodeURIComponent(url)}`)).toEqual([
    'GET /ping',
    'POST /query?q=CREATE DATABASE "fire & rescue"',
  ])
  expect(server.writes.map(({ method, url, body }) => [method, url, body])).toEqual([
    ['POST', '/write?db=fire%20%26%20rescue&precision=u', LINE],
  ])
  for (const seen of [...server.others, ...server.writes]) expect(seen.headers['authorization']).toBe(basic)
  await store.close()
})

for (const version of ['v2.9.1', '3.11.2']) {
  test(`${version}: /api/v2/write with organisation, bucket, microseconds and token`, async () => {
    await using server = await startProxy(speaks(version))
    const store = await openInflux({ url: server.url, token: 'secret==', org: '消防', bucket: 'fengsui' }, deps)
    await store.write([entry(1)], 1)
    const [write, ...more] = server.writes
    expect(more).toEqual([])
    const url = new URL(write?.url ?? '', server.url)
    expect(url.pathname).toBe('/api/v2/write')
    expect(Object.fromEntries(url.searchParams)).toEqual({ org: '消防', bucket: 'fengsui', precision: 'us' })
    expect(write?.headers).toMatchObject({ authorization: 'Token secret==', 'content-type': 'text/plain; charset=utf-8' })
    // not compressed: the lines cross one switch, and compressing costs more than all else
    expect(write?.headers).not.toHaveProperty('content-encoding')
    expect(write?.body).toBe(LINE)
    await store.query({ deviceId: 'd1', fromMs: T0, toMs: T0 + 1_000, points: 10 })
    await store.aggregate({ metric: 'temperature_c', fromMs: T0, toMs: T0 + 1_000, stepMs: 60_000 })
    const asked = server.others.filter(seen => seen.url.startsWith('/query'))
    expect(asked).toHaveLength(2)
    for (const { url: query, headers } of asked) {
      expect(new URL(query, server.url).searchParams.get('db')).toBe('fengsui')
      expect(headers['authorization']).toBe('Token secret==')
    }
    expect(server.others.some(seen => seen.url.includes('CREATE'))).toBe(false)
    await store.close()
  })
}

test('3 Core: a partial write is a 400 with a list; the line is told, the others are stored', async () => {
  const bad = /temperature_c=77 /
  const partial = {
    error: 'partial write of line protocol occurred',
    data: [{ error_message: 'invalid column type', line_number: 1, original_line: 'smoke' }],
  }
  await using server = await startProxy(
    speaks('3.11.2', ({ body }) => (bad.test(body) ? { status: 400, body: JSON.stringify(partial) } : { status: 204 })),
  )
  const store = await openInflux({ url: server.url, token: 't', bucket: 'fengsui' }, deps)
  const refused: StoreRefusal[] = []
  const batch = Array.from({ length: 100 }, (_, i) => entry(i + 1))
  await store.write(batch, 100, [], told => refused.push(...told))
  expect(refused).toEqual([{ seq: 77, deviceId: 'd1', reason: expect.stringMatching(/answered 400: .*invalid column type/) as string }])
  expect(await store.position()).toBe(100)
  await store.close()
})

for (const [status, what] of Object.entries({ 200: 'a login page', 201: 'a part', 401: 'no token', 404: 'no bucket', 500: 'trouble' })) {
  test(`${status} (${what}) is no success: the position stays, and the same lines are sent again`, async () => {
    let answer = Number(status)
    await using server = await startProxy(speaks('v2.9.1', () => ({ status: answer, body: what })))
    const store = await openInflux({ url: server.url, bucket: 'fengsui' }, deps)
    await expect(store.write([entry(1)], 1)).rejects.toMatchObject({
      code: 'room-unavailable',
      message: expect.stringContaining(`answered ${status}`) as string,
    })
    expect(await store.position()).toBe(0)
    answer = 204
    await store.write([entry(1)], 1)
    expect(server.writes.map(({ body }) => body)).toEqual([LINE, LINE])
    expect(await store.position()).toBe(1)
    await store.close()
  })
}

test('Retry-After in seconds and as a date, believed up to five minutes', async () => {
  let headers: Record<string, string> = {}
  await using server = await startProxy(seen => (seen.url.startsWith('/ping') ? { status: 204 } : { status: 503, headers }))
  const store = await openInflux({ url: server.url, bucket: 'fengsui' }, deps)
  const waitMs = async (value: string) => {
    headers = { 'retry-after': value }
    return (await store.write([entry(1)], 1).catch((error: unknown) => error)) as { waitMs?: number }
  }
  expect(await waitMs('7')).toMatchObject({ waitMs: 7_000 })
  expect(await waitMs('86400')).toMatchObject({ waitMs: 300_000 })
  const { waitMs: untilDate = 0 } = await waitMs(new Date(Date.now() + 60_000).toUTCString())
  expect(untilDate).toBeGreaterThan(30_000)
  expect(untilDate).toBeLessThanOrEqual(60_000)
  expect(await waitMs('soon')).not.toHaveProperty('waitMs')
  await store.close()
})

test('a place kept by the first version is gone on from', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-influx-'))
  const db = new DatabaseSync(join(dir, 'influx.db'))
  db.exec(`CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL) STRICT; INSERT INTO progress VALUES (1, 41);
    CREATE TABLE state_row (room TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (room, key)) STRICT;
    INSERT INTO state_row VALUES ('catalogue', 'a', '1')`)
  db.close()
  await using server = await startProxy(speaks('v2.9.1'))
  const store = await openInflux({ url: server.url, bucket: 'fengsui', dir }, deps)
  expect(await store.position()).toBe(41)
  expect(await store.rows('catalogue')).toEqual([['a', '1']])
  await store.write([entry(41), entry(42)], 42)
  expect(server.writes.map(({ body }) => body.split('\n').length)).toEqual([1])
  expect(await store.aggregate({ metric: 'temperature_c', fromMs: T0, toMs: T0 + 60_000, stepMs: 60_000 })).toMatchObject([
    { count: 1, mean: 42 },
  ])
  await store.close()
  rmSync(dir, { recursive: true, force: true })
})

test('many lines are cut into requests side by side, and the same batch gives the same lines', async () => {
  let openMax = 0
  await using server = await startProxy(speaks('v2.9.1', () => ({ status: 204 })))
  server.faults.push(...Array.from({ length: 40 }, () => ({ delayMs: 50 })))
  const count = () => void (openMax = Math.max(openMax, server.open()))
  const watch = setInterval(count, 5)
  const batch = Array.from({ length: 4 * LINES_A_REQUEST + 1 }, (_, i) => entry(i + 1))
  const send = async () => {
    const store = await openInflux({ url: server.url, bucket: 'fengsui' }, deps)
    server.writes.length = 0
    await store.write(batch, batch.length)
    await store.close()
    return server.writes.map(({ body }) => body)
  }
  const first = await send()
  expect(first.map(body => body.split('\n').length).toSorted((a, b) => a - b)).toEqual([
    1,
    ...Array.from({ length: 4 }, () => LINES_A_REQUEST),
  ])
  expect(new Set(first.flatMap(body => body.split('\n'))).size).toBe(batch.length)
  expect((await send()).toSorted()).toEqual(first.toSorted())
  clearInterval(watch)
  expect(openMax).toBeGreaterThanOrEqual(2)
  expect(openMax).toBeLessThanOrEqual(4)
})
