// The level a value usually has at one device: the median of its first readings, then followed slowly.
// Detectors soil and rooms have their own warmth; a fire is seen against this level, and a sensor that drops out for a minute
// cannot drag it along. EN 54-7 and GB 4715 allow such drift compensation while it stays slow against a smouldering fire.

export type LevelParameters = { learnReadings: number; risePerH: number; fallPerH: number; max?: number }

/** `learn` is there until enough readings have come; `v` after that. */
export type Level = { learn?: number[]; v?: number; tMs: number }

/** A silence counts as at most this long: nothing is known about what the value did meanwhile. */
const SILENCE_MAX_MS = 600_000
const MS_PER_H = 3_600_000

const capped = (value: number, max: number | undefined): number => (max === undefined ? value : Math.min(value, max))

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const mid = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[mid] ?? 0) : ((sorted[mid - 1] ?? 0) + (sorted[mid] ?? 0)) / 2
}

export function followed(p: LevelParameters, level: Level | undefined, tMs: number, value: number): Level {
  if (level?.v === undefined) {
    const learn = [...(level?.learn ?? []), value]
    return learn.length < p.learnReadings ? { learn, tMs } : { v: capped(medianOf(learn), p.max), tMs }
  }
  return { v: movedOn(p, level.v, tMs - level.tMs, value), tMs }
}

/** Where a learnt level is after `sinceMs`, at `value`. */
export function movedOn(p: LevelParameters, v: number, sinceMs: number, value: number): number {
  const hours = Math.min(Math.max(0, sinceMs), SILENCE_MAX_MS) / MS_PER_H
  const step = Math.min(p.risePerH * hours, Math.max(-p.fallPerH * hours, value - v))
  return capped(v + step, p.max)
}
