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

const SETS: RuleSet[] = [
  setOf(SMOKE),
  setOf(HOT),
  setOf(SMOKE, HOT),
  setOf({ ...SMOKE, kind: 'state-is', parameters: { state: 'x', in: ['y'] } }, HOT),
]

test('restarts between readings and sets change no alarm', () => {
  const step = tuple(constantFrom('a', 'b', 'c'), boolean(), constantFrom(-1, -1, -1, 0, 1, 2, 3), boolean())
  assert(
    property(array(step, { minLength: 1, maxLength: 60 }), steps => {
      let [whole, broken] = [0, 1].map(() => createFold({ ruleSet: SETS[0]! })) as [Fold, Fold]
      const rows = new Map<string, string>()
      const said: [AlarmSignal[], AlarmSignal[]] = [[], []]
      for (const [i, [deviceId, on, set, restarts]] of steps.entries()) {
        if (set >= 0) for (const fold of [whole, broken]) fold.use(SETS[set]!)
        kept(rows, broken)
        if (restarts) broken = createFold({ ruleSet: broken.ruleSet, rows })
        for (const [n, fold] of [whole, broken].entries()) {
          said[n]!.push(...fold.apply(smoke(i * 10, on, deviceId), i + 1), ...fold.apply(hot(i * 10, deviceId), i + 1))
        }
      }
      expect(said[1]).toEqual(said[0])
    }),
    { numRuns: 300, seed: 20260105 },
  )
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
