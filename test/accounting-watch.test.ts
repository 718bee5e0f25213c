// The whole account: balanced or not, old figures said to be old, the lag and age of the readers, files of the journal.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { emptyCounts, type Account } from '#contracts/accounting.ts'
import { noMeter } from '#contracts/metrics.ts'
import { watchAccounting, type AccountingWatchParts } from '../accounting-watch.ts'
import { journalOf, native, until } from './ingest/readings.ts'

const folders: string[] = []
const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true })
})

const account = (o: Partial<Account> = {}): Account => ({
  since: 0,
  position: 3,
  counts: { ...emptyCounts(), stored: 2, quarantined: 1 },
  storedWithNote: 0,
  ...o,
})

function watch(answer: () => Promise<Account>, o: Partial<AccountingWatchParts> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-watch-'))
  folders.push(dir)
  const gauges: Record<string, number> = {}
  const meter = {
    ...noMeter,
    gauge: (name: string, value: number, labels: Record<string, string> = {}) =>
      void (gauges[[name, ...Object.values(labels)].join(' ')] = value),
  }
  const watched = watchAccounting({
    account: answer,
    reader: journalOf([1, 2, 3, 4, 5].map(n => native(n))),
    rulesPosition: () => 5,
    gaps: () => ({ missing: 7, forgotten: 0, devices: 1, top: [] }),
    quarantine: { waiting: () => ({ rows: 3, open: 1 }) },
    dir,
    clock: { nowMs: () => Date.now() },
    meter,
    ...o,
  })
  ends.push(watched.close)
  return { watched, gauges, dir }
}

test('what adds up is balanced, on the line, in the metrics and in the report', async () => {
  const { watched, gauges, dir } = watch(async () => account())
  expect(watched.line()).toMatchObject({ ok: false, detail: expect.stringContaining('not answered yet') })
  expect(watched.report()).toMatchObject({ known: false, accepted: 5 })
  expect(watched.report().account).toBeUndefined()
  await until(() => watched.line().ok)
  expect(watched.line().detail).toBe('5 accepted = 2 stored + 1 quarantined + 0 duplicate + 0 without-readings + 2 in flight')
  mkdirSync(join(dir, 'journal'))
  writeFileSync(join(dir, 'journal', '1.db'), 'abc')
  writeFileSync(join(dir, 'journal.db'), 'abcd')
  writeFileSync(join(dir, 'other.db'), 'abcd')
  const report = watched.report()
  expect(report).toMatchObject({
    known: true,
    accepted: 5,
    account: { inFlight: 2, difference: 0, balanced: true },
    readers: [
      { reader: 'rules', lag: 0 },
      { reader: 'store', lag: 2, oldestReceivedAt: new Date(native(4).receivedAtMs).toISOString() },
    ],
    journal: { files: 2, bytes: 7 },
    quarantine: { rows: 3, open: 1 },
  })
  expect(report.readers[0]).not.toHaveProperty('oldestReceivedAt')
  await until(() => gauges['fengsui_account_messages in-flight'] === 2)
  expect(gauges).toMatchObject({ 'fengsui_account_messages stored': 2, fengsui_account_unbalanced: 0, fengsui_device_gap_messages: 7 })
})

test.each<[string, Account, number, RegExp]>([
  ['too few outcomes', account({ position: 4 }), -1, /1 messages without an outcome/],
  ['too many', account({ position: 2 }), 1, /1 messages counted that were not there/],
  ['a store beyond the journal', account({ since: 6, position: 9 }), 0, /4 messages beyond the end of the journal/],
])('what does not add up is said: %s', async (_what, wrong, difference, words) => {
  const { watched, gauges } = watch(async () => wrong)
  await until(() => watched.line().troubles !== undefined)
  expect(watched.line()).toMatchObject({ ok: false, troubles: ['unbalanced'], detail: expect.stringMatching(words) })
  expect(watched.report().account).toMatchObject({ balanced: false, difference })
  expect(gauges['fengsui_account_unbalanced']).toBe(Math.abs(difference))
})

test('a store that stops answering leaves old figures, which say that they are old', async () => {
  let isDown = false
  let nowMs = Date.now()
  const answer = async () => {
    if (isDown) throw new Error('down')
    return account()
  }
  const { watched } = watch(answer, { clock: { nowMs: () => nowMs } })
  await until(() => watched.line().ok)
  isDown = true
  nowMs += 90_000
  await until(() => !watched.line().ok)
  expect(watched.line()).toEqual({
    room: 'accounting',
    ok: false,
    detail: expect.stringMatching(/^unknown for (90|89) s, the store does not answer; before that 5 accepted/) as string,
  })
  expect(watched.report()).toMatchObject({ known: false, account: { counts: { stored: 2 } } })
  expect(Date.parse(watched.report().asOf ?? '')).toBeLessThan(nowMs)
})

test('a journal that cannot be read is no imbalance', async () => {
  const journal = journalOf([1, 2, 3, 4, 5].map(n => native(n)))
  let isBroken = false
  const reader = {
    read: journal.read,
    head: () => {
      if (isBroken) throw new Error('I/O')
      return journal.head()
    },
  }
  const { watched } = watch(async () => account(), { reader })
  await until(() => watched.line().ok)
  isBroken = true
  expect(watched.line()).toMatchObject({ ok: false, detail: expect.stringContaining('the journal cannot be read') })
  expect(watched.line().troubles).toBeUndefined()
  expect(watched.report()).toMatchObject({ known: false, accepted: 5 })
})
