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
import type { InboundMessage, Message } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { Engine, JournalOptions } from '../../journal/index.ts'

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

    test('survives kill -9: what was acknowledged is there once, in its place', { timeout: 60_000 }, async () => {
      const dir = freshDir()
      let first = 1
      for (let kill = 0; kill < 3; kill++) {
        const acked = await killedWriter(modulePath, dir, first)
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
      expect(cursors.get('store')).toBe(0)
      cursors.set('store', 41)
      cursors.set('store', 42)
      cursors.set('rules', 7)
      expect(() => cursors.set('rules', -1)).toThrow(/not a place/)
      cursors.close()
      const again = engine.openCursors({ dir })
      expect(again.all()).toEqual({ rules: 7, store: 42 })
      again.close()
    })
  })
}

/** Starts the writer, lets it acknowledge for a while, kills it; number -> seq of what it said was safe. */
async function killedWriter(modulePath: string, dir: string, first: number): Promise<Map<number, number>> {
  const script = fileURLToPath(new URL('./append-until-killed.ts', import.meta.url))
  const child = spawn(process.execPath, [script, modulePath, dir, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] })
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
