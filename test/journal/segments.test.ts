// The journal's files: how segments follow each other, what a kill leaves between two steps, what is damage between two of them, and
// the one file of older data folders.
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { crc32, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { JOURNAL_SCHEMA, openForWriting } from '../../journal/database.ts'
import {
  followPosition,
  openCursors,
  openJournal,
  openReader,
  verifyJournal,
  type Journal,
  type JournalOptions,
} from '../../journal/index.ts'
import { listSegments, segmentPath } from '../../journal/segments.ts'
import { freshDir, message } from './journal-contract.ts'

const open = (dir: string, more: Partial<JournalOptions> = {}) => openJournal({ dir, log: noLog, meter: noMeter, ...more })
const firsts = (dir: string): number[] => listSegments(dir).map(({ firstSeq }) => firstSeq)
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const seqsOf = (messages: { seq: number }[]): number[] => messages.map(({ seq }) => seq)

/** Messages 1..count, each group of `each` in a segment of its own. */
async function segmented(dir: string, count: number, each: number): Promise<Journal> {
  const journal = await open(dir, { segmentMaxBytes: 1, groupMaxMessages: each })
  for (let n = 1; n <= count; n += each) await Promise.all(range(n, n + each - 1).map(i => journal.append(message(i))))
  return journal
}

describe('segments', () => {
  test('are named by their first message and put away as one plain file each, also while they are read', async () => {
    const dir = freshDir()
    await using journal = await segmented(dir, 4, 2)
    using reader = openReader({ dir })
    expect(seqsOf(reader.read(0, 100))).toEqual(range(1, 4))
    for (let n = 5; n <= 12; n += 2) {
      await Promise.all([n, n + 1].map(i => journal.append(message(i))))
      expect(seqsOf(reader.read(n - 1, 100))).toEqual([n, n + 1])
      expect(reader.head()).toBe(n + 1)
    }
    expect(firsts(dir)).toEqual([1, 3, 5, 7, 9, 11])
    expect(readdirSync(join(dir, 'journal'))).toContain('00000000000000000011.db')
    reader.close()
    await journal.close()
    // those that were being read when they were put away lose what lies beside them with the next life
    await (await open(dir)).close()
    await expect.poll(() => readdirSync(join(dir, 'journal')).filter(name => !name.endsWith('.db'))).toEqual([])
    expect(verifyJournal({ dir })).toEqual({ ok: true, messages: 12, oldest: 1, head: 12, segments: 6 })
  })

  test('end after a time too, and not while they are empty', async () => {
    const dir = freshDir()
    let nowMs = 1_760_000_000_000
    await using journal = await open(dir, { segmentMaxMs: 1000, clock: { nowMs: () => nowMs } })
    nowMs += 5000
    for (const step of [0, 999, 1, 999, 1]) {
      nowMs += step
      await journal.append(message(1))
    }
    expect(firsts(dir)).toEqual([1, 3, 5])
  })

  test('go on in the next life where they ended', async () => {
    const dir = freshDir()
    await (await open(dir)).close()
    for (let life = 1; life <= 3; life++) {
      await using journal = await open(dir, { segmentMaxBytes: 1 })
      expect(journal.head()).toBe(2 * life - 2)
      await journal.append(message(1))
      await journal.append(message(2))
    }
    expect(firsts(dir)).toEqual([1, 2, 3, 4, 5, 6])
    expect(verifyJournal({ dir })).toMatchObject({ ok: true, messages: 6 })
  })

  test.each([
    ['no byte in it', (path: string) => writeFileSync(path, '')],
    ['no table in it', (path: string) => openForWriting(join(path, '..'), '00000000000000000005.db').close()],
    ['no group in it', (path: string) => openForWriting(join(path, '..'), '00000000000000000005.db', JOURNAL_SCHEMA).close()],
  ])('a kill that left the next one with %s costs nothing', async (_, leave) => {
    const dir = freshDir()
    await (await segmented(dir, 4, 2)).close()
    leave(segmentPath(dir, 5))
    using reader = openReader({ dir })
    expect([reader.head(), seqsOf(reader.read(0, 100)), reader.groupAt(5)]).toEqual([4, [1, 2, 3, 4], undefined])
    expect(verifyJournal({ dir })).toMatchObject({ ok: true, head: 4, segments: 3 })
    await using journal = await open(dir)
    expect(journal.head()).toBe(4)
    expect((await journal.append(message(5))).seq).toBe(5)
    expect(firsts(dir)).toEqual([1, 3, 5])
    expect([reader.head(), seqsOf(reader.read(3, 100))]).toEqual([5, [4, 5]])
  })

  test('two writers on one folder give no number twice, whoever rotates and whatever is removed', async () => {
    const dir = freshDir()
    const patient = await open(dir)
    const hasty = await open(dir, { segmentMaxBytes: 1 })
    const seqs: number[] = []
    const refused: string[] = []
    let n = 0
    const append = async (journal: Journal): Promise<void> => {
      const sent = message(++n)
      await journal.append(sent).then(
        ({ seq }) => seqs.push(seq),
        (error: Error) => refused.push(error.message),
      )
    }
    for (const journal of [patient, patient, hasty, hasty, hasty, patient, patient, hasty, patient, hasty, hasty, patient])
      await append(journal)
    expect(seqs).toEqual(range(1, seqs.length))
    expect(new Set(refused.map(text => text.replace(/\d+/g, 'N'))).size).toBe(1)
    expect(refused[0]).toContain('another process writes the journal too')
    expect(verifyJournal({ dir })).toMatchObject({ ok: true, head: seqs.length })

    const [newest = 0] = firsts(dir).slice(-1)
    await append(hasty)
    await append(hasty)
    for (const { firstSeq, path } of listSegments(dir)) if (firstSeq <= newest) rmSync(path)
    const before = refused.length
    await append(patient)
    await append(patient)
    expect([refused.length, seqs]).toEqual([before + 1, range(1, seqs.length)])
    await Promise.all([patient.close(), hasty.close()])
  })

  test.runIf(existsSync('/proc/self/fd'))('a next one that cannot be made is tried again and again, and left open never', async () => {
    const dir = freshDir()
    await using journal = await open(dir, { segmentMaxBytes: 1 })
    await journal.append(message(1))
    const next = segmentPath(dir, 2)
    const other = new DatabaseSync(next)
    other.exec('CREATE TABLE taken (a); CREATE INDEX groups ON taken (a)')
    other.close()
    for (let i = 0; i < 20; i++) await expect(journal.append(message(2))).rejects.toMatchObject({ code: 'journal-unavailable' })
    const names = readdirSync('/proc/self/fd').flatMap(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return [] // closed since
      }
    })
    expect(names.filter(name => name.startsWith(next))).toEqual([])
    rmSync(next)
    expect((await journal.append(message(2))).seq).toBe(2)
    expect(verifyJournal({ dir })).toMatchObject({ ok: true, head: 2 })
  })

  test('a WAL that lies where the next one will be does not become its own', async () => {
    const dir = freshDir()
    await using journal = await open(dir, { segmentMaxBytes: 1 })
    await journal.append(message(1))
    const other = freshDir()
    await using foreign = await open(other)
    await foreign.append(message(77))
    writeFileSync(`${segmentPath(dir, 2)}-wal`, readFileSync(`${segmentPath(other, 1)}-wal`))
    expect((await journal.append(message(2))).seq).toBe(2)
    expect(verifyJournal({ dir })).toMatchObject({ ok: true, messages: 2 })
  })

  test('are followed without a gap while one after the other is begun', async () => {
    const dir = freshDir()
    await using journal = await open(dir, { segmentMaxBytes: 400, groupMaxMessages: 20 })
    using reader = openReader({ dir, removedIsDamage: true })
    let isOver = false
    const appending = Promise.all(range(1, 2000).map(n => journal.append(message(n), n % 7 === 0 ? 'alarm' : 'bulk'))).finally(() => {
      isOver = true
    })
    const seen: number[] = []
    for (let wasOver = false; ; wasOver = isOver) {
      seen.push(...seqsOf(reader.read(seen.at(-1) ?? 0, 33)))
      expect(reader.head()).toBeGreaterThanOrEqual(seen.at(-1) ?? 0)
      if (wasOver && seen.at(-1) === 2000) break
      await new Promise(setImmediate)
    }
    await appending
    expect(seen).toEqual(range(1, 2000))
    expect(firsts(dir).length).toBeGreaterThan(10)
  })

  test('one that is removed while it is read breaks no reader', async () => {
    const dir = freshDir()
    await (await segmented(dir, 12, 4)).close()
    using reader = openReader({ dir })
    expect(seqsOf(reader.read(0, 2))).toEqual([1, 2])
    rmSync(segmentPath(dir, 1))
    expect(seqsOf(reader.read(2, 3))).toEqual([3, 4, 5])
    await expect.poll(() => reader.oldest(), { timeout: 20_000 }).toBe(5)
    // a listing that has grown old meanwhile is looked at again
    rmSync(segmentPath(dir, 5))
    using late = openReader({ dir })
    expect(late.oldest()).toBe(9)
    rmSync(segmentPath(dir, 9))
    expect(late.read(0, 10)).toEqual([])
  })
})

describe('damage between segments', () => {
  test('a missing one in the middle is damage with a place, not a gap', async () => {
    const dir = freshDir()
    await (await segmented(dir, 12, 4)).close()
    rmSync(segmentPath(dir, 5))
    using reader = openReader({ dir })
    expect(seqsOf(reader.read(0, 100))).toEqual([1, 2, 3, 4])
    expect(() => reader.read(4, 100)).toThrow(/message 5 is missing, the next group begins at 9/)
    expect(() => reader.read(6, 100)).toThrow(/message 7 is missing/)
    expect(reader.groupAt(6)).toEqual({ firstSeq: 5, lastSeq: 8 })
    expect(seqsOf(reader.read(8, 100))).toEqual([9, 10, 11, 12])
    const verdict = verifyJournal({ dir })
    expect(verdict).toMatchObject({ ok: false, messages: 4, head: 4 })
    expect(verdict.problem).toMatch(/message 5 is missing, segment journal.00000000000000000009.db begins at 9/)
  })

  test.each([1, 5])('one that is no database (from message %i) is passed over whole', async lost => {
    const dir = freshDir()
    await (await segmented(dir, 12, 4)).close()
    writeFileSync(segmentPath(dir, lost), 'this was something else\n'.repeat(1000))
    using reader = openReader({ dir })
    expect(() => reader.read(lost - 1, 100)).toThrow(expect.objectContaining({ code: 'journal-damaged' }))
    expect(reader.groupAt(lost)).toEqual({ firstSeq: lost, lastSeq: lost + 3 })
    expect(seqsOf(reader.read(lost + 3, 100))).toEqual(range(lost + 4, 12))
    expect(reader.head()).toBe(12)
    expect(verifyJournal({ dir })).toMatchObject({ ok: false, head: lost - 1, problem: expect.stringContaining(`${lost}.db`) })
    // the writer goes on behind it
    await using journal = await open(dir)
    expect((await journal.append(message(13))).seq).toBe(13)
  })

  test('a lost end of one is seen by who stands at it', async () => {
    const dir = freshDir()
    const journal = await segmented(dir, 4, 4)
    await Promise.all(range(5, 8).map(n => journal.append(message(n))))
    await journal.close()
    {
      const first = new DatabaseSync(segmentPath(dir, 1))
      first.exec('UPDATE groups SET last_seq = 3, count = 3')
      first.close()
    }
    using reader = openReader({ dir })
    expect(seqsOf(reader.read(0, 100))).toEqual([1, 2, 3])
    expect(() => reader.read(3, 100)).toThrow(/message 4 is missing/)
    expect(reader.groupAt(4)).toEqual({ firstSeq: 4, lastSeq: 4 })
    expect(reader.head()).toBe(8)
  })
})

describe('the one file of an older data folder', () => {
  /** As the first encoding wrote it: every message spells everything out. */
  function oldGroup(ns: number[]): Buffer {
    const all = ns.map(n => {
      const m = message(n)
      const texts = [m.identity, m.clientId, m.topic].map(text => Buffer.from(text))
      const fixed = Buffer.alloc(17)
      fixed.writeUInt8(m.qos, 0)
      fixed.writeUIntLE(m.receivedAtMs, 1, 6)
      for (const [i, text] of texts.entries()) fixed.writeUInt16LE(text.length, 7 + 2 * i)
      fixed.writeUInt32LE(m.payload.length, 13)
      return Buffer.concat([fixed, ...texts, m.payload])
    })
    return zstdCompressSync(Buffer.concat([Buffer.from([1]), ...all]))
  }

  /** Two groups, the second only in the WAL, as a kill leaves them. */
  function oldFolder(): string {
    const [dir, made] = [freshDir(), freshDir()]
    const database = openForWriting(made, 'journal.db', JOURNAL_SCHEMA)
    const insert = database.prepare('INSERT INTO groups VALUES (?, ?, ?, ?, ?, ?)')
    for (const [first, last] of [
      [1, 5],
      [6, 9],
    ] as const) {
      const blob = oldGroup(range(first, last))
      insert.run(first, last, Date.now(), last - first + 1, crc32(blob), blob)
      if (first === 1) database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    }
    for (const end of ['', '-wal']) writeFileSync(join(dir, `journal.db${end}`), readFileSync(join(made, `journal.db${end}`)))
    database.close()
    return dir
  }

  async function checkTaken(dir: string): Promise<void> {
    await using journal = await open(dir)
    expect(journal.head()).toBe(9)
    using reader = openReader({ dir })
    const got = reader.read(0, 100).map(m => ({ ...m, payload: Buffer.from(m.payload) }))
    expect(got).toMatchObject(range(1, 9).map(n => message(n)))
    expect((await journal.append(message(10))).seq).toBe(10)
    expect(seqsOf(reader.read(7, 100))).toEqual([8, 9, 10])
    expect(verifyJournal({ dir })).toMatchObject({ ok: true, messages: 10, segments: 1 })
    expect(readdirSync(dir).filter(name => name.startsWith('journal.'))).toEqual([])
  }

  test('becomes the first segment, with what only its WAL held', async () => {
    const dir = oldFolder()
    expect(statSync(join(dir, 'journal.db-wal')).size).toBeGreaterThan(0)
    expect(verifyJournal({ dir })).toMatchObject({ ok: true, messages: 9, head: 9 })
    await checkTaken(dir)
    expect(firsts(dir)).toEqual([1])
  })

  test('is taken over again where a kill came in between', async () => {
    const dir = oldFolder()
    mkdirSync(join(dir, 'journal')) // after the first step
    await checkTaken(dir)
    writeFileSync(join(dir, 'journal.db-wal'), '') // before the last one
    await using again = await open(dir)
    expect(again.head()).toBe(10)
    expect(existsSync(join(dir, 'journal.db-wal'))).toBe(false)
  })

  test('is left alone, and nothing is written, where segments are there too', async () => {
    const dir = oldFolder()
    await (await segmented(freshDir(), 2, 2)).close()
    mkdirSync(join(dir, 'journal'))
    openForWriting(join(dir, 'journal'), '00000000000000000001.db', JOURNAL_SCHEMA).close()
    await expect(open(dir)).rejects.toMatchObject({ code: 'journal-damaged', message: expect.stringContaining('both') })
    expect(existsSync(join(dir, 'journal.db'))).toBe(true)
    expect(verifyJournal({ dir }).ok).toBe(false)
  })
})

test('the position of a consumer becomes its cursor, and is tried again when it cannot be told', async () => {
  const dir = freshDir()
  const cursors = openCursors({ dir })
  let position = 3
  let isBroken = false
  const warned: string[] = []
  const follow = followPosition({
    cursors,
    consumer: 'rules',
    position: () => {
      if (isBroken) throw new Error('the queue is locked')
      return position
    },
    log: { ...noLog, warn: (_, text) => void warned.push(text) },
    everyMs: 10,
  })
  await expect.poll(() => cursors.get('rules')).toBe(3)
  isBroken = true
  await expect.poll(() => warned.length).toBe(1)
  isBroken = false
  position = 2 // its store was restored: what it needs again is kept again
  await expect.poll(() => cursors.get('rules')).toBe(2)
  position = 8
  follow.close()
  expect(cursors.get('rules')).toBe(8)
  cursors.close()
})
