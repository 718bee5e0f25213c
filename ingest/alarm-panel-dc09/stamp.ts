// The time of a receiver line, HH:MM:SS,MM-DD-YYYY. The standard says UTC; panels often say local time where nothing is encrypted.

const STAMP = /^(\d{2}):(\d{2}):(\d{2}),(\d{2})-(\d{2})-(\d{4})$/
/** An encrypted line is held against the receiver's time (ANSI/SIA DC-09 5.5.1.8): so far behind it and so far ahead, as other receivers have it. */
const BEFORE_MS = 40_000
const AFTER_MS = 20_000

/** Epoch ms where it is UTC; NaN for anything else. */
export function utcOf(stampText: string): number {
  const [, hour, minute, second, month, day, year] = STAMP.exec(stampText) ?? []
  return year === undefined
    ? Number.NaN
    : Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
}

export const isTimely = (stampText: string | undefined, nowMs: number): boolean => {
  const offMs = utcOf(stampText ?? '') - nowMs
  return offMs >= -BEFORE_MS && offMs <= AFTER_MS
}

const two = (n: number): string => String(n).padStart(2, '0')
export function stampOf(nowMs: number): string {
  const at = new Date(nowMs)
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(':')
  return `${time},${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}-${at.getUTCFullYear()}`
}

const ZONE_STEP_MS = 900_000
const ZONE_MOST_MS = 14 * 3_600_000
const CLOCK_OFF_MS = 120_000

/** A clock is right that differs by a whole number of quarter hours, as zones do. */
export function isRightSomewhere(stampText: string, receivedAtMs: number): boolean {
  const offMs = utcOf(stampText) - receivedAtMs
  const restMs = Math.abs(offMs) % ZONE_STEP_MS
  return Math.abs(offMs) <= ZONE_MOST_MS && Math.min(restMs, ZONE_STEP_MS - restMs) <= CLOCK_OFF_MS
}
