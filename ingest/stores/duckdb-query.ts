// One device's values out of the day tables, thinned by DuckDB itself: each part of the range keeps its minimum and its maximum
// with their true times, so no peak is lost however few points are asked for.
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Names } from './duckdb-names.ts'
import { pointsWithin, type Series, type StoreQuery } from './store.ts'

/** `tables` are day tables of (device, metric, ts, value). */
export async function queryTables(connection: DuckDBConnection, tables: string[], names: Names, q: StoreQuery): Promise<Series[]> {
  const device = names.known('d', q.deviceId)
  const metric = q.metric === undefined ? null : names.known('m', q.metric)
  if (device === undefined || metric === undefined || tables.length === 0 || q.toMs <= q.fromMs) return []
  const points = pointsWithin(q.points)
  const parts = Math.max(1, Math.floor(points / 2))
  const source = tables
    .map(table => `SELECT metric, ts, value FROM ${table} WHERE device = $device AND ts >= $from AND ts < $to`)
    .join(' UNION ALL ')
  const found = await connection.runAndReadAll(
    `WITH found AS (FROM (${source}) WHERE $metric IS NULL OR metric = $metric),
       counted AS (SELECT *, count(*) OVER (PARTITION BY metric) AS n FROM found),
       parts AS (SELECT *, CASE WHEN n <= $points THEN ts ELSE ((ts - $from) * $parts) // ($to - $from) END AS part FROM counted)
     SELECT metric, arg_min(ts, value)::DOUBLE, min(value), arg_max(ts, value)::DOUBLE, max(value) FROM parts GROUP BY metric, part ORDER BY metric, part`,
    { device, metric, from: BigInt(q.fromMs), to: BigInt(q.toMs), points, parts },
  )
  const series = new Map<number, [number, number][]>()
  for (const row of found.getRows()) {
    const [id = 0, minAt = 0, min = 0, maxAt = 0, max = 0] = row.map(Number)
    const list = series.get(id) ?? []
    series.set(id, list)
    const low: [number, number] = [minAt, min]
    const high: [number, number] = [maxAt, max]
    if (minAt === maxAt && min === max) list.push(low)
    else if (minAt <= maxAt) list.push(low, high)
    else list.push(high, low)
  }
  return [...series].map(([id, list]) => ({ metric: names.nameOf(id), points: list })).sort((a, b) => (a.metric < b.metric ? -1 : 1))
}
