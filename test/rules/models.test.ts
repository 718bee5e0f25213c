// Rules over one device's own words and values, against models that look at the whole history again with every reading, or that know
// beforehand what a drawn story must give. The kinds themselves keep a few numbers; that they keep enough of them is what is asked here.
import { array, assert, boolean, constantFrom, integer, option, property, record, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reading } from '#contracts/reading.ts'
import { createFold } from '../../rules/fold.ts'
import { slopePerMin, type Sample } from '../../rules/slope.ts'
import { at, play, raises, ruleOf, setOf, shortOf } from './timeline.ts'

const SEED = 20260106
const runs = { numRuns: 150, seed: SEED }
const judged = (kind: string, parameters: Record<string, unknown>, readings: readonly Reading[]) =>
  play(createFold({ ruleSet: setOf(ruleOf(kind, parameters)) }), readings)

describe('threshold', () => {
  const p = {
    metric: 'temperature_c',
    direction: 'above',
    threshold: 60,
    clearAt: 55,
    onDelayS: 20,
    onReadings: 3,
    offDelayS: 30,
    maxGapS: 40,
  }
  type Point = { s: number; value: number }

  /** The readings that stand together at the end of `history`: all of them fit, none too long after the one before. */
  function runOf(history: readonly Point[], fits: (value: number) => boolean): { readings: number; lastsS: number } {
    let from = history.length
    while (from > 0) {
      const point = history[from - 1] as Point
      const next = history[from]
      if (!fits(point.value) || (next !== undefined && next.s - point.s > p.maxGapS)) break
      from--
    }
    const run = history.slice(from)
    return { readings: new Set(run.map(({ s }) => s)).size, lastsS: (run.at(-1)?.s ?? 0) - (run[0]?.s ?? 0) }
  }

  const points = array(tuple(constantFrom(0, 5, 10, 10, 10, 20, 39, 41, 90), constantFrom(30, 54, 55, 57, 59, 60, 60, 75, 75, 75)), {
    minLength: 1,
    maxLength: 60,
  })

  test.each(['above', 'below'])('%s: delays, dead band and silences, as the whole history says', direction => {
    const sign = direction === 'above' ? 1 : -1
    const mirrored = { ...p, direction, threshold: sign * p.threshold, clearAt: sign * p.clearAt }
    assert(
      property(points, drawn => {
        let s = 0
        const history = drawn.map(([gapS, value]): Point => ({ s: (s += gapS), value }))
        const told: string[] = []
        let isOpen = false
        let since = 0
        for (let i = 0; i < history.length; i++) {
          const seen = history.slice(since, i + 1)
          const { readings, lastsS } = runOf(seen, value => (isOpen ? value < p.clearAt : value >= p.threshold))
          if (isOpen ? readings < 2 || lastsS < p.offDelayS : readings < p.onReadings || lastsS < p.onDelayS) continue
          told.push(`${isOpen ? '-' : '+'}${history[i]?.s}`)
          isOpen = !isOpen
          since = i + 1
        }
        const readings = history.map(({ s: when, value }) => at(when, { metrics: { temperature_c: sign * value } }))
        expect(shortOf(judged('threshold', mirrored, readings))).toEqual(told)
      }),
      runs,
    )
  })
})

describe('words that hold or do not', () => {
  type Word = boolean | null
  /** One alarm from the first yes until nothing is said to hold any more; no word changes nothing. */
  function episodes(all: readonly (readonly Word[])[]): string[] {
    const last: Word[] = []
    const told: string[] = []
    let isOpen = false
    for (const [i, words] of all.entries()) {
      for (const [k, word] of words.entries()) last[k] = word ?? last[k] ?? null
      const holds = last.includes(true)
      if (holds !== isOpen) told.push(`${holds ? '+' : '-'}${i * 10}`)
      isOpen = holds
    }
    return told
  }
  const word = option(boolean())
  const flagsOf = (words: readonly Word[], names: readonly string[]): Reading['alarms'] =>
    Object.fromEntries(names.flatMap((name, k) => (typeof words[k] === 'boolean' ? [[name, words[k]]] : [])))

  test('device-alarm: three flags are one episode', () => {
    const flags = ['smoke', 'heat', 'co']
    assert(
      property(array(tuple(word, word, word), { minLength: 1, maxLength: 50 }), all => {
        const readings = all.map((words, i) => at(i * 10, { alarms: flagsOf(words, flags) }))
        expect(shortOf(judged('device-alarm', { flags }, readings))).toEqual(episodes(all))
      }),
      runs,
    )
  })

  test('device-alarm: in whatever order they arrive, the newest word of each flag decides how it ends', () => {
    const flags = ['smoke', 'heat']
    const words = array(tuple(word, word, integer({ min: 0, max: 90 })), { minLength: 1, maxLength: 12 })
    assert(
      property(words, all => {
        const arriving = all.map(([smoke, heat, delayS], i) => ({ s: i * 10, arrivesS: i * 10 + delayS, words: [smoke, heat] }))
        const readings = arriving
          .toSorted((a, b) => a.arrivesS - b.arrivesS || a.s - b.s)
          .map(({ s, arrivesS, words: said }) => at(s, { alarms: flagsOf(said, flags) }, arrivesS))
        const signals = judged('device-alarm', { flags }, readings)
        const open = signals.filter(({ type }) => type === 'raise').length - signals.filter(({ type }) => type === 'clear').length
        const holds = [0, 1].some(k => arriving.findLast(({ words: said }) => typeof said[k] === 'boolean')?.words[k] === true)
        expect(open).toBe(holds ? 1 : 0)
      }),
      runs,
    )
  })

  test('device-alarm: what waits behind something graver is begun by the first word without it', () => {
    assert(
      property(array(tuple(word, word), { minLength: 1, maxLength: 40 }), all => {
        const readings = all.map((words, i) => at(i * 10, { alarms: flagsOf(words, ['fault', 'smoke']) }))
        // beside smoke a yes is not heard, a no is
        const heard = all.map(([fault, smoke]): Word[] => [smoke === true && fault === true ? null : fault])
        expect(shortOf(judged('device-alarm', { flags: ['fault'], behind: ['smoke'] }, readings))).toEqual(episodes(heard))
      }),
      runs,
    )
  })

  const single: [string, Record<string, unknown>, (word: boolean) => Partial<Reading>][] = [
    ['presence', {}, isOff => ({ online: !isOff })],
    ['state-is', { state: 'readiness', in: ['not-ready', 'unknown'] }, is => ({ state: { readiness: is ? 'not-ready' : 'ready' } })],
    ['device-test', {}, isTest => (isTest ? { flags: { test: true } } : { alarms: { test: false } })],
  ]
  test.each(single)('%s: one episode from yes to no', (kind, parameters, said) => {
    assert(
      property(array(word, { minLength: 1, maxLength: 50 }), all => {
        const readings = all.map((w, i) => at(i * 10, w === null ? {} : said(w)))
        expect(shortOf(judged(kind, parameters, readings))).toEqual(episodes(all.map(w => [w])))
      }),
      runs,
    )
  })
})

test('drop-out: told when the value is back in time, whatever else it did', () => {
  const p = { metric: 'temperature_c', minDrop: 5, backWithin: 2, maxOutS: 60, quietBelow: 45, offDelayS: 1e5, maxGapS: 600 }
  const EVERY_S = 10
  const stretch = record({
    steady: integer({ min: 8, max: 14 }),
    what: constantFrom('dip', 'shallow', 'step', 'rise', 'silence'),
    readings: integer({ min: 1, max: 8 }),
    depth: integer({ min: 6, max: 30 }),
  })
  assert(
    property(array(stretch, { minLength: 1, maxLength: 8 }), stretches => {
      let [s, level] = [0, 20]
      const readings: Reading[] = []
      const expected: number[] = []
      const say = (value: number) => readings.push(at((s += EVERY_S), { metrics: { temperature_c: value } }))
      for (const { steady, what, readings: count, depth } of stretches) {
        for (let i = 0; i < steady; i++) say(level + (i % 3) / 2)
        if (what === 'step') level -= depth
        if (what === 'rise') level += level < 20 ? depth : 0
        if (what === 'silence') s += 700
        if (what !== 'dip' && what !== 'shallow') continue
        const good = (readings.at(-1) as Reading).metrics['temperature_c'] ?? level
        for (let i = 0; i < count; i++) say(good - (what === 'dip' ? depth : 4))
        say(good)
        if (what === 'dip' && (count + 1) * EVERY_S <= p.maxOutS) expected.push(s)
      }
      // what goes down for good and comes up again much later is a step twice: only dips that came back are told
      const fault = judged('drop-out', p, readings)
      expect(shortOf(fault)).toEqual(expected.slice(0, 1).map(when => `+${when}`))
    }),
    runs,
  )
})

describe('rate-of-rise', () => {
  const level = { learnReadings: 5, risePerH: 3, fallPerH: 12, max: 40 }
  const p = {
    metric: 'temperature_c',
    risePerMin: 8,
    windowS: 60,
    minSpanS: 20,
    minSamples: 4,
    minRise: 6,
    floor: 28,
    maxGapS: 30,
    clearWithin: 4,
    offDelayS: 60,
    level,
  }
  const EVERY_S = 5
  const LEARNT = 12
  const ramp = (perMin: number, seconds: number): Sample[] =>
    Array.from({ length: LEARNT + seconds / EVERY_S }, (_, i) => [
      i * EVERY_S * 1000,
      22 + (Math.max(0, i - LEARNT) * EVERY_S * perMin) / 60,
    ])
  const readingsOf = (samples: readonly Sample[]) => samples.map(([ms, value]) => at(ms / 1000, { metrics: { temperature_c: value } }))

  test('a steady climb: always told from a tenth above the rate on, never from a tenth below', () => {
    assert(
      property(integer({ min: 1, max: 40 }), perMin => {
        const told = raises(judged('rate-of-rise', p, readingsOf(ramp(perMin, 240)))).length
        if (perMin >= p.risePerMin * 1.1) expect(told).toBe(1)
        if (perMin <= p.risePerMin * 0.9) expect(told).toBe(0)
      }),
      runs,
    )
  })

  test('what is told is a climb to whoever looks at the whole window, above the floor and above what is usual', () => {
    let told = 0
    const steps = array(tuple(constantFrom(2, 5, 5, 5, 12, 40), integer({ min: -30, max: 40 })), { minLength: 20, maxLength: 80 })
    assert(
      property(steps, all => {
        let [ms, value] = [0, 22]
        const samples: Sample[] = [...ramp(0, 0)]
        ms = (samples.at(-1)?.[0] ?? 0) + 1000
        for (const [gapS, tenths] of all) samples.push([(ms += gapS * 1000), (value = Math.max(15, value + tenths / 10))])
        for (const { at: when } of raises(judged('rate-of-rise', p, readingsOf(samples)))) {
          told++
          const nowMs = Date.parse(when) - Date.parse(at(0).ts)
          const window = samples.filter(([t]) => t <= nowMs && nowMs - t <= p.windowS * 1000)
          const last = window.at(-1) as Sample
          expect(last[1]).toBeGreaterThanOrEqual(p.floor)
          expect(last[1] - 22).toBeGreaterThanOrEqual(p.minRise - 1)
          expect(Math.max(...window.map((_, i) => slopePerMin(window.slice(i))))).toBeGreaterThanOrEqual(p.risePerMin)
        }
      }),
      runs,
    )
    expect(told).toBeGreaterThan(20)
  })
})
