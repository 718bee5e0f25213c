// Quarantine and the refusals of the door: idempotent, bounded, added up, no flood in the log.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import { createRefusals, openQuarantine } from '../../ingest/index.ts'
import { FIRST_TIME_KEYS_MAX } from '../../ingest/first-time.ts'
import { REFUSAL_KEYS_MAX } from '../../ingest/refusals.ts'
import { T0 } from './readings.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fengsui-quarantine-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const at = new Date(T0).toISOString()
const entry = (seq: number, o: Partial<QuarantineEntry> = {}): QuarantineEntry => ({
  id: `q-${seq}`,
  source: 'decoder',
  code: 'json-invalid',
  reason: 'not JSON',
  disposition: 'held',
  topic: 't',
  seq,
  count: 1,
  firstAt: at,
  lastAt: at,
  bytes: 3,
  payloadBase64: Buffer.from('abc').toString('base64'),
  ...o,
})

test('keeps an entry as it was given, once, and its disposition over a replay', () => {
  using first = openQuarantine({ dir })
  using second = openQuarantine({ dir })
  const full = entry(1, { where: '/ts', identity: 'me', clientId: 'c' })
  first.put([full, entry(2, { code: 'unknown-topic' })])
  expect(second.get('q-1')).toEqual(full)
  expect(second.mark('q-1', 'redriven')).toBe(true)
  expect(second.mark('q-9', 'redriven')).toBe(false)
  first.put(full)
  expect(first.get('q-1')?.disposition).toBe('redriven')
  expect(first.counts()).toEqual({ 'json-invalid': 1, 'unknown-topic': 1 })
  expect(first.get('q-9')).toBeUndefined()
})

test('lists newest first, by code, by source, in pages', () => {
  using quarantine = openQuarantine({ dir })
  quarantine.put(Array.from({ length: 5 }, (_, i) => entry(i + 1, { code: i % 2 === 0 ? 'json-invalid' : 'unknown-topic' })))
  quarantine.note({ code: 'not-your-topic', reason: 'no', count: 3, firstAt: at, lastAt: at })
  const ids = (q: Parameters<typeof quarantine.list>[0]) => quarantine.list(q).entries.map(e => e.seq)
  expect(quarantine.list({ limit: 2 }).total).toBe(6)
  expect(ids({ limit: 2, offset: 1 })).toEqual([5, 4])
  expect(ids({ limit: 9, code: 'unknown-topic' })).toEqual([4, 2])
  expect(quarantine.list({ limit: 9, source: 'door' })).toMatchObject({ total: 1, entries: [{ count: 3, disposition: 'refused' }] })
})

test('at the bound the notes of the door go first, then what is settled, what is held last', () => {
  using quarantine = openQuarantine({ dir, rowsMax: 10 })
  quarantine.note(
    Array.from({ length: 4 }, (_, i) => ({ code: 'not-your-topic', reason: 'no', topic: `t${i}`, count: 1, firstAt: at, lastAt: at })),
  )
  quarantine.put([entry(1), entry(2, { disposition: 'kept-with-note' }), entry(3, { disposition: 'redriven' })])
  quarantine.put(Array.from({ length: 600 }, (_, i) => entry(10 + i, { id: `x-${i}`, source: 'decoder' })).slice(0, 500 - 7))
  quarantine.put(Array.from({ length: 7 }, (_, i) => entry(700 + i)))
  expect(quarantine.list({ limit: 1 }).total).toBeLessThanOrEqual(10 + 500)
  expect(quarantine.list({ limit: 9, source: 'door' }).total).toBe(0)
  expect(quarantine.get('q-3')).toBeUndefined()
  expect(quarantine.get('q-706')).toBeDefined()
})

test('payloads are cut at 64 KiB, their true size stays', () => {
  using quarantine = openQuarantine({ dir })
  const big = Buffer.alloc(100_000, 7)
  quarantine.put(entry(1, { bytes: big.length, payloadBase64: big.toString('base64') }))
  const got = quarantine.get('q-1')
  expect(got?.bytes).toBe(100_000)
  expect(Buffer.from(got?.payloadBase64 ?? '', 'base64').length).toBe(65_536)
})

test('refusals of one kind add up, are logged once, and reach quarantine', () => {
  using quarantine = openQuarantine({ dir })
  const logged: object[] = []
  const counts: string[] = []
  const log = { ...noLog, warn: (fields: object) => void logged.push(fields) }
  const meter = { ...noMeter, count: (name: string, labels: Record<string, string> = {}) => void counts.push(`${name} ${labels['code']}`) }
  const refusals = createRefusals({ quarantine, log, meter, clock: { nowMs: () => T0 } })
  for (let i = 0; i < 100; i++)
    refusals.add({
      code: 'not-your-topic',
      reason: 'not yours',
      identity: 'me',
      topic: 't',
      address: '203.0.113.7 8080',
      payload: Buffer.from('secret?'),
      atMs: T0 + i,
    })
  refusals.flush()
  refusals.add({ code: 'not-your-topic', reason: 'not yours', identity: 'me', topic: 't', atMs: T0 + 100 })
  refusals.close()
  expect(counts).toHaveLength(101)
  expect(logged).toMatchObject([{ code: 'not-your-topic', address: '203.0.113.7 8080' }])
  expect(JSON.stringify(logged)).not.toContain('secret')
  const { entries } = quarantine.list({ limit: 9 })
  expect(entries).toMatchObject([
    { source: 'door', count: 101, identity: 'me', firstAt: at, lastAt: new Date(T0 + 100).toISOString(), bytes: 7 },
  ])
})

test('a flood of different senders is bounded in memory, rows and log', () => {
  using quarantine = openQuarantine({ dir })
  let lines = 0
  const refusals = createRefusals({ quarantine, log: { ...noLog, warn: () => void lines++ }, meter: noMeter, clock: { nowMs: () => T0 } })
  const senders = FIRST_TIME_KEYS_MAX + 500
  for (let i = 0; i < senders; i++) refusals.add({ code: 'bad-credentials', reason: 'wrong', clientId: `c${i}`, atMs: T0 })
  refusals.close()
  expect(lines).toBe(FIRST_TIME_KEYS_MAX)
  expect(quarantine.list({ limit: 1 }).total).toBe(REFUSAL_KEYS_MAX + 1)
  expect(quarantine.counts()).toEqual({ 'bad-credentials': senders })
})

test('a file of an older version is brought up to date, by three at once', () => {
  const old = new DatabaseSync(join(dir, 'quarantine.db'))
  old.exec(`CREATE TABLE entry (
    place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL,
    at TEXT, disposition TEXT NOT NULL, identity TEXT, client_id TEXT, topic TEXT, seq INTEGER, count INTEGER NOT NULL,
    first_at TEXT NOT NULL, last_at TEXT NOT NULL, bytes INTEGER NOT NULL, payload BLOB) STRICT;
    INSERT INTO entry (id, source, code, reason, disposition, count, first_at, last_at, bytes) VALUES ('q-1', 'decoder', 'json-invalid', 'r', 'held', 1, '${at}', '${at}', 0)`)
  old.close()
  using first = openQuarantine({ dir })
  using second = openQuarantine({ dir })
  using third = openQuarantine({ dir })
  first.put(entry(2, { decoder: 'native@1', redriveOf: 'q-1' }))
  expect(second.get('q-1')).toMatchObject({ disposition: 'held' })
  third.mark('q-2', 'redriven', 'user:chen')
  expect(second.get('q-2')).toMatchObject({ decoder: 'native@1', redriveOf: 'q-1', redrives: 1, settledBy: 'user:chen', lastAt: at })
  expect(first.waiting()).toEqual({ rows: 2, open: 1 })
})

test('what makes room is counted by what it was', () => {
  const swept: Record<string, number> = {}
  const meter = {
    ...noMeter,
    count: (name: string, labels: Record<string, string> = {}, by = 1) =>
      void (
        name === 'fengsui_quarantine_swept_total' && (swept[labels['disposition'] ?? ''] = (swept[labels['disposition'] ?? ''] ?? 0) + by)
      ),
  }
  using quarantine = openQuarantine({ dir, rowsMax: 10, meter })
  quarantine.put([entry(1, { disposition: 'discarded' }), entry(2, { disposition: 'kept-with-note' })])
  quarantine.put(Array.from({ length: 500 }, (_, i) => entry(10 + i)))
  quarantine.put(entry(600))
  expect(quarantine.list({ limit: 1 }).total).toBeLessThanOrEqual(11)
  expect(swept).toMatchObject({ discarded: 1, 'kept-with-note': 1, held: expect.any(Number) as number })
  expect((swept['held'] ?? 0) + 2 + quarantine.list({ limit: 1 }).total).toBe(503)
})
