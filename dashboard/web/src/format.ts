// Numbers, times and places as people read them. Pure apart from the language; unknown is a dash, never a zero.
import type { Place } from '#contracts/reading.ts'
import { locale, t, term } from './i18n.ts'

export const UNKNOWN = '—'

const two = (n: number): string => String(n).padStart(2, '0')

/** Sweden writes 2026-03-12 22:40:00. Until the server has said where the district is, of this computer's zone. */
let clock = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'medium' })
/** Every time on the page is the district's, wherever the computer stands: reports, orders and other desks say the same. */
export const setZone = (timeZone: string): void => {
  try {
    clock = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'medium', timeZone })
  } catch {
    // a browser older than the zone's name must not keep anybody from the desk
  }
}
export const zoneName = (): string => clock.resolvedOptions().timeZone

/** 2026-03-12 22:40:00; empty where `at` is no time. */
export const localTime = (at: string | number): string => {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? '' : clock.format(date)
}

/** hh:mm:ss on the district's clock. */
export const clockTime = (at: string | number): string => localTime(at).slice(11) || UNKNOWN

/** The clock time, with the date in front where it was not today. */
export const dayTime = (at: string | number, nowMs: number): string => {
  const local = localTime(at)
  return local.slice(local.slice(0, 10) === localTime(nowMs).slice(0, 10) ? 11 : 5) || UNKNOWN
}

/** 75 s -> 01:15; beyond an hour h:mm:ss; beyond two days in days. */
export const elapsed = (ms: number): string => {
  const s = Math.max(0, Math.floor(ms / 1000))
  if (s >= 172_800) return t('time.days', { n: Math.floor(s / 86_400) })
  const [h, m] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60)]
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${two(m)}:${two(s % 60)}`
}

/** Kept, one a language and kind: making one costs a hundred times what using it does. */
const formats = new Map<string, Intl.NumberFormat>()
const numberFormat = (kind: string, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat => {
  const key = `${locale.value} ${kind}`
  const known = formats.get(key) ?? new Intl.NumberFormat(locale.value, options)
  formats.set(key, known)
  return known
}

export const count = (n: number | null | undefined): string => (n === null || n === undefined ? UNKNOWN : numberFormat('count').format(n))

export const seconds = (s: number | null | undefined): string => (s === null || s === undefined ? UNKNOWN : elapsed(s * 1000))

/** A latency: under ten seconds in ms, then in seconds. */
export const latency = (ms: number): string => (Math.abs(ms) < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`)

/** 1,234,567 -> 1.2 MB; powers of 1,000 */
export const byteCount = (n: number): string => {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, n)) / 3)))
  const value = n / 1000 ** power
  const digits = power === 0 || value >= 100 ? 0 : 1
  return `${numberFormat(`digits ${digits}`, { maximumFractionDigits: digits }).format(value)} ${['B', 'kB', 'MB', 'GB', 'TB'][power]}`
}

export const amount = (value: number): string => numberFormat('amount', { maximumSignificantDigits: 4, useGrouping: false }).format(value)

// Longest first: `_lel_pct` must not be read as `_pct`. Names and units: contracts/reading.ts, a metric's name ends in its unit.
const UNITS: readonly (readonly [suffix: string, unit: string])[] = [
  ['_db_per_m', 'dB/m'],
  ['_pct_per_m', '%/m'],
  ['_lel_pct', '%LEL'],
  ['_c_per_min', '°C/min'],
  ['_c', '°C'],
  ['_pct', '%'],
  ['_ppm', 'ppm'],
  ['_kpa', 'kPa'],
  ['_lps', 'L/s'],
  ['_mps', 'm/s'],
  ['_deg', '°'],
  ['_lx', 'lx'],
  ['_ma', 'mA'],
  ['_v', 'V'],
  ['_a', 'A'],
  ['_m', 'm'],
  ['_s', 's'],
  ['_raw', ''],
]

/** 'temperature_c' -> { name: 'Temperature', unit: '°C' }; a name without a known unit stands as it is. */
export const metric = (what: string): { name: string; unit: string } => {
  const found = UNITS.find(([suffix]) => what.endsWith(suffix))
  const stem = found === undefined ? what : what.slice(0, -found[0].length)
  return { name: term('metric', stem).replaceAll('_', ' '), unit: found?.[1] ?? '' }
}

const numbered = (value: string, key: 'place.building' | 'place.floor' | 'place.room'): string =>
  /^[\dA-Za-z-]{1,6}$/.test(value) ? t(key, { n: value }) : value

const joiner = (): string => (locale.value === 'en' ? ', ' : ' ')

/** The part an officer reads out first: building, floor, room. Empty where the place says none of them. */
export const exactPlace = (place: Place | undefined): string =>
  [
    place?.building && numbered(place.building, 'place.building'),
    place?.floor && numbered(place.floor, 'place.floor'),
    place?.room && numbered(place.room, 'place.room'),
  ]
    .filter(Boolean)
    .join(joiner())

export const widePlace = (place: Place | undefined): string => [place?.area, place?.grid].filter(Boolean).join(joiner())

export const fullPlace = (place: Place | undefined): string =>
  [widePlace(place), exactPlace(place)].filter(Boolean).join(joiner()) || t('place.unknown')
