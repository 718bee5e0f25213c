// Rules over values that last, add up or cannot be, against models that are too simple to be wrong.
import { array, assert, boolean, constantFrom, integer, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import type { Reading } from '#contracts/reading.ts'
import { createFold } from '../../rules/fold.ts'
import { SCENARIOS } from './scenarios.ts'
import { at, play, raises, ruleOf, setOf, shortOf, START } from './timeline.ts'

const SEED = 20260105
const exactly = (s: number, said: Partial<Reading>): Reading => at(s, { ...said, receivedAt: new Date(START + s * 1000).toISOString() })

test('sustained: second by second, what was said is believed so long and no longer', () => {
  const rule = ruleOf('sustained', { flag: 'leak', forS: 40, offDelayS: 20, believedS: 30 })
  const words = array(record({ on: boolean(), gapS: integer({ min: 1, max: 60 }) }), { minLength: 1, maxLength: 40 })
  const model = (heard: { on: boolean; s: number }[], endS: number): string[] => {
    const told: string[] = []
    let word: boolean | undefined
    let wordS = 0
    let held = 0
    let open = false
    let i = 0
    for (let s = 0; s <= endS; s++) {
      if (word !== undefined && s > 0 && s - wordS <= 30 && word !== open) held++
      const turn = () => {
        if (word === undefined || word === open || held < (open ? 20 : 40)) return
        told.push(`${open ? '-' : '+'}${s}`)
        open = !open
        held = 0
        word = undefined
      }
      turn()
      const next = heard[i]
      if (next === undefined || next.s !== s) continue
      i++
      if (word !== next.on || next.on === open) held = 0
      word = next.on
      wordS = s
      turn()
    }
    return told
  }
  assert(
    property(words, all => {
      let s = 0
      const heard = all.map(({ on, gapS }) => ({ on, s: (s += gapS) }))
      const fold = createFold({ ruleSet: setOf(rule) })
      const signals = play(
        fold,
        heard.map(({ on, s: when }) => exactly(when, { alarms: { leak: on } })),
      )
      signals.push(...fold.advance(START + (s + 100) * 1000))
      expect(shortOf(signals)).toEqual(model(heard, s + 100))
    }),
    { numRuns: 300, seed: SEED },
  )
})

test('sensor-fault: so many impossible values in a row and only then; a sound sensor never', () => {
  const { rule } = SCENARIOS['sensor-fault'] ?? {}
  if (rule === undefined) throw new Error('no scenario')
  assert(
    property(array(constantFrom('good', 'bad'), { minLength: 1, maxLength: 40 }), all => {
      const values = all.map((word, i) => (word === 'bad' ? -127 : 20 + (i % 7) / 10))
      const signals = play(
        createFold({ ruleSet: setOf({ ...rule, parameters: { ...rule.parameters, jumps: 0 } }) }),
        values.map((temperature_c, i) => at(i * 10, { metrics: { temperature_c } })),
      )
      const first = all.findIndex((word, i) => word === 'bad' && all[i - 1] === 'bad')
      expect(raises(signals)[0]?.at).toBe(first < 0 ? undefined : at(first * 10).ts)
    }),
    { numRuns: 300, seed: SEED },
  )
})

test('sensor-fault: stuck and to and fro are told, a room that warms and cools is not', () => {
  const { rule } = SCENARIOS['sensor-fault'] ?? {}
  if (rule === undefined) throw new Error('no scenario')
  const notes = (value: (i: number) => number) =>
    raises(
      play(
        createFold({ ruleSet: setOf(rule) }),
        Array.from({ length: 80 }, (_, i) => at(i * 60, { metrics: { temperature_c: value(i) } })),
      ),
    ).map(r => r.evidence[0]?.note?.split(':')[0])
  expect(notes(() => 21.5)).toEqual(['stuck'])
  expect(notes(i => (i % 2 === 0 ? 20 : 33))).toEqual(['jumps'])
  expect(notes(i => 20 + 5 * Math.sin(i / 10))).toEqual([])
  expect(notes(i => (i < 40 ? 20 + i / 50 : 400 + (i % 3) * 90))).toEqual([])
})

test('clock-fault: so many unbelieved times in a row, told apart from a device that states none', () => {
  const rule = ruleOf('clock-fault', { readings: 3 })
  const words = array(constantFrom('lies', 'tells', 'none'), { minLength: 1, maxLength: 40 })
  assert(
    property(words, all => {
      const signals = play(
        createFold({ ruleSet: setOf(rule) }),
        all.map((word, i) => {
          if (word === 'tells') return at(i)
          return at(i, { tsSource: 'server', ...(word === 'lies' && { deviceTs: '2012-06-01T00:00:00.000Z' }) })
        }),
      )
      const told: string[] = []
      let run = 0
      let open = false
      for (const [i, word] of all.entries()) {
        if (word === 'none') continue
        run = (word === 'lies') === open ? 0 : run + 1
        if (run < 3) continue
        told.push(`${open ? '-' : '+'}${i}`)
        open = !open
        run = 0
      }
      expect(shortOf(signals)).toEqual(told)
    }),
    { numRuns: 300, seed: SEED },
  )
})

test('fuse: one sign never is enough, and the terms shown add up to what is said', () => {
  const { rule } = SCENARIOS['fuse'] ?? {}
  if (rule === undefined) throw new Error('no scenario')
  const values = array(record({ smoke: integer({ min: 0, max: 10 }), heat: integer({ min: 0, max: 10 }) }), {
    minLength: 10,
    maxLength: 60,
  })
  let alarms = 0
  assert(
    property(values, boolean(), (all, both) => {
      const calm = Array.from({ length: 6 }, () => ({ smoke: 0, heat: 0 }))
      const readings = [...calm, ...all].flatMap(({ smoke, heat }, i) => [
        at(i * 10, { deviceId: 'a', metrics: { obscuration_db_per_m: smoke / 50 } }),
        at(i * 10 + 2, { deviceId: 'b', metrics: { temperature_c: 20 + (both ? heat : 0) } }),
      ])
      const found = raises(play(createFold({ ruleSet: setOf(rule) }), readings))
      if (!both) expect(found).toEqual([])
      alarms += found.length
      for (const { evidence } of found) {
        const [head, ...terms] = evidence
        const counted = terms.map(e => Number(/^counts ([\d.]+)/.exec(e.note ?? '')?.[1]))
        expect(new Set(terms.map(e => e.what)).size).toBeGreaterThanOrEqual(2)
        expect(Number(head?.value)).toBeCloseTo(
          counted.reduce((a, b) => a + b, 0),
          1,
        )
        expect(Number(head?.value)).toBeGreaterThanOrEqual(1)
      }
    }),
    { numRuns: 200, seed: SEED },
  )
  expect(alarms).toBeGreaterThan(20)
})

test('fuse: a sign that stands is not forgotten while the device speaks of something else, and ends when it says so', () => {
  const { rule } = SCENARIOS['fuse'] ?? {}
  if (rule === undefined) throw new Error('no scenario')
  const fold = createFold({ ruleSet: setOf(rule) })
  const one = (s: number, metrics: Record<string, number>) => at(s, { deviceId: 'both', metrics })
  const calm = [0, 10, 20, 30].flatMap(s => [one(s, { obscuration_db_per_m: 0.02 }), one(s + 2, { temperature_c: 20 })])
  const weak = [40, 50].flatMap(s => [one(s, { obscuration_db_per_m: 0.12 }), one(s + 2, { temperature_c: 27 })])
  const after = [one(60, { temperature_c: 20 }), one(70, { obscuration_db_per_m: 0.02 })]
  const signals = play(fold, [...calm, ...weak, ...after])
  signals.push(...fold.advance(START + 200_000))
  expect(shortOf(signals)).toEqual(['+50', '-100'])
})

test('fuse: two sensors of a room that climb together are told, at any interval; one alone, a draught at each in turn or another room is not', () => {
  const climb = { metric: 'temperature_c', from: 1, to: 10, weight: 9, climbOverS: 40 }
  const limits = { raiseAt: 8, clearAt: 2, signs: 2, devices: 2, onReadings: 2, freshS: 20, offDelayS: 60 }
  const rule = ruleOf('fuse', { within: 'room', terms: [climb], ...limits })
  const place = (room: string) => ({ building: 'b2', floor: '14', room })
  type Sensor = { deviceId: string; room?: string; risesAtS: number; perMin: number; forS?: number }
  const told = (everyS: number, ...sensors: Sensor[]) => {
    const readings: Reading[] = []
    for (let s = 0; s <= 400; s += everyS)
      for (const { deviceId, room = '1', risesAtS, perMin, forS = 1_000 } of sensors) {
        const value = 20 + (perMin / 60) * Math.min(forS, Math.max(0, s - risesAtS))
        readings.push(at(s, { deviceId, place: place(room), metrics: { temperature_c: value } }))
      }
    return shortOf(play(createFold({ ruleSet: setOf(rule) }), readings))
  }
  const a = { deviceId: 'a', risesAtS: 200, perMin: 8 }
  const b = { deviceId: 'b', risesAtS: 200, perMin: 8 }
  for (const everyS of [1, 2, 5, 10]) {
    const [first, ...others] = told(everyS, a, b)
    expect(Number(first?.slice(1)), `every ${everyS} s`).toBeGreaterThan(200)
    expect(Number(first?.slice(1)), `every ${everyS} s`).toBeLessThanOrEqual(200 + 40 + everyS)
    expect(others).toEqual([])
    expect(told(everyS, a)).toEqual([])
    expect(told(everyS, a, { ...b, room: '2' })).toEqual([])
    expect(told(everyS, { ...a, forS: 20 }, { ...b, risesAtS: 300, forS: 20 })).toEqual([])
    // a room that is heated
    expect(told(everyS, { ...a, perMin: 4 }, { ...b, perMin: 4 })).toEqual([])
    // and after a climb that ended
    expect(told(everyS, { ...a, forS: 60 }, { ...b, forS: 60 }).map(s => s[0])).toEqual(['+', '-'])
  }
  // too seldom to see a climb: nothing is made of two samples
  expect(told(60, { ...a, perMin: 30 }, { ...b, perMin: 30 })).toEqual([])
})
