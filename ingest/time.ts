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
/** 2026-01-01T02:13:05Z, with or without thousandths, and no other: nearly all times are written so, and the expression costs ten times that. */
function usual(text: string): number | undefined {
  const isWhole = text.length === 20
  if ((!isWhole && text.length !== 24) || text.charCodeAt(text.length - 1) !== 90) return undefined
  for (let i = 0; i < text.length - 1; i++) {
    const code = text.charCodeAt(i)
    const want = i === 4 || i === 7 ? 45 : i === 10 ? 84 : i === 13 || i === 16 ? 58 : i === 19 ? 46 : 0
    if (want === 0 ? !isDigit(code) : code !== want) return undefined
  }
  const year = two(text, 0) * 100 + two(text, 2)
  if (year < 100) return undefined
  const ms = isWhole ? 0 : two(text, 20) * 10 + text.charCodeAt(22) - 48
  return Date.UTC(year, two(text, 5) - 1, two(text, 8), two(text, 11), two(text, 14), two(text, 17), ms)
}

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
