// What any journal engine must do, as one suite: hand it an engine (a module with these four functions) and its module path.
// Nothing here knows SQLite; sqlite.test.ts adds what only that engine can be asked.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import type { FengsuiError } from '#contracts/errors.ts'
import type { InboundMessage, Message } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { Engine, Journal, JournalOptions, Lane, Waiter } from '../../journal/index.ts'

export const message = (n: number, more: Partial<InboundMessage> = {}): InboundMessage => ({
  receivedAtMs: 1_700_000_000_000 + n,
  identity: 'gw-1',
  clientId: `client ${n % 3}`,
  topic: `fire/v1/smoke/d${n}/telemetry`,
  qos: 1,
  retain: false,
  dup: false,
  payload: Buffer.from(`payload ${n}`),
  ...more,
})

const textOf = (m: Message | undefined): string => Buffer.from(m?.payload ?? []).toString()

/** Counts what it is told. */
function counting(): Waiter & { told: { alarm: number; bulk: number; failed: number } } {
  const told = { alarm: 0, bulk: 0, failed: 0 }
  return { told, written: (count, lane) => void (told[lane] += count), failed: count => void (told.failed += count) }
}

const dirs: string[] = []
export function freshDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-journal-'))
  dirs.push(dir)
  return dir
}
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true })
})

export function journalContract(name: string, engine: Engine, modulePath: string): void {
  const open = (dir: string, more: Partial<JournalOptions> = {}) => engine.openJournal({ dir, log: noLog, meter: noMeter, ...more })

  describe(`${name}: a journal`, () => {
    test('numbers messages from 1 without a gap, across restarts', async () => {
      const dir = freshDir()
      {
        await using journal = await open(dir)
        const appended = await Promise.all([1, 2, 3].map(n => journal.append(message(n))))
        expect(appended.map(a => a.seq)).toEqual([1, 2, 3])
        expect(journal.head()).toBe(3)
      }
      await using again = await open(dir)
      expect(again.head()).toBe(3)
      expect((await again.append(message(4))).seq).toBe(4)
      expect(engine.verifyJournal({ dir })).toMatchObject({ ok: true, oldest: 1, messages: 4, head: 4 })
    })

    test('gives back every field and every byte', async () => {
      const dir = freshDir()
      const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)
      const sent = [
        message(1, { qos: 0, retain: true, dup: true, payload: everyByte }),
        message(2, { qos: 2, identity: '', clientId: '', topic: '火/消防/🔥', payload: new Uint8Array(0) }),
        message(3, { payload: new Uint8Array(300_000).fill(7) }),
      ]
      await using journal = await open(dir, { clock: { nowMs: () => 1_760_000_000_000 } })
      await Promise.all(sent.map(m => journal.append(m)))
      using reader = engine.openReader({ dir })
      const read = reader.read(0, 10).map(m => ({ ...m, payload: Uint8Array.from(m.payload) }))
      expect(read).toEqual(
        sent.map((m, i) => ({ ...m, payload: Uint8Array.from(m.payload), seq: i + 1, committedAtMs: 1_760_000_000_000 })),
      )
    })

    test('copies the payload when it is appended', async () => {
      const dir = freshDir()
      await using journal = await open(dir)
      const payload = Buffer.from('as it was')
      const appended = journal.append(message(1, { payload }))
      payload.fill('x')
      await appended
      using reader = engine.openReader({ dir })
      expect(textOf(reader.read(0, 1)[0])).toBe('as it was')
    })

    test('resolves only what a reader can already see, in order, and announces each commit', async () => {
      const dir = freshDir()
      const heads: number[] = []
      await using journal = await open(dir, { onCommit: head => heads.push(head), groupMaxMessages: 7 })
      using reader = engine.openReader({ dir })
      const order: number[] = []
      await Promise.all(
        Array.from({ length: 50 }, async (_, i) => {
          const { seq } = await journal.append(message(i + 1))
          expect(reader.head()).toBeGreaterThanOrEqual(seq)
          order.push(seq)
        }),
      )
      expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
      expect(heads.at(-1)).toBe(50)
      expect(heads).toEqual(heads.toSorted((a, b) => a - b))
      expect(heads.length).toBeGreaterThanOrEqual(8)
    })

    test('refuses more than it may hold, and takes messages again afterwards', async () => {
      await using journal = await open(freshDir(), { maxPendingBytes: 1000, groupWaitMs: 20 })
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, i) => journal.append(message(i, { payload: new Uint8Array(200) }))),
      )
      const refused = outcomes.filter(o => o.status === 'rejected')
      expect(refused.length).toBeGreaterThan(0)
      expect(refused.length).toBeLessThan(10)
      for (const o of refused) expect(o.reason).toMatchObject({ code: 'journal-unavailable' })
      expect((await journal.append(message(11))).seq).toBe(10 - refused.length + 1)
    })

    test('refuses what it cannot write down, and nothing else', async () => {
      await using journal = await open(freshDir())
      await expect(journal.append(message(1, { topic: 'x'.repeat(70_000) }))).rejects.toMatchObject({ code: 'invalid-request' })
      expect((await journal.append(message(2))).seq).toBe(1)
    })

    test('gives back what was put with an origin, in either lane, however origins and groups mix', async () => {
      const dir = freshDir()
      const journal = await open(dir, { groupMaxMessages: 40 })
      const origins = Array.from({ length: 60 }, (_, i) => ({
        identity: `gw ${i % 7}`,
        clientId: `c${i}`,
        topic: `火/${i % 13}/${'x'.repeat(i * 9)}`,
      }))
      const made = origins.map(of => journal.origin(of))
      const waiter = counting()
      const sent = Array.from({ length: 700 }, (_, i) => ({
        i: (i * i) % 60,
        lane: i % 5 === 0 ? ('alarm' as const) : ('bulk' as const),
        own: {
          receivedAtMs: 1_700_000_000_000 + i * 7_919_777,
          qos: 1 as const,
          retain: i % 3 === 0,
          dup: i % 4 === 0,
          payload: Buffer.from(`p${i}`),
        },
      }))
      for (const { i, lane, own } of sent) journal.put(made[i] ?? origins[0]!, own, lane, waiter)
      await journal.close()
      expect(waiter.told).toMatchObject({ alarm: 140, bulk: 560, failed: 0 })
      using reader = engine.openReader({ dir })
      const read = reader.read(0, 1000)
      for (const lane of ['alarm', 'bulk']) {
        const of = sent.filter(one => one.lane === lane)
        const texts = new Set(of.map(({ own }) => own.payload.toString()))
        const got = read.filter(m => texts.has(textOf(m))).map(m => ({ ...m, payload: Buffer.from(m.payload) }))
        expect(got).toMatchObject(of.map(({ i, own }) => ({ ...origins[i], ...own })))
      }
      // a bite out of the middle of a group knows its origins too
      expect(reader.read(333, 1)).toEqual(read.slice(333, 334))
    })

    test('tells who put many messages in numbers, the oldest first, refused ones in their turn', async () => {
      const journal = await open(freshDir(), { maxPendingBytes: 4000, groupWaitMs: 60_000 })
      const news: string[] = []
      const origin = journal.origin({ identity: 'i', clientId: 'c', topic: 't' })
      const waiter: Waiter = {
        written: (count, lane) => void news.push(...Array.from({ length: count }, () => `${lane} written`)),
        failed: (count, lane, error) => void news.push(...Array.from({ length: count }, () => `${lane} ${error.code}`)),
      }
      const own = { receivedAtMs: 1, qos: 1 as const, retain: false, dup: false, payload: new Uint8Array(1000) }
      for (let i = 0; i < 6; i++) journal.put(origin, own, 'bulk', waiter)
      journal.put(journal.origin({ identity: 'i', clientId: 'c', topic: 'x'.repeat(70_000) }), own, 'alarm', waiter)
      expect(news).toEqual([])
      await journal.close()
      journal.put(origin, own, 'bulk', waiter)
      expect(news.length).toBeLessThan(8)
      await expect.poll(() => news.length).toBe(8)
      const bulk = news.filter(line => line.startsWith('bulk'))
      expect(bulk).toEqual([...Array<string>(3).fill('bulk written'), ...Array<string>(4).fill('bulk journal-unavailable')])
      expect(news.filter(line => line.startsWith('alarm'))).toHaveLength(1)
      expect(news.find(line => line.startsWith('alarm'))).toMatch(/^alarm (invalid-request|journal-unavailable)$/)
    })

    test('a waiter that breaks on its news keeps it from nobody', async () => {
      const journal = await open(freshDir())
      const origin = journal.origin({ identity: 'i', clientId: 'c', topic: 't' })
      const own = { receivedAtMs: 1, qos: 1 as const, retain: false, dup: false, payload: new Uint8Array(1) }
      const broken: Waiter = {
        written() {
          throw new Error('no')
        },
        failed() {},
      }
      const good = counting()
      for (const waiter of [broken, good]) journal.put(origin, own, 'bulk', waiter)
      await journal.close()
      expect(good.told.bulk).toBe(1)
    })

    test('writes what is pending on close, then refuses', async () => {
      const dir = freshDir()
      const journal = await open(dir, { groupWaitMs: 60_000 })
      const appended = journal.append(message(1))
      await journal.close()
      expect((await appended).seq).toBe(1)
      await expect(journal.append(message(2))).rejects.toMatchObject({ code: 'journal-unavailable' })
      expect(journal.healthy().ok).toBe(false)
      expect(engine.verifyJournal({ dir })).toMatchObject({ ok: true, messages: 1 })
    })

    test.each([
      ['in one segment', 3, {}],
      ['while new segments are begun all the time', 6, { segmentMaxBytes: 400 }],
    ])('survives kill -9 %s: what was acknowledged is there once, in its place', { timeout: 60_000 }, async (_, kills, more) => {
      const dir = freshDir()
      let first = 1
      for (let kill = 0; kill < kills; kill++) {
        const acked = await killedWriter(modulePath, dir, first, more)
        expect(acked.size).toBeGreaterThan(0)
        const { ok, head, problem } = engine.verifyJournal({ dir })
        expect({ ok, problem }).toEqual({ ok: true, problem: undefined })
        using reader = engine.openReader({ dir })
        const all = reader.read(0, head + 1)
        expect(all.map(m => m.seq)).toEqual(all.map((_, i) => i + 1))
        expect(new Set(all.map(textOf)).size).toBe(all.length)
        for (const [n, seq] of acked) expect(textOf(all[seq - 1])).toBe(`message ${n}`)
        first += 1_000_000
      }
    })
  })

  describe(`${name}: the lane of alarms`, () => {
    test('waits for no bulk that is not at the disk yet', async () => {
      const dir = freshDir()
      await using journal = await open(dir, { groupMaxMessages: 10, addedSyncMs: 20 })
      const bulk = Array.from({ length: 200 }, (_, i) => journal.append(message(i)))
      const alarm = await journal.append(message(1000), 'alarm')
      // two groups at the disk are all that can have been before it
      expect(alarm.seq).toBeLessThanOrEqual(21)
      const seqs = (await Promise.all(bulk)).map(({ seq }) => seq)
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
      expect(new Set([...seqs, alarm.seq]).size).toBe(201)
      expect(engine.verifyJournal({ dir })).toMatchObject({ ok: true, messages: 201 })
    })

    test('does not wait for the window, and gathers while one of its groups is at the disk', async () => {
      const dir = freshDir()
      await using journal = await open(dir, { groupWaitMs: 60_000, addedSyncMs: 5 })
      const first = journal.append(message(1), 'alarm')
      await Promise.resolve() // the first is on its way
      const others = Array.from({ length: 9 }, (_, i) => journal.append(message(i + 2), 'alarm'))
      expect((await Promise.all([first, ...others])).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      using reader = engine.openReader({ dir })
      expect([reader.groupAt(1), reader.groupAt(2)]).toEqual([
        { firstSeq: 1, lastSeq: 1 },
        { firstSeq: 2, lastSeq: 10 },
      ])
    })

    test('has room when bulk has filled what may wait, and is bounded too', async () => {
      const journal = await open(freshDir(), { maxPendingBytes: 16_000, groupWaitMs: 60_000, addedSyncMs: 20 })
      const append = (lane: Lane) =>
        journal.append(message(1, { payload: new Uint8Array(900) }), lane).catch((error: FengsuiError) => error.code)
      const bulk = Array.from({ length: 20 }, () => append('bulk'))
      const alarms = Array.from({ length: 20 }, () => append('alarm'))
      await journal.close()
      const isTaken = async (outcomes: Promise<unknown>[]) => (await Promise.all(outcomes)).filter(o => o !== 'journal-unavailable').length
      expect(await isTaken(bulk)).toBeGreaterThan(10)
      expect(await isTaken(bulk)).toBeLessThan(20)
      expect(await isTaken(alarms)).toBeGreaterThanOrEqual(2)
      expect(await isTaken(alarms)).toBeLessThan(20)
    })

    test('goes on below the disk reserve, where bulk is refused until there is room again', { timeout: 60_000 }, async () => {
      let free = 5000
      let looks = 0
      const freeBytes = async (): Promise<number> => (looks++, free)
      await using journal = await open(freshDir(), { diskReserveBytes: 1000, freeBytes })
      const look = async (bytes: number): Promise<void> => {
        free = bytes
        const seen = looks
        await expect.poll(() => looks, { timeout: 20_000 }).toBeGreaterThan(seen + 1)
      }
      await journal.append(message(1))
      await look(999)
      await expect(journal.append(message(2))).rejects.toMatchObject({ code: 'disk-reserve' })
      expect(journal.healthy()).toMatchObject({ ok: false, troubles: ['disk-reserve'], detail: expect.stringContaining('alarms go on') })
      expect((await journal.append(message(2), 'alarm')).seq).toBe(2)
      await look(1050) // it does not flutter
      await expect(journal.append(message(3))).rejects.toMatchObject({ code: 'disk-reserve' })
      await look(1100)
      expect((await journal.append(message(3))).seq).toBe(3)
      expect(journal.healthy().ok).toBe(true)
    })
  })

  describe(`${name}: retention`, () => {
    /** Twenty messages, each in a segment of its own. */
    async function twenty(dir: string, more: Partial<JournalOptions>): Promise<Journal> {
      const journal = await open(dir, { segmentMaxBytes: 1, tidyEveryMs: 20, ...more })
      for (let n = 1; n <= 20; n++) await journal.append(message(n), n % 2 === 0 ? 'alarm' : 'bulk')
      return journal
    }

    test('removes nothing that a needed consumer has not finished, and says who is behind', async () => {
      const dir = freshDir()
      await using journal = await twenty(dir, { keepBytes: 0, neededBy: ['rules', 'store'] })
      using reader = engine.openReader({ dir })
      await expect.poll(() => journal.healthy().detail).toMatch(/kept because rules is behind/)
      const cursors = engine.openCursors({ dir })
      cursors.set('rules', 12)
      await expect.poll(() => journal.healthy().detail).toMatch(/kept because store is behind/)
      expect([reader.oldest(), engine.verifyJournal({ dir })]).toEqual([1, { ok: true, messages: 20, oldest: 1, head: 20, segments: 20 }])
      cursors.set('store', 7)
      await expect.poll(() => reader.oldest(), { timeout: 20_000 }).toBe(8)
      cursors.set('store', 15)
      await expect.poll(() => reader.oldest(), { timeout: 20_000 }).toBe(13)
      cursors.set('rules', 20)
      cursors.set('store', 20)
      // the newest stays, whatever is finished
      await expect.poll(() => reader.oldest(), { timeout: 20_000 }).toBe(20)
      expect(journal.healthy().detail).not.toContain('behind')
      expect(engine.verifyJournal({ dir })).toEqual({ ok: true, messages: 1, oldest: 20, head: 20, segments: 1 })
      expect((await journal.append(message(21))).seq).toBe(21)
      cursors.close()
    })

    test('what was removed is where a reader begins, and damage to who keeps a position', async () => {
      const dir = freshDir()
      await using _ = await twenty(dir, { keepBytes: 0, neededBy: ['rules'] })
      const cursors = engine.openCursors({ dir })
      cursors.set('rules', 9)
      cursors.close()
      using reader = engine.openReader({ dir })
      await expect.poll(() => reader.oldest(), { timeout: 20_000 }).toBe(10)
      expect(reader.read(0, 2).map(m => m.seq)).toEqual([10, 11])
      expect(reader.read(4, 100).map(m => m.seq)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
      expect(reader.groupAt(5)).toEqual({ firstSeq: 5, lastSeq: 9 })
      expect(reader.head()).toBe(20)
      using keeper = engine.openReader({ dir, removedIsDamage: true })
      expect(() => keeper.read(4, 2)).toThrow(/messages 5-9 were removed/)
      expect(keeper.read(keeper.groupAt(5)?.lastSeq ?? 0, 2).map(m => m.seq)).toEqual([10, 11])
      // who has read nothing yet misses nothing
      expect(keeper.read(0, 1).map(m => m.seq)).toEqual([10])
    })

    test('keeps everything where nothing is said, and by age only what is young', async () => {
      const dir = freshDir()
      await (await twenty(dir, {})).close()
      expect(engine.verifyJournal({ dir })).toMatchObject({ oldest: 1, messages: 20 })
      let nowMs = Date.now()
      await using journal = await open(dir, { keepMs: 60_000, tidyEveryMs: 20, clock: { nowMs: () => nowMs } })
      using reader = engine.openReader({ dir })
      expect((await journal.append(message(21))).seq).toBe(21)
      expect(reader.oldest()).toBe(1)
      nowMs += 120_000
      await expect.poll(() => reader.oldest(), { timeout: 20_000 }).toBeGreaterThan(19)
    })
  })

  describe(`${name}: a reader`, () => {
    test('reads as empty while there is no journal, and sees it when it comes', async () => {
      const dir = freshDir()
      using reader = engine.openReader({ dir })
      expect([reader.head(), reader.read(0, 10)]).toEqual([0, []])
      expect(engine.verifyJournal({ dir })).toMatchObject({ ok: true, oldest: 1, messages: 0, head: 0 })
      await using journal = await open(dir)
      expect(reader.head()).toBe(0)
      await journal.append(message(1))
      expect(reader.head()).toBe(1)
      expect(textOf(reader.read(0, 10)[0])).toBe('payload 1')
    })

    test('takes any bite from any place', async () => {
      const dir = freshDir()
      await using journal = await open(dir, { groupMaxMessages: 7 })
      await Promise.all(Array.from({ length: 40 }, (_, i) => journal.append(message(i + 1))))
      using reader = engine.openReader({ dir })
      for (const bite of [1, 3, 7, 8, 100]) {
        const seen: number[] = []
        for (let after = 0; ; after = seen.at(-1) ?? 0) {
          const some = reader.read(after, bite)
          if (some.length === 0) break
          expect(some.length).toBeLessThanOrEqual(bite)
          seen.push(...some.map(m => m.seq))
        }
        expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
      }
      expect(reader.read(40, 10)).toEqual([])
      expect(reader.read(1000, 10)).toEqual([])
      expect(textOf(reader.read(22, 1)[0])).toBe('payload 23')
    })
  })

  describe(`${name}: a reader asked for a group`, () => {
    test('names the group of every message, one beside the other, and none beyond the head', async () => {
      const dir = freshDir()
      using reader = engine.openReader({ dir })
      expect(reader.groupAt(1)).toBeUndefined()
      await using journal = await open(dir, { groupMaxMessages: 7 })
      await Promise.all(Array.from({ length: 40 }, (_, i) => journal.append(message(i + 1))))
      let groups = 0
      for (let seq = 1; seq <= 40; groups++) {
        const group = reader.groupAt(seq)
        expect(group).toMatchObject({ firstSeq: seq })
        expect(reader.groupAt(group?.lastSeq ?? 0)).toEqual(group)
        seq = (group?.lastSeq ?? 40) + 1
      }
      expect(groups).toBeGreaterThanOrEqual(6)
      expect(reader.groupAt(41)).toBeUndefined()
    })
  })

  describe(`${name}: cursors`, () => {
    test('are kept, each for itself', () => {
      const dir = freshDir()
      const cursors = engine.openCursors({ dir })
      expect([cursors.get('store'), cursors.has('store')]).toEqual([0, false])
      cursors.set('early', 0)
      cursors.set('store', 41)
      cursors.set('store', 42)
      cursors.set('rules', 7)
      expect(() => cursors.set('rules', -1)).toThrow(/not a place/)
      cursors.close()
      const again = engine.openCursors({ dir })
      expect(again.all()).toEqual({ early: 0, rules: 7, store: 42 })
      expect([again.has('early'), again.has('store'), again.has('nobody')]).toEqual([true, true, false])
      again.close()
    })

    test('tell how far a consumer is behind', async () => {
      const dir = freshDir()
      const cursors = engine.openCursors({ dir })
      expect(cursors.lag('store')).toBe(0)
      await using journal = await open(dir)
      await Promise.all([1, 2, 3].map(n => journal.append(message(n))))
      cursors.set('store', 2)
      expect([cursors.lag('store'), cursors.lag('nobody')]).toEqual([1, 3])
      cursors.close()
    })
  })
}

/** Starts the writer, lets it acknowledge for a while, kills it; number -> seq of what it said was safe. */
async function killedWriter(modulePath: string, dir: string, first: number, more: Partial<JournalOptions>): Promise<Map<number, number>> {
  const script = fileURLToPath(new URL('./append-until-killed.ts', import.meta.url))
  const child = spawn(process.execPath, [script, modulePath, dir, String(first), JSON.stringify(more)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise(resolve => child.once('exit', resolve))
  const acked = new Map<number, number>()
  for await (const line of createInterface({ input: child.stdout })) {
    const [n, seq] = line.split(' ').map(Number)
    if (n !== undefined && seq !== undefined && line.includes(' ')) acked.set(n, seq)
    if (acked.size === 400) child.kill('SIGKILL')
  }
  await exited
  return acked
}
