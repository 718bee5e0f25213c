// When did it happen? Device clocks lie (docs/decisions/0002-lying-clocks.md): a device's time is believed only near the time of
// arrival; otherwise the reading is kept under server time with the device's own beside it, and a note that people can see.
import { isoOf } from '#contracts/instant.ts'
import type { Reading } from '#contracts/reading.ts'

export { isoOf as iso } from '#contracts/instant.ts'

export const BELIEVED_PAST_MS = 24 * 3_600_000
export const BELIEVED_FUTURE_MS = 120_000
/** Stored readings may be old, but no device of this trade measured before this. */
export const HISTORY_SINCE_MS = Date.UTC(2000, 0, 1)

export type Note = { code: string; reason: string; where?: string }
export type Stamp = Pick<Reading, 'ts' | 'tsSource' | 'deviceTs'> & { note?: Note }

export const serverStamp = (receivedAtMs: number): Stamp => ({ ts: isoOf(receivedAtMs), tsSource: 'server' })

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)$/

/** Epoch ms of an RFC 3339 time with zone, undefined for anything else (local text, relative text). A leap second is its next second. */
export function parseRfc3339(text: string): number | undefined {
  return usual(text) ?? unusual(text)
}

const two = (text: string, at: number): number => (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48
const isDigit = (code: number): boolean => code >= 48 && code <= 57
/** What stands at each place of 2026-01-01T02:13:05.250: a digit where it is 0. */
const FORM = Uint8Array.from('0000-00-00T00:00:00.000', c => (c === '0' ? 0 : c.charCodeAt(0)))
/**
 * 2026-01-01T02:13:05Z or +08:00, with or without thousandths, and no other: nearly all times are written so, and the expression costs ten
 * times that.
 */
function usual(text: string): number | undefined {
  // asked for once to see that it is one, and again for what it says
  if (text === lastText) return lastMs
  lastMs = usualMs(text)
  lastText = text
  return lastMs
}
let lastText = ''
let lastMs: number | undefined

function usualMs(text: string): number | undefined {
  const { length } = text
  const isUtc = text.charCodeAt(length - 1) === 90
  const end = isUtc ? length - 1 : length - 6
  const isWhole = end === 19
  if (!isWhole && end !== 23) return undefined
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i)
    if (FORM[i] === 0 ? !isDigit(code) : code !== FORM[i]) return undefined
  }
  const zoneMinutes = isUtc ? 0 : zoneOf(text, end)
  const year = two(text, 0) * 100 + two(text, 2)
  if (year < 100 || zoneMinutes === undefined) return undefined
  const ms = isWhole ? 0 : two(text, 20) * 10 + text.charCodeAt(22) - 48
  return Date.UTC(year, two(text, 5) - 1, two(text, 8), two(text, 11), two(text, 14), two(text, 17), ms) - zoneMinutes * 60_000
}

/** +08:00 in minutes */
function zoneOf(text: string, at: number): number | undefined {
  const sign = text.charCodeAt(at)
  if ((sign !== 43 && sign !== 45) || text.charCodeAt(at + 3) !== 58) return undefined
  for (const i of ZONE_DIGITS) if (!isDigit(text.charCodeAt(at + i))) return undefined
  return (two(text, at + 1) * 60 + two(text, at + 4)) * (sign === 45 ? -1 : 1)
}
const ZONE_DIGITS = [1, 2, 4, 5]

/** Is this an RFC 3339 time with zone that a calendar has on every month's first 28 days? false = a closer look is needed. */
export function isUsualTime(text: string): boolean {
  const end = text.charCodeAt(text.length - 1) === 90 ? text.length - 1 : text.length - 6
  return (
    usual(text) !== undefined &&
    within(two(text, 5), 1, 12) &&
    within(two(text, 8), 1, 28) &&
    two(text, 11) < 24 &&
    two(text, 14) < 60 &&
    two(text, 17) < 60 &&
    (end === text.length - 1 || (two(text, end + 1) < 24 && two(text, end + 4) < 60))
  )
}
const within = (value: number, min: number, max: number): boolean => value >= min && value <= max

function unusual(text: string): number | undefined {
  const m = RFC3339.exec(text)
  if (m === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', sign, zoneHour = '0', zoneMinute = '0'] = m
  const zoneMs = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000 * (sign === '-' ? -1 : 1)
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), milliseconds(fraction))
  // Date.UTC reads years 0-99 as 1900-1999: no device means that
  return Number.isFinite(ms) && Number(year) >= 100 ? ms - zoneMs : undefined
}

const milliseconds = (fraction: string): number => Number(fraction.padEnd(3, '0').slice(0, 3))

/**
 * `deviceMs` undefined = the device gave no time. `given` is its time as it wrote it, kept when not believed.
 * Believed: receivedAt - 24 h <= t <= receivedAt + 2 min; a stored reading (`history`) may be older.
 */
export function stamp(o: {
  deviceMs: number | undefined
  given?: string
  source: 'device' | 'gateway'
  receivedAtMs: number
  history?: boolean
  where: string
}): Stamp {
  const { deviceMs, receivedAtMs } = o
  if (deviceMs === undefined) return { ...serverStamp(receivedAtMs), ...(o.given !== undefined && { deviceTs: o.given }) }
  const oldestMs = o.history === true ? HISTORY_SINCE_MS : receivedAtMs - BELIEVED_PAST_MS
  if (deviceMs >= oldestMs && deviceMs <= receivedAtMs + BELIEVED_FUTURE_MS) return { ts: isoOf(deviceMs), tsSource: o.source }
  const offS = Math.round(Math.abs(deviceMs - receivedAtMs) / 1000)
  const reason = `${o.source} time is ${offS} s ${deviceMs < receivedAtMs ? 'before' : 'after'} arrival: the reading was kept under server time`
  return {
    ...serverStamp(receivedAtMs),
    deviceTs: o.given ?? isoOrNumber(deviceMs),
    note: { code: 'clock-implausible', reason, where: o.where },
  }
}

const isoOrNumber = (ms: number): string => (Math.abs(ms) <= 8.64e15 ? isoOf(ms) : String(ms))
