// The same journal makes the same alarms: however it is cut into batches, wherever the process is restarted, and with one rule broken.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { AlarmSignal } from '#contracts/alarm.ts'
import type { Reading } from '#contracts/reading.ts'
import { createFold, type Fold } from '../../rules/fold.ts'
import { msOf } from '#contracts/instant.ts'
import { KINDS } from '../../rules/kinds/index.ts'
import { defineKind, nothing } from '../../rules/kind.ts'
import { loadRuleSet } from '../../rules/load.ts'
import type { RuleSet } from '../../rules/schema.ts'
import { createTimers } from '../../rules/timers.ts'
import { at, isoAt, play, raises, ruleOf, setOf, shortOf, START } from './timeline.ts'

const SEED = 20260105
let ruleSet: RuleSet
beforeAll(async () => void (ruleSet = await loadRuleSet(join(import.meta.dirname, '../../rules/sets/default'))))

const said = (value: number): Partial<Reading>[] => [
  { alarms: { smoke: value > 5 } },
  { kind: 'heat', metrics: { temperature_c: 20 + value * 6 } },
  { metrics: { obscuration_db_per_m: value / 20, co_ppm: value * 15 } },
  { kind: 'camera', detections: value > 5 ? [{ class: 'fire', confidence: value / 10 }] : [] },
  {
    kind: 'micro-station',
    metrics: { hydrant_pressure_min_kpa: 100 + value * 10 },
    state: { readiness: value > 5 ? 'ready' : 'not-ready' },
  },
  { online: value > 3 },
  { alarms: { lowBattery: value > 5 }, batteryPct: value },
  { flags: { history: true }, alarms: { fire: true } },
  { kind: 'heat', metrics: { temperature_c: 20 + value / 20 } },
]
const message = record({
  device: integer({ min: 0, max: 7 }),
  what: integer({ min: 0, max: 8 }),
  value: integer({ min: 0, max: 10 }),
  gapS: constantFrom(0, 1, 2, 5, 10, 30, 300, 4_000, 90_000),
  lateS: constantFrom(0, 0, 0, 5, 60, 3_600),
  gateway: constantFrom(undefined, 'gw1'),
})
type Message = { device: number; what: number; value: number; gapS: number; lateS: number; gateway: string | undefined }

function readingsOf(messages: Message[]): Reading[] {
  let s = 0
  return messages.map(({ device, what, value, gapS, lateS, gateway }) => {
    s += gapS
    const more = said(value)[what] as Partial<Reading>
    const place = { building: `b${device >> 2}`, room: `r${device >> 1}` }
    const position = { lat: 31.9 + device * 1e-4, lon: 118.8 }
    const source = { family: 'native', ...(gateway !== undefined && { gateway }) }
    return at(s - lateS, { deviceId: `d${device}`, place, position, source, about: { expectNextS: 300 }, ...more }, s)
  })
}
const hashOf = (signals: AlarmSignal[]): string => createHash('sha256').update(JSON.stringify(signals)).digest('hex')
const endOf = (readings: Reading[]): number => Date.parse(readings.at(-1)?.receivedAt ?? isoAt(0)) + 400_000

/** Saved every `batch` readings, restarted at every `restart`-th saving. */
function folded(readings: Reading[], batch: number, restart: number): string {
  const rows = new Map<string, string>()
  let fold: Fold = createFold({ ruleSet })
  const signals = readings.flatMap((reading, i) => {
    const found = fold.apply(reading, i + 1)
    if ((i + 1) % batch > 0) return found
    for (const [key, json] of fold.dirty()) {
      if (json === null) rows.delete(key)
      else rows.set(key, json)
    }
    // rows come back in the order of the database, not of the time
    if (((i + 1) / batch) % restart === 0) fold = createFold({ ruleSet, rows: [...rows].toSorted(([a], [b]) => (a < b ? 1 : -1)) })
    return found
  })
  signals.push(...fold.advance(endOf(readings)))
  expect(fold.disabled()).toEqual([])
  return hashOf(signals)
}

test('at any size of batch and after any restart', () => {
  let alarms = 0
  assert(
    property(
      array(message, { minLength: 1, maxLength: 120 }),
      integer({ min: 1, max: 9 }),
      integer({ min: 1, max: 5 }),
      (messages, batch, restart) => {
        const readings = readingsOf(messages)
        const whole = createFold({ ruleSet })
        const signals = [...play(whole, readings), ...whole.advance(endOf(readings))]
        alarms += raises(signals).length
        expect(folded(readings, batch, restart)).toBe(hashOf(signals))
      },
    ),
    { numRuns: 60, seed: SEED },
  )
  expect(alarms).toBeGreaterThan(150)
})

test('time that passes in small steps or in one makes the same alarms', () => {
  assert(
    property(array(message, { minLength: 1, maxLength: 60 }), readingMessages => {
      const readings = readingsOf(readingMessages)
      const one = createFold({ ruleSet })
      const many = createFold({ ruleSet })
      const signals = [[], []] as [AlarmSignal[], AlarmSignal[]]
      let nowMs = START
      for (const [i, reading] of readings.entries()) {
        const toMs = Date.parse(reading.receivedAt)
        for (let step = 1; step <= 5; step++) signals[1].push(...many.advance(nowMs + ((toMs - nowMs) * step) / 5))
        nowMs = Math.max(nowMs, toMs)
        signals[0].push(...one.apply(reading, i + 1))
        signals[1].push(...many.apply(reading, i + 1))
      }
      // which message noticed it may differ; what was noticed, and when, may not
      const short = (all: AlarmSignal[]) => all.map(({ type, alarmId, at: when }) => [type, alarmId, when])
      expect(short(signals[1])).toEqual(short(signals[0]))
    }),
    { numRuns: 60, seed: SEED },
  )
})

test('what a kind does in place is what its steps would have done', () => {
  const calm: Record<string, number> = {}
  type Rest = NonNullable<(typeof KINDS)[number]['rest']>
  const seen = (name: string, rest: Rest): Rest => ({
    ...rest,
    calm(...input) {
      const isDone = rest.calm(...input)
      calm[name] = (calm[name] ?? 0) + Number(isDone)
      return isDone
    },
  })
  const counted = KINDS.map(kind => (kind.rest === undefined ? kind : { ...kind, rest: seen(kind.name, kind.rest) }))
  const stepping = KINDS.map(kind => ({ ...kind, rest: undefined }) as unknown as (typeof KINDS)[number])
  assert(
    property(array(message, { minLength: 60, maxLength: 200 }), messages => {
      const readings = readingsOf(messages)
      const [one, other] = [createFold({ ruleSet, kinds: counted }), createFold({ ruleSet, kinds: stepping })]
      for (const [i, reading] of readings.entries()) {
        expect(one.apply(reading, i + 1)).toEqual(other.apply(reading, i + 1))
        if (i % 10 === 0) expect(stateOf(one)).toEqual(stateOf(other))
      }
      expect(one.advance(endOf(readings))).toEqual(other.advance(endOf(readings)))
      expect(stateOf(one)).toEqual(stateOf(other))
    }),
    { numRuns: 60, seed: SEED },
  )
  const kinds = KINDS.filter(kind => kind.rest !== undefined).map(kind => kind.name)
  for (const name of kinds) expect(calm[name], name).toBeGreaterThan(0)
  expect(kinds.length).toBeGreaterThan(7)
})
const stateOf = (fold: Fold) => fold.dirty().map(([key, json]) => [key, JSON.parse(json ?? 'null') as unknown])

describe('a rule that breaks', () => {
  const fragile = defineKind<object, { n: number }>({
    name: 'fragile',
    admits: 'live',
    parameters: { type: 'object' },
    stateBytesMax: 20,
    shuffled: 'may-miss',
    wants: () => true,
    step(_, state, o) {
      if (o.reading.text === 'break') throw new Error('cannot read that')
      const n = (state?.n ?? 0) + 1
      if (n < 3) return nothing({ n })
      return { state: { n }, findings: [{ type: 'raise', atMs: o.tMs, evidence: [] }] }
    },
  })
  const kinds = [...KINDS, fragile]
  const weak = ruleOf('fragile', {})
  const smoke = ruleOf('device-alarm', { flags: ['smoke'] })

  test('is named and put aside with its state; the others go on, also after a restart; another set is a new try', () => {
    const set = setOf(weak, smoke)
    const fold = createFold({ ruleSet: set, kinds })
    play(fold, [at(0), at(1)])
    const both = fold.apply(at(2, { text: 'break', alarms: { smoke: true } }), 77)
    expect(raises(both).map(r => r.rule.id)).toEqual([smoke.id])
    expect(fold.disabled()).toEqual([{ rule: weak.id, reason: 'cannot read that', sinceSeq: 77 }])
    expect(play(fold, [at(3)])).toEqual([])
    const rows = fold.dirty().map(([key, json]): [string, string] => [key, json ?? ''])
    const again = createFold({ ruleSet: set, kinds, rows })
    expect(again.disabled()).toHaveLength(1)
    again.use(setOf({ ...weak, version: 2 }, smoke))
    expect(again.disabled()).toEqual([])
    expect(shortOf(play(again, [at(4)]))).toEqual(['+4'])
  })
  test('that asks for the same moment for ever is broken too', () => {
    const stuck = defineKind<object, { t: number }>({
      name: 'stuck',
      admits: 'live',
      parameters: { type: 'object' },
      stateBytesMax: 40,
      shuffled: 'may-miss',
      wants: () => true,
      step: (_, state, o) => nothing(state ?? { t: o.listenedMs }),
      dueMs: (_, state) => state.t,
      woken: (_, state) => nothing(state),
    })
    const fold = createFold({ ruleSet: setOf(ruleOf('stuck', {}), smoke), kinds: [...KINDS, stuck] })
    play(fold, [at(0), at(1, { alarms: { smoke: true } })])
    expect(fold.disabled().map(d => d.rule)).toEqual(['test-stuck'])
  })
})

test('timers come in order of time, then of name, also those that are added meanwhile', () => {
  type Entry = { dueMs: number; what: string }
  const name = (t: Entry): string => `${String(t.dueMs).padStart(5, '0')}${t.what}`
  // around the seconds that they lie in
  const entry = record({ dueMs: integer({ min: 0, max: 40 }).map(n => n * 250), what: constantFrom('a', 'b', 'c', 'd') })
  assert(
    property(array(entry, { maxLength: 60 }), array(entry, { maxLength: 20 }), (all, later) => {
      const timers = createTimers<string>((a, b) => a < b)
      const out: string[] = []
      const taken = (atMs: number): void => {
        for (let t = timers.take(atMs); t !== undefined; t = timers.take(atMs)) out.push(name(t))
      }
      for (const timer of all) timers.add({ ...timer })
      taken(3_100)
      for (const timer of later) timers.add({ ...timer })
      taken(7_300)
      const [early, mean] = [
        all.filter(t => t.dueMs <= 3_100),
        [...all.filter(t => t.dueMs > 3_100), ...later].filter(t => t.dueMs <= 7_300),
      ]
      expect(out).toEqual([...early.map(name).sort(), ...mean.map(name).sort()])
      expect(timers.size()).toBe(all.length + later.length - out.length)
    }),
    { numRuns: 300, seed: SEED },
  )
})

test('times are read as Date.parse reads them', () => {
  assert(
    property(integer({ min: -2_000_000_000_000, max: 4_000_000_000_000 }), ms => {
      expect(msOf(new Date(ms).toISOString())).toBe(ms)
    }),
    { numRuns: 500, seed: SEED },
  )
  for (const text of [
    '2026-01-05T22:40:00Z',
    '2026-01-05T22:40:00.123456Z',
    '2026-01-05T22:40:00.123+08:00',
    '2026-01-05T24:00:00.000Z',
    '2026-02-31T10:00:00.000Z',
    '2026-01-05T10:0x:00.000Z',
    'soon',
    '',
  ])
    expect(msOf(text), text).toBe(Date.parse(text))
})
