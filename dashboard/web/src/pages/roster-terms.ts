// A turn of duty repeated day after day, by the district's clock: eight o'clock stays eight o'clock. Pure.
import type { DutyShift } from '#contracts/resource.ts'
import { openZone } from '#contracts/zone.ts'
import { zoneName } from '../format.ts'
import { instantOf } from './listing.ts'

/** the server's bound for one roster */
export const SHIFTS_MAX = 400
const DAYS_MAX = 92

const dayLater = (at: string, days: number): string => {
  const wall = new Date(`${openZone(zoneName()).local(Date.parse(at))}Z`)
  wall.setUTCDate(wall.getUTCDate() + days)
  return instantOf(wall.toISOString().slice(0, 19)) ?? at
}

/** The turn, and the same on each of the following days; `days` 1 = only itself, at most 92. */
export const repeated = (shift: DutyShift, days: number): DutyShift[] =>
  Array.from({ length: Math.min(DAYS_MAX, Math.max(1, Math.floor(days) || 1)) }, (_, i) => ({
    ...shift,
    from: dayLater(shift.from, i),
    to: dayLater(shift.to, i),
  }))
