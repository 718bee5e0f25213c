// Names and conversions of metrics: every metric ends in its unit, `_raw` is a vendor's number without a proven unit.
import { METRIC_NAME_PATTERN } from '#contracts/reading.ts'

export const METRIC_NAME = new RegExp(METRIC_NAME_PATTERN)

/** EN 54-7 / GB 4715: %/m = 100 (1 - 10^(-m/10)) with m in dB/m. */
export const pctPerM = (dbPerM: number): number => 100 * (1 - 10 ** (-dbPerM / 10))

/** The inverse; undefined at 100 %/m, where dB/m has no value. */
export const dbPerM = (pctPerM: number): number | undefined => (pctPerM < 100 ? -10 * Math.log10(1 - pctPerM / 100) + 0 : undefined)

/** Both forms of obscuration from whichever was given. */
export function obscuration(given: { dbPerM?: number | undefined; pctPerM?: number | undefined }): {
  obscuration_db_per_m: number | undefined
  obscuration_pct_per_m: number | undefined
} {
  return {
    obscuration_db_per_m: given.dbPerM ?? (given.pctPerM === undefined ? undefined : dbPerM(given.pctPerM)),
    obscuration_pct_per_m: given.pctPerM ?? (given.dbPerM === undefined ? undefined : pctPerM(given.dbPerM)),
  }
}

/** Only the entries that have a number: absent stays absent, never null, never 0. */
export function measured(values: Record<string, number | undefined>): Record<string, number> {
  const kept: Record<string, number> = {}
  for (const name in values) {
    const value = values[name]
    if (value !== undefined && Number.isFinite(value)) kept[name] = value
  }
  return kept
}

/** The same for anything that is not a number. */
export function present<T>(values: Record<string, T | undefined>): Record<string, T> {
  const kept: Record<string, T> = {}
  for (const name in values) {
    const value = values[name]
    if (value !== undefined && value !== null) kept[name] = value
  }
  return kept
}
