// Travel figures out of real runs: the fit finds what made the runs, an interval holds on runs it has not seen, the command reads the queue's own
// orders, and half a day of San Francisco's log goes through the queue without one busy engine offered.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { readLog, readStations } from '../../bench/dispatch-log.ts'
import { replayLog } from '../../bench/dispatch-replay.ts'
import { calibrated, planWith, run } from '../../bin/calibrate.ts'
import { openDispatch, readRuns } from '../../dispatch/index.ts'
import { DEFAULT_PLAN, parsePlan, SHIPPED_PLAN } from '../../dispatch/plan.ts'
import { fitTravel, judgeTravel, RUNS_MIN, type Run } from '../../dispatch/travel/fit.ts'
import { codeOf, folder, NIGHT_MS, openDesk } from './desk.ts'
import { north, SCENE } from './stations.ts'

const SEED = 20_261_130
/** mulberry32 */
const randomOf = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
const before = DEFAULT_PLAN.travel.engine

/** 60 s to the road, 40 s of doors, 9 m/s, the whole times 0.6 to 1.6; each twentieth forgets to press for an hour. */
const makeRuns = (count: number, seed: number): Run[] => {
  const random = randomOf(seed)
  return Array.from({ length: count }, (_, i) => {
    const distanceM = 200 + 4000 * random()
    const turnOutS = 40 + 40 * random()
    const off = 0.6 + random()
    return { distanceM, turnOutS, totalS: (100 + distanceM / 9) * (off > 1 ? off * off : off) + (i % 20 === 0 ? 3_000 : 0) }
  })
}

describe('the fit', () => {
  it(`finds the line and an interval that holds on other runs (seed ${SEED})`, () => {
    const fitted = fitTravel(makeRuns(2_000, SEED), before)!
    expect(fitted.turnOutS).toBeGreaterThan(55)
    expect(fitted.turnOutS).toBeLessThan(65)
    expect(fitted.reachM, 'a decision, not a measurement').toBe(before.reachM)
    const others = makeRuns(2_000, SEED + 1)
    const [old, now] = [judgeTravel(others, { ...before, speedMps: 4 }), judgeTravel(others, fitted)]
    expect(now.inside).toBeGreaterThan(0.87)
    expect(now.inside).toBeLessThan(0.93)
    expect(now.medianErrorS).toBeLessThan(old.medianErrorS)
    expect(now.inside + now.sooner + now.later).toBeCloseTo(1, 9)
    // at 1,000 m the middle of what made them
    const likelyS = fitted.turnOutS + fitted.baseS + 1_000 / fitted.speedMps
    const middle = 100 + 1_000 / 9
    expect(Math.abs(likelyS - middle * 1.15) / middle).toBeLessThan(0.1)
  })

  it('keeps the plan where there are too few runs, and is not led astray by what is no run', () => {
    expect(fitTravel(makeRuns(RUNS_MIN - 1, SEED), before)).toBeNull()
    const nonsense: Run[] = [
      { distanceM: -5, totalS: 10 },
      { distanceM: 10, totalS: 0 },
      { distanceM: Number.NaN, totalS: 100 },
      { distanceM: 500_000, totalS: 100 },
      { distanceM: 100, totalS: 90_000 },
    ]
    const runs = makeRuns(500, SEED)
    expect(fitTravel([...runs, ...nonsense], before)).toEqual(fitTravel(runs, before))
    expect(fitTravel(Array.from({ length: 100 }, () => nonsense).flat(), before)).toBeNull()
  })

  it('always makes figures that the plan takes', () => {
    for (const runs of [
      Array.from({ length: 100 }, () => ({ distanceM: 0, totalS: 1 })),
      Array.from({ length: 100 }, (_, i) => ({ distanceM: 10 * i, totalS: 14_000 - 100 * i })),
      Array.from({ length: 100 }, (_, i) => ({ distanceM: 1, totalS: i % 2 === 0 ? 1 : 14_000 })),
    ]) {
      const all = [calibrated('engine', runs, DEFAULT_PLAN)]
      expect(all[0]?.after).not.toBeNull()
      expect(() => parsePlan(planWith(readFileSync(SHIPPED_PLAN, 'utf8'), all), 'the fitted plan')).not.toThrow()
    }
  })
})

/** `count` runs of one engine, each 300 m further away and with 10 m/s after 50 s, and one drill. */
const handled = (file: string, count: number): void => {
  const { dispatch, clock } = openDesk({ file })
  dispatch.adoptResources([], [{ id: 'engine', kind: 'engine', name: { zh: '车', en: 'Engine' }, ...SCENE }])
  dispatch.checkIn('engine', { by: 'li' })
  for (let i = 0; i <= count; i += 1) {
    const drill = i === count ? { drill: true } : {}
    const metres = 300 + 100 * i
    const { incident } = dispatch.raise({
      idempotencyKey: `k${i}`,
      origin: 'user:li',
      by: 'li',
      kind: 'fire-alarm',
      place: { building: `b${i}` },
      position: north(metres),
      text: { zh: '火', en: 'fire' },
      ...drill,
    })
    const order = dispatch.dispatchIncident(incident.id, { by: 'li', resourceIds: ['engine'] }).orders[0]!
    expect(order.distanceM).toBeGreaterThan(metres - 3)
    clock.add(50_000)
    dispatch.enRouteOrder(order.id, { by: 'li' })
    clock.add(100 * metres)
    dispatch.onSceneOrder(order.id, { by: 'li' })
    clock.add(60_000)
    dispatch.completeOrder(order.id, { by: 'li' })
    dispatch.closeIncident(incident.id, { by: 'li', cause: 'over', falseAlarm: true })
  }
  dispatch.close()
}

describe('npm run calibrate', () => {
  it('fits the plan to the orders of the district, and writes a plan that can be put in force', () => {
    using dir = folder()
    handled(dir.file, 60)
    expect(readRuns({ file: dir.file }), 'the drill is no run').toHaveLength(60)
    expect(readRuns({ file: dir.file, fromMs: NIGHT_MS + 86_400_000 })).toEqual([])
    const environment = { FENGSUI_DATA_DIR: dir.path }
    const out = join(dir.path, 'plan.yaml')
    const lines: string[] = []
    expect(run(['--write', out], line => lines.push(line), environment)).toBe(0)
    expect(lines.join('\n')).toContain('engine: 60 runs')
    const plan = parsePlan(readFileSync(out, 'utf8'), out)
    expect(plan.travel.engine).toMatchObject({ turnOutS: 50, baseS: 0, reachM: before.reachM })
    expect(plan.travel.engine.speedMps).toBeCloseTo(10, 1)
    expect({ ...plan, travel: { ...plan.travel, engine: before } }, 'nothing else is touched').toEqual(DEFAULT_PLAN)
    expect(readFileSync(out, 'utf8'), 'comments stay').toContain('# How long an incident may stay in a state')
    // never over a file that is there
    writeFileSync(out, 'mine')
    expect(codeOf(() => run(['--write', out], () => {}, environment))).toBe('invalid-request')
    expect(readFileSync(out, 'utf8')).toBe('mine')
    const json: string[] = []
    run(['--json'], line => json.push(line), environment)
    expect(JSON.parse(json.join(''))).toMatchObject([{ mode: 'engine', runs: 60, judged: { after: { runs: 20 } } }])
  })

  it('says that there is nothing to fit to, and writes nothing', () => {
    using dir = folder()
    const lines: string[] = []
    const out = join(dir.path, 'plan.yaml')
    expect(run(['--write', out], line => lines.push(line), { FENGSUI_DATA_DIR: dir.path })).toBe(1)
    expect(lines).toEqual([expect.stringContaining('no run of a crew')])
    handled(dir.file, 5)
    lines.length = 0
    expect(run(['--write', out], line => lines.push(line), { FENGSUI_DATA_DIR: dir.path })).toBe(1)
    expect(lines.join('\n')).toContain('fewer than')
    expect(existsSync(out)).toBe(false)
    expect(codeOf(() => run(['--since', 'monday'], () => {}, { FENGSUI_DATA_DIR: dir.path }))).toBe('invalid-request')
  })
})

describe('a real log', () => {
  it('goes through the queue: no busy engine is offered, and who was sent is among the first', () => {
    const fixtures = join(import.meta.dirname, '../fixtures/sf-dispatch')
    const stations = readStations(join(fixtures, 'stations.geojson'))
    const { sent } = readLog(join(fixtures, 'engines.csv.gz'), 'ENGINE')
    const untilMs = (sent[0]?.sentMs ?? 0) + 12 * 3_600_000
    const { choices, runs, diverted } = replayLog({ sent: sent.filter(one => one.sentMs < untilMs), stations, plan: DEFAULT_PLAN })
    expect(choices.length).toBeGreaterThan(80)
    expect(choices.flatMap(c => c.busyProposed)).toEqual([])
    expect(diverted).toBe(0)
    const decidable = choices.filter(c => c.realHasStation && !c.realWasBusy)
    const within = decidable.filter(c => (c.rank ?? Infinity) <= 2).length
    expect(within / decidable.length).toBeGreaterThan(0.9)
    expect(runs.length).toBeGreaterThan(60)
  })
})

describe('whose area it is', () => {
  it('goes before one that is a little nearer, by grid where both say one, and is said', () => {
    const clock = { nowMs: () => NIGHT_MS }
    using queue = openDispatch({ file: ':memory:', clock, log: noLog, meter: noMeter })
    const add = (id: string, metres: number, at: { area?: string; grid?: string }) => {
      queue.addResource({ id, kind: 'engine', position: north(metres), ...at }, 'li')
      queue.checkIn(id, { by: 'li' })
    }
    add('near', 1000, { area: 'east', grid: 'g1' })
    add('own', 1200, { area: 'west' })
    add('far', 2500, { area: 'west' })
    add('grid', 1250, { area: 'east', grid: 'g7' })
    const fire = (key: string, place: { area?: string; grid?: string }) =>
      queue.raise({
        idempotencyKey: key,
        origin: 'user:li',
        by: 'li',
        kind: 'fire-alarm',
        place: { building: key, ...place },
        position: SCENE,
        text: { zh: '火', en: 'fire' },
      }).incident.id
    const west = queue.candidates(fire('a', { area: 'west' }))
    expect(west.map(one => one.resourceId)).toEqual(['own', 'near', 'grid', 'far'])
    expect(west[0]?.reasons.map(one => one.code)).toContain('own-area')
    expect(west[1]?.reasons.map(one => one.code)).not.toContain('own-area')
    expect(queue.candidates(fire('b', { area: 'east', grid: 'g7' }))[0]?.resourceId).toBe('grid')
    expect(queue.candidates(fire('c', {}))[0]?.resourceId).toBe('near')
  })
})
