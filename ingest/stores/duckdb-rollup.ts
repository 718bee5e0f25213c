// The rollup tables: each commit appends its parts, once a minute the parts of one minute are merged to one row, and a question adds
// up what there is. Merging changes no answer; it keeps the tables small.
import type { DuckDBConnection } from '@duckdb/node-api'
import { rollupTable } from './duckdb-days.ts'
import type { NameOf, Names } from './duckdb-names.ts'
import { MINUTE_MS, minutesOf, type Aggregate, type AggregateQuery } from './store.ts'

const SAME_ROW = 'm.minute = r.minute AND m.area = r.area AND m.kind = r.kind AND m.metric = r.metric'

export async function mergeParts(connection: DuckDBConnection, day: number): Promise<void> {
  const table = rollupTable(day)
  await connection.run('BEGIN')
  try {
    await connection.run(`CREATE OR REPLACE TEMP TABLE merged AS SELECT minute, area, kind, metric, sum(count)::BIGINT AS count, sum(sum) AS sum,
      min(min) AS min, max(max) AS max FROM ${table} GROUP BY minute, area, kind, metric HAVING count(*) > 1`)
    await connection.run(`DELETE FROM ${table} r USING merged m WHERE ${SAME_ROW}`)
    await connection.run(`INSERT INTO ${table} FROM merged`)
    await connection.run('COMMIT')
  } catch (error) {
    await connection.run('ROLLBACK')
    throw error
  }
}

/** `tables` are rollup tables. A name that was never stored has no values. */
export async function aggregateTables(
  connection: DuckDBConnection,
  tables: readonly string[],
  names: Names,
  q: AggregateQuery,
): Promise<Aggregate[]> {
  const ids = { metric: names.known('m', q.metric), area: idOf(names, 'a', q.area), kind: idOf(names, 'k', q.kind) }
  const { metric, area, kind } = ids
  const { from, to, step } = minutesOf(q)
  if (metric === undefined || area === undefined || kind === undefined || tables.length === 0 || to <= from) return []
  const source = tables.map(table => `FROM ${table} WHERE metric = $metric AND minute >= $from AND minute < $to`).join(' UNION ALL ')
  const found = await connection.runAndReadAll(
    `SELECT (minute // $step) * $step AS t, sum(count)::DOUBLE, sum(sum), min(min), max(max) FROM (${source})
     WHERE ($area IS NULL OR area = $area) AND ($kind IS NULL OR kind = $kind) GROUP BY t ORDER BY t`,
    { metric, area, kind, from, to, step },
  )
  return found.getRows().map(row => {
    const [t = 0, count = 0, sum = 0, min = 0, max = 0] = row.map(Number)
    return { t: t * MINUTE_MS, count, mean: sum / count, min, max }
  })
}

/** null = any */
const idOf = (names: Names, what: NameOf, name: string | undefined): number | null | undefined =>
  name === undefined ? null : names.known(what, name)
