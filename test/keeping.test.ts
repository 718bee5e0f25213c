// Killed anywhere, also between two portions of the state: the alarms and what the rooms know are the same as without a kill.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import type { Message } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import { frozenRows, type StateRows } from '#contracts/state-rows.ts'
import { CLOCK_IDENTITY, CLOCK_TOPIC } from '#contracts/topic.ts'
import { startAlarmPath } from '../alarm-path.ts'
import { catchUp } from '../catch-up.ts'
import { openDispatch, type Dispatch } from '../dispatch/index.ts'
import { createCatalogue, createDirectory, loadDecoders } from '../ingest/index.ts'
import { createKeeping } from '../keeping.ts'
import { createFold, loadRuleSet } from '../rules/index.ts'
import { journalOf, message, T0, until } from './ingest/readings.ts'

const decoders = await loadDecoders()
const ruleSet = await loadRuleSet(join(import.meta.dirname, '../rules/sets/default'))
const DEVICES = 400
const MESSAGES = 2_000
const ROOMS = ['catalogue', 'directory', 'rules']

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fengsui-keeping-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** mulberry32: a test that fails says with which seed */
function randomOf(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A district of smoke detectors: most are calm, some warm up, alarm, recover, answer as zigbee devices do; and the clock of the edge. */
function night(random: () => number): Message[] {
  const messages: Message[] = []
  for (let seq = 1; seq <= MESSAGES; seq++) {
    const atMs = T0 + seq * 400
    const o = { receivedAtMs: atMs, committedAtMs: atMs }
    if (random() < 0.02) {
      messages.push(message(seq, CLOCK_TOPIC, '', { ...o, identity: CLOCK_IDENTITY }))
      continue
    }
    const n = Math.floor(random() * DEVICES)
    const place = { building: `b${n % 40}`, floor: '1', room: `r${n % 80}` }
    if (random() < 0.1) {
      messages.push(message(seq, `zigbee2mqtt/z${n}`, { smoke: random() < 0.3, battery: 90 }, o))
      continue
    }
    const isHot = n < 20
    const alarms = { smoke: isHot && random() < 0.5 }
    const metrics = { temperature_c: isHot ? 20 + (seq / MESSAGES) * 60 : 20 + random(), smoke_obscuration_db_m: random() / 10 }
    messages.push(
      message(seq, `fire/v1/smoke/s${n}/telemetry`, { v: 1, deviceId: `s${n}`, kind: 'smoke', ts: atMs, place, metrics, alarms }, o),
    )
  }
  return messages
}

/** Runs the path over the journal until it is through, or its database dies after `commits` commits. */
async function live(
  file: string,
  messages: Message[],
  commits: number,
  committed = (_isSynced: boolean): void => {},
): Promise<{ isThrough: boolean }> {
  const dispatch = openDispatch({ file, clock: systemClock, log: noLog, meter: noMeter })
  const catalogue = createCatalogue({ decoders, rows: dispatch.kept('catalogue') })
  const directory = createDirectory({ rows: dispatch.kept('directory') })
  const fold = createFold({ ruleSet, rows: dispatch.kept('rules') })
  let timeMs = 0
  const keeping = createKeeping({ catalogue, directory, fold, notes: { dirty: () => [] } }, () => (timeMs += 150))
  const reader = journalOf(messages)
  await catchUp({ reader, catalogue, directory, fold, log: noLog }, { from: dispatch.keptAt(), to: dispatch.position() })
  let left = commits
  const mortal = {
    position: dispatch.position,
    commit: (o: Parameters<Dispatch['commit']>[0]) => {
      if (left-- <= 0) throw new Error('killed')
      const changes = dispatch.commit(o)
      committed(o.kept?.some(({ isLast }) => isLast) === true)
      return changes
    },
  }
  const slow = { ...reader, read: (after: number, max: number) => reader.read(after, Math.min(max, 37)) }
  const path = startAlarmPath({
    reader: slow,
    catalogue,
    directory,
    fold,
    keeping,
    dispatch: mortal,
    clock: systemClock,
    log: noLog,
    meter: noMeter,
    changed: () => {},
    failed: (_, error) => {
      throw error
    },
    passedOver: () => {},
  })
  await until(() => left < 0 || path.position() === MESSAGES)
  await path.close()
  dispatch.close()
  // closing keeps the state, and may be what it died of
  return { isThrough: left >= 0 }
}

/** What may depend on the machine's clock is left out. */
function left(file: string) {
  const dispatch = openDispatch({ file, clock: systemClock, log: noLog, meter: noMeter })
  const alarms = dispatch
    .alarms({ limit: 1_000 })
    .map(({ id, state, severity, updates, raisedAt, evidence }) => ({ id, state, severity, updates, raisedAt, evidence }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const incidents = dispatch.incidents({ limit: 1_000 }).map(({ id, severity, state, place }) => ({ id, severity, state, place }))
  const rooms = ROOMS.map(room => new Map(dispatch.kept(room)))
  const at = dispatch.keptAt()
  dispatch.close()
  return { alarms, incidents: incidents.toSorted((a, b) => (a.id < b.id ? -1 : 1)), rooms, at }
}

test('killed at any commit, the system knows and says the same', async () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const random = randomOf(seed)
  const messages = night(random)
  const whole = join(dir, 'whole.db')
  expect(await live(whole, messages, Infinity)).toEqual({ isThrough: true })
  const expected = left(whole)
  expect(expected.alarms.length).toBeGreaterThan(10)
  expect(expected.at).toBe(MESSAGES)

  const torn = join(dir, 'torn.db')
  let lives = 1
  while (!(await live(torn, messages, 1 + Math.floor(random() * 15))).isThrough) lives++
  expect(lives, `seed ${seed}`).toBeGreaterThan(1)
  expect(left(torn), `seed ${seed}`).toEqual(expected)
})

test('a power cut takes what was not synced, and the journal makes the same of it again', async () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const random = randomOf(seed)
  const messages = night(random)
  const whole = join(dir, 'whole.db')
  await live(whole, messages, Infinity)
  const expected = left(whole)

  const cut = join(dir, 'cut.db')
  /** the files as they may lie there after a power cut: as of the last sync, or of any commit since */
  let possible: string[] = []
  let copies = 0
  let lost = 0
  const parts = ['', '-wal']
  const copied = (from: string, to: string): void => {
    for (const part of parts) {
      rmSync(to + part, { force: true })
      if (existsSync(from + part)) copyFileSync(from + part, to + part)
    }
  }
  const committed = (isSynced: boolean): void => {
    if (isSynced) possible = []
    const name = join(dir, `copy-${copies++}`)
    copied(cut, name)
    possible.push(name)
  }
  for (;;) {
    possible = []
    // also as they lay there before this life
    if (existsSync(cut)) committed(true)
    const { isThrough } = await live(cut, messages, 1 + Math.floor(random() * 15), committed)
    if (isThrough) break
    const which = Math.floor(random() * possible.length)
    const name = possible[which]
    if (name === undefined) continue
    lost += possible.length - 1 - which
    rmSync(`${cut}-shm`, { force: true })
    copied(name, cut)
  }
  expect(lost, `seed ${seed}: commits that power cuts took`).toBeGreaterThan(0)
  expect(left(cut), `seed ${seed}`).toEqual(expected)
})

describe('what is frozen stays as it was', () => {
  const fold = () => createFold({ ruleSet })
  const reading = (deviceId: string, atMs: number) => ({
    deviceId,
    kind: 'smoke' as const,
    ts: new Date(atMs).toISOString(),
    tsSource: 'device' as const,
    receivedAt: new Date(atMs).toISOString(),
    metrics: { temperature_c: 20 },
    alarms: {},
    flags: {},
    source: { family: 'native' },
  })
  const sorted = (rows: StateRows) => rows.toSorted(([a], [b]) => (a < b ? -1 : 1))

  test.each([
    [
      'rules',
      () => {
        const f = fold()
        return { apply: (id: string, n: number) => void f.apply(reading(id, T0 + n * 1000), n), freeze: () => f.freeze() }
      },
    ],
    [
      'directory',
      () => {
        const d = createDirectory({})
        return { apply: (id: string, n: number) => void d.apply(reading(id, T0 + n * 1000)), freeze: () => d.freeze() }
      },
    ],
  ])('%s: rows taken late are those of the moment', (_, make) => {
    const [late, now] = [make(), make()]
    for (const room of [late, now]) for (let n = 0; n < 50; n++) room.apply(`d${n}`, n)
    const frozen = late.freeze()
    const expected = sorted(now.freeze().take(Infinity))
    const rows = frozen.take(10)
    for (let n = 0; n < 50; n += 2) late.apply(`d${n}`, 100 + n)
    late.apply('another', 200)
    for (let portion = frozen.take(10); portion.length > 0; portion = frozen.take(10)) rows.push(...portion)
    expect(sorted(rows)).toEqual(expected)
    expect(
      late
        .freeze()
        .take(Infinity)
        .map(([key]) => key)
        .filter(key => key.startsWith('d')).length,
    ).toBe(25)
  })
})

describe('keeping', () => {
  const rooms = () => {
    const rows = Array.from({ length: 350 }, (_, i): StateRows[number] => [`k${i}`, '1'])
    const none = { dirty: (): StateRows => [], freeze: () => frozenRows([]), size: () => ({ subjects: 0 }) }
    return { catalogue: none, directory: { freeze: () => frozenRows(rows), size: () => 350 }, fold: none, notes: none }
  }

  test('gives portions, the last of which is named, and then pauses by what they cost', () => {
    let nowMs = 0
    const keeping = createKeeping(rooms(), () => nowMs)
    expect(keeping.isDue(7)).toBe(false)
    nowMs = 4_000
    expect(keeping.isDue(7)).toBe(true)
    keeping.begin(7)
    const counts: [number, boolean][] = []
    while (keeping.isPortionDue()) {
      const { at, rows, isLast } = keeping.portion()
      expect(at).toBe(7)
      counts.push([rows.flatMap(r => r.rows).length, isLast])
      keeping.spent(60)
      expect(keeping.isPortionDue(), 'what else there is to do has its turn').toBe(false)
      if (!isLast) nowMs += 240
    }
    expect(counts).toEqual([...Array.from({ length: 4 }, () => [75, false]), [50, true]])
    // five portions of 60 ms are a twenty-fifth of
    nowMs += 7_499
    expect(keeping.isDue(8)).toBe(false)
    nowMs += 1
    expect(keeping.isDue(7)).toBe(false)
    expect(keeping.isDue(8)).toBe(true)
  })

  test('all of it, in the middle of it, is the rest at its place and everything at the new one', () => {
    const keeping = createKeeping(rooms(), () => 0)
    keeping.begin(3)
    keeping.portion()
    const portions = keeping.all(9)
    expect(portions.map(({ at, rows, isLast }) => [at, rows.flatMap(r => r.rows).length, isLast])).toEqual([
      [3, 275, true],
      [9, 350, true],
    ])
    expect(keeping.isPortionDue()).toBe(false)
  })
})

test('state that never became whole is not there after a restart, and a key that is gone is gone', () => {
  const file = join(dir, 'dispatch.db')
  const open = () => openDispatch({ file, clock: systemClock, log: noLog, meter: noMeter })
  const of = (at: number, isLast: boolean, rows: StateRows, isFull = false) => ({ at, isLast, isFull, rows: [{ room: 'rules', rows }] })
  const first = open()
  first.commit({
    position: 5,
    signals: [],
    rows: [],
    kept: [
      of(5, true, [
        ['a', '1'],
        ['b', '1'],
        ['c', '1'],
      ]),
    ],
  })
  first.commit({
    position: 8,
    signals: [],
    rows: [],
    kept: [
      of(8, true, [
        ['a', '2'],
        ['c', null],
      ]),
    ],
  })
  first.commit({
    position: 9,
    signals: [],
    rows: [],
    kept: [
      of(9, false, [
        ['a', '3'],
        ['b', null],
      ]),
    ],
  })
  expect(new Map(first.kept('rules'))).toEqual(
    new Map([
      ['a', '2'],
      ['b', '1'],
    ]),
  )
  first.close()
  const second = open()
  expect([second.keptAt(), second.position()]).toEqual([8, 9])
  expect(new Map(second.kept('rules'))).toEqual(
    new Map([
      ['a', '2'],
      ['b', '1'],
    ]),
  )
  const awkward = 'a key with\ttab and\nline'
  second.commit({ position: 12, signals: [], rows: [], kept: [of(12, true, [[awkward, '{"x":"\\n"}']], true)] })
  expect([...second.kept('rules')]).toEqual([[awkward, '{"x":"\\n"}']])
  expect(() => second.commit({ position: 13, signals: [], rows: [], kept: [of(14, true, [])] })).toThrow('state of 14 kept at position 13')
  second.close()
})
