// Rules over measured values: delays carried by readings, dead band, gaps, spikes, drop-outs.
import { describe, expect, test } from 'vitest'
import { createFold } from '../../rules/fold.ts'
import { SCENARIOS } from './scenarios.ts'
import { at, play, raises, ruleOf, series, setOf, shortOf } from './timeline.ts'

const CO = { metric: 'co_ppm', direction: 'above', threshold: 100, clearAt: 50, onDelayS: 30, onReadings: 3, offDelayS: 60, maxGapS: 60 }
const co = (s: number, value: number) => at(s, { metrics: { co_ppm: value } })

describe('threshold', () => {
  const fold = (more: object = {}) => createFold({ ruleSet: setOf(ruleOf('threshold', { ...CO, ...more })) })

  test('raises when the delay is full, with the first reading as evidence too', () => {
    const signals = play(fold(), series('co_ppm', 0, 60, 10, 150))
    expect(shortOf(signals)).toEqual(['+30'])
    expect(raises(signals)[0]?.evidence.map(e => e.ts.slice(17, 19))).toEqual(['30', '00'])
    expect(raises(signals)[0]?.evidence[0]).toMatchObject({ what: 'co_ppm', value: 150, threshold: 100 })
  })
  test('one reading below starts the delay anew', () => {
    expect(shortOf(play(fold(), [co(0, 150), co(10, 150), co(20, 99), co(30, 150), co(40, 150), co(50, 150), co(60, 150)]))).toEqual([
      '+60',
    ])
  })
  test('two readings are not three, however far apart', () => {
    expect(play(fold(), [co(0, 150), co(50, 150)])).toEqual([])
  })
  test('the same reading delivered five times is one', () => {
    expect(play(fold({ onDelayS: 0 }), [co(0, 150), co(0, 150), co(0, 150), co(0, 150), co(0, 150)])).toEqual([])
  })
  test('a silence longer than maxGapS starts the delay anew', () => {
    expect(shortOf(play(fold(), [co(0, 150), co(10, 150), co(100, 150), co(110, 150), co(120, 150), co(130, 150)]))).toEqual(['+130'])
  })
  test('in the dead band nothing clears, below it only the off-delay does, and not across a silence', () => {
    const f = fold()
    play(f, series('co_ppm', 0, 30, 10, 150))
    expect(shortOf(play(f, series('co_ppm', 40, 400, 10, 70)))).toEqual([])
    expect(shortOf(play(f, [co(410, 20), co(440, 20), co(1000, 20), co(1030, 20)]))).toEqual([])
    expect(shortOf(play(f, [co(1060, 20)]))).toEqual(['-1060'])
  })
  test('a reading overtaken on the way breaks a delay it contradicts', () => {
    const f = fold()
    const early = { ...co(15, 10), receivedAt: co(25, 0).receivedAt }
    expect(shortOf(play(f, [co(0, 150), co(10, 150), co(20, 150), early, co(30, 150), co(40, 150)]))).toEqual([])
  })
  test('below works the same way round', () => {
    const low = fold({ metric: 'battery_pct', direction: 'below', threshold: 5, clearAt: 20, onDelayS: 0, onReadings: 2 })
    expect(shortOf(play(low, [at(0, { batteryPct: 4 }), at(10, { batteryPct: 4 }), at(20, { batteryPct: 10 })]))).toEqual(['+10'])
  })
  test('a soiled chamber is no smoke, smoke above it is', () => {
    const scenario = SCENARIOS['threshold']
    if (scenario === undefined) throw new Error('no scenario')
    const f = createFold({ ruleSet: setOf(scenario.rule) })
    expect(play(f, series('obscuration_db_per_m', 0, 600, 10, 0.25))).toEqual([])
    expect(shortOf(play(f, series('obscuration_db_per_m', 610, 660, 4, 0.36)))).toEqual(['+618'])
  })
  test('a device that judges for itself is left to its own rule', () => {
    const f = fold({ standsDownFor: ['co'] })
    expect(play(f, [at(0, { alarms: { co: false } }), ...series('co_ppm', 10, 200, 10, 400)])).toEqual([])
  })
})

describe('rate of rise', () => {
  const rule = () => {
    const scenario = SCENARIOS['rate-of-rise']
    if (scenario === undefined) throw new Error('no scenario')
    return scenario.rule
  }
  const fold = () => createFold({ ruleSet: setOf(rule()) })
  const calm = (s: number, value = 22) => series('temperature_c', s - 300, s - 10, 10, value)
  const t = (s: number, value: number) => at(s, { metrics: { temperature_c: value } })

  test('two readings three seconds apart are no climb', () => {
    expect(play(fold(), [...calm(0, 34), t(0, 34), t(3, 35), t(6, 36), t(9, 37)])).toEqual([])
  })
  test.each([2, 5, 10])('a climb of 15 degrees a minute, read every %i s, is found within two minutes', everyS => {
    const signals = play(fold(), [...calm(0), ...series('temperature_c', 0, 120, everyS, s => 22 + s / 4)])
    expect(raises(signals)).toHaveLength(1)
  })
  test('a sensor that drops to zero and comes back is no climb, at any level and for any time out', () => {
    for (const level of [22, 36, 48]) {
      for (const outS of [5, 20, 60, 100]) {
        const readings = [...calm(0, level), ...series('temperature_c', 0, outS, 5, 0), ...series('temperature_c', outS + 5, 400, 5, level)]
        expect(shortOf(play(fold(), readings)), `${level} °C, out for ${outS} s`).toEqual([])
      }
    }
  })
  test('a wild value is no climb', () => {
    expect(play(fold(), [...calm(0), t(0, 22), t(5, 150), t(10, 22), t(15, 23), t(20, 149), t(25, 22), t(30, 22)])).toEqual([])
  })
  test('a step to a new level is no climb', () => {
    expect(play(fold(), [...calm(0), ...series('temperature_c', 0, 300, 5, 38)])).toEqual([])
  })
  test('a climb with a drop-out in every fifth reading is still found', () => {
    const broken = (s: number) => (s % 25 === 0 ? 0 : 22 + s / 3)
    expect(raises(play(fold(), [...calm(0), ...series('temperature_c', 0, 150, 5, broken)])).length).toBeGreaterThanOrEqual(1)
  })
  test('a summer afternoon of 6 degrees an hour is no climb', () => {
    expect(
      play(
        fold(),
        series('temperature_c', 0, 6 * 3600, 60, s => 24 + s / 600),
      ),
    ).toEqual([])
  })
  test('a heater, three degrees a minute, is no climb', () => {
    expect(play(fold(), [...calm(0, 14), ...series('temperature_c', 0, 480, 10, s => 14 + s / 20)])).toEqual([])
  })
})

describe('drop-out', () => {
  const fold = () => createFold({ ruleSet: setOf(SCENARIOS['drop-out']?.rule ?? ruleOf('drop-out', {})) })
  const t = (s: number, value: number) => at(s, { metrics: { temperature_c: value } })
  test('tells what was seen', () => {
    const [raise] = raises(play(fold(), [t(0, 19), t(5, 6.1), t(10, 0.3), t(15, 18.9)]))
    expect(raise?.evidence[0]).toMatchObject({ value: 0.3, note: 'was 19, fell to 0.3, back at 18.9 after 15.0 s' })
  })
  test('a door that lets the cold in for minutes is none', () => {
    expect(play(fold(), [t(0, 19), ...series('temperature_c', 10, 200, 10, 10), ...series('temperature_c', 210, 300, 10, 19)])).toEqual([])
  })
  test('a value that jumps in a fire is none', () => {
    expect(play(fold(), [t(0, 300), t(1, 250), t(2, 310), t(3, 240), t(4, 305)])).toEqual([])
  })
})
