// Readings in DATA_DIR/readings.duckdb: tall tables and their rollups, a pair for each day of the event, appended in one transaction
// with the journal position, so that a crash at any byte leaves readings, rollups and position in step. One process owns the file.
import { join } from 'node:path'
import { VARCHAR, type DuckDBConnection } from '@duckdb/node-api'
import { systemClock, type Clock } from '#contracts/clock.ts'
import { appendColumns, appendDay, sortByDay } from './duckdb-append.ts'
import { moveToDaysOfEvent, openDays, rollupTable, valuesTable } from './duckdb-days.ts'
import { openDuckdbFile } from './duckdb-file.ts'
import { namesIn } from './duckdb-names.ts'
import { queryTables } from './duckdb-query.ts'
import { aggregateTables, mergeParts } from './duckdb-rollup.ts'
import { MINUTE_MS, type ReadingStore, type RoomRows, type StoreDeps, type StoreEntry, type StoreRefusal } from './store.ts'

export const RETENTION_DAYS = 400
/** A commit of so many messages costs little more than one of a few. */
export const BATCH_MESSAGES = 10_000
const CHECKPOINT_EVERY_MS = 60_000
const VERSION = 2

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS about (version INTEGER NOT NULL);
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
  const retentionDays = o.retentionDays ?? RETENTION_DAYS
  const { instance, notice } = await openDuckdbFile(join(o.dir, 'readings.duckdb'), log)
  const writer = await instance.connect()
  await takeOver(writer, retentionDays, clock.nowMs())
  const reader = await instance.connect()
  const names = await namesIn(writer, o.namesMax)
  const days = await openDays(writer, retentionDays)
  // days whose rollups have more than one row a minute, perhaps: of the last run, the newest
  const unmerged = new Set(days.within(0, Number.POSITIVE_INFINITY).slice(-2))
  let position = await storedPosition(writer)
  let tidiedMs = clock.nowMs()
  // writes are one after the other, whoever calls
  let turn: Promise<unknown> = Promise.resolve()

  async function write(batch: readonly StoreEntry[], upTo: number, rows: readonly RoomRows[], refused: Told): Promise<void> {
    const at = position
    const fresh = batch.every(({ seq }) => seq > at) ? batch : batch.filter(({ seq }) => seq > at)
    let touched: Iterable<number> = []
    await writer.run('BEGIN')
    try {
      const sorted = sortByDay(fresh, days, names)
      touched = sorted.days.keys()
      await days.make()
      for (const [day, values] of sorted.days) await appendDay(writer, day, values, names)
      await names.save(writer)
      if (sorted.refused.length > 0) refused(sorted.refused)
      await saveRows(writer, rows)
      await writer.run('UPDATE progress SET position = $upTo', { upTo: BigInt(Math.max(position, upTo)) })
      await writer.run('COMMIT')
    } catch (error) {
      await writer.run('ROLLBACK').catch((failure: Error) => log.debug({ err: failure }, 'there was no transaction left to roll back'))
      // a commit that failed may have been made all the same
      if ((await storedPosition(writer)) <= position) {
        names.forget()
        days.forget()
        throw error
      }
    }
    names.keep()
    days.keep()
    position = Math.max(position, upTo)
    for (const day of touched) unmerged.add(day)
  }

  /** Once a minute, between two batches: nothing of it changes an answer, except that the oldest day goes when its time has come. */
  async function tidyIfDue(): Promise<void> {
    // a clock that was set back counts too
    if (Math.abs(clock.nowMs() - tidiedMs) < CHECKPOINT_EVERY_MS) return
    tidiedMs = clock.nowMs()
    const dropped = await days.dropExpired(tidiedMs)
    if (dropped !== undefined) log.info({ table: valuesTable(dropped) }, `readings older than ${retentionDays} days were dropped`)
    await mergeAll()
    await writer.run('CHECKPOINT')
  }

  async function mergeAll(): Promise<void> {
    for (const day of unmerged) {
      if (days.has(day)) await mergeParts(writer, day)
      unmerged.delete(day)
    }
  }

  return {
    name: 'duckdb',
    batchMessages: BATCH_MESSAGES,
    ...(notice !== undefined && { notice }),
    position: async () => position,
    rows: async room => {
      const found = await reader.runAndReadAll('SELECT key, json FROM state_row WHERE room = $room', { room })
      return found.getRows().map(([key, json]): [string, string] => [String(key), String(json)])
    },
    write: async (batch, upTo, rows = [], refused = () => {}) => {
      const written = turn.then(async () => {
        await tidyIfDue()
        return write(batch, upTo, rows, refused)
      })
      turn = written.catch(() => undefined)
      await written
    },
    still: async during => {
      const held = turn.then(async () => {
        await writer.run('CHECKPOINT')
        await during()
      })
      turn = held.catch(() => undefined)
      await held
    },
    query: async q => queryTables(reader, days.within(q.fromMs, q.toMs).map(valuesTable), names, q),
    aggregate: async q => {
      const tables = days.within(Math.floor(q.fromMs / MINUTE_MS) * MINUTE_MS, q.toMs).map(rollupTable)
      return aggregateTables(reader, tables, names, q)
    },
    close: async () => {
      await turn
      await mergeAll()
      await writer.run('CHECKPOINT')
      reader.closeSync()
      writer.closeSync()
      instance.closeSync()
    },
  }
}

/** Makes the tables, or takes over a file of the first version; all or nothing. */
async function takeOver(connection: DuckDBConnection, keepDays: number, nowMs: number): Promise<void> {
  await connection.run('BEGIN')
  await connection.run(SCHEMA)
  const version = Number((await connection.runAndReadAll('SELECT max(version) FROM about')).getRows()[0]?.[0] ?? 1)
  if (version < VERSION) await moveToDaysOfEvent(connection, keepDays, nowMs)
  if (version < VERSION) await connection.run(`INSERT INTO about VALUES (${VERSION})`)
  await connection.run('COMMIT')
}

type Told = (refusals: StoreRefusal[]) => void

async function storedPosition(connection: DuckDBConnection): Promise<number> {
  return Number((await connection.runAndReadAll('SELECT position FROM progress')).getRows()[0]?.[0] ?? 0)
}

async function saveRows(connection: DuckDBConnection, rooms: readonly RoomRows[]): Promise<void> {
  if (rooms.every(({ rows }) => rows.length === 0)) return
  await connection.run('DELETE FROM changed_row')
  const all = rooms.flatMap(({ room, rows }) => rows.map(([key, json]) => [room, key, json] as const))
  const columns = [0, 1, 2].map(i => all.map(row => row[i] ?? null))
  await appendColumns(connection, 'changed_row', [VARCHAR, VARCHAR, VARCHAR], columns)
  await connection.run('DELETE FROM state_row USING changed_row c WHERE state_row.room = c.room AND state_row.key = c.key')
  await connection.run('INSERT INTO state_row SELECT room, key, json FROM changed_row WHERE json IS NOT NULL')
}
