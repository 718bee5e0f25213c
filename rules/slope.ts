// The slope of a short series, robust against single wild values: the median of the slopes of all pairs.
// Source: P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63 (1968).
import { medianOf } from './level.ts'

/** [event time in ms, value], sorted by time */
export type Sample = [tMs: number, value: number]

export function slopePerMin(samples: readonly Sample[]): number {
  const slopes: number[] = []
  for (const [i, [t0, v0]] of samples.entries()) {
    for (const [t1, v1] of samples.slice(i + 1)) if (t1 > t0) slopes.push(((v1 - v0) / (t1 - t0)) * 60_000)
  }
  return slopes.length === 0 ? 0 : medianOf(slopes)
}

/** Does each half rise by itself? A sensor that was gone and came back makes one step; a fire keeps rising. */
export function eachHalfRises(samples: readonly Sample[], minPerMin: number): boolean {
  const mid = Math.floor(samples.length / 2)
  return slopePerMin(samples.slice(0, mid + 1)) >= minPerMin && slopePerMin(samples.slice(mid)) >= minPerMin
}
