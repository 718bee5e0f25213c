// The fold itself: which readings count, whose they are, lateness, scope, and state that is kept and let go.
import { describe, expect, test } from 'vitest'
import { LATENESS_BOUND_MS, timed, type DeviceClock } from '../../rules/device-clock.ts'
import { createFold } from '../../rules/fold.ts'
import { at, isoAt, play, raises, ruleOf, setOf, shortOf, START } from './timeline.ts'

const SMOKE = ruleOf('device-alarm', { flags: ['smoke'] })
const smoke = (deviceId: string, s: number, on = true) => at(s, { deviceId, alarms: { smoke: on } })

const TIME = '#listening'
const KINDS = '#kinds'
const keysOf = (fold: { dirty(): [string, string | null][] }) =>
  fold
    .dirty()
    .map(([key]) => key)
    .sort()

describe('state', () => {
  test('only touched devices are written, each once', () => {
    const fold = createFold({ ruleSet: setOf(SMOKE) })
    play(fold, [smoke('a', 0), smoke('b', 0), smoke('a', 1)])
    expect(keysOf(fold)).toEqual([KINDS, TIME, 'a', 'b'])
    expect(fold.dirty()).toEqual([])
    play(fold, [smoke('b', 2), at(3, { deviceId: 'c', metrics: { humidity_pct: 40 } })])
    expect(keysOf(fold)).toEqual([TIME, 'b'])
  })
  test('at the bound the longest unheard without an open alarm is let go', () => {
    const fold = createFold({ ruleSet: setOf(SMOKE), devicesMax: 3 })
    play(fold, [smoke('burning', 0), smoke('old', 1, false), smoke('newer', 2, false)])
    fold.dirty()
    play(fold, [smoke('one-more', 3, false)])
    expect(fold.dirty()).toContainEqual(['old', null])
    expect(shortOf(play(fold, [smoke('burning', 4, false)]))).toEqual(['-4'])
  })
  test('a rule whose kind changed starts without the old state', () => {
    const before = createFold({ ruleSet: setOf(SMOKE) })
    play(before, [smoke('a', 0)])
    const rows = before.dirty().map(([key, json]): [string, string] => [key, json ?? ''])
    const same = createFold({ ruleSet: setOf({ ...SMOKE, version: 2 }), rows })
    expect(shortOf(play(same, [smoke('a', 5, false)]))).toEqual(['-5'])
    const other = { ...ruleOf('state-is', { state: 'x', in: ['y'] }), id: SMOKE.id }
    const changed = createFold({ ruleSet: setOf(other), rows })
    expect(shortOf(play(changed, [at(5, { deviceId: 'a', state: { x: 'y' } })]))).toEqual(['+5'])
  })
})

describe('scope', () => {
  const heard = (scope: object, said: object) =>
    shortOf(play(createFold({ ruleSet: setOf({ ...SMOKE, scope }) }), [{ ...smoke('a', 0), ...said }]))
  test.each([
    [{ kinds: ['smoke'] }, {}, 1],
    [{ kinds: ['heat'] }, {}, 0],
    [{ notKinds: ['smoke'] }, {}, 0],
    [{ buildings: ['b2'] }, {}, 1],
    [{ buildings: ['b3'] }, {}, 0],
    [{ notBuildings: ['b2'] }, {}, 0],
    [{ notBuildings: ['b3'] }, {}, 1],
    [{ areas: ['moling'] }, {}, 0],
    [{ areas: ['moling'] }, { place: { area: 'moling' } }, 1],
  ])('%j for %j', (scope, said, alarms) => expect(heard(scope, said)).toHaveLength(alarms))
})

test('an alarm carries its place, its rule with version and parameters, and its evidence', () => {
  const [raise] = raises(play(createFold({ ruleSet: setOf(SMOKE) }), [smoke('a', 7)], 42))
  expect(raise).toMatchObject({
    kind: 'fire-alarm',
    subject: 'a',
    deviceId: 'a',
    at: isoAt(7),
    late: false,
    place: { building: 'b2', room: '1405' },
    rule: { id: SMOKE.id, version: '1', kind: 'device-alarm', set: 'test', parameters: { flags: ['smoke'] } },
    evidence: [{ seq: 42, deviceId: 'a', ts: isoAt(7), what: 'alarms.smoke', value: true }],
  })
})

test('a retained online/offline counts, a retained alarm does not', () => {
  const fold = createFold({ ruleSet: setOf(SMOKE, ruleOf('presence', {})) })
  expect(shortOf(play(fold, [{ ...smoke('a', 0), flags: { retained: true } }]))).toEqual([])
  expect(shortOf(play(fold, [{ ...smoke('a', 1), online: false, flags: { retained: true } }]))).toEqual(['+1'])
})

test('a device that says it goes to sleep is not an alarm, one that is cut off is', () => {
  const fold = createFold({ ruleSet: setOf(ruleOf('presence', {})) })
  expect(shortOf(play(fold, [at(0, { online: false, state: { statusReason: 'sleep' } })]))).toEqual([])
  expect(shortOf(play(fold, [at(9, { online: false, state: { statusReason: 'will' } })]))).toEqual(['+9'])
})

test('a test with smoke is a test, and the smoke that goes on after it is a fire', () => {
  const fold = createFold({ ruleSet: setOf(SMOKE, ruleOf('device-test', {})) })
  const first = raises(
    play(fold, [at(0, { alarms: { smoke: true, test: true } }), at(1, { alarms: { smoke: true }, flags: { test: true } })]),
  )
  expect(first.map(r => r.kind)).toEqual(['test'])
  expect(raises(play(fold, [at(10, { alarms: { smoke: true, test: false } })])).map(r => r.kind)).toEqual(['fire-alarm'])
})

describe('the clock of a device', () => {
  const run = (...times: number[]) => {
    let clock: DeviceClock | undefined
    return times.map(s => {
      const next = timed(clock, START + s * 1000)
      clock = next.clock
      return next.late ? 'late' : 'new'
    })
  }
  const hour = 3600
  test('older within the bound is late', () => expect(run(0, 10, 5, 11)).toEqual(['new', 'new', 'late', 'new']))
  test('one stray reading of long ago is late', () =>
    expect(run(hour, 0, hour + 1, hour - LATENESS_BOUND_MS / 1000)).toEqual(['new', 'late', 'new', 'late']))
  test('three in a row are a clock that went back', () => expect(run(hour, 0, 10, 20, 30)).toEqual(['new', 'late', 'late', 'new', 'new']))
  test('three that do not go forward are not', () => expect(run(hour, 20, 10, 0, hour + 1)).toEqual(['new', 'late', 'late', 'late', 'new']))
})
