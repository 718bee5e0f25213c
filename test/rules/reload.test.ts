// Another set while the stream goes on: what is remembered of unchanged rules stays, the rest begins anew, and a restart at any moment
// changes nothing: the same readings and the same history of sets make the same alarms.
import { array, assert, boolean, constantFrom, property, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AlarmSignal } from '#contracts/alarm.ts'
import { createFold, type Fold } from '../../rules/fold.ts'
import type { RuleSet } from '../../rules/schema.ts'
import { at, play, raises, ruleOf, setOf, shortOf } from './timeline.ts'

const SMOKE = { ...ruleOf('device-alarm', { flags: ['smoke'] }), id: 'smoke-rule' }
const HOT = {
  ...ruleOf('threshold', {
    metric: 'temperature_c',
    direction: 'above',
    threshold: 57,
    clearAt: 50,
    onDelayS: 20,
    onReadings: 3,
    offDelayS: 20,
    maxGapS: 60,
  }),
  id: 'hot-rule',
}
const smoke = (s: number, on = true, deviceId = 'a') => at(s, { deviceId, alarms: { smoke: on } })
const hot = (s: number, deviceId = 'a') => at(s, { deviceId, metrics: { temperature_c: 80 } })

describe('another set', () => {
  test('an unchanged rule goes on in the middle of its delay, with another parameter too', () => {
    const fold = createFold({ ruleSet: setOf(HOT) })
    expect(shortOf(play(fold, [hot(0), hot(10)]))).toEqual([])
    fold.use(setOf({ ...HOT, version: 2, parameters: { ...HOT.parameters, threshold: 60 } }, SMOKE))
    const [raise] = raises(play(fold, [hot(20)]))
    expect(raise).toMatchObject({ rule: { version: '2', setVersion: fold.ruleSet.version, parameters: { threshold: 60 } } })
  })
  test('an open alarm of an unchanged rule is the same alarm, and clears', () => {
    const fold = createFold({ ruleSet: setOf(SMOKE) })
    const [raise] = play(fold, [smoke(0)])
    fold.use(setOf(SMOKE, HOT))
    expect(play(fold, [smoke(1)])[0]).toMatchObject({ type: 'update', alarmId: raise?.alarmId })
    expect(play(fold, [smoke(9, false)])[0]).toMatchObject({ type: 'clear', alarmId: raise?.alarmId })
  })
  test('a rule of another kind, or one that was gone in between, begins anew', () => {
    const fold = createFold({ ruleSet: setOf(SMOKE) })
    play(fold, [smoke(0)])
    fold.use(setOf(HOT))
    fold.use(setOf(HOT, SMOKE))
    expect(shortOf(play(fold, [smoke(1)]))).toEqual(['+1'])
  })
  test('a set that cannot be used changes nothing', () => {
    const fold = createFold({ ruleSet: setOf(SMOKE) })
    expect(() => fold.use(setOf({ ...HOT, kind: 'magic' }))).toThrow(/no kind 'magic'/)
    expect([fold.ruleSet.rules.length, shortOf(play(fold, [smoke(0)]))]).toEqual([1, ['+0']])
  })
})

/** Rows as a store keeps them. */
function kept(rows: Map<string, string>, fold: Fold): Map<string, string> {
  for (const [key, json] of fold.dirty()) {
    if (json === null) rows.delete(key)
    else rows.set(key, json)
  }
  return rows
}

/** a rule that is called in time: what it asked for must survive, or not, with its state */
const QUIET = {
  ...ruleOf('gone-quiet', { expectS: 60, intervals: 2, leastS: 100, settleS: 20, massPart: 0.5, massSeverity: 3 }),
  id: 'quiet-rule',
}
const SETS: RuleSet[] = [
  setOf(SMOKE),
  setOf(HOT),
  setOf(SMOKE, HOT),
  setOf({ ...SMOKE, kind: 'state-is', parameters: { state: 'x', in: ['y'] } }, HOT),
  setOf(SMOKE, QUIET),
  setOf(SMOKE, { ...QUIET, version: 2, parameters: { ...QUIET.parameters, leastS: 60, expectS: 20 } }),
]

test('restarts between readings and sets change no alarm', () => {
  let quiet = 0
  const step = tuple(
    constantFrom('a', 'b', 'c'),
    boolean(),
    constantFrom(-1, -1, -1, 0, 1, 2, 3, 4, 4, 5),
    boolean(),
    constantFrom(10, 10, 200),
  )
  assert(
    property(array(step, { minLength: 1, maxLength: 60 }), steps => {
      let [whole, broken] = [0, 1].map(() => createFold({ ruleSet: SETS[0]! })) as [Fold, Fold]
      const rows = new Map<string, string>()
      const said: [AlarmSignal[], AlarmSignal[]] = [[], []]
      let s = 0
      for (const [i, [deviceId, on, set, restarts, passes]] of steps.entries()) {
        s += passes
        if (set >= 0) for (const fold of [whole, broken]) fold.use(SETS[set]!)
        kept(rows, broken)
        if (restarts) broken = createFold({ ruleSet: broken.ruleSet, rows })
        for (const [n, fold] of [whole, broken].entries()) {
          said[n]!.push(...fold.apply(smoke(s, on, deviceId), i + 1), ...fold.apply(hot(s, deviceId), i + 1))
        }
      }
      expect(said[1]).toEqual(said[0])
      if (said[0].some(signal => signal.type === 'raise' && signal.rule.id === QUIET.id)) quiet++
    }),
    { numRuns: 300, seed: 20260105 },
  )
  expect(quiet).toBeGreaterThan(10)
})

test('rows from before sets could change are read', () => {
  const first = createFold({ ruleSet: setOf(SMOKE) })
  const [raise] = play(first, [smoke(0)])
  const written = first.dirty().filter(([key]) => key !== '#listening')
  const rows = written.map(([key, json]): [string, string] => {
    const { era: _, ...row } = JSON.parse(json ?? '') as { era?: number; rules?: Record<string, [string]> }
    return [key, key === '#kinds' ? JSON.stringify({ [SMOKE.id]: SMOKE.kind }) : JSON.stringify(row)]
  })
  expect(play(createFold({ ruleSet: setOf(SMOKE), rows }), [smoke(5, false)])[0]).toMatchObject({ type: 'clear', alarmId: raise?.alarmId })
})
