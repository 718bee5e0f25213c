// Readings turned into columns, day by day, and appended in chunks: a call a column instead of a call a value.
import { BIGINT, DOUBLE, DuckDBDataChunk, INTEGER, type DuckDBConnection, type DuckDBType, type DuckDBValue } from '@duckdb/node-api'
import { dayOf, rollupTable, valuesTable, type Days } from './duckdb-days.ts'
import type { Names } from './duckdb-names.ts'
import { fieldsOf, type Fields } from './fields.ts'
import { timeOf } from './reading-time.ts'
import { Rollup, type Part } from './rollup.ts'
import type { StoreEntry, StoreRefusal } from './store.ts'

/** rows DuckDB takes in one chunk */
const CHUNK_ROWS = 2_048
const VALUE_TYPES = [INTEGER, INTEGER, BIGINT, DOUBLE]
const PART_TYPES = [INTEGER, INTEGER, INTEGER, INTEGER, BIGINT, DOUBLE, DOUBLE, DOUBLE]

const NO_NAMES_LEFT = 'the store knows as many device and metric names as it takes; values under new names were left out'
const NO_FIELDS: Fields = { names: [], values: [] }

type Columns = [device: number[], metric: number[], ts: bigint[], value: number[]]
export type Day = { columns: Columns; rollup: Rollup }
export type Sorted = { days: Map<number, Day>; refused: StoreRefusal[] }

/** @throws RangeError when a reading has no time */
export function sortByDay(entries: readonly StoreEntry[], days: Days, names: Names): Sorted {
  const sorted: Sorted = { days: new Map(), refused: [] }
  for (const { seq, reading, area } of entries) {
    const tsMs = goodTimeOf(reading.ts)
    const day = dayOf(tsMs)
    const refuse = (reason: string): void => void sorted.refused.push({ seq, deviceId: reading.deviceId, reason })
    const reason = days.claim(day, dayOf(goodTimeOf(reading.receivedAt)))
    if (reason !== undefined) {
      refuse(`${reading.ts} is not stored: ${reason}`)
      continue
    }
    let held = sorted.days.get(day)
    if (held === undefined) sorted.days.set(day, (held = { columns: [[], [], [], []], rollup: new Rollup() }))
    const fields = fieldsOf(reading)
    const kept = addValues(held.columns, reading.deviceId, tsMs, fields, names)
    held.rollup.add(reading.kind, area ?? '', tsMs, kept)
    if (kept !== fields) refuse(NO_NAMES_LEFT)
  }
  return sorted
}

/** The fields that were kept: all, unless there is no name left for one. */
function addValues([devices, metrics, times, values]: Columns, deviceId: string, tsMs: number, fields: Fields, names: Names): Fields {
  if (fields.names.length === 0) return fields
  const device = names.idOf('d', deviceId)
  if (device === undefined) return NO_FIELDS
  const ids = names.idsOf(fields.names)
  const ts = BigInt(tsMs)
  for (let i = 0; i < ids.length; i++) {
    const metric = ids[i]
    if (metric === undefined) continue
    devices.push(device)
    metrics.push(metric)
    times.push(ts)
    values.push(fields.values[i] ?? Number.NaN)
  }
  if (!ids.includes(undefined)) return fields
  const isKept = (_: unknown, i: number): boolean => ids[i] !== undefined
  return { names: fields.names.filter(isKept), values: fields.values.filter(isKept) }
}

function goodTimeOf(text: string): number {
  const ms = timeOf(text)
  if (Number.isNaN(ms)) throw new RangeError(`${text} is no time`)
  return ms
}

export async function appendDay(connection: DuckDBConnection, day: number, { columns, rollup }: Day, names: Names): Promise<void> {
  await appendColumns(connection, valuesTable(day), VALUE_TYPES, columns)
  await appendParts(connection, day, [...rollup.values()], names)
}

async function appendParts(connection: DuckDBConnection, day: number, parts: readonly Part[], names: Names): Promise<void> {
  // kinds and areas are few by their nature and by ingest/areas.ts: there is always a name for them
  const columns = [
    parts.map(({ minute }) => minute),
    parts.map(({ area }) => names.idAlways('a', area)),
    parts.map(({ kind }) => names.idAlways('k', kind)),
    parts.map(({ metric }) => names.idAlways('m', metric)),
    parts.map(({ count }) => BigInt(count)),
    parts.map(({ sum }) => sum),
    parts.map(({ min }) => min),
    parts.map(({ max }) => max),
  ]
  await appendColumns(connection, rollupTable(day), PART_TYPES, columns)
}

/** In the open transaction of the connection. */
export async function appendColumns(
  connection: DuckDBConnection,
  table: string,
  types: readonly DuckDBType[],
  columns: readonly (readonly DuckDBValue[])[],
): Promise<void> {
  const rows = columns[0]?.length ?? 0
  if (rows === 0) return
  const appender = await connection.createAppender(table)
  try {
    for (let from = 0; from < rows; from += CHUNK_ROWS) {
      const chunk = DuckDBDataChunk.create(types, Math.min(CHUNK_ROWS, rows - from))
      chunk.setColumns(columns.map(column => column.slice(from, from + CHUNK_ROWS)))
      appender.appendDataChunk(chunk)
    }
    appender.flushSync()
  } finally {
    appender.closeSync()
  }
}
