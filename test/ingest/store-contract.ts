// What every reading store must do, run over each of them: DuckDB in test/ingest, a real InfluxDB in test/system.
import { describe, expect, test } from 'vitest'
import type { ReadingStore } from '../../ingest/index.ts'
import { reading, T0 } from './readings.ts'

/** One place of storage: open() gives the store on it, closed and opened again it must still hold what it held. */
export type Bench = { open(): Promise<ReadingStore>; [Symbol.asyncDispose](): Promise<void> }

const MINUTE = 60_000

export function storeContract(name: string, bench: () => Promise<Bench>): void {
  const range = { fromMs: T0 - MINUTE, toMs: T0 + 60 * MINUTE, points: 1_000 }
  const temperature = (seq: number, atMs: number, value: number, more: Partial<Parameters<typeof reading>[0]> = {}) => ({
    seq,
    reading: reading({ atMs, metrics: { temperature_c: value }, ...more }),
  })

  describe(`${name} as a reading store`, () => {
    test('begins at 0, keeps what it was given, and its place, over a restart', async () => {
      await using place = await bench()
      const first = await place.open()
      expect(await first.position()).toBe(0)
      expect(await first.query({ deviceId: 'd1', ...range })).toEqual([])
      await first.write([temperature(1, T0, 20.5), temperature(3, T0 + 1_000, 21)], 4, [
        {
          room: 'catalogue',
          rows: [
            ['a', '1'],
            ['b', '2'],
          ],
        },
      ])
      await first.write([], 5, [
        {
          room: 'catalogue',
          rows: [
            ['a', null],
            ['c', '"中"'],
          ],
        },
      ])
      await first.close()

      const second = await place.open()
      expect(await second.position()).toBe(5)
      expect((await second.rows('catalogue')).sort(([a], [b]) => (a < b ? -1 : 1))).toEqual([
        ['b', '2'],
        ['c', '"中"'],
      ])
      expect(await second.rows('other')).toEqual([])
      expect(await second.query({ deviceId: 'd1', metric: 'temperature_c', ...range })).toEqual([
        {
          metric: 'temperature_c',
          points: [
            [T0, 20.5],
            [T0 + 1_000, 21],
          ],
        },
      ])
      await second.close()
    })

    test('takes everything that is a number: metrics, battery, radio, flags, the track of a drone', async () => {
      await using place = await bench()
      const store = await place.open()
      const full = reading({ metrics: { co_ppm: 3 }, alarms: { smoke: true, tamper: false }, batteryPct: 88, rssiDbm: -70, online: true })
      const drone = reading({ deviceId: 'uav', kind: 'drone', position: { lat: 31.9, lon: 118.8, heightM: 80 } })
      await store.write(
        [
          { seq: 1, reading: full },
          { seq: 2, reading: drone },
          { seq: 3, reading: reading({ deviceId: 'about-only' }) },
        ],
        3,
      )
      const values = async (deviceId: string) =>
        Object.fromEntries((await store.query({ deviceId, ...range })).map(({ metric, points }) => [metric, points[0]?.[1]]))
      expect(await values('d1')).toEqual({ co_ppm: 3, alarm_smoke: 1, alarm_tamper: 0, battery_pct: 88, rssi_dbm: -70, online: 1 })
      expect(await values('uav')).toEqual({ lat_deg: 31.9, lon_deg: 118.8, height_m: 80 })
      expect(await values('about-only')).toEqual({})
      expect(await store.position()).toBe(3)
      await store.close()
    })

    test('the same batch again changes nothing, also after a restart, also in parts', async () => {
      await using place = await bench()
      const batch = Array.from({ length: 50 }, (_, i) => temperature(i + 1, T0 + i * 1_000, i, { seq: i }))
      const first = await place.open()
      await first.write(batch, 50)
      await first.write(batch, 50)
      await first.close()
      const second = await place.open()
      await second.write(batch.slice(20), 50)
      await second.write(batch.slice(0, 10), 10)
      const [series] = await second.query({ deviceId: 'd1', ...range })
      expect(series?.points).toEqual(batch.map(({ reading: r }, i) => [Date.parse(r.ts), i]))
      expect(await second.position()).toBe(50)
      await second.close()
    })

    test('range, metric and device choose', async () => {
      await using place = await bench()
      const store = await place.open()
      const quoted = `it's "odd", 温 度\\ =x`
      await store.write(
        [
          temperature(1, T0, 1, { metrics: { temperature_c: 1, humidity_pct: 50 } }),
          temperature(2, T0 + MINUTE, 2),
          temperature(3, T0 + 2 * MINUTE, 3),
          temperature(4, T0, 99, { deviceId: quoted }),
          temperature(5, T0 - 40 * 86_400_000, 7, { receivedAt: new Date(T0).toISOString(), flags: { history: true } }),
        ],
        5,
      )
      const ask = async (q: object) => await store.query({ deviceId: 'd1', ...range, ...q })
      expect((await ask({})).map(({ metric }) => metric)).toEqual(['humidity_pct', 'temperature_c'])
      expect(await ask({ metric: 'humidity_pct' })).toEqual([{ metric: 'humidity_pct', points: [[T0, 50]] }])
      expect(await ask({ metric: 'no_such_c' })).toEqual([])
      expect(await ask({ metric: 'temperature_c', fromMs: T0 + MINUTE, toMs: T0 + 2 * MINUTE })).toEqual([
        { metric: 'temperature_c', points: [[T0 + MINUTE, 2]] },
      ])
      expect(await ask({ deviceId: quoted })).toEqual([{ metric: 'temperature_c', points: [[T0, 99]] }])
      expect(await ask({ deviceId: "x' OR 'a'='a" })).toEqual([])
      const old = await ask({ fromMs: T0 - 41 * 86_400_000, toMs: T0 - 39 * 86_400_000 })
      expect(old).toEqual([{ metric: 'temperature_c', points: [[T0 - 40 * 86_400_000, 7]] }])
      expect(await ask({ toMs: range.fromMs })).toEqual([])
      await store.close()
    })

    test('a long series is thinned, and no peak is lost', async () => {
      await using place = await bench()
      const store = await place.open()
      const peakAt = T0 + 1_234_000
      const batch = Array.from({ length: 3_000 }, (_, i) => temperature(i + 1, T0 + i * 1_000, 20 + Math.sin(i / 50), { seq: i }))
      batch[1_234] = temperature(1_235, peakAt, 900, { seq: 1_234 })
      batch[2_000] = temperature(2_001, T0 + 2_000_000, -40, { seq: 2_000 })
      await store.write(batch, 3_000)
      const [series] = await store.query({ deviceId: 'd1', ...range, points: 100 })
      const points = series?.points ?? []
      expect(points.length).toBeLessThanOrEqual(100)
      expect(points.length).toBeGreaterThan(60)
      expect(points).toContainEqual([peakAt, 900])
      expect(points).toContainEqual([T0 + 2_000_000, -40])
      expect(points.map(([ts]) => ts)).toEqual(points.map(([ts]) => ts).sort((a, b) => a - b))
      await store.close()
    })

    test('aggregates by minute, area, kind and metric, over batches, repeats and a restart', async () => {
      await using place = await bench()
      const first = await place.open()
      const ask = (store: ReadingStore, q: object = {}) =>
        store.aggregate({ metric: 'temperature_c', fromMs: T0, toMs: T0 + 10 * MINUTE, stepMs: MINUTE, ...q })
      expect(await ask(first)).toEqual([])
      const batch = Array.from({ length: 120 }, (_, i) => ({
        ...temperature(i + 1, T0 + i * 1_000, i, { deviceId: `d${i % 7}`, kind: i % 2 === 0 ? 'smoke' : 'environment' }),
        ...(i % 3 !== 0 && { area: i % 3 === 1 ? '湖熟, 东' : 'b=2' }),
      }))
      const of = (values: number[], t: number) => ({
        t,
        count: values.length,
        mean: values.reduce((sum, value) => sum + value, 0) / values.length,
        min: Math.min(...values),
        max: Math.max(...values),
      })
      const expected = (holds: (i: number) => boolean) =>
        [0, 1].map(minute =>
          of(
            [...batch.keys()].filter(i => Math.floor(i / 60) === minute && holds(i)),
            T0 + minute * MINUTE,
          ),
        )
      for (let from = 0; from < 120; from += 25) await first.write(batch.slice(0, from + 25), Math.min(120, from + 25))
      await first.write(batch.slice(100), 120)
      expect(await ask(first)).toEqual(expected(() => true))
      await first.close()

      const second = await place.open()
      await second.write(batch, 120)
      expect(await ask(second)).toEqual(expected(() => true))
      expect(await ask(second, { kind: 'smoke' })).toEqual(expected(i => i % 2 === 0))
      expect(await ask(second, { area: '湖熟, 东' })).toEqual(expected(i => i % 3 === 1))
      expect(await ask(second, { area: '', kind: 'environment' })).toEqual(expected(i => i % 3 === 0 && i % 2 === 1))
      expect(await ask(second, { stepMs: 2 * MINUTE })).toEqual([of([...batch.keys()], T0)])
      expect(await ask(second, { fromMs: T0 + MINUTE, toMs: T0 + MINUTE + 1 })).toEqual([expected(() => true)[1]])
      for (const nothing of [{ metric: 'no_such_c' }, { area: 'nowhere' }, { kind: 'dock' }, { toMs: T0 }])
        expect(await ask(second, nothing)).toEqual([])
      await second.close()
    })

    test('a reading that comes hours late is added to its minute, however often, and after a restart', async () => {
      await using place = await bench()
      let store = await place.open()
      const ask = () => store.aggregate({ metric: 'temperature_c', fromMs: T0, toMs: T0 + 2 * MINUTE, stepMs: MINUTE })
      // each arrives half an hour after the other, all are of the first minute
      const late = (seq: number) => temperature(seq, T0 + seq, seq * 10, { receivedAt: new Date(T0 + seq * 30 * MINUTE).toISOString() })
      for (let seq = 1; seq <= 6; seq++) {
        await store.write([late(seq), temperature(seq, T0 + seq * 30 * MINUTE, 1, { deviceId: 'other' })], seq)
        if (seq % 2 !== 0) continue
        await store.close()
        store = await place.open()
      }
      expect(await ask()).toEqual([{ t: T0, count: 6, mean: 35, min: 10, max: 60 }])
      await store.write([late(7), late(8), late(9)], 9)
      expect(await ask()).toEqual([{ t: T0, count: 9, mean: 50, min: 10, max: 90 }])
      await store.close()
    })

    test('asked while it is written to, it counts what is stored: no less than before, no more than after, nothing twice', async () => {
      await using place = await bench()
      const store = await place.open()
      const [batches, atOnce] = [40, 25]
      let [stored, isWriting] = [0, true]
      const writing = (async () => {
        for (let b = 0; b < batches; b++) {
          // each batch arrives in another minute, all are of the same hour
          const receivedAt = new Date(T0 + b * MINUTE).toISOString()
          const batch = Array.from({ length: atOnce }, (_, i) =>
            temperature(b * atOnce + i + 1, T0 + b * 1_000 + i, b, { receivedAt, seq: i }),
          )
          await store.write(batch, (b + 1) * atOnce)
          stored = (b + 1) * atOnce
        }
      })().finally(() => (isWriting = false))
      const wrong: [before: number, counted: number, after: number][] = []
      let asked = 0
      while (isWriting) {
        const before = stored
        const rows = await store.aggregate({ metric: 'temperature_c', fromMs: T0, toMs: T0 + 60 * MINUTE, stepMs: 60 * MINUTE })
        const counted = rows[0]?.count ?? 0
        // the batch in hand may be there already
        const after = Math.min(batches * atOnce, stored + atOnce)
        if (counted < before || counted > after || counted % atOnce !== 0) wrong.push([before, counted, after])
        asked += 1
        // before anything is stored an answer may need no disk at all, and would leave no turn to the writing
        await new Promise(resolve => setImmediate(resolve))
      }
      await writing
      expect(asked).toBeGreaterThan(0)
      expect(wrong).toEqual([])
      await store.close()
    })
  })
}
