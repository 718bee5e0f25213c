// The way of an alarm on a bad night: a queue that cannot be written, a quarantine that cannot, a rule that breaks, a foreign journal.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import type { Message } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { Reading } from '#contracts/reading.ts'
import { startAlarmPath, type AlarmPath, type AlarmPathParts } from '../alarm-path.ts'
import { createKeeping } from '../keeping.ts'
import { openDispatch, type Dispatch } from '../dispatch/index.ts'
import { createCatalogue, createDirectory, loadDecoders } from '../ingest/index.ts'
import { createFold, loadRuleSet } from '../rules/index.ts'
import { journalOf, message, until } from './ingest/readings.ts'

const decoders = await loadDecoders()
const ruleSet = await loadRuleSet(join(import.meta.dirname, '../rules/sets/default'))
let dir: string
let dispatch: Dispatch
let path: AlarmPath | undefined
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fengsui-alarm-path-'))
  dispatch = openDispatch({ file: join(dir, 'dispatch.db'), clock: systemClock, log: noLog, meter: noMeter })
})
afterEach(async () => {
  await path?.close()
  path = undefined
  dispatch.close()
  rmSync(dir, { recursive: true, force: true })
})

/** A detector of its own for each message, with its smoke alarm on, as it arrives now. */
function smoke(seq: number, o: Partial<Message> = {}): Message {
  const nowMs = Date.now()
  const deviceId = `s${seq}`
  const body = { v: 1, deviceId, kind: 'smoke', ts: nowMs, alarms: { smoke: true } }
  return message(seq, `fire/v1/smoke/${deviceId}/telemetry`, body, { receivedAtMs: nowMs, committedAtMs: nowMs, ...o })
}

function start(messages: Message[], more: Partial<AlarmPathParts> = {}, damaged: { firstSeq: number; lastSeq: number }[] = []) {
  const reader = journalOf(messages, damaged)
  const catalogue = createCatalogue({ decoders, rows: dispatch.kept('catalogue') })
  const directory = createDirectory({ rows: dispatch.kept('directory') })
  const fold = createFold({ ruleSet, rows: dispatch.kept('rules') })
  path = startAlarmPath({
    reader,
    catalogue,
    directory,
    fold,
    keeping: createKeeping({ catalogue, directory, fold, notes: { dirty: () => [] } }),
    dispatch,
    clock: systemClock,
    log: noLog,
    meter: noMeter,
    changed: () => {},
    failed: () => {},
    passedOver: () => {},
    ...more,
  })
  return { reader, path }
}
const alarmed = () => new Set(dispatch.alarms({ limit: 100 }).map(alarm => alarm.deviceId))

test('a queue that cannot be written holds the alarms up, says so, and loses none', async () => {
  const full = new Error('database or disk is full')
  let isFull = true
  const wilful = {
    position: () => dispatch.position(),
    commit: (o: Parameters<Dispatch['commit']>[0]) => {
      if (isFull) throw full
      return dispatch.commit(o)
    },
  }
  const { reader, path } = start([smoke(1)], { dispatch: wilful })
  await until(() => !path.status().ok)
  expect(path.status().detail).toContain('database or disk is full')
  reader.messages.push(smoke(2))
  path.wake()
  expect(alarmed()).toEqual(new Set())
  isFull = false
  await until(() => path.status().ok && path.status().position === 2)
  expect(alarmed()).toEqual(new Set(['s1', 's2']))
})

test('another program that locks the queue for longer than we are patient does not end the process', async () => {
  const other = new DatabaseSync(join(dir, 'dispatch.db'))
  other.exec('BEGIN IMMEDIATE')
  const { path } = start([smoke(1)])
  await until(() => !path.status().ok, 60_000)
  expect(path.status().detail).toContain('locked')
  other.exec('ROLLBACK')
  other.close()
  await until(() => path.status().ok && path.status().position === 1, 60_000)
  expect(alarmed()).toEqual(new Set(['s1']))
})

test('a reading that breaks a rule stops no other, even where it cannot be put in quarantine', async () => {
  const fold = createFold({ ruleSet })
  const breaking = {
    advance: fold.advance,
    apply: (reading: Reading, seq: number) => {
      if (reading.deviceId === 's2') throw new TypeError('a rule broke')
      return fold.apply(reading, seq)
    },
  }
  const { path } = start([smoke(1), smoke(2), smoke(3)], {
    fold: breaking,
    failed: () => {
      throw new Error('quarantine: database or disk is full')
    },
  })
  await until(() => path.status().position === 3)
  expect(alarmed()).toEqual(new Set(['s1', 's3']))
  expect(path.status()).toMatchObject({ ok: false, detail: expect.stringContaining('1 messages broke') })
})

test('a journal that ends before what was read is not called well', async () => {
  dispatch.commit({ position: 50, signals: [], rows: [] })
  const { path } = start([smoke(1)])
  expect(path.status()).toMatchObject({ ok: false, detail: expect.stringContaining('the journal ends at 1, but 50 was read') })
})

test('a journal whose end cannot be told is read as far as it goes, and its alarms are raised', async () => {
  let isTorn = true
  const inner = journalOf([smoke(1), smoke(2)])
  const head = () => {
    if (isTorn) throw new Error('database disk image is malformed')
    return inner.head()
  }
  const { path } = start([], { reader: { ...inner, head } })
  await until(() => alarmed().size === 2)
  expect(dispatch.position()).toBe(2)
  expect(path.status()).toMatchObject({ ok: false, detail: expect.stringContaining('cannot be read: database disk image is malformed') })
  isTorn = false
  expect(path.status()).toMatchObject({ ok: true, detail: 'at 2' })
})

test('a rule that breaks as time passes keeps no reading from the others', async () => {
  const fold = createFold({ ruleSet })
  const advance: typeof fold.advance = (toMs, o) => {
    if (o?.seq === 2) throw new TypeError('a rule broke')
    return fold.advance(toMs, o)
  }
  const broken: number[] = []
  const { path } = start([smoke(1), smoke(2), smoke(3)], { fold: { ...fold, advance }, failed: ({ seq }) => void broken.push(seq) })
  await until(() => path.status().position === 3)
  expect(alarmed()).toEqual(new Set(['s1', 's2', 's3']))
  expect(broken).toEqual([2])
})

test('what the rules find between two messages is committed with the next one', async () => {
  const { reader, path } = start([smoke(1)])
  await until(() => alarmed().has('s1'))
  const [alarm] = dispatch.alarms({ limit: 1 })
  expect(alarm?.state).toBe('UNACK')
  path.add([{ type: 'clear', alarmId: alarm?.id ?? '', at: new Date().toISOString(), evidence: [] }])
  reader.messages.push(calm(2))
  path.wake()
  await until(() => dispatch.position() === 2)
  expect(dispatch.alarm(alarm?.id ?? '')?.state).toBe('RTNUN')
})

test('alarms that are late are not called well, and are again when they have caught up', async () => {
  const old = Date.now() - 60_000
  let isHeld = true
  const messages = [smoke(1, { committedAtMs: old }), smoke(2)]
  const inner = journalOf(messages)
  const reader = {
    ...inner,
    read: (after: number, max: number) => inner.read(after, isHeld ? 1 : max).filter(m => !isHeld || m.seq === 1),
  }
  const { path } = start([], { reader })
  await until(() => path.status().position === 1)
  expect(path.status()).toMatchObject({ ok: false, detail: expect.stringMatching(/1 messages behind, 6\d s late/) })
  isHeld = false
  await until(() => path.status().ok)
  expect(path.status().position).toBe(2)
})

test(
  'a damaged group holds no alarm behind it up: after five reads it is passed over, kept aside, and said',
  { timeout: 60_000 },
  async () => {
    let reads = 0
    const held: object[] = []
    const inner = journalOf(
      [1, 2, 3, 4, 5].map(seq => smoke(seq)),
      [{ firstSeq: 2, lastSeq: 4 }],
    )
    const reader = {
      ...inner,
      read: (after: number, max: number) => (after === 1 ? (reads++, inner.read(after, max)) : inner.read(after, max)),
    }
    const { path } = start([], {
      reader,
      passedOver: (group, error) => {
        held.push({ ...group, reason: error.message })
        throw new Error('quarantine: database or disk is full')
      },
    })
    await until(() => path.status().position === 1 && !path.status().ok)
    expect(path.status().detail).toMatch(/stands still at 1: .*group 2-4/)
    await until(() => path.status().position === 5)
    expect(reads).toBe(5)
    expect(alarmed()).toEqual(new Set(['s1', 's5']))
    expect(held).toEqual([{ firstSeq: 2, lastSeq: 4, reason: 'group 2-4: CRC-32' }])
    await until(() => path.status().detail.startsWith('at 5'))
    expect(path.status()).toMatchObject({ ok: false, detail: expect.stringContaining('3 messages passed over, last the damaged 2-4') })
    expect(dispatch.position()).toBe(5)
  },
)

test('a group that can be read again in time is not passed over', async () => {
  const { reader, path } = start([smoke(1), smoke(2)], {}, [{ firstSeq: 2, lastSeq: 2 }])
  await until(() => path.status().detail.includes('group 2-2'))
  reader.damaged.splice(0)
  await until(() => path.status().position === 2)
  expect(alarmed()).toEqual(new Set(['s1', 's2']))
  expect(path.status().ok).toBe(true)
})

/** One that raises nothing. */
const calm = (seq: number): Message => {
  const body = { v: 1, deviceId: 'calm', kind: 'smoke', ts: Date.now(), seq, alarms: { smoke: false } }
  return message(seq, 'fire/v1/smoke/calm/telemetry', body, { receivedAtMs: Date.now(), committedAtMs: Date.now() })
}

test('readings that raise nothing share a transaction, an alarm waits for none, and what is saved leaves nothing behind', async () => {
  const messages: Message[] = []
  const commits: number[] = []
  const counted = { ...dispatch, commit: (o: Parameters<Dispatch['commit']>[0]) => (commits.push(o.position), dispatch.commit(o)) }
  const inner = journalOf(messages)
  const { path } = start([], { reader: inner, dispatch: counted })
  for (let seq = 1; seq <= 40; seq++) {
    messages.push(calm(seq))
    path.wake()
    await new Promise(setImmediate)
  }
  await until(() => path.status().position === 40)
  expect(commits.length).toBeLessThan(40)

  messages.push(calm(41))
  path.wake()
  await new Promise(setImmediate)
  messages.push(smoke(42))
  path.wake()
  await until(() => alarmed().has('s42'))
  expect(dispatch.position()).toBe(42)

  messages.push(calm(43))
  path.wake()
  await new Promise(setImmediate)
  path.save()
  expect(dispatch.position()).toBe(43)
  expect(dispatch.keptAt()).toBe(43)
})

test('a detector that goes on saying the same shares transactions, and its clear does not wait for company', async () => {
  const messages: Message[] = []
  const commits: number[] = []
  const counted = { ...dispatch, commit: (o: Parameters<Dispatch['commit']>[0]) => (commits.push(o.position), dispatch.commit(o)) }
  const { path } = start([], { reader: journalOf(messages), dispatch: counted })
  const firstMs = Date.now() - 60_000
  const says = (seq: number, isOn: boolean): void => {
    const body = { v: 1, deviceId: 'loud', kind: 'smoke', ts: firstMs + seq * 100, alarms: { smoke: isOn } }
    messages.push(message(seq, 'fire/v1/smoke/loud/telemetry', body, { receivedAtMs: Date.now(), committedAtMs: Date.now() }))
    path.wake()
  }
  says(1, true)
  await until(() => dispatch.position() === 1)
  for (let seq = 2; seq <= 6; seq++) {
    says(seq, true)
    await new Promise(setImmediate)
  }
  await until(() => dispatch.position() === 6)
  expect(commits.filter(position => position > 1).length).toBeLessThan(5)
  const [alarm] = dispatch.alarms({ limit: 10 })
  expect(alarm?.updates).toBe(5)

  says(7, true)
  says(8, false)
  await until(() => dispatch.position() === 8)
  expect(dispatch.alarms({ limit: 10 })[0]?.clearedAt).toBe(new Date(firstMs + 800).toISOString())
})

test('the state is never kept at a place that it is ahead of, though a portion of it could not be written', async () => {
  const quietly = (seq: number) =>
    message(seq, `fire/v1/smoke/s${seq}/telemetry`, { v: 1, deviceId: `s${seq}`, kind: 'smoke', metrics: {} })
  const messages = [quietly(1), quietly(2)]
  const all = journalOf(messages)
  let portions = 0
  let failed = false
  const keptAt: number[] = []
  const { path: own } = start(messages, {
    reader: { ...all, read: (after, max) => all.read(after, Math.min(max, 1)) },
    keeping: {
      isPortionDue: () => portions < 2,
      isDue: () => false,
      begin: () => {},
      portion: () => ({ at: portions++, rows: [], isLast: false, isFull: false }),
      all: position => {
        keptAt.push(position)
        return []
      },
      spent: () => {},
    },
    dispatch: {
      position: () => 0,
      commit: () => {
        // the portion of which the second message is folded already
        if (portions === 2 && keptAt.length === 0 && own.position() === 1 && !failed) {
          failed = true
          throw new Error('disk full')
        }
        return { alarms: [], incidents: [], orders: [] }
      },
    },
  })

  await until(() => own.status().detail.includes('disk full'))
  own.save()
  expect(keptAt).toEqual([2])
})
