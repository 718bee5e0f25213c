// Devices that are not heard: one alarm a gateway or building, told in the time somebody listened, the same however the journal is cut.
import { array, assert, integer, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reading } from '#contracts/reading.ts'
import { createFold } from '../../rules/fold.ts'
import { at, play, raises, ruleOf, setOf, shortOf, START } from './timeline.ts'

const QUIET = ruleOf('gone-quiet', { expectS: 60, intervals: 2, leastS: 100, settleS: 20, massPart: 0.5, massSeverity: 3 })
const fold = (rows?: Iterable<[string, string]>) => createFold({ ruleSet: setOf(QUIET), ...(rows && { rows }) })
const ms = (s: number) => START + s * 1000
const from = (deviceId: string, s: number, said: Partial<Reading> = {}) => at(s, { deviceId, ...said })

test('a device that was heard is missed after its intervals and the wait for others, and back when it is heard', () => {
  const f = fold()
  play(f, [from('a', 0)])
  expect(f.advance(ms(139))).toEqual([])
  const [raise] = raises(f.advance(ms(141)))
  expect(raise).toMatchObject({ deviceId: 'a', severity: 4, at: new Date(ms(140) + 50).toISOString(), place: { building: 'b2' } })
  expect(raise?.evidence[0]).toMatchObject({ value: 1, what: 'devices_quiet' })
  expect(shortOf(play(f, [from('a', 300)]))).toEqual(['-300'])
})

test('an outage is one alarm that names how many, at the level of an outage', () => {
  const f = fold()
  play(
    f,
    Array.from({ length: 50 }, (_, i) => from(`d${i}`, i / 10, { source: { family: 'x', gateway: 'gw' } })),
  )
  const signals = raises(f.advance(ms(600)))
  expect(signals).toHaveLength(1)
  expect(signals[0]).toMatchObject({ deviceId: 'gw', severity: 3, subject: 'via:gw' })
  expect(signals[0]?.evidence[0]?.value).toBe(50)
  expect(signals[0]?.evidence[0]?.note).toMatch(/^of 50: d0 since .* and 30 more$/)
})

test('what was registered and never heard is missed; what was taken off the register is not', () => {
  const f = fold()
  expect(f.expect([{ deviceId: 'new', kind: 'smoke', place: { building: 'b2' } }])).toEqual([])
  f.expect([{ deviceId: 'gone', kind: 'smoke', place: { building: 'b3' } }])
  expect(f.advance(ms(0))).toEqual([])
  f.forget('gone')
  expect(raises(f.advance(ms(1000))).map(r => r.deviceId)).toEqual(['new'])
  expect(f.forget('new').map(s => s.type)).toEqual(['clear'])
})

test('said to be offline, asleep until a promised hour, stored or retained: each as it is meant', () => {
  const offline = fold()
  play(offline, [from('a', 0), from('a', 10, { online: false })])
  expect(offline.advance(ms(5000))).toEqual([])
  const asleep = fold()
  play(asleep, [from('a', 0, { online: false, state: { statusReason: 'sleep' }, about: { expectNextS: 1000 } })])
  expect(asleep.advance(ms(1900))).toEqual([])
  expect(raises(asleep.advance(ms(2100)))).toHaveLength(1)
  const stored = fold()
  play(stored, [from('a', 0), from('a', 90, { flags: { history: true } }), from('a', 95, { flags: { retained: true } })])
  expect(stored.advance(ms(200))).toEqual([])
  expect(raises(stored.advance(ms(300)))).toHaveLength(1)
})

test('a clock that is set back holds nothing up: who falls silent is missed as soon as ever', () => {
  const f = fold()
  for (let s = 0; s <= 60; s += 10) f.advance(ms(s), { isClock: true })
  play(f, [from('a', 60)])
  const backMs = 600_000
  let missedS: number | undefined
  for (let s = 70; s <= 400 && missedS === undefined; s += 10)
    if (raises(f.advance(ms(s) - backMs, { isClock: true })).length > 0) missedS = s
  // 120 s of silence and 20 s for others; what lies between the last message and the first of the other clock is not known
  expect(missedS).toBe(210)
})

test('while nobody listened nobody was silent', () => {
  const f = fold()
  play(f, [from('a', 0)])
  for (let s = 10; s <= 60; s += 10) f.advance(ms(s), { isClock: true })
  expect(f.advance(ms(7200), { isClock: true })).toEqual([])
  expect(f.advance(ms(7220), { isClock: true })).toEqual([])
  for (let s = 7230; s < 7290; s += 10) expect(f.advance(ms(s), { isClock: true })).toEqual([])
  expect(raises(f.advance(ms(7300), { isClock: true }))).toHaveLength(1)
})

describe('against a model', () => {
  const arrivals = array(record({ device: integer({ min: 0, max: 3 }), gapS: integer({ min: 1, max: 200 }) }), {
    minLength: 1,
    maxLength: 60,
  })

  /** Second by second: a device is quiet from 120 s after it was heard; the group's alarm begins 20 s after its first quiet one. */
  function model(heard: { device: number; atS: number }[], endS: number): string[] {
    const last = new Map<number, number>()
    const said: string[] = []
    let dueS: number | undefined
    let open = false
    let i = 0
    for (let s = 0; s <= endS; s++) {
      const quiet = () => [...last.values()].filter(t => s - t >= 120).length
      if (quiet() > 0 && !open) dueS ??= s + 20
      if (dueS !== undefined && s >= dueS && !open) {
        said.push(`+${s}`)
        open = true
        dueS = undefined
      }
      for (; heard[i] !== undefined && (heard[i]?.atS ?? 0) <= s; i++) last.set(heard[i]?.device ?? 0, heard[i]?.atS ?? 0)
      if (quiet() > 0) continue
      dueS = undefined
      if (open) said.push(`-${s}`)
      open = false
    }
    return said
  }

  test('alarms begin and end when the model says, restarted anywhere', () => {
    assert(
      property(arrivals, integer({ min: 1, max: 7 }), (steps, batch) => {
        let atS = 0
        const heard = steps.map(({ device, gapS }) => ({ device, atS: (atS += gapS) }))
        const endS = atS + 300
        let f = fold()
        const rows = new Map<string, string>()
        const signals = heard.flatMap(({ device, atS: s }, i) => {
          // arrives on the second; learnt intervals need more readings than any device has here
          const found = f.apply(from(`d${device}`, s, { receivedAt: new Date(ms(s)).toISOString() }), i + 1)
          if (i % batch === 0) {
            for (const [key, json] of f.dirty()) if (json !== null) rows.set(key, json)
            f = fold(rows)
          }
          return found
        })
        signals.push(...f.advance(ms(endS)))
        // times of the journal: an end is told when the message came
        expect(shortOf(signals)).toEqual(model(heard, endS))
      }),
      { numRuns: 200, seed: 20260105 },
    )
  })
})

test('a connection that only a broker watches is not silent between its two words; who promised an interval, or measures, is', () => {
  const f = fold()
  play(f, [from('bridge', 0, { online: true }), from('promised', 0, { online: true, about: { expectNextS: 60 } })])
  play(f, [from('measures', 0, { online: true }), from('measures', 1, { metrics: { temperature_c: 20 } })])
  const signals = raises(f.advance(ms(5000)))
  expect(signals).toHaveLength(1)
  expect(signals[0]?.evidence[0]).toMatchObject({ value: 2, note: expect.stringMatching(/^of 3: (?=.*promised)(?=.*measures)/) as string })
})

test('one that is gone because its gateway is has no alarm of its own', () => {
  const presence = () => createFold({ ruleSet: setOf(ruleOf('presence', {})) })
  expect(raises(play(presence(), [from('a', 0, { online: false })]))).toHaveLength(1)
  expect(raises(play(presence(), [from('a', 0, { online: false, state: { statusReason: 'gateway' } })]))).toEqual([])
})
