// The SQLite journal: the contract every engine keeps, and what can only be done to a file: cut it, flip it, fill it, lock it.
import { scrypt } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { refuseOldSqlite } from '../../journal/database.ts'
import * as engine from '../../journal/index.ts'
import { segmentPath } from '../../journal/segments.ts'
import { freshDir, journalContract, message } from './journal-contract.ts'

journalContract('sqlite', engine, fileURLToPath(new URL('../../journal/index.ts', import.meta.url)))

/** the first segment */
const fileOf = (dir: string): string => segmentPath(dir, 1)
const open = (dir: string, more: Partial<engine.JournalOptions> = {}) => engine.openJournal({ dir, log: noLog, meter: noMeter, ...more })

describe('damage', () => {
  /** Three groups of four, on disk and closed. */
  async function threeGroups(): Promise<string> {
    const dir = freshDir()
    await using journal = await open(dir, { groupMaxMessages: 4 })
    await Promise.all(Array.from({ length: 12 }, (_, i) => journal.append(message(i + 1))))
    return dir
  }

  test('a flipped byte is found, and its place is named', async () => {
    const dir = await threeGroups()
    const database = new DatabaseSync(fileOf(dir))
    const blob = database.prepare('SELECT blob FROM groups WHERE first_seq = 5').get()?.['blob'] as Uint8Array
    database.close()
    const file = readFileSync(fileOf(dir))
    const at = file.indexOf(blob)
    expect(at).toBeGreaterThan(0)
    file.writeUInt8(file.readUInt8(at + 9) ^ 1, at + 9)
    writeFileSync(fileOf(dir), file)

    const verdict = engine.verifyJournal({ dir })
    expect(verdict).toMatchObject({ ok: false, messages: 4, head: 4 })
    expect(verdict.problem).toMatch(/after message 4.*group 5-8: CRC-32/)
    using reader = engine.openReader({ dir })
    expect(reader.read(0, 100).map(m => m.seq)).toEqual([1, 2, 3, 4])
    expect(() => reader.read(4, 1)).toThrow(/group 5-8/)
    expect(() => reader.read(6, 100)).toThrow(/group 5-8/)
    expect(reader.groupAt(6)).toEqual({ firstSeq: 5, lastSeq: 8 })
    expect(reader.read(8, 100).map(m => m.seq)).toEqual([9, 10, 11, 12])
    // who only looks on leaves out what somebody has passed over, and nothing else
    const past = (wasPassedOver: boolean, max: number) => engine.readPast(reader, 2, max, () => wasPassedOver).map(m => m.seq)
    expect(past(true, 100)).toEqual([3, 4, 9, 10, 11, 12])
    expect(past(true, 3)).toEqual([3, 4, 9])
    expect(() => past(false, 100)).toThrow(/group 5-8/)
  })

  function change(dir: string, sql: string): void {
    const database = new DatabaseSync(fileOf(dir))
    database.exec(sql)
    database.close()
  }

  test.each([
    [5, [1, 2, 3, 4]],
    [1, []],
  ])('a lost group is found: that of message %i', async (lost, before) => {
    const dir = await threeGroups()
    change(dir, `DELETE FROM groups WHERE first_seq = ${lost}`)
    expect(engine.verifyJournal({ dir }).problem).toContain(`message ${lost} is missing`)
    using reader = engine.openReader({ dir })
    if (before.length > 0) expect(reader.read(0, 100).map(m => m.seq)).toEqual(before)
    expect(() => reader.read(lost - 1, 100)).toThrow(`message ${lost} is missing`)
    expect(reader.groupAt(lost)).toEqual({ firstSeq: lost, lastSeq: lost + 3 })
    expect(reader.read(lost + 3, 100)[0]?.seq).toBe(lost + 4)
  })

  test.each([3, 4, 6, 10, 99])('a group whose end is written wrongly (%i) hides no message of another group', async wrong => {
    const dir = await threeGroups()
    change(dir, `UPDATE groups SET last_seq = ${wrong} WHERE first_seq = 5`)
    using reader = engine.openReader({ dir })
    expect(reader.read(0, 100).map(m => m.seq)).toEqual([1, 2, 3, 4])
    let at = 4
    while (at < 8) {
      expect(() => reader.read(at, 100)).toThrow(/missing|says it holds/)
      at = reader.groupAt(at + 1)?.lastSeq ?? 99
    }
    expect(at).toBe(8)
    expect(reader.read(8, 100).map(m => m.seq)).toEqual([9, 10, 11, 12])
  })

  test('another file in the place of the one that is open is noticed', async () => {
    const dir = await threeGroups()
    using reader = engine.openReader({ dir })
    expect(reader.read(0, 1)[0]?.topic).toBe('fire/v1/smoke/d1/telemetry')
    const other = freshDir()
    await using journal = await open(other)
    await journal.append(message(77))
    await journal.close()
    for (const end of ['-wal', '-shm']) rmSync(`${fileOf(dir)}${end}`, { force: true })
    renameSync(fileOf(other), fileOf(dir))
    await expect.poll(() => reader.head(), { timeout: 20_000 }).toBe(1)
    expect(reader.read(0, 1)[0]?.topic).toBe('fire/v1/smoke/d77/telemetry')
  })

  test('a file that is not SQLite is not opened, not overwritten', async () => {
    const dir = freshDir()
    mkdirSync(dirname(fileOf(dir)))
    writeFileSync(fileOf(dir), 'this was something else\n'.repeat(100))
    await expect(open(dir)).rejects.toMatchObject({ code: 'journal-damaged' })
    expect(readFileSync(fileOf(dir), 'utf8')).toMatch(/^this was something else/)
    expect(engine.verifyJournal({ dir }).ok).toBe(false)
  })

  test('a folder that cannot be made is said to be so', async () => {
    const dir = freshDir()
    writeFileSync(join(dir, 'in-the-way'), '')
    await expect(open(join(dir, 'in-the-way', 'data'))).rejects.toMatchObject({ code: 'data-dir-unwritable' })
  })
})

describe('a disk that does not take it', () => {
  test('full: nothing is acknowledged; freed: it goes on by itself without a gap', async () => {
    const dir = freshDir()
    await (await open(dir)).close()
    // Half a megabyte that is in the way, and can be cleared away as an operator would.
    const ballast = new DatabaseSync(fileOf(dir))
    ballast.exec('CREATE TABLE ballast (b BLOB); INSERT INTO ballast VALUES (zeroblob(500000))')
    const noise = (n: number) => Uint8Array.from({ length: 20_000 }, (_, i) => (n * 2_654_435_761 + i * 40_503 * (n + i)) >>> 13)
    await using journal = await open(dir, { maxFileBytes: 600_000 })
    let acked = 0
    const refusal = await (async () => {
      for (;;) await journal.append(message(++acked, { payload: noise(acked) }))
    })().catch((error: unknown) => error)
    acked--
    expect(refusal).toMatchObject({ code: 'journal-unavailable' })
    expect(acked).toBeGreaterThan(0)
    expect(journal.healthy()).toMatchObject({ ok: false, detail: expect.stringContaining('full') })
    await expect(journal.append(message(0, { payload: noise(0) }))).rejects.toMatchObject({ code: 'journal-unavailable' })
    expect(engine.verifyJournal({ dir })).toEqual({ ok: true, segments: 1, oldest: 1, messages: acked, head: acked })

    ballast.exec('DROP TABLE ballast')
    ballast.close()
    expect((await journal.append(message(1, { payload: noise(1) }))).seq).toBe(acked + 1)
    expect(journal.healthy().ok).toBe(true)
    expect(engine.verifyJournal({ dir })).toEqual({ ok: true, segments: 1, oldest: 1, messages: acked + 1, head: acked + 1 })
  })

  test('locked by another program for longer than our patience: refused, then taken', async () => {
    const dir = freshDir()
    await using journal = await open(dir)
    const other = new DatabaseSync(fileOf(dir))
    other.exec('BEGIN IMMEDIATE')
    await expect(journal.append(message(1))).rejects.toMatchObject({ code: 'journal-unavailable' })
    expect(journal.healthy().detail).toMatch(/locked/)
    other.exec('ROLLBACK')
    other.close()
    expect((await journal.append(message(2))).seq).toBe(1)
  })
})

describe('large groups', () => {
  const noise = (n: number) => Uint8Array.from({ length: 4000 }, (_, i) => (n * 2_654_435_761 + i * 40_503 * (n + i)) >>> 13)

  /** Three hundred messages in groups that are packed on another core, and slabs that are used again. */
  async function appendMany(dir: string): Promise<void> {
    await using journal = await open(dir, { groupMaxBytes: 64 * 1024 })
    for (let round = 0; round < 3; round++) {
      const appended = Array.from({ length: 100 }, (_, i) => journal.append(message(i, { payload: noise(round * 100 + i) })))
      await Promise.all([...appended, journal.append(message(0), 'alarm')])
    }
  }

  function check(dir: string): void {
    expect(engine.verifyJournal({ dir })).toMatchObject({ ok: true, messages: 303 })
    using reader = engine.openReader({ dir })
    const bulk = reader.read(0, 1000).filter(m => m.payload.length === 4000)
    expect(bulk.map(m => Buffer.compare(m.payload, noise(bulk.indexOf(m))))).toEqual(Array.from({ length: 300 }, () => 0))
  }

  test('are packed beside the disk and keep their order', async () => {
    const dir = freshDir()
    await appendMany(dir)
    check(dir)
  })

  test('are packed by the writer itself where the other cores are busy for long', async () => {
    const dir = freshDir()
    const hash = promisify<string, string, number, object, Buffer>(scrypt)
    const busy = Array.from({ length: 12 }, () => hash('a', 'b', 32, { N: 2 ** 15, maxmem: 2 ** 27 }))
    await appendMany(dir)
    check(dir)
    await Promise.all(busy)
  })
})

test('an SQLite that can corrupt a shared WAL is refused', () => {
  for (const old of ['3.51.2', '3.50.9', '2.99.99', 'no version']) expect(() => refuseOldSqlite(old)).toThrow(/older than 3.51.3/)
  for (const good of ['3.51.3', '3.53.4', '4.0.0']) expect(() => refuseOldSqlite(good)).not.toThrow()
})
