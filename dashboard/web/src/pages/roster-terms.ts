// A turn of duty repeated day after day, by the clock of this computer: eight o'clock stays eight o'clock. Pure.
import type { DutyShift } from '#contracts/resource.ts'

/** the server's bound for one roster */
export const SHIFTS_MAX = 400
const DAYS_MAX = 92

const dayLater = (at: string, days: number): string => {
  const date = new Date(at)
  date.setDate(date.getDate() + days)
  return date.toISOString()
}

/** The turn, and the same on each of the following days; `days` 1 = only itself, at most 92. */
export const repeated = (shift: DutyShift, days: number): DutyShift[] =>
  Array.from({ length: Math.min(DAYS_MAX, Math.max(1, Math.floor(days) || 1)) }, (_, i) => ({
    ...shift,
    from: dayLater(shift.from, i),
    to: dayLater(shift.to, i),
  }))
