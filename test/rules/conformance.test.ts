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
const foldFor = ({ rule, beside = [] }: Scenario, rows?: Iterable<[string, string]>, kinds?: readonly AnyKind[]) =>
  createFold({ ruleSet: setOf(rule, ...beside), ...(rows && { rows }), ...(kinds && { kinds }) })
const frozen = <T>(value: T): T => {
  if (value !== null && typeof value === 'object') for (const inner of Object.values(Object.freeze(value))) frozen(inner)
  return value
}
const shifted = (readings: Reading[], eventS: number, arrivalS: number): Reading[] =>
  readings.map(r => ({
    ...r,
    ts: new Date(Date.parse(r.ts) + eventS * 1000).toISOString(),
    receivedAt: new Date(Date.parse(r.receivedAt) + arrivalS * 1000).toISOString(),
  }))

/** What the rule under test said: its own alarms, or its remarks on those of others. */
function ofRule({ rule, remarks }: Scenario, signals: AlarmSignal[]): AlarmSignal[] {
  if (remarks === true) return signals.filter(s => s.type === 'update' && s.evidence.concat(s.counterEvidence ?? []).some(isLook))
  const own = new Set(raises(signals).flatMap(s => (s.rule.id === rule.id ? s.alarmId : [])))
  return signals.filter(s => own.has(s.alarmId))
}
const isLook = ({ what }: { what: string }) => what.startsWith('detections')
const playOwn = (scenario: Scenario, readings: Reading[], fold = foldFor(scenario)) => ofRule(scenario, play(fold, readings))

type Step = (...input: unknown[]) => unknown
/** The same kind, that is asked everything twice with frozen input, and whose state of `rule` is looked at. */
function watched(kind: AnyKind, see: (state: unknown) => void): AnyKind {
  const twice =
    (step: Step): Step =>
    (...input) => {
      frozen(input)
      const once = step(...input)
      expect(step(...input)).toEqual(once)
      see((once as { state: unknown }).state)
      return frozen(once)
    }
  const copy: Record<string, unknown> = { ...kind }
  for (const name of ['step', 'woken', 'heard', 'gathered'] as const) {
    const step = kind[name] as Step | undefined
    if (step !== undefined) copy[name] = twice(step)
  }
  const { rest } = kind
  if (rest !== undefined)
    copy['step'] = twice((p, state, o) => {
      restedOr(kind, rest, p, state, o as Observation)
      return kind.step(p, state, o as Observation)
    })
  delete copy['rest']
  return copy as unknown as AnyKind
}

/** A state that settles is the same when it is taken up; what `calm` made of its numbers is what `step` answers, or they are as before. */
function restedOr(kind: AnyKind, rest: NonNullable<AnyKind['rest']>, p: unknown, state: unknown, o: Observation): void {
  const AT = 2
  const size = rest.size(p)
  const around = [-1, -2, ...Array.from({ length: size }, () => 0.5), -3]
  const n = [...around]
  if (!rest.settle(p, state, n, AT)) return
  const kept = rest.isKept === true ? state : undefined
  expect(rest.state(p, n, AT, kept)).toEqual(state)
  const before = [...n]
  if (rest.calm(p, n, AT, o, kept))
    expect({ tales: [], ...kind.step(p, state, o) }).toEqual({ state: rest.state(p, n, AT, kept), findings: [], tales: [] })
  else expect(n).toEqual(before)
  // no kind writes beside its place
  expect([n[0], n[1], n[AT + size]]).toEqual([-1, -2, -3])
}

/** As much of it is there as before, and all of it says something else. */
function altered(r: Reading): Reading {
  const each = <T, U>(record: Record<string, T>, other: (value: T) => U) =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, other(value)]))
  const other: Reading = {
    ...r,
    metrics: each(r.metrics, value => -1000 * value - 7),
    alarms: each(r.alarms as Record<string, boolean>, on => !on),
    source: { family: 'shelly' },
  }
  if (r.online !== undefined) other.online = !r.online
  if (r.batteryPct !== undefined) other.batteryPct = 100 - r.batteryPct
  if (r.detections !== undefined) other.detections = r.detections.length > 0 ? [] : [{ class: 'flame' }]
  if (r.state !== undefined) other.state = { ...each(r.state, () => 'another word'), statusReason: 'sleep' }
  if (r.deviceTs !== undefined) other.deviceTs = r.ts
  return other
}

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
  const { rule, story, gap, remarks } = scenario
  const others = KINDS.filter(k => k.name !== kind.name)

  test('raises once and clears once in its story', () => {
    const said = playOwn(scenario, story)
    if (remarks === true) return expect(said.map(s => s.type)).toEqual(['update', 'update'])
    expect(shortOf(said).map(s => s[0])).toEqual(['+', '-'])
  })

  test('wants by shape means by shape: what is said makes no difference', () => {
    const readings = Object.values(SCENARIOS).flatMap(({ story: other }) => other)
    const differ = readings.filter(r => kind.wants(rule.parameters, r) !== kind.wants(rule.parameters, altered(r)))
    if (kind.byShape === true) expect(differ).toEqual([])
  })

  test('is pure: frozen input, the same answer twice', () => {
    const fold = foldFor(scenario, [], [...others, watched(kind, () => {})])
    expect(playOwn(scenario, story, fold)).toEqual(playOwn(scenario, story))
    expect(fold.disabled()).toEqual([])
  })

  test('never asks the wall clock', () => {
    vi.spyOn(Date, 'now').mockImplementation(() => {
      throw new Error('Date.now was called')
    })
    vi.spyOn(performance, 'now').mockImplementation(() => {
      throw new Error('performance.now was called')
    })
    expect(playOwn(scenario, story).length).toBeGreaterThanOrEqual(1)
  })

  test('state is JSON and stays within its stated size', () => {
    let longest = 0
    const see = (state: unknown) => {
      if (state === undefined) return
      const json = JSON.stringify(state)
      expect(JSON.parse(json)).toEqual(state)
      longest = Math.max(longest, json.length)
    }
    const fold = foldFor(scenario, [], [...others, watched(kind, see)])
    for (let round = 0; round < 40; round++) play(fold, shifted(story, round * 313, round * 313), 1_000_000_000)
    expect(fold.disabled()).toEqual([])
    expect(longest).toBeGreaterThan(0)
    expect(longest).toBeLessThanOrEqual(kind.stateBytesMax)
  })

  test('saved and restored at every reading it goes on the same', () => {
    const whole = foldFor(scenario)
    const expected = story.map((reading, i) => whole.apply(reading, i + 1))
    const rows = new Map<string, string>()
    for (const [i, reading] of story.entries()) {
      const fold = foldFor(scenario, rows)
      expect(fold.apply(reading, i + 1)).toEqual(expected[i])
      for (const [key, json] of fold.dirty()) {
        if (json === null) rows.delete(key)
        else rows.set(key, json)
      }
    }
  })

  test.each(['history', 'stale', 'retained', 'test'] as const)('a reading marked %s raises nothing', flag => {
    // a sign of life, or the word that there is a device: its silence may be told, never what it measured
    if (kind.admits === 'heard' && flag !== 'stale') return
    const allowed = (flag === 'test' && kind.admits === 'test') || (flag === 'retained' && kind.admits === 'presence')
    const fold = foldFor(scenario)
    const marked = story.map(r => ({ ...r, flags: { [flag]: true } }))
    const kinds = raises(play(fold, marked)).map(r => r.kind)
    expect(kinds).toEqual(allowed ? [rule.alarm.kind] : [])
    if (!allowed) expect(fold.dirty().filter(([key]) => key !== '#listening')).toEqual([])
  })

  test('absent never clears', () => {
    const upTo = story.slice(0, story.findIndex((_, i) => playOwn(scenario, story.slice(0, i + 1)).length > 0) + 1)
    const fold = foldFor(scenario)
    play(fold, upTo)
    const last = Date.parse(upTo.at(-1)?.ts ?? '')
    const silent = Array.from({ length: 50 }, (_, i) => {
      const ts = new Date(last + (i + 1) * 60_000).toISOString()
      const deviceId = kind.admits === 'heard' ? 'd1-clock' : 'd1'
      return {
        ...(story[0] as Reading),
        deviceId,
        tsSource: 'server' as const,
        ts,
        receivedAt: ts,
        metrics: { humidity_pct: 50 },
        alarms: {},
        state: {},
      }
    }).map(({ online: _online, ...r }) => r)
    expect(play(fold, silent).filter(s => s.type === 'clear')).toEqual([])
  })

  if (gap !== undefined) {
    test('a silence does not count towards an alarm', () => expect(playOwn(scenario, gap)).toEqual([]))
  }

  test('a clock that goes back an hour does not wedge it', () => {
    const fold = foldFor(scenario)
    expect(playOwn(scenario, story, fold).length).toBeGreaterThanOrEqual(1)
    const again = [...shifted(story, -3600, 1_200), ...shifted(story, -2400, 2_400)]
    const signals = ofRule(scenario, play(fold, again, 1_000))
    expect(signals.length).toBeGreaterThanOrEqual(1)
    // silence is judged by arrival alone
    if (kind.admits !== 'heard' && remarks !== true) expect(raises(signals).some(r => Date.parse(r.at) < START - 2_000_000)).toBe(true)
  })

  test('shuffled within the lateness bound it keeps its promise', () => {
    const inOrder = playOwn(scenario, story)
    // bounded lateness: no reading is overtaken by one that is more than the bound newer
    const shuffle = array(nat(LATENESS_BOUND_MS - 1), { minLength: story.length, maxLength: story.length })
    assert(
      property(shuffle, delaysMs => {
        const arrival = story.map((r, i) => ({ r, atMs: Date.parse(r.ts) + (delaysMs[i] ?? 0) })).sort((a, b) => a.atMs - b.atMs)
        const signals = playOwn(
          scenario,
          arrival.map(({ r, atMs }) => ({ ...r, receivedAt: new Date(atMs).toISOString() })),
        )
        expect(raises(signals).every(r => r.deviceId.startsWith('d1'))).toBe(true)
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
  const pure = ['fold', 'judge', 'active', 'admission', 'listening', 'timers', 'shapes', 'rest', 'whose', 'latch', 'level', 'slope']
  const files = globSync(['kinds/*.ts', ...[...pure, 'episode', 'memory', 'device-clock', 'evidence'].map(name => `${name}.ts`)], {
    cwd: root,
  })
  expect(files.length).toBeGreaterThan(KINDS.length + pure.length)
  for (const file of files) {
    const code = readFileSync(join(root, file), 'utf8')
    expect(code, file).not.toMatch(/Date\.now|new Date\(\)|performance|Math\.random|setTimeout|setInterval|process\.|node:fs|fetch\(/)
  }
})
