// The store writer: position, repeats, quarantine, outages. With a real DuckDB where the store matters, a wilful one where it must fail.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { noLog, systemClock, type Log } from '#contracts/clock.ts'
import type { Message } from '#contracts/message.ts'
import { noMeter, type Meter } from '#contracts/metrics.ts'
import {
  createAreas,
  createCatalogue,
  loadDecoders,
  openQuarantine,
  openRegistrations,
  openStore,
  startStoreWriter,
  type Areas,
  type ReadingStore,
} from '../../ingest/index.ts'
import { createRepeats } from '../../ingest/repeats.ts'
import { StoreAsksToWait } from '../../ingest/stores/store.ts'
import { journalOf, message, native, reading, T0, until } from './readings.ts'

const decoders = await loadDecoders()
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fengsui-writer-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function counting(): { meter: Meter; counts: Record<string, number> } {
  const counts: Record<string, number> = {}
  return {
    counts,
    meter: {
      ...noMeter,
      count: (name, labels = {}, by = 1) =>
        void (counts[[name, ...Object.values(labels)].join(' ')] = (counts[[name, ...Object.values(labels)].join(' ')] ?? 0) + by),
    },
  }
}

function start(
  journal: Pick<ReturnType<typeof journalOf>, 'read' | 'head' | 'groupAt'>,
  store: ReadingStore,
  more: { meter?: Meter; log?: Log; areas?: Areas } = {},
) {
  const quarantine = openQuarantine({ dir })
  const catalogue = createCatalogue({ decoders })
  const parts = {
    reader: journal,
    catalogue,
    store,
    quarantine,
    log: noLog,
    meter: noMeter,
    clock: systemClock,
    random: () => 0,
    ...more,
  }
  return { writer: startStoreWriter(parts), quarantine }
}
const open = () => openStore({ kind: 'duckdb', dir }, { log: noLog, meter: noMeter })
const values = async (store: ReadingStore, deviceId = 's1') =>
  (await store.query({ deviceId, metric: 'temperature_c', fromMs: T0 - 1e9, toMs: T0 + 1e9, points: 10_000 }))[0]?.points.map(
    ([, value]) => value,
  ) ?? []

test('stores what there is, then what comes, and goes on from its place after a restart', async () => {
  const journal = journalOf([native(1), native(2)])
  const store = await open()
  const { meter, counts } = counting()
  const first = start(journal, store, { meter })
  await until(() => first.writer.status().position === 2)
  journal.messages.push(native(3))
  first.writer.wake(3)
  await until(() => first.writer.status().position === 3)
  expect(first.writer.status()).toMatchObject({ position: 3, head: 3, ok: true })
  expect(counts).toMatchObject({ 'fengsui_readings_stored_total duckdb': 3, 'fengsui_messages_stored_total duckdb': 3 })
  await first.writer.close()
  first.quarantine.close()

  journal.messages.push(native(4))
  const second = start(journal, store)
  await until(() => second.writer.status().position === 4)
  expect(await values(store)).toEqual([1, 2, 3, 4])
  await second.writer.close()
  second.quarantine.close()
  await store.close()
})

test('rejects are held and notes are kept, once, under their place in the journal', async () => {
  const lying = native(2, { ts: '2012-06-01T00:00:00Z', alarms: { smoke: true } })
  const journal = journalOf([message(1, 'fire/v1/smoke/s1/telemetry', '{"v":'), lying, message(3, 'no/such/topic', 'x'), native(4)])
  const store = await open()
  const { writer, quarantine } = start(journal, store)
  await until(() => writer.status().position === 4)
  const { entries, total } = quarantine.list({ limit: 10 })
  expect(total).toBe(3)
  expect(entries.map(e => [e.id, e.code, e.disposition, e.source])).toEqual([
    ['q-3', 'unknown-topic', 'held', 'decoder'],
    ['q-2', 'clock-implausible', 'kept-with-note', 'decoder'],
    ['q-1', 'json-invalid', 'held', 'decoder'],
  ])
  expect(Buffer.from(entries[2]?.payloadBase64 ?? '', 'base64').toString()).toBe('{"v":')
  expect(entries[1]).toMatchObject({ seq: 2, identity: 'tester', topic: 'fire/v1/smoke/s1/telemetry', where: '/ts' })
  expect(await values(store)).toEqual([2, 4])
  await writer.close()
  quarantine.close()
  await store.close()
})

test('a device that is wrong all day is held each time and logged once', async () => {
  const lines: object[] = []
  const journal = journalOf([1, 2, 3].map(seq => message(seq, 'fire/v1/smoke/s1/telemetry', '{"v":')))
  const store = await open()
  const { writer, quarantine } = start(journal, store, { log: { ...noLog, warn: fields => void lines.push(fields) } })
  await until(() => writer.status().position === 3)
  expect(quarantine.list({ limit: 9 }).total).toBe(3)
  expect(lines).toMatchObject([{ code: 'json-invalid', seq: 1, identity: 'tester' }])
  await writer.close()
  quarantine.close()
  await store.close()
})

test('a repeat is stored once, also when the writer restarts between the two', async () => {
  const id = { msgId: 'message-1' }
  const journal = journalOf([native(1, id), native(2, { ts: T0 + 2 })])
  const store = await open()
  const first = start(journal, store)
  await until(() => first.writer.status().position === 2)
  await first.writer.close()
  first.quarantine.close()
  const again: Message = { ...native(2, { ts: T0 + 2 }), seq: 3, dup: true }
  journal.messages.push(again, native(4, { ...id, metrics: { temperature_c: 99 } }), native(5))
  const { meter, counts } = counting()
  const second = start(journal, store, { meter })
  await until(() => second.writer.status().position === 5)
  expect(await values(store)).toEqual([1, 2, 5])
  expect(counts['fengsui_messages_duplicate_total']).toBe(2)
  await second.writer.close()
  second.quarantine.close()
  await store.close()
})

test('what decoders learned comes back with the position', async () => {
  const store = await open()
  const devices = [{ friendly_name: 'd1', definition: { exposes: [{ property: 'depth', unit: 'cm' }] } }]
  const journal = journalOf([message(1, 'zigbee2mqtt/bridge/devices', devices)])
  const first = start(journal, store)
  await until(() => first.writer.status().position === 1)
  await first.writer.close()
  first.quarantine.close()
  journal.messages.push(message(2, 'zigbee2mqtt/d1', { depth: 250 }))
  const second = start(journal, store)
  await until(() => second.writer.status().position === 2)
  expect(await store.query({ deviceId: 'z2m:d1', fromMs: T0 - 1e6, toMs: T0 + 1e6, points: 10 })).toEqual([
    { metric: 'depth_m', points: [[T0 + 2, 2.5]] },
  ])
  await second.writer.close()
  second.quarantine.close()
  await store.close()
})

/** A store that is down for its first `failures` writes and refuses one device for good. */
function wilfulStore(failures: number): ReadingStore & { writes: [seqs: number[], upTo: number][] } {
  let left = failures
  const store = {
    name: 'wilful',
    batchMessages: 2_000,
    writes: [] as [number[], number][],
    position: async () => 0,
    rows: async () => [],
    query: async () => [],
    aggregate: async () => [],
    close: async () => {},
    write: async (...[batch, upTo, , refused]: Parameters<ReadingStore['write']>) => {
      if (left-- > 0) throw new Error('the store is down')
      refused?.([{ seq: batch[0]?.seq ?? 0, deviceId: batch[0]?.reading.deviceId ?? '', reason: 'does not fit' }])
      store.writes.push([batch.map(entry => entry.seq), upTo])
    },
  }
  return store
}

test('a store that is down is asked again, in order, nothing skipped; what it refuses for good is held', async () => {
  const journal = journalOf([native(1), native(2), native(3)])
  const store = wilfulStore(2)
  const { meter, counts } = counting()
  const { writer, quarantine } = start(journal, store, { meter })
  await until(() => !writer.status().ok)
  expect(writer.status()).toMatchObject({ ok: false, position: 0, detail: expect.stringContaining('the store is down') as string })
  await until(() => writer.status().position === 3)
  expect(store.writes).toEqual([[[1, 2, 3], 3]])
  expect(writer.status().ok).toBe(true)
  expect(counts).toMatchObject({ 'fengsui_store_failures_total wilful': 2, 'fengsui_readings_stored_total wilful': 2 })
  expect(quarantine.list({ limit: 9 }).entries).toMatchObject([{ id: 's-1-s1', code: 'store-rejected', source: 'store', seq: 1 }])
  await writer.close()
  quarantine.close()
})

test('a journal whose end cannot be told is read as far as it goes, and stored', async () => {
  let isTorn = true
  const inner = journalOf([native(1), native(2)])
  const head = () => {
    if (isTorn) throw new Error('database disk image is malformed')
    return inner.head()
  }
  const store = wilfulStore(0)
  const { writer, quarantine } = start({ ...inner, head }, store)
  await until(() => writer.status().position === 2)
  expect(store.writes).toEqual([[[1, 2], 2]])
  expect(writer.status()).toMatchObject({ ok: false, detail: expect.stringContaining('malformed') as string })
  isTorn = false
  expect(writer.status()).toMatchObject({ ok: true, head: 2 })
  await writer.close()
  quarantine.close()
})

test('a damaged group is held with its range, and the history behind it is stored; also after a restart', async () => {
  const journal = journalOf(
    [1, 2, 3, 4, 5].map(n => native(n)),
    [{ firstSeq: 2, lastSeq: 4 }],
  )
  const store = await open()
  const first = start(journal, store)
  await until(() => first.writer.status().position === 5, 60_000)
  expect(await values(store)).toEqual([1, 5])
  expect(first.writer.status()).toMatchObject({
    ok: false,
    detail: expect.stringContaining('3 messages passed over, last the damaged 2-4'),
  })
  const { entries } = first.quarantine.list({ limit: 9 })
  expect(entries).toMatchObject([{ id: 'g-2', source: 'decoder', code: 'journal-damaged', disposition: 'held', count: 3 }])
  expect(entries[0]?.reason).toContain('messages 2-4')
  await first.writer.close()
  first.quarantine.close()

  journal.messages.push(native(6))
  const second = start(journal, store)
  await until(() => second.writer.status().position === 6)
  expect(second.writer.status().ok).toBe(true)
  await second.writer.close()
  second.quarantine.close()
  await store.close()
})

/** Keeps what it was given in memory, a commit at a time, and tells how many batches were asked for while one was being written. */
function slowStore(o: { batchMessages: number; failing?: (write: number) => Error | undefined }) {
  const rows = new Map<string, string>()
  const store = {
    name: 'slow',
    batchMessages: o.batchMessages,
    writes: [] as { seqs: number[]; upTo: number; learned: string[]; atMs: number }[],
    stored: 0,
    position: async () => store.stored,
    rows: async () => [...rows],
    query: async () => [],
    aggregate: async () => [],
    close: async () => {},
    write: async (...[batch, upTo, rooms = []]: Parameters<ReadingStore['write']>) => {
      const learned = rooms.filter(({ room }) => room === 'catalogue').flatMap(room => room.rows.map(([key]) => key))
      store.writes.push({ seqs: batch.map(({ seq }) => seq), upTo, learned, atMs: performance.now() })
      await new Promise(resolve => setTimeout(resolve, 50))
      const error = o.failing?.(store.writes.length)
      if (error !== undefined) throw error
      store.stored = upTo
    },
  }
  return store
}

test('behind, the next batch is decoded while one is written; what was learned goes with its own batch, also when that is tried again', async () => {
  const births = (n: number) => message(n, 'zigbee2mqtt/bridge/devices', [{ friendly_name: `d${n}`, definition: { exposes: [] } }])
  const messages = [native(1), births(2), native(3), native(4), births(5), native(6), native(7), native(8), births(9)]
  let readTo = 0
  const list = journalOf(messages)
  const journal = {
    ...list,
    read: (after: number, max: number) => {
      const found = list.read(after, max)
      readTo = Math.max(readTo, found.at(-1)?.seq ?? 0)
      return found
    },
  }
  const readWhileFailing: number[] = []
  const store = slowStore({
    batchMessages: 3,
    failing: write => {
      if (write > 2) return undefined
      readWhileFailing.push(readTo)
      return new Error('not yet')
    },
  })
  const { writer, quarantine } = start(journal, store)
  await until(() => writer.status().position === 9)
  // one batch ahead, never more, and the failing one is sent again as it was
  expect(readWhileFailing).toEqual([6, 6])
  expect(store.writes.map(({ upTo }) => upTo)).toEqual([3, 3, 3, 6, 9])
  const learned = store.writes.map(write => write.learned)
  expect(learned[0]?.length).toBeGreaterThan(0)
  expect(learned[1]).toEqual(learned[0])
  expect(learned[2]).toEqual(learned[0])
  for (const keys of learned.slice(2)) expect(keys.length).toBeGreaterThan(0)
  await writer.close()
  quarantine.close()
})

test('a store that asks to be left alone is left alone for so long', async () => {
  const store = slowStore({ batchMessages: 10, failing: write => (write === 1 ? new StoreAsksToWait('busy', 1_500) : undefined) })
  const { writer, quarantine } = start(journalOf([native(1)]), store)
  await until(() => writer.status().position === 1)
  const [first, second] = store.writes
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(1_500)
  await writer.close()
  quarantine.close()
})

test('a journal whose beginning was removed is read from where it begins, and what is gone is counted', async () => {
  const store = await open()
  const { writer, quarantine } = start(journalOf([native(11), native(12)]), store)
  await until(() => writer.status().position === 12)
  expect(await values(store)).toEqual([11, 12])
  expect(writer.account()).toMatchObject({ since: 0, position: 12, counts: { stored: 2, 'passed-over': 10 } })
  await writer.close()
  quarantine.close()
  await store.close()
})

test('rollups know areas: registered, said by the device itself, corrected, and after a restart', async () => {
  const registrations = openRegistrations({ dir })
  registrations.put([{ deviceId: 's1', kind: 'smoke', place: { area: 'north', grid: 'n-1' } }])
  const s2 = (seq: number) =>
    message(seq, 'fire/v1/smoke/s2/telemetry', { v: 1, deviceId: 's2', kind: 'smoke', ts: T0 + seq, metrics: { temperature_c: 1 } })
  const about = { v: 1, deviceId: 's2', kind: 'smoke', place: { grid: 'g-2' } }
  const journal = journalOf([native(1), s2(2), message(3, 'fire/v1/smoke/s2/about', about), s2(4)])
  const store = await open()
  const first = start(journal, store, { areas: createAreas({ registered: registrations.since }) })
  await until(() => first.writer.status().position === 4)
  const counted = async (area?: string) =>
    (
      await store.aggregate({ metric: 'temperature_c', fromMs: T0, toMs: T0 + 60_000, stepMs: 60_000, ...(area !== undefined && { area }) })
    )[0]?.count
  expect([await counted('north'), await counted('g-2'), await counted(''), await counted()]).toEqual([1, 1, 1, 3])
  await first.writer.close()
  first.quarantine.close()

  registrations.put([{ deviceId: 's1', kind: 'smoke', place: { area: 'south' } }])
  journal.messages.push(native(5), s2(6))
  const second = start(journal, store, { areas: createAreas({ registered: registrations.since }) })
  await until(() => second.writer.status().position === 6)
  expect([await counted('north'), await counted('south'), await counted('g-2')]).toEqual([1, 1, 2])
  await second.writer.close()
  second.quarantine.close()
  registrations.close()
  await store.close()
})

test('areas are bounded: in devices, and in words', () => {
  const placed = (deviceId: string, area: string) => reading({ deviceId, place: { area } })
  const areas = createAreas({ devicesMax: 2, namesMax: 3 })
  expect(['a', 'b', 'c'].map((area, i) => areas.of(placed(`d${i}`, area)))).toEqual(['a', 'b', 'c'])
  expect(areas.of(reading({ deviceId: 'd0' }))).toBeUndefined()
  expect(areas.of(placed('d2', 'a fourth word'))).toBeUndefined()
  expect(areas.of(placed('d2', 'a'))).toBe('a')
  const again = createAreas({ devicesMax: 2, namesMax: 3 })
  again.restore(areas.dirty().flatMap(([key, json]): [string, string][] => (json === null ? [] : [[key, json]])))
  expect(['d0', 'd1', 'd2'].map(deviceId => again.of(reading({ deviceId })))).toEqual([undefined, 'b', 'a'])
  expect(areas.dirty()).toEqual([])
})

test('closing moves the position past nothing that could not be held', async () => {
  const writes: number[] = []
  const store = { ...wilfulStore(0), write: async (...[, upTo]: Parameters<ReadingStore['write']>) => void writes.push(upTo) }
  const put = () => {
    throw new Error('quarantine: database or disk is full')
  }
  const unreadable = message(1, 'fire/v1/smoke/s1/telemetry', 'no JSON')
  const reader = journalOf([unreadable, native(2)])
  const writer = startStoreWriter({
    reader,
    catalogue: createCatalogue({ decoders }),
    store,
    quarantine: { put },
    log: noLog,
    meter: noMeter,
    clock: systemClock,
  })
  await until(() => writer.status().detail.includes('write to quarantine'))
  await writer.close()
  expect(writes).toEqual([])
  expect(writer.status().position).toBe(0)
})

test('closing does not wait for a store that never comes back', async () => {
  const { writer, quarantine } = start(journalOf([native(1)]), wilfulStore(Number.POSITIVE_INFINITY))
  await until(() => !writer.status().ok)
  await writer.close()
  expect(writer.status().position).toBe(0)
  quarantine.close()
})

test('repeats: by id, by bytes with a time of their own, by the redelivery mark; a clockless device may repeat itself', () => {
  const decoded = (tsSource: 'device' | 'server', msgId?: string) => ({
    readings: [
      {
        deviceId: 's1',
        kind: 'smoke' as const,
        ts: '',
        tsSource,
        receivedAt: '',
        metrics: {},
        alarms: {},
        flags: {},
        source: { family: 'x' },
        ...(msgId !== undefined && { msgId }),
      },
    ],
  })
  const repeats = createRepeats(3)
  const same = (seq: number, o: Partial<Message> = {}) => message(seq, 't', 'same', o)
  expect(repeats.isRepeat(same(1), decoded('device'))).toBe(false)
  expect(repeats.isRepeat(same(2), decoded('device'))).toBe(true)
  expect(repeats.isRepeat(same(3), decoded('server'))).toBe(false)
  expect(repeats.isRepeat(same(4, { dup: true }), decoded('server'))).toBe(true)
  expect(repeats.isRepeat(same(5, { clientId: 'redrive:q-1', dup: true }), decoded('device'))).toBe(false)
  expect(repeats.isRepeat(message(6, 'other', 'same'), decoded('device'))).toBe(false)
  // outside the window of three messages
  expect(repeats.isRepeat(same(9), decoded('device'))).toBe(false)
  const withId = (seq: number, body: string) => message(seq, 't', `{"msgId":"identity-1","b":${body}}`)
  expect(repeats.isRepeat(withId(10, '1'), decoded('device', 'identity-1'))).toBe(false)
  expect(repeats.isRepeat(withId(11, '2'), decoded('device', 'identity-1'))).toBe(true)
})
