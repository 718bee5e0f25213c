// Travel figures out of runs that were really made: the line of time over distance that most runs lie near, and how far around it nine in ten
// lie. Pure. It never looks at who went where, so what is fitted on one part of a log can be judged on another.
import type { TravelFigures } from '../plan.ts'
import { intervalOf } from './distance.ts'

/** One run of one resource: `distanceM` along the straight line, `totalS` from the order to the scene, `turnOutS` from the order to the road. */
export type Run = { distanceM: number; totalS: number; turnOutS?: number }

export type Judged = {
  runs: number
  /** likely minus real, on average: above 0 = it promised too late */
  biasS: number
  /** how far off, on average */
  meanErrorS: number
  medianErrorS: number
  /** parts of the runs inside the interval, sooner and later */
  inside: number
  sooner: number
  later: number
  /** median width of the interval */
  widthS: number
}

/** Fewer runs than this are an anecdote: the figures of the plan stay. */
export const RUNS_MIN = 40
/** Nobody drives 100 km away or arrives a day later: a clock that was wrong, or a button that was never pressed. */
const isRun = ({ distanceM, totalS }: Run): boolean => distanceM >= 0 && distanceM < 100_000 && totalS > 0 && totalS < 4 * 3_600

const SPEED_MPS = { least: 0.3, most: 60 }
/** what the plan takes */
const START_S_MAX = 3_600
const STEPS = 80
const TAIL = 0.05

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(q * (sorted.length - 1))))] ?? Number.NaN
const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** For a pace (seconds a metre) the best start is the median of what is left; how far off the runs are then, in all. */
const along = (runs: readonly Run[], pace: number): { startS: number; off: number } => {
  const startS = Math.min(START_S_MAX, Math.max(0, median(runs.map(run => run.totalS - pace * run.distanceM))))
  return { startS, off: runs.reduce((sum, run) => sum + Math.abs(run.totalS - startS - pace * run.distanceM), 0) }
}

/** Least absolute deviations: one crew that forgot to press moves nothing. The sum is convex in the pace, so thirds find it. */
const line = (runs: readonly Run[]): { startS: number; pace: number } => {
  let [low, high] = [1 / SPEED_MPS.most, 1 / SPEED_MPS.least]
  for (let i = 0; i < STEPS; i += 1) {
    const [left, right] = [low + (high - low) / 3, high - (high - low) / 3]
    if (along(runs, left).off <= along(runs, right).off) high = right
    else low = left
  }
  const pace = (low + high) / 2
  return { startS: along(runs, pace).startS, pace }
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))

/** null where there are too few runs. `reachM` is a decision, not a measurement: it stays. */
export const fitTravel = (given: readonly Run[], before: TravelFigures): TravelFigures | null => {
  const runs = given.filter(isRun)
  if (runs.length < RUNS_MIN) return null
  const { startS, pace } = line(runs)
  const turnOuts = runs.flatMap(({ turnOutS }) => (turnOutS === undefined || turnOutS < 0 ? [] : [turnOutS]))
  const turnOutS = Math.min(startS, turnOuts.length < RUNS_MIN ? before.turnOutS : median(turnOuts))
  const ratios = runs.map(run => run.totalS / Math.max(1, startS + pace * run.distanceM)).toSorted((a, b) => a - b)
  return {
    turnOutS: rounded(turnOutS, 0),
    baseS: rounded(startS - turnOutS, 0),
    speedMps: rounded(1 / pace, 2),
    lowFactor: Math.min(1, Math.max(0.01, rounded(quantile(ratios, TAIL), 3))),
    highFactor: Math.min(20, Math.max(1, rounded(quantile(ratios, 1 - TAIL), 3))),
    reachM: before.reachM,
  }
}

/** How right an interval was, run by run. */
export const judgeIntervals = (given: readonly { eta: { lowS: number; likelyS: number; highS: number }; totalS: number }[]): Judged => {
  const errors = given.map(({ eta, totalS }) => eta.likelyS - totalS)
  const part = (is: (one: (typeof given)[number]) => boolean): number => given.filter(is).length / Math.max(1, given.length)
  return {
    runs: given.length,
    biasS: mean(errors),
    meanErrorS: mean(errors.map(Math.abs)),
    medianErrorS: median(errors.map(Math.abs)),
    inside: part(({ eta, totalS }) => totalS >= eta.lowS && totalS <= eta.highS),
    sooner: part(({ eta, totalS }) => totalS < eta.lowS),
    later: part(({ eta, totalS }) => totalS > eta.highS),
    widthS: median(given.map(({ eta }) => eta.highS - eta.lowS)),
  }
}

/** How right these figures are about these runs. */
export const judgeTravel = (given: readonly Run[], figures: TravelFigures): Judged =>
  judgeIntervals(given.filter(isRun).map(({ distanceM, totalS }) => ({ eta: intervalOf(figures, distanceM / figures.speedMps), totalS })))
