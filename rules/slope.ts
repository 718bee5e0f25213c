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

/** The straight line through all samples (least squares): quicker to see a climb that has just begun, and moved by a single wild value. */
export function linePerMin(samples: readonly Sample[]): number {
  const n = samples.length
  let meanMs = 0
  let mean = 0
  for (const [t, v] of samples) {
    meanMs += t / n
    mean += v / n
  }
  let up = 0
  let along = 0
  for (const [t, v] of samples) {
    up += (t - meanMs) * (v - mean)
    along += (t - meanMs) ** 2
  }
  return along === 0 ? 0 : (up / along) * 60_000
}

/** Does each half rise by itself? A sensor that was gone and came back makes one step; a fire keeps rising. */
export function eachHalfRises(samples: readonly Sample[], minPerMin: number): boolean {
  const mid = Math.floor(samples.length / 2)
  return slopePerMin(samples.slice(0, mid + 1)) >= minPerMin && slopePerMin(samples.slice(mid)) >= minPerMin
}
