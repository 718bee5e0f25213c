// A table of values (v_) and one of rollups (r_) for each day on which something happened (UTC): forgetting a day is dropping two
// tables. How many there may be is bounded, whatever times devices claim.
import type { DuckDBConnection } from '@duckdb/node-api'

export const DAY_MS = 86_400_000
/** Days that may lie outside of those kept: days of a clock that was wrong, days whose turn to be dropped has not come. */
const DAYS_SPARE = 31

export type Days = {
  /** claims tables for `day`, or says why a reading of it that arrived on `arrivalDay` is not kept */
  claim(day: number, arrivalDay: number): string | undefined
  /** makes the claimed tables that are not there, in the open transaction */
  make(): Promise<void>
  /** the transaction is committed, or was rolled back */
  keep(): void
  forget(): void
  has(day: number): boolean
  /** days in [fromMs, toMs), oldest first */
  within(fromMs: number, toMs: number): number[]
  /** drops the oldest day that is older than what is kept, if there is one: one a call, so that a leaping clock costs one */
  dropExpired(nowMs: number): Promise<number | undefined>
}

export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS)
export const valuesTable = (day: number): string => `v_${nameOf(day)}`
export const rollupTable = (day: number): string => `r_${nameOf(day)}`
const nameOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')

export async function openDays(connection: DuckDBConnection, keepDays: number): Promise<Days> {
  const days = new Set(await storedDays(connection))
  const claimed = new Set<number>()
  return {
    claim(day, arrivalDay) {
      if (day < arrivalDay - keepDays) return `it is older than the ${keepDays} days of readings that are kept`
      if (day > arrivalDay + 1) return 'it claims to be of a day that has not come'
      if (days.has(day)) return undefined
      if (!claimed.has(day) && days.size + claimed.size >= keepDays + DAYS_SPARE)
        return `readings of ${days.size} days are kept already, and it would begin another`
      claimed.add(day)
      return undefined
    },
    async make() {
      for (const day of claimed) await makeTables(connection, day)
    },
    keep() {
      for (const day of claimed) days.add(day)
      claimed.clear()
    },
    forget: () => claimed.clear(),
    has: day => days.has(day),
    within: (fromMs, toMs) => [...days].filter(day => day * DAY_MS < toMs && (day + 1) * DAY_MS > fromMs).sort((a, b) => a - b),
    async dropExpired(nowMs) {
      const [oldest = Number.POSITIVE_INFINITY] = [...days].sort((a, b) => a - b)
      if (oldest >= dayOf(nowMs) - keepDays) return undefined
      await connection.run(`DROP TABLE IF EXISTS ${valuesTable(oldest)}; DROP TABLE IF EXISTS ${rollupTable(oldest)}`)
      days.delete(oldest)
      return oldest
    },
  }
}

async function makeTables(connection: DuckDBConnection, day: number): Promise<void> {
  await connection.run(`
    CREATE TABLE IF NOT EXISTS ${valuesTable(day)} (device INTEGER, metric INTEGER, ts BIGINT, value DOUBLE);
    CREATE TABLE IF NOT EXISTS ${rollupTable(day)} (minute INTEGER, area INTEGER, kind INTEGER, metric INTEGER,
      count BIGINT, sum DOUBLE, min DOUBLE, max DOUBLE)`)
}

async function storedDays(connection: DuckDBConnection): Promise<number[]> {
  const found = await connection.runAndReadAll(`SELECT table_name FROM duckdb_tables() WHERE table_name SIMILAR TO 'v_[0-9]{8}'`)
  return found.getRows().map(([name]) => dayOf(Date.parse(String(name).replace(/^v_(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3'))))
}

/**
 * Files of the first version have a table for each day of arrival, and no rollups: what happened on another day is moved to that day,
 * what is older than is kept goes. Rollups begin where such a file is taken over.
 */
export async function moveToDaysOfEvent(connection: DuckDBConnection, keepDays: number, nowMs: number): Promise<void> {
  for (const day of await storedDays(connection)) {
    const table = valuesTable(day)
    await makeTables(connection, day)
    const found = await connection.runAndReadAll(`SELECT DISTINCT ts // ${DAY_MS} FROM ${table} WHERE ts // ${DAY_MS} <> ${day}`)
    for (const other of found.getRows().map(([value]) => Number(value))) {
      if (other < dayOf(nowMs) - keepDays) continue
      await makeTables(connection, other)
      await connection.run(`INSERT INTO ${valuesTable(other)} SELECT * FROM ${table} WHERE ts // ${DAY_MS} = ${other}`)
    }
    await connection.run(`DELETE FROM ${table} WHERE ts // ${DAY_MS} <> ${day}`)
  }
}
