// Where every message ended: the sum of the outcomes is the position, through repeats, refusals, damage, failing writes, a kill and a replay.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { differenceOf, type Account, type Outcome } from '#contracts/accounting.ts'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { createAccounting } from '../../ingest/accounting.ts'
import {
  createCatalogue,
  createDirectory,
  loadDecoders,
  openQuarantine,
  openStore,
  startStoreWriter,
  type ReadingStore,
} from '../../ingest/index.ts'
import { createRepeats, REPEAT_WINDOW_MESSAGES } from '../../ingest/repeats.ts'
import { journalOf, message, native, T0, until } from './readings.ts'

const decoders = await loadDecoders()
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fengsui-accounting-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const open = () => openStore({ kind: 'duckdb', dir }, { log: noLog, meter: noMeter })

function start(reader: ReturnType<typeof journalOf>, store: ReadingStore) {
  const quarantine = openQuarantine({ dir })
  const parts = { reader, catalogue: createCatalogue({ decoders }), directory: createDirectory({}), store, quarantine }
  const writer = startStoreWriter({ ...parts, log: noLog, meter: noMeter, clock: systemClock, random: () => 0 })
  const end = async () => {
    await writer.close()
    quarantine.close()
  }
  return { writer, quarantine, end }
}

const sums = ({ counts }: Account): Partial<Record<Outcome, number>> => Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0))

const TOPIC = 'fire/v1/smoke/s1/telemetry'
/** one message of every kind */
const mixed = () => [
  native(1),
  message(2, TOPIC, '{"v":'),
  message(3, 'fire/v1/smoke/s1/ack', {}),
  { ...native(1), seq: 4, dup: true },
  native(5, { ts: '2012-06-01T00:00:00Z' }),
  { ...message(2, TOPIC, '{"v":'), seq: 6, dup: true },
]

test('each message ends in exactly one outcome, and a restart goes on from the figures of the position', async () => {
  const journal = journalOf(mixed())
  const store = await open()
  const first = start(journal, store)
  await until(() => first.writer.status().position === 6)
  const account = first.writer.account()
  expect(sums(account)).toEqual({ stored: 2, quarantined: 1, duplicate: 2, 'without-readings': 1 })
  expect(account).toMatchObject({ since: 0, position: 6, storedWithNote: 1 })
  expect(differenceOf(account)).toBe(0)
  await first.end()

  journal.messages.push(native(7))
  const second = start(journal, store)
  await until(() => second.writer.status().position === 7)
  expect(sums(second.writer.account())).toEqual({ stored: 3, quarantined: 1, duplicate: 2, 'without-readings': 1 })
  await second.end()
  await store.close()
})

test('a store that lost everything is counted again from nothing; one that never counted is counted from its place', async () => {
  const journal = journalOf(mixed())
  const store = await open()
  await store.write([], 4)
  const first = start(journal, store)
  await until(() => first.writer.status().position === 6)
  expect(first.writer.account()).toMatchObject({ since: 4, position: 6, counts: { stored: 1, duplicate: 1 } })
  expect(differenceOf(first.writer.account())).toBe(0)
  await first.end()
  await store.close()
  rmSync(join(dir, 'readings.duckdb'))

  const empty = await open()
  const second = start(journal, empty)
  await until(() => second.writer.status().position === 6)
  expect(sums(second.writer.account())).toEqual({ stored: 2, quarantined: 1, duplicate: 2, 'without-readings': 1 })
  await second.end()
  await empty.close()
})

/** Takes the first `failures` writes only to lose them, and refuses every reading of the device 's1' where `refusing`. */
function failing(failures: number, refusing = false): ReadingStore {
  let left = failures
  const store: Pick<ReadingStore, 'name' | 'batchMessages' | 'position' | 'rows' | 'query' | 'close' | 'write'> = {
    name: 'failing',
    batchMessages: 2_000,
    position: async () => 0,
    rows: async () => [],
    query: async () => [],
    close: async () => {},
    write: async (batch, _upTo, _rows, refused) => {
      if (left-- > 0) throw new Error('the store is down')
      if (refusing) refused?.(batch.map(({ seq, reading }) => ({ seq, deviceId: reading.deviceId, reason: 'no' })))
    },
  }
  return store as ReadingStore
}

test(
  'a write that is tried again counts once; damage is passed over and counted; what the store refuses whole is not stored',
  {
    timeout: 60_000,
  },
  async () => {
    const journal = journalOf(
      [1, 2, 3, 4, 5].map(n => native(n)),
      [{ firstSeq: 2, lastSeq: 4 }],
    )
    const down = start(journal, failing(2))
    await until(() => down.writer.status().position === 5, 60_000)
    expect(sums(down.writer.account())).toEqual({ stored: 2, 'passed-over': 3 })
    expect(differenceOf(down.writer.account())).toBe(0)
    await down.end()

    const messages = journalOf([native(1), native(2)])
    const refused = start(messages, failing(0, true))
    await until(() => refused.writer.status().position === 2)
    messages.messages.push(message(3, 'fire/v1/smoke/s1/ack', {}))
    refused.writer.wake(3)
    await until(() => refused.writer.status().position === 3)
    expect(sums(refused.writer.account())).toEqual({ quarantined: 2, 'without-readings': 1 })
    expect(refused.quarantine.get('s-2-s1')).toMatchObject({ code: 'store-rejected' })
    await refused.end()
  },
)

test('figures are those of the stored position, not of what is still in hand; refusals move with the next rows', () => {
  const accounting = createAccounting()
  // before the store was asked, zeros would be a lie
  expect(() => accounting.account(0)).toThrow(/not said yet/)
  accounting.restore([], 0)
  accounting.count('stored', { messages: 3, noted: true })
  accounting.rows(3)
  accounting.count('duplicate')
  const next = accounting.rows(4)
  expect(accounting.account(0)).toMatchObject({ counts: { stored: 0, duplicate: 0 } })
  expect(accounting.account(3)).toMatchObject({ counts: { stored: 3, duplicate: 0 }, storedWithNote: 3 })
  expect(accounting.account(4)).toMatchObject({ counts: { stored: 3, duplicate: 1 } })
  const again = createAccounting()
  again.restore(next.rows as [string, string][], 4)
  expect(again.account(4)).toEqual(accounting.account(4))
  accounting.stored(4, 2)
  accounting.rows(4)
  expect(accounting.account(4)).toMatchObject({ counts: { stored: 1, quarantined: 2, duplicate: 1 } })
  expect(differenceOf(accounting.account(4))).toBe(0)
  expect(differenceOf({ ...accounting.account(4), position: 9 })).toBe(-5)
})

test('what was stored is let go of also while nobody asks for the account', () => {
  const accounting = createAccounting()
  accounting.restore([], 0)
  for (let seq = 1; seq <= 5; seq++) {
    accounting.count('stored')
    accounting.rows(seq)
    accounting.stored(seq, 0)
  }
  // kept are the figures of the batches in hand: a place that was left behind is not known any more
  expect(accounting.account(2)).toMatchObject({ counts: { stored: 5 } })
})

test('late and out of order readings keep their event time; an equal value at another time is no repeat', async () => {
  const same = { metrics: { temperature_c: 20 } }
  const journal = journalOf([
    native(1, { ...same, ts: T0 + 3000 }),
    native(2, { ...same, ts: T0 + 1000 }),
    native(3, { ...same, ts: T0 + 2000 }),
    native(4, { ...same, ts: T0 - 3_600_000 }),
  ])
  const store = await open()
  const { writer, end } = start(journal, store)
  await until(() => writer.status().position === 4)
  const [series] = await store.query({ deviceId: 's1', metric: 'temperature_c', fromMs: T0 - 1e7, toMs: T0 + 1e7, points: 100 })
  expect(series?.points).toEqual([T0 - 3_600_000, T0 + 1000, T0 + 2000, T0 + 3000].map(at => [at, 20]))
  expect(sums(writer.account())).toEqual({ stored: 4 })
  await end()
  await store.close()
})

test('a repeat beyond the window is stored again, and shows once', async () => {
  const store = await open()
  const entry = (seq: number) => ({
    seq,
    reading: createCatalogue({ decoders }).decode({ ...native(7, { msgId: 'message-7' }), seq } as never).readings[0]!,
  })
  await store.write([entry(1)], 1)
  await store.write([entry(1 + REPEAT_WINDOW_MESSAGES)], 1 + REPEAT_WINDOW_MESSAGES)
  const [series] = await store.query({ deviceId: 's1', metric: 'temperature_c', fromMs: T0 - 1e7, toMs: T0 + 1e7, points: 100 })
  expect(series?.points).toEqual([[T0 + 7, 7]])
  await store.close()
})

test('a re-drive is no repeat of its original; the same try of it is; an unreadable message is held once when its sender marks the repeat', () => {
  const repeats = createRepeats()
  const rejected = { readings: [], rejected: { code: 'json-invalid', reason: '' } }
  const bad = (seq: number, o: object = {}) => message(seq, TOPIC, '{"v":', o)
  expect(repeats.isRepeat(bad(1), rejected)).toBe(false)
  expect(repeats.isRepeat(bad(2), rejected)).toBe(false)
  expect(repeats.isRepeat(bad(3, { dup: true }), rejected)).toBe(true)
  expect(repeats.isRepeat(bad(4, { clientId: 'redrive:q-1#1' }), rejected)).toBe(false)
  expect(repeats.isRepeat(bad(5, { clientId: 'redrive:q-1#1' }), rejected)).toBe(true)
  expect(repeats.isRepeat(bad(6, { clientId: 'redrive:q-1#2' }), rejected)).toBe(false)
})
