// Opens dispatch.db the one way it may be opened: WAL, synchronous FULL, so that what was answered is on disk; only what the journal
// makes again may be committed without a sync. Every change runs in one IMMEDIATE transaction; nothing about the content is kept in memory, so a roll-back forgets nothing and a
// restart reads what was committed. Statements say LIMIT ? + 0: SQLite plans one with a bare LIMIT ? anew each time it is asked.
import { DatabaseSync } from 'node:sqlite'
import { FengsuiError } from '#contracts/errors.ts'

/** 3.7.0 to 3.51.2 can corrupt a WAL that two connections reset at once (sqlite.org/changes.html). */
const OLDEST_SQLITE = [3, 51, 3] as const

/** What one change touches. More costs each of them: at every commit SQLite walks through all it holds (measured: 64 MiB a tenth of a raise). */
const CACHE_KIB = 4 * 1024
/** 32 MB: a thread empties the log before that (checkpoints.ts); where it cannot, a commit that finds so much of it does. */
const CHECKPOINT_PAGES = 8_000

const isOlder = (version: string): boolean => {
  const parts = version.split('.').map(Number)
  for (const [i, least] of OLDEST_SQLITE.entries()) {
    const part = parts[i] ?? 0
    if (part !== least) return part < least
  }
  return false
}

export const openDatabase = (file: string, o: { readOnly?: boolean } = {}): DatabaseSync => {
  const version = process.versions['sqlite'] ?? '0'
  if (isOlder(version))
    throw new FengsuiError('sqlite-too-old', `opening ${file}: SQLite is ${version}, ${OLDEST_SQLITE.join('.')} is needed`)
  try {
    const db = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: true, readOnly: o.readOnly ?? false })
    if (o.readOnly !== true) {
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA recursive_triggers = ON')
      db.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    }
    return db
  } catch (cause) {
    throw new FengsuiError('data-dir-unwritable', `opening ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/**
 * `isSynced` false: for what the journal makes again. It survives a kill; a power cut may take it, with all that was committed behind it and nothing
 * before it. The next synced commit takes it along.
 */
export const inTransaction = <T>(db: DatabaseSync, work: () => T, { isSynced = true } = {}): T => {
  // cannot be changed within a transaction
  if (!isSynced) db.exec('PRAGMA synchronous = NORMAL')
  try {
    db.exec('BEGIN IMMEDIATE')
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  } finally {
    if (!isSynced) db.exec('PRAGMA synchronous = FULL')
  }
}
