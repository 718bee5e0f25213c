// How far each consumer has come, kept durably. A consumer sets its cursor only after its own store has answered, so a crash
// repeats work and never skips it. Not for consumers that keep the position in their own transaction: those need no cursor.
// Where one begins is synced before it is told on; a later place survives a kill, and after a power cut an older one may stand there: the same comes again.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'
import { CURSORS_FILE, journalError, openForReading, openForWriting } from './database.ts'
import type { Cursors } from './engine.ts'
import { openReader } from './reader.ts'

const SCHEMA = 'CREATE TABLE IF NOT EXISTS cursors (consumer TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID'
const ROWS_SCHEMA =
  'CREATE TABLE IF NOT EXISTS consumer_rows (consumer TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (consumer, key)) STRICT, WITHOUT ROWID'

/** @throws FengsuiError data-dir-unwritable, journal-unavailable */
export function openCursors(o: { dir: string }): Cursors {
  const database = openForWriting(o.dir, CURSORS_FILE, `${SCHEMA}; ${ROWS_SCHEMA}`)
  const one = database.prepare('SELECT seq FROM cursors WHERE consumer = ?')
  const put = database.prepare('INSERT INTO cursors (consumer, seq) VALUES (?, ?) ON CONFLICT (consumer) DO UPDATE SET seq = excluded.seq')
  const every = database.prepare('SELECT consumer, seq FROM cursors ORDER BY consumer')
  const rowsOf = database.prepare('SELECT key, value FROM consumer_rows WHERE consumer = ? ORDER BY key')
  const putRow = database.prepare(
    'INSERT INTO consumer_rows (consumer, key, value) VALUES (?, ?, ?) ON CONFLICT (consumer, key) DO UPDATE SET value = excluded.value',
  )
  const dropRow = database.prepare('DELETE FROM consumer_rows WHERE consumer = ? AND key = ?')
  const size = database.prepare(
    'SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()',
  )
  const reader = openReader(o)
  const get = (consumer: string): number => Number(one.get(consumer)?.['seq'] ?? 0)
  const has = (consumer: string): boolean => one.get(consumer) !== undefined
  // each sync would hold up the alarms in the same process for as long as the disk takes, several times a second
  database.exec('PRAGMA synchronous = NORMAL')
  /** One transaction. Whether it is synced cannot be changed within it. */
  const write = (consumer: string, work: () => void): void => {
    const isFirst = !has(consumer)
    if (isFirst) database.exec('PRAGMA synchronous = FULL')
    try {
      database.exec('BEGIN IMMEDIATE')
      work()
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw journalError(`storing the place of ${consumer}`, error)
    } finally {
      if (isFirst) database.exec('PRAGMA synchronous = NORMAL')
    }
  }
  return {
    get,
    has,
    lag: consumer => reader.head() - get(consumer),
    set(consumer, seq) {
      if (!Number.isSafeInteger(seq) || seq < 0)
        throw new FengsuiError('invalid-request', `cursor of ${consumer}: ${seq} is not a place in the journal`)
      write(consumer, () => put.run(consumer, seq))
    },
    rows: consumer => rowsOf.all(consumer).map(row => [String(row['key']), String(row['value'])]),
    commit(consumer, seq, rows) {
      write(consumer, () => {
        for (const [key, value] of rows) {
          if (value === null) dropRow.run(consumer, key)
          else putRow.run(consumer, key, value)
        }
        if (seq > get(consumer)) put.run(consumer, seq)
      })
    },
    all: () => Object.fromEntries(every.all().map(row => [String(row['consumer']), Number(row['seq'])])),
    bytes: () => Number(size.get()?.['bytes'] ?? 0),
    close() {
      reader.close()
      database.close()
    },
  }
}

/** All cursors as they stand, for who only looks; none where they cannot be read. */
export function cursorsIn(dir: string): Map<string, number> {
  const path = join(dir, CURSORS_FILE)
  if (!existsSync(path)) return new Map()
  try {
    const database = openForReading(path)
    try {
      const rows = database.prepare('SELECT consumer, seq FROM cursors').all()
      return new Map(rows.map(row => [String(row['consumer']), Number(row['seq'])]))
    } finally {
      database.close()
    }
  } catch {
    return new Map()
  }
}
