// The district's local time by its IANA name: what day it is, when that day began, what the clock on the wall says. Daylight saving is in it, so
// a day has 23, 24 or 25 hours, and one whose midnight does not exist begins with its first instant.

export const DEFAULT_TIME_ZONE = 'Asia/Shanghai'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** Clocks are changed at quarters of an hour; what is known of one is kept, a day's worth of them. */
const QUARTER_MS = 15 * MINUTE_MS
const QUARTERS_KEPT = 1_000

export type Zone = {
  name: string
  /** east of Greenwich is positive */
  offsetMinutes(atMs: number): number
  /** 2026-03-12 */
  day(atMs: number): string
  /** The first instant of a local day; NaN where there is no such day. */
  dayStartMs(day: string): number
  /** What a clock on the wall shows, given as if it were UTC, is this instant; of an hour that comes twice the later one. */
  fromWallMs(wallMs: number): number
  /** minutes since local midnight, as the clock shows them */
  minuteOfDay(atMs: number): number
  /** 2026-03-12T22:40:00, without an offset */
  local(atMs: number): string
  /** The first instant at which the clock shows `2026-03-12T22:40` (seconds may follow); NaN where that is no time. One that the clock leaves out is counted on from before. */
  instantMs(local: string): number
}

export const isTimeZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

const FIELDS = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const

/** Made once for each name: there are as many as the world has. */
const opened = new Map<string, Zone>()

/** @throws RangeError where the name is none of the time zone database */
export const openZone = (name: string): Zone => {
  const zone = opened.get(name) ?? makeZone(name)
  opened.set(name, zone)
  return zone
}

const makeZone = (name: string): Zone => {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, hourCycle: 'h23', era: 'short', ...FIELDS })
  const known = new Map<number, number>()

  const offsetAt = (atMs: number): number => {
    const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]))
    const [year, month, day, hour, minute, second] = ['year', 'month', 'day', 'hour', 'minute', 'second'].map(part => Number(parts[part]))
    const local = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
    return Math.round((local - Math.floor(atMs / 1000) * 1000) / MINUTE_MS)
  }
  const offsetMinutes = (atMs: number): number => {
    const quarter = Math.floor(atMs / QUARTER_MS)
    const found = known.get(quarter)
    if (found !== undefined) return found
    if (known.size >= QUARTERS_KEPT) known.clear()
    const offset = offsetAt(quarter * QUARTER_MS)
    known.set(quarter, offset)
    return offset
  }
  /** as UTC, so that its fields are those of the wall */
  const wall = (atMs: number): Date => new Date(atMs + offsetMinutes(atMs) * MINUTE_MS)
  const shownAt = (wallMs: number): number => {
    const [before, after] = [offsetMinutes(wallMs - DAY_MS), offsetMinutes(wallMs + DAY_MS)]
    const there = [before, after].map(offset => wallMs - offset * MINUTE_MS).filter(ms => ms + offsetMinutes(ms) * MINUTE_MS === wallMs)
    // not there: the clock went forward over it, with the offset from before
    return there.length > 0 ? Math.min(...there) : wallMs - before * MINUTE_MS
  }

  return {
    name,
    offsetMinutes,
    day: atMs => wall(atMs).toISOString().slice(0, 10),
    dayStartMs(day) {
      const midnight = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00.000Z`) : Number.NaN
      if (!Number.isFinite(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return Number.NaN
      return shownAt(midnight)
    },
    fromWallMs(wallMs) {
      const guess = wallMs - offsetMinutes(wallMs) * MINUTE_MS
      return wallMs - offsetMinutes(guess) * MINUTE_MS
    },
    instantMs: local => (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(local) ? shownAt(Date.parse(`${local}Z`)) : Number.NaN),
    minuteOfDay: atMs => Math.floor(wall(atMs).getTime() / MINUTE_MS) % (DAY_MS / MINUTE_MS),
    local: atMs => wall(atMs).toISOString().slice(0, 19),
  }
}

/** 2026-03-13 after 2026-03-12 */
export const dayAfter = (day: string): string => new Date(Date.parse(`${day}T00:00:00.000Z`) + DAY_MS).toISOString().slice(0, 10)
