// Readings in DATA_DIR/readings.duckdb: tall tables, one per day of arrival, written by the appender in one transaction with the
// journal position, so that a crash at any byte leaves readings and position in step. One process owns the file.
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { systemClock, type Clock } from '#contracts/clock.ts'
import { fieldsOf } from './fields.ts'
import { openDuckdbFile } from './duckdb-file.ts'
import { namesIn, type Names } from './duckdb-names.ts'
import { pointsWithin, type ReadingStore, type RoomRows, type Series, type StoreDeps, type StoreEntry, type StoreQuery } from './store.ts'

/** Whole days of arrival older than this are dropped, counted from the newest arrival. */
export const RETENTION_DAYS = 400
const CHECKPOINT_EVERY_MS = 60_000
const DAY_MS = 86_400_000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS progress (position BIGINT NOT NULL);
  CREATE TABLE IF NOT EXISTS state_row (room VARCHAR NOT NULL, key VARCHAR NOT NULL, json VARCHAR NOT NULL);
  CREATE TABLE IF NOT EXISTS name (id INTEGER NOT NULL, name VARCHAR NOT NULL);
  CREATE TEMP TABLE IF NOT EXISTS changed_row (room VARCHAR NOT NULL, key VARCHAR NOT NULL, json VARCHAR);
  INSERT INTO progress SELECT 0 WHERE NOT EXISTS (FROM progress);`

export async function openDuckdb(o: { dir: string; retentionDays?: number; clock?: Clock }, { log }: StoreDeps): Promise<ReadingStore> {
  const clock = o.clock ?? systemClock
  const { instance, notice } = await openDuckdbFile(join(o.dir, 'readings.duckdb'), log)
  const writer = await instance.connect()
  await writer.run(SCHEMA)
  const reader = await instance.connect()
  const names = await namesIn(writer)
  const days = new Set(await dayTables(writer))
  const retentionDays = o.retentionDays ?? RETENTION_DAYS
  let position = Number((await writer.runAndReadAll('SELECT position FROM progress')).getRows()[0]?.[0] ?? 0)
  let checkpointedMs = clock.nowMs()
  // writes are one after the other, whoever calls
  let turn: Promise<unknown> = Promise.resolve()

  async function write(batch: readonly StoreEntry[], upTo: number, rows: readonly RoomRows[]): Promise<void> {
    const fresh = batch.filter(({ seq }) => seq > position)
    const byDay = Map.groupBy(fresh, ({ reading }) => dayOf(Date.parse(reading.receivedAt)))
    const made = [...byDay.keys()].filter(day => !days.has(day))
    const newest = [...days, ...made].sort(ascending).at(-1)
    const expired = made.length === 0 || newest === undefined ? [] : [...days].filter(day => isExpired(day, newest, retentionDays))
    await writer.run('BEGIN')
    try {
      for (const day of made) await writer.run(`CREATE TABLE ${tableOf(day)} (device INTEGER, metric INTEGER, ts BIGINT, value DOUBLE)`)
      for (const day of expired) await writer.run(`DROP TABLE ${tableOf(day)}`)
      for (const [day, entries] of byDay) await append(writer, day, entries, names)
      await names.save(writer)
      await saveRows(writer, rows)
      await writer.run('UPDATE progress SET position = $upTo', { upTo: BigInt(Math.max(position, upTo)) })
      await writer.run('COMMIT')
    } catch (error) {
      names.forget()
      await writer.run('ROLLBACK').catch((failure: Error) => log.debug({ err: failure }, 'there was no transaction left to roll back'))
      throw error
    }
    names.keep()
    position = Math.max(position, upTo)
    for (const day of made) days.add(day)
    for (const day of expired) days.delete(day)
    await checkpointIfDue()
  }

  async function checkpointIfDue(): Promise<void> {
    if (clock.nowMs() - checkpointedMs < CHECKPOINT_EVERY_MS) return
    checkpointedMs = clock.nowMs()
    await writer.run('CHECKPOINT')
  }

  return {
    name: 'duckdb',
    ...(notice !== undefined && { notice }),
    position: async () => position,
    rows: async room => {
      const found = await reader.runAndReadAll('SELECT key, json FROM state_row WHERE room = $room', { room })
      return found.getRows().map(([key, json]): [string, string] => [String(key), String(json)])
    },
    write: async (batch, upTo, rows = []) => {
      const written = turn.then(() => write(batch, upTo, rows))
      turn = written.catch(() => undefined)
      await written
    },
    query: async q => queryDays(reader, [...days].filter(day => reaches(day, q)).sort(ascending), names, q),
    close: async () => {
      await turn
      await writer.run('CHECKPOINT')
      reader.closeSync()
      writer.closeSync()
      instance.closeSync()
    },
  }
}

const ascending = (a: string, b: string): number => (a < b ? -1 : 1)
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
const tableOf = (day: string): string => `v_${day.replaceAll('-', '')}`
const isExpired = (day: string, newest: string, keepDays: number): boolean => Date.parse(day) < Date.parse(newest) - keepDays * DAY_MS
/** Nothing arrives before it happened (2 min of clock are believed): later tables may hold old events, earlier ones no newer. */
const reaches = (day: string, { fromMs }: StoreQuery): boolean => Date.parse(day) + DAY_MS + 120_000 >= fromMs

async function dayTables(connection: DuckDBConnection): Promise<string[]> {
  const found = await connection.runAndReadAll(`SELECT table_name FROM duckdb_tables() WHERE table_name SIMILAR TO 'v_[0-9]{8}'`)
  return found.getRows().map(([name]) => String(name).replace(/^v_(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3'))
}

async function append(connection: DuckDBConnection, day: string, entries: readonly StoreEntry[], names: Names): Promise<void> {
  const appender = await connection.createAppender(tableOf(day))
  try {
    for (const { reading } of entries) {
      const device = names.idOf(`d:${reading.deviceId}`)
      const ts = BigInt(Date.parse(reading.ts))
      for (const [name, value] of fieldsOf(reading)) {
        appender.appendInteger(device)
        appender.appendInteger(names.idOf(`m:${name}`))
        appender.appendBigInt(ts)
        appender.appendDouble(value)
        appender.endRow()
      }
    }
    appender.flushSync()
  } finally {
    appender.closeSync()
  }
}

async function saveRows(connection: DuckDBConnection, rooms: readonly RoomRows[]): Promise<void> {
  if (rooms.every(({ rows }) => rows.length === 0)) return
  await connection.run('DELETE FROM changed_row')
  const appender = await connection.createAppender('changed_row')
  for (const { room, rows } of rooms) {
    for (const [key, json] of rows) {
      appender.appendVarchar(room)
      appender.appendVarchar(key)
      if (json === null) appender.appendNull()
      else appender.appendVarchar(json)
      appender.endRow()
    }
  }
  appender.closeSync()
  await connection.run('DELETE FROM state_row USING changed_row c WHERE state_row.room = c.room AND state_row.key = c.key')
  await connection.run('INSERT INTO state_row SELECT room, key, json FROM changed_row WHERE json IS NOT NULL')
}

async function queryDays(connection: DuckDBConnection, days: string[], names: Names, q: StoreQuery): Promise<Series[]> {
  const device = names.known(`d:${q.deviceId}`)
  const metric = q.metric === undefined ? null : names.known(`m:${q.metric}`)
  if (device === undefined || metric === undefined || days.length === 0 || q.toMs <= q.fromMs) return []
  const points = pointsWithin(q.points)
  const parts = Math.max(1, Math.floor(points / 2))
  const source = days
    .map(day => `SELECT metric, ts, value FROM ${tableOf(day)} WHERE device = $device AND ts >= $from AND ts < $to`)
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
    if (minAt === maxAt && min === max) list.push([minAt, min])
    else
      list.push(
        ...(minAt <= maxAt
          ? [[minAt, min] as [number, number], [maxAt, max] as [number, number]]
          : [[maxAt, max] as [number, number], [minAt, min] as [number, number]]),
      )
  }
  return [...series]
    .map(([id, list]) => ({ metric: names.nameOf(id).slice(2), points: list }))
    .sort((a, b) => ascending(a.metric, b.metric))
}
