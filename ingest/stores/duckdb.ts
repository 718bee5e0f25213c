// Readings in DATA_DIR/readings.duckdb: tall tables, one per day of arrival, written by the appender in one transaction with the
// journal position, so that a crash at any byte leaves readings and position in step. One process owns the file.
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { systemClock, type Clock } from '#contracts/clock.ts'
import { fieldsOf } from './fields.ts'
import { openDuckdbFile } from './duckdb-file.ts'
import { namesIn, type Names } from './duckdb-names.ts'
import { queryTables } from './duckdb-query.ts'
import { type ReadingStore, type RoomRows, type StoreDeps, type StoreEntry, type StoreQuery, type StoreRefusal } from './store.ts'

/** Days of arrival kept: when a new one begins, the oldest beyond so many go. Counted, not compared, so a leaping clock drops one. */
export const RETENTION_DAYS = 400
const CHECKPOINT_EVERY_MS = 60_000
const DAY_MS = 86_400_000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS progress (position BIGINT NOT NULL);
  CREATE TABLE IF NOT EXISTS state_row (room VARCHAR NOT NULL, key VARCHAR NOT NULL, json VARCHAR NOT NULL);
  CREATE TABLE IF NOT EXISTS name (id INTEGER NOT NULL, name VARCHAR NOT NULL);
  CREATE TEMP TABLE IF NOT EXISTS changed_row (room VARCHAR NOT NULL, key VARCHAR NOT NULL, json VARCHAR);
  INSERT INTO progress SELECT 0 WHERE NOT EXISTS (FROM progress);`

export async function openDuckdb(
  o: { dir: string; retentionDays?: number; namesMax?: number; clock?: Clock },
  { log }: StoreDeps,
): Promise<ReadingStore> {
  const clock = o.clock ?? systemClock
  const { instance, notice } = await openDuckdbFile(join(o.dir, 'readings.duckdb'), log)
  const writer = await instance.connect()
  await writer.run(SCHEMA)
  const reader = await instance.connect()
  const names = await namesIn(writer, o.namesMax)
  const days = new Set(await dayTables(writer))
  const retentionDays = o.retentionDays ?? RETENTION_DAYS
  let position = await storedPosition(writer)
  let checkpointedMs = clock.nowMs()
  // writes are one after the other, whoever calls
  let turn: Promise<unknown> = Promise.resolve()

  async function write(batch: readonly StoreEntry[], upTo: number, rows: readonly RoomRows[]): Promise<StoreRefusal[]> {
    const fresh = batch.filter(({ seq }) => seq > position)
    const byDay = Map.groupBy(fresh, ({ reading }) => dayOf(Date.parse(reading.receivedAt)))
    const made = [...byDay.keys()].filter(day => !days.has(day))
    const expired = [...days, ...made].sort(ascending).slice(0, -retentionDays)
    const refused: StoreRefusal[] = []
    await writer.run('BEGIN')
    try {
      for (const day of made) await writer.run(`CREATE TABLE ${tableOf(day)} (device INTEGER, metric INTEGER, ts BIGINT, value DOUBLE)`)
      for (const [day, entries] of byDay) refused.push(...(await append(writer, day, entries, names)))
      for (const day of expired) await writer.run(`DROP TABLE ${tableOf(day)}`)
      await names.save(writer)
      await saveRows(writer, rows)
      await writer.run('UPDATE progress SET position = $upTo', { upTo: BigInt(Math.max(position, upTo)) })
      await writer.run('COMMIT')
    } catch (error) {
      names.forget()
      await writer.run('ROLLBACK').catch((failure: Error) => log.debug({ err: failure }, 'there was no transaction left to roll back'))
      // a commit that failed may have been made all the same
      position = await storedPosition(writer)
      throw error
    }
    names.keep()
    position = Math.max(position, upTo)
    for (const day of made) days.add(day)
    for (const day of expired) days.delete(day)
    await checkpointIfDue()
    return refused
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
    write: async (batch, upTo, rows = [], refused = () => {}) => {
      const written = turn.then(() => write(batch, upTo, rows))
      turn = written.catch(() => undefined)
      const refusals = await written
      if (refusals.length > 0) refused(refusals)
    },
    query: async q =>
      queryTables(
        reader,
        [...days]
          .filter(day => reaches(day, q))
          .sort(ascending)
          .map(tableOf),
        names,
        q,
      ),
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
/** Nothing arrives before it happened (2 min of clock are believed): later tables may hold old events, earlier ones no newer. */
const reaches = (day: string, { fromMs }: StoreQuery): boolean => Date.parse(day) + DAY_MS + 120_000 >= fromMs

async function storedPosition(connection: DuckDBConnection): Promise<number> {
  return Number((await connection.runAndReadAll('SELECT position FROM progress')).getRows()[0]?.[0] ?? 0)
}

async function dayTables(connection: DuckDBConnection): Promise<string[]> {
  const found = await connection.runAndReadAll(`SELECT table_name FROM duckdb_tables() WHERE table_name SIMILAR TO 'v_[0-9]{8}'`)
  return found.getRows().map(([name]) => String(name).replace(/^v_(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3'))
}

async function append(connection: DuckDBConnection, day: string, entries: readonly StoreEntry[], names: Names): Promise<StoreRefusal[]> {
  const refused: StoreRefusal[] = []
  const appender = await connection.createAppender(tableOf(day))
  try {
    for (const { seq, reading } of entries) {
      const device = names.idOf(`d:${reading.deviceId}`)
      const fields = fieldsOf(reading).map(([name, value]) => [names.idOf(`m:${name}`), value] as const)
      if (device === undefined || fields.some(([metric]) => metric === undefined))
        refused.push({ seq, deviceId: reading.deviceId, reason: NO_NAMES_LEFT })
      const ts = BigInt(Date.parse(reading.ts))
      for (const [metric, value] of fields) {
        if (device === undefined || metric === undefined) continue
        appender.appendInteger(device)
        appender.appendInteger(metric)
        appender.appendBigInt(ts)
        appender.appendDouble(value)
        appender.endRow()
      }
    }
    appender.flushSync()
  } finally {
    appender.closeSync()
  }
  return refused
}

const NO_NAMES_LEFT = 'the store knows as many device and metric names as it takes; values under new names were left out'

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
