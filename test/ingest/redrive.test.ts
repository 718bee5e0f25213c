// A message sent through again, on its whole way: held, mended, journalled anew with the time of its first arrival, decoded, stored, and
// an alarm in it raised late; sent twice it is one; held again it says of what.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { differenceOf } from '#contracts/accounting.ts'
import { noLog, systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { InboundMessage } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import { isEvidence } from '#contracts/reading.ts'
import { createCatalogue, loadDecoders, openQuarantine, openStore, startStoreWriter } from '../../ingest/index.ts'
import { versionOf, versionOfAll } from '../../ingest/decoder-version.ts'
import { brokenOf, refusedEntry } from '../../ingest/held.ts'
import { createRedrive, redriveOfClient } from '../../ingest/redrive.ts'
import { createFold } from '../../rules/fold.ts'
import { raises, ruleOf, setOf } from '../rules/timeline.ts'
import { journalOf, message, native, T0, until } from './readings.ts'

const decoders = await loadDecoders()
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fengsui-redrive-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const TOPIC = 'fire/v1/smoke/s1/telemetry'
const BROKEN = `{"v":1,"deviceId":"s1","kind":"smoke","ts":${T0 + 1},"alarms":{"smoke":true},"metrics":{"temperature_c":61}`

async function system() {
  const journal = journalOf([message(1, TOPIC, BROKEN), native(2)])
  const store = await openStore({ kind: 'duckdb', dir }, { log: noLog, meter: noMeter })
  const quarantine = openQuarantine({ dir })
  const catalogue = createCatalogue({ decoders })
  const writer = startStoreWriter({ reader: journal, catalogue, store, quarantine, log: noLog, meter: noMeter, clock: systemClock })
  const append = async (m: InboundMessage) => {
    journal.messages.push({ ...m, seq: journal.head() + 1, committedAtMs: T0 + 86_400_000 })
    writer.wake(journal.head())
  }
  const redrive = createRedrive({ quarantine, original: seq => journal.messages.find(m => m.seq === seq), append })
  const done = (seq: number) => until(() => writer.status().position === seq)
  const end = async () => {
    await writer.close()
    quarantine.close()
    await store.close()
  }
  await done(2)
  return { journal, store, quarantine, writer, redrive, append, done, end }
}

test('mended, it is stored at its own time, counted as a message of its own, and raises its alarm late', async () => {
  const { journal, store, quarantine, writer, redrive, done, end } = await system()
  expect(quarantine.get('q-1')).toMatchObject({ disposition: 'held', decoder: expect.stringMatching(/^native@[0-9a-f]{10}$/) })
  await redrive.one('q-1', { by: 'user:chen', payload: Buffer.from(`${BROKEN}}`) })
  await done(3)
  expect(journal.messages[2]).toMatchObject({ clientId: 'redrive:q-1#1+edited', identity: 'tester', receivedAtMs: T0 + 1 })
  const [series] = await store.query({ deviceId: 's1', metric: 'temperature_c', fromMs: T0 - 1e6, toMs: T0 + 1e6, points: 10 })
  expect(series?.points).toContainEqual([T0 + 1, 61])
  expect(writer.account()).toMatchObject({ position: 3, counts: { stored: 2, quarantined: 1 } })
  expect(differenceOf(writer.account())).toBe(0)

  // the alarm path: the same decoder, then the rules
  const fold = createFold({ ruleSet: setOf(ruleOf('device-alarm', { flags: ['smoke'] })) })
  const catalogue = createCatalogue({ decoders })
  const signals = journal.messages.flatMap(m => catalogue.decode(m).readings.flatMap(r => (isEvidence(r) ? fold.apply(r, m.seq) : [])))
  expect(raises(signals)).toMatchObject([{ kind: 'fire-alarm', at: new Date(T0 + 1).toISOString() }])
  await end()
})

test('unmended, it is held again and says of what; the same try twice is one message with a duplicate', async () => {
  const { quarantine, writer, redrive, append, journal, done, end } = await system()
  await redrive.one('q-1', { by: 'user:chen' })
  await done(3)
  expect(quarantine.get('q-3')).toMatchObject({ redriveOf: 'q-1', disposition: 'held', firstAt: new Date(T0 + 1).toISOString() })
  // as after a crash between the journal and the mark
  await append(journal.messages[2]!)
  await done(4)
  expect(writer.account()).toMatchObject({ counts: { stored: 1, quarantined: 2, duplicate: 1 } })
  await expect(redrive.one('q-1', { by: 'user:li' })).rejects.toThrow(/redriven by user:chen/)
  await redrive.one('q-1', { by: 'user:li', force: true })
  await done(5)
  expect(quarantine.get('q-5')).toMatchObject({ redriveOf: 'q-1' })
  expect(differenceOf(writer.account())).toBe(0)
  await end()
})

test('all of a filter stops where the journal takes nothing, and nothing is marked that was not taken', async () => {
  using quarantine = openQuarantine({ dir })
  quarantine.put(Array.from({ length: 120 }, (_, i) => brokenOf(message(i + 1, TOPIC, 'x'), new Error('rule'))))
  let taken = 0
  const append = async () => {
    if (++taken > 60) throw new FengsuiError('journal-unavailable', 'disk full')
  }
  const redrive = createRedrive({ quarantine, original: () => undefined, append })
  const summary = await redrive.all({ code: 'rule-failed' }, { by: 'user:chen', limit: 1000 })
  expect(summary.redriven).toHaveLength(60)
  expect(summary.remaining).toBe(60)
  expect(summary.failed[0]).toMatchObject({ id: 'r-61', reason: expect.stringContaining('disk full') })
  expect(taken).toBe(100)
})

test('what comes back unmended while others are still sent is not sent a second time', async () => {
  using quarantine = openQuarantine({ dir })
  const put = (seq: number): void => quarantine.put(brokenOf(message(seq, TOPIC, 'x'), new Error('rule')))
  for (let seq = 1; seq <= 60; seq++) put(seq)
  let taken = 60
  const redrive = createRedrive({ quarantine, original: () => undefined, append: async () => put(++taken) })
  const first = await redrive.all({ code: 'rule-failed' }, { by: 'user:chen', limit: 20 })
  expect(first.remaining).toBe(40)
  const rest = await redrive.all({ code: 'rule-failed' }, { by: 'user:chen', limit: 1000, upTo: first.upTo })
  expect([...first.redriven, ...rest.redriven]).toEqual(Array.from({ length: 60 }, (_, i) => `r-${i + 1}`))
  expect(rest.remaining).toBe(0)
  expect(quarantine.waiting().open).toBe(60)
})

test('what the store refused is sent again as the device’s own message, never as the reading it became', async () => {
  using quarantine = openQuarantine({ dir })
  const own = native(7)
  const { readings } = createCatalogue({ decoders }).decode(own)
  quarantine.put(refusedEntry({ seq: 7, deviceId: 's1', reason: 'no' }, [{ seq: 7, reading: readings[0]! }]))
  const sent: InboundMessage[] = []
  const parts = { quarantine, append: async (m: InboundMessage) => void sent.push(m) }
  await expect(createRedrive({ ...parts, original: () => undefined }).one('s-7-s1', { by: 'x' })).rejects.toThrow(/journal has removed/)
  // another message in its place is not taken for it
  await expect(createRedrive({ ...parts, original: () => native(8) }).one('s-7-s1', { by: 'x' })).rejects.toThrow(/journal has removed/)
  await createRedrive({ ...parts, original: () => own }).one('s-7-s1', { by: 'x' })
  expect(sent).toMatchObject([{ payload: own.payload, receivedAtMs: own.receivedAtMs }])
})

test('the client id of a re-drive names its entry', () => {
  expect(redriveOfClient('redrive:s-7-a#b#3+edited')).toBe('s-7-a#b')
  expect(redriveOfClient('redrive:q-1#12')).toBe('q-1')
  expect(redriveOfClient('panel-7')).toBeUndefined()
})

test('a decoder’s version is that of all its code: stable, different for each, and unclaimed bytes carry that of all', () => {
  const folder = join(import.meta.dirname, '../../ingest/decoders')
  expect(versionOf(join(folder, 'native.ts'))).toBe(versionOf(join(folder, 'native.ts')))
  expect(new Set(decoders.map(({ version }) => version)).size).toBe(decoders.length)
  const decode = (some: typeof decoders) => createCatalogue({ decoders: some }).decode(message(1, 'nobody/knows', 'x')).decoder
  expect(decode(decoders)).toMatch(/^none@/)
  expect(decode(decoders.slice(1))).not.toBe(decode(decoders))
  expect(versionOfAll(['a', 'b'])).toBe(versionOfAll(['b', 'a']))
})
