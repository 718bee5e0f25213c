// What every rule kind promises, run over every kind: pure, bounded, restartable at any reading, deaf to what is not of now.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { array, assert, nat, property } from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { AlarmSignal } from '#contracts/alarm.ts'
import type { Reading } from '#contracts/reading.ts'
import { LATENESS_BOUND_MS } from '../../rules/device-clock.ts'
import { createFold } from '../../rules/fold.ts'
import { KINDS } from '../../rules/kinds/index.ts'
import type { AnyKind, Observation } from '../../rules/kind.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'
import { play, raises, setOf, shortOf, START } from './timeline.ts'

const scenarioOf = (kind: AnyKind): Scenario => {
  const scenario = SCENARIOS[kind.name]
  if (scenario === undefined) throw new Error(`test/rules/scenarios.ts has no story for the kind ${kind.name}`)
  return scenario
}
const foldFor = ({ rule }: Scenario, rows?: Iterable<[string, string]>) => createFold({ ruleSet: setOf(rule), ...(rows && { rows }) })
const frozen = <T>(value: T): T => {
  if (value !== null && typeof value === 'object') for (const inner of Object.values(Object.freeze(value))) frozen(inner)
  return value
}
const observation = (reading: Reading, seq: number): Observation => ({
  reading,
  seq,
  tMs: Date.parse(reading.ts),
  receivedMs: Date.parse(reading.receivedAt),
  listenedMs: Date.parse(reading.receivedAt),
  late: false,
})
const shifted = (readings: Reading[], eventS: number, arrivalS: number): Reading[] =>
  readings.map(r => ({
    ...r,
    ts: new Date(Date.parse(r.ts) + eventS * 1000).toISOString(),
    receivedAt: new Date(Date.parse(r.receivedAt) + arrivalS * 1000).toISOString(),
  }))

/** The open alarms at the end: raised and not cleared. */
const openAfter = (signals: AlarmSignal[]): number => {
  const open = new Set<string>()
  for (const { type, alarmId } of signals) {
    if (type === 'raise') open.add(alarmId)
    if (type === 'clear') open.delete(alarmId)
  }
  return open.size
}

afterEach(() => vi.restoreAllMocks())

describe.each(KINDS.map(kind => [kind.name, kind] as const))('%s', (_, kind) => {
  const scenario = scenarioOf(kind)
  const { rule, story, gap } = scenario

  test('raises once and clears once in its story', () => {
    const signals = play(foldFor(scenario), story)
    expect(shortOf(signals).map(s => s[0])).toEqual(['+', '-'])
  })

  test('is pure: frozen input, the same answer twice', () => {
    let state: unknown
    for (const [i, reading] of story.entries()) {
      const input = frozen([rule.parameters, state, observation(reading, i)] as const)
      const once = kind.step(...input)
      expect(kind.step(...input)).toEqual(once)
      state = once.state
    }
  })

  test('never asks the wall clock', () => {
    vi.spyOn(Date, 'now').mockImplementation(() => {
      throw new Error('Date.now was called')
    })
    vi.spyOn(performance, 'now').mockImplementation(() => {
      throw new Error('performance.now was called')
    })
    expect(raises(play(foldFor(scenario), story))).toHaveLength(1)
  })

  test('state is JSON and stays within its stated size', () => {
    let state: unknown
    for (let round = 0; round < 40; round++) {
      for (const [i, reading] of shifted(story, round * 313, round * 313).entries()) {
        state = kind.step(rule.parameters, state, observation(reading, i + 1e9)).state
        if (state === undefined) continue
        const json = JSON.stringify(state)
        expect(JSON.parse(json)).toEqual(state)
        expect(json.length).toBeLessThanOrEqual(kind.stateBytesMax)
      }
    }
  })

  test('saved and restored at every reading it goes on the same', () => {
    const whole = foldFor(scenario)
    const expected = story.map((reading, i) => whole.apply(reading, i + 1))
    let rows = new Map<string, string>()
    for (const [i, reading] of story.entries()) {
      const fold = foldFor(scenario, rows)
      expect(fold.apply(reading, i + 1)).toEqual(expected[i])
      rows = new Map(rows)
      for (const [key, json] of fold.dirty()) {
        if (json === null) rows.delete(key)
        else rows.set(key, json)
      }
    }
  })

  test.each(['history', 'stale', 'retained', 'test'] as const)('a reading marked %s raises nothing', flag => {
    const allowed = (flag === 'test' && kind.admits === 'test') || (flag === 'retained' && kind.admits === 'presence')
    const fold = foldFor(scenario)
    const marked = story.map(r => ({ ...r, flags: { [flag]: true } }))
    const kinds = raises(play(fold, marked)).map(r => r.kind)
    expect(kinds).toEqual(allowed ? [rule.alarm.kind] : [])
    if (!allowed) expect(fold.dirty().filter(([key]) => key !== '#listening')).toEqual([])
  })

  test('absent never clears', () => {
    const upTo = story.slice(0, story.findIndex((_, i) => raises(play(foldFor(scenario), story.slice(0, i + 1))).length > 0) + 1)
    const fold = foldFor(scenario)
    play(fold, upTo)
    const last = Date.parse(upTo.at(-1)?.ts ?? '')
    const silent = Array.from({ length: 50 }, (_, i) => {
      const ts = new Date(last + (i + 1) * 60_000).toISOString()
      return { ...(story[0] as Reading), ts, receivedAt: ts, metrics: { humidity_pct: 50 }, alarms: {}, state: {} }
    }).map(({ online: _online, ...r }) => r)
    expect(play(fold, silent)).toEqual([])
  })

  if (gap !== undefined) {
    test('a silence does not count towards an alarm', () => expect(play(foldFor(scenario), gap)).toEqual([]))
  }

  test('a clock that goes back an hour does not wedge it', () => {
    const fold = foldFor(scenario)
    expect(raises(play(fold, story))).toHaveLength(1)
    const again = [...shifted(story, -3600, 600), ...shifted(story, -3000, 1200)]
    const signals = play(fold, again, 1_000)
    expect(raises(signals).length).toBeGreaterThanOrEqual(1)
    expect(raises(signals).some(r => Date.parse(r.at) < START - 2_000_000)).toBe(true)
  })

  test('shuffled within the lateness bound it keeps its promise', () => {
    const inOrder = play(foldFor(scenario), story)
    // bounded lateness: no reading is overtaken by one that is more than the bound newer
    const shuffle = array(nat(LATENESS_BOUND_MS - 1), { minLength: story.length, maxLength: story.length })
    assert(
      property(shuffle, delaysMs => {
        const arrival = story.map((r, i) => ({ r, atMs: Date.parse(r.ts) + (delaysMs[i] ?? 0) })).sort((a, b) => a.atMs - b.atMs)
        const signals = play(
          foldFor(scenario),
          arrival.map(({ r, atMs }) => ({ ...r, receivedAt: new Date(atMs).toISOString() })),
        )
        expect(raises(signals).every(r => r.deviceId === 'd1')).toBe(true)
        if (kind.shuffled === 'may-miss') return
        expect(raises(signals).length).toBeGreaterThanOrEqual(1)
        expect(openAfter(signals)).toBe(openAfter(inOrder))
      }),
      { numRuns: 100, seed: 20260105 },
    )
  })
})

test('the sources of kinds name no clock, no chance and no input or output', () => {
  const root = join(import.meta.dirname, '../../rules')
  const files = globSync(
    ['kinds/*.ts', 'fold.ts', 'latch.ts', 'level.ts', 'slope.ts', 'episode.ts', 'memory.ts', 'device-clock.ts', 'evidence.ts'],
    { cwd: root },
  )
  expect(files.length).toBeGreaterThan(KINDS.length)
  for (const file of files) {
    const code = readFileSync(join(root, file), 'utf8')
    expect(code, file).not.toMatch(/Date\.now|new Date\(\)|performance|Math\.random|setTimeout|setInterval|process\.|node:fs|fetch\(/)
  }
})
