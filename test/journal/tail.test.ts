// Files as a power cut leaves them: a WAL cut or flipped at any byte opens clean, holds a contiguous prefix, and what was not taken
// of its tail is reported to the byte.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import * as engine from '../../journal/index.ts'
import { segmentPath } from '../../journal/segments.ts'
import { freshDir, message } from './journal-contract.ts'

const open = (dir: string, more: Partial<engine.JournalOptions> = {}) => engine.openJournal({ dir, log: noLog, meter: noMeter, ...more })
const fileOf = (dir: string): string => segmentPath(dir, 1)
const PAGE_BYTES = 4096
const FRAME_BYTES = PAGE_BYTES + 24

/** A journal that is still being written, and where in its WAL each commit ends. */
async function written(): Promise<{ dir: string; journal: engine.Journal; wal: Buffer; ends: { at: number; head: number }[] }> {
  const dir = freshDir()
  const journal = await open(dir)
  // incompressible payloads: the WAL must be long enough to be cut in interesting places
  const noise = (n: number) => Uint8Array.from({ length: 2000 }, (_, i) => (n * 2_654_435_761 + i * 40_503 * (n + i)) >>> 13)
  const ends: { at: number; head: number }[] = []
  for (let n = 1; n <= 100; n += 5) {
    const appended = await Promise.all([0, 1, 2, 3, 4].map(i => journal.append(message(n + i, { payload: noise(n + i) }))))
    ends.push({ at: readFileSync(`${fileOf(dir)}-wal`).length, head: appended.at(-1)?.seq ?? 0 })
  }
  return { dir, journal, wal: readFileSync(`${fileOf(dir)}-wal`), ends }
}

function copyWith(dir: string, wal: Buffer): string {
  const copy = freshDir()
  mkdirSync(dirname(fileOf(copy)))
  copyFileSync(fileOf(dir), fileOf(copy))
  writeFileSync(`${fileOf(copy)}-wal`, wal)
  return copy
}

/** Opens it, checks the prefix, goes on; what was reported as torn. */
async function revive(dir: string, name: string): Promise<{ head: number; torn: number; detail: string }> {
  const torn: number[] = []
  const log = { ...noLog, warn: (fields: { tornBytes?: number }) => void torn.push(fields.tornBytes ?? 0) }
  await using revived = await open(dir, { log })
  const head = revived.head()
  const { ok, detail } = revived.healthy()
  expect(ok, name).toBe(true)
  using reader = engine.openReader({ dir })
  expect(
    reader.read(0, 1000).map(m => m.topic),
    name,
  ).toEqual(Array.from({ length: head }, (_, i) => `fire/v1/smoke/d${i + 1}/telemetry`))
  expect((await revived.append(message(1))).seq, name).toBe(head + 1)
  expect(engine.verifyJournal({ dir }), name).toMatchObject({ ok: true, messages: head + 1, head: head + 1 })
  return { head, torn: torn.reduce((a, b) => a + b, 0), detail }
}

const seed = Date.now() % 1_000_000
let random = seed
function below(limit: number): number {
  random = (random * 1_103_515_245 + 12_345) % 2_147_483_648
  return random % limit
}

test('a WAL cut anywhere holds every commit before the cut, and the rest is reported', async () => {
  const { dir, journal, wal, ends } = await written()
  await using _ = journal
  for (let i = 0; i < 15; i++) {
    const at = below(wal.length)
    const name = `seed ${seed}, cut at ${at}`
    const { head, torn, detail } = await revive(copyWith(dir, wal.subarray(0, at)), name)
    const end = ends.findLast(commit => commit.at <= at)
    expect(head, name).toBe(end?.head ?? 0)
    // what precedes the first message is the table, two commits of SQLite's own
    if (end !== undefined) expect(torn, name).toBe(at - end.at)
    if (torn > 0) expect(detail, name).toContain(`${torn} bytes at the tail were no whole commit`)
  }
})

test('a flipped byte in a WAL ends it at the commit before, and the rest is reported', async () => {
  const { dir, journal, wal, ends } = await written()
  await using _ = journal
  for (let i = 0; i < 15; i++) {
    const at = below(wal.length)
    const name = `seed ${seed}, flipped at ${at}`
    const flipped = Buffer.from(wal)
    flipped.writeUInt8((wal[at] ?? 0) ^ (1 << below(8)), at)
    const { head, torn } = await revive(copyWith(dir, flipped), name)
    const end = ends.findLast(commit => commit.at <= at)
    expect(head, name).toBe(end?.head ?? 0)
    if (end === undefined) continue
    // a last frame whose own salts are hit no longer says that it belonged to this WAL
    const isLastFrame = at >= wal.length - FRAME_BYTES
    expect([wal.length - end.at, ...(isLastFrame ? [wal.length - FRAME_BYTES - end.at] : [])], name).toContain(torn)
  }
})

test('a whole WAL is nothing to report, nor is what a former life left behind its end', async () => {
  const { dir, journal, wal } = await written()
  const whole = await revive(copyWith(dir, wal), 'whole')
  expect(whole.torn).toBe(0)
  expect(whole.detail).not.toContain('tail')
  await journal.close()
  // written again from its beginning: the frames behind are of the former life
  const copy = copyWith(dir, Buffer.alloc(0))
  {
    await using again = await open(copy)
    await again.append(message(101))
    const now = readFileSync(`${fileOf(copy)}-wal`)
    expect(now.length).toBeLessThan(wal.length)
    const longer = copyWith(copy, Buffer.concat([now, wal.subarray(now.length)]))
    expect((await revive(longer, 'former life')).torn).toBe(0)
  }
})

/** What a reader had come to when the disk lost the tail. */
async function readTo(dir: string, seq: number): Promise<void> {
  const cursors = engine.openCursors({ dir })
  cursors.set('rules', seq)
  cursors.set('somebody else', seq + 1000)
  cursors.close()
}

test('numbers that were read are never given again: behind a lost tail the journal goes on where its readers are', async () => {
  const { dir, wal, ends, journal } = await written()
  const [, , third, , fifth] = ends
  const copy = copyWith(dir, wal.subarray(0, third!.at + 100))
  await journal.close()
  await readTo(copy, fifth!.head)
  const lost: unknown[] = []
  const log = { ...noLog, error: (fields: unknown) => void lost.push(fields) }
  using before = engine.openReader({ dir: copy })
  expect(before.head()).toBe(third!.head)
  {
    await using revived = await open(copy, { log, neededBy: ['rules', 'store'] })
    expect(revived.head()).toBe(fifth!.head)
    expect(lost).toEqual([{ firstSeq: third!.head + 1, lastSeq: fifth!.head }])
    expect(revived.healthy()).toMatchObject({
      ok: true,
      troubles: ['tail-lost'],
      detail: expect.stringContaining(`messages ${third!.head + 1} to ${fifth!.head} were acknowledged and are gone`),
    })
    expect((await revived.append(message(7))).seq).toBe(fifth!.head + 1)
  }
  using reader = engine.openReader({ dir: copy })
  expect(reader.read(fifth!.head, 10).map(m => m.seq)).toEqual([fifth!.head + 1])
  expect(reader.read(0, 1000).at(-1)?.seq).toBe(third!.head)
  // for whoever is behind, the hole is damage with a beginning and an end
  expect(() => reader.read(third!.head, 10)).toThrow(/missing/)
  expect(reader.groupAt(third!.head + 1)).toEqual({ firstSeq: third!.head + 1, lastSeq: fifth!.head })
  expect(engine.verifyJournal({ dir: copy })).toMatchObject({ ok: false, problem: expect.stringContaining(String(third!.head + 1)) })
  // and it is said once
  lost.length = 0
  await using again = await open(copy, { log, neededBy: ['rules', 'store'] })
  expect([lost, again.head()]).toEqual([[], fifth!.head + 1])
})

test('a journal that was taken away altogether begins behind what was read', async () => {
  const dir = freshDir()
  await readTo(dir, 40)
  {
    await using journal = await open(dir, { neededBy: ['rules'] })
    expect((await journal.append(message(1))).seq).toBe(41)
  }
  expect(engine.verifyJournal({ dir })).toMatchObject({ ok: true, head: 41 })
})

test('a loss that nobody was told of, since the kill came first, is told at the next start', async () => {
  const { dir, wal, ends, journal } = await written()
  const end = ends[2]!
  const copy = copyWith(dir, wal.subarray(0, end.at))
  await journal.close()
  await readTo(copy, end.head + 20)
  const told = async (): Promise<unknown> => {
    const lost: unknown[] = []
    await using revived = await open(copy, { log: { ...noLog, error: (fields: unknown) => void lost.push(fields) }, neededBy: ['rules'] })
    return [lost, revived.head()]
  }
  const loss = { firstSeq: end.head + 1, lastSeq: end.head + 20 }
  expect(await told()).toEqual([[loss], end.head + 20])
  // nothing was written behind the hole: as after a kill right there
  expect(await told()).toEqual([[loss], end.head + 20])
  {
    await using revived = await open(copy, { neededBy: ['rules'] })
    expect((await revived.append(message(1))).seq).toBe(end.head + 21)
  }
  expect(await told()).toEqual([[], end.head + 21])
})

test('a next file that a kill left half turned to WAL hides nothing that came before, from readers or from its writer', async () => {
  const dir = freshDir()
  {
    await using journal = await open(dir)
    await Promise.all([1, 2, 3].map(n => journal.append(message(n))))
  }
  const next = segmentPath(dir, 4)
  const write = `const { DatabaseSync } = require('node:sqlite')
    const database = new DatabaseSync(${JSON.stringify(next)})
    database.exec('PRAGMA cache_size = 1; BEGIN; CREATE TABLE half (done)')
    for (let i = 0; i < 2000; i++) database.exec('INSERT INTO half VALUES (zeroblob(500))')
    process.kill(process.pid, 'SIGKILL')`
  spawnSync(process.execPath, ['-e', write])
  expect(existsSync(`${next}-journal`)).toBe(true)

  expect(engine.verifyJournal({ dir })).toMatchObject({ ok: true, messages: 3, head: 3 })
  {
    using reader = engine.openReader({ dir })
    expect(reader.read(0, 10).map(m => m.seq)).toEqual([1, 2, 3])
  }
  await using journal = await open(dir)
  expect((await journal.append(message(4))).seq).toBe(4)
})
