// How this room opens its SQLite files: WAL, FULL, patient. Power loss takes at most what was never acknowledged, and other
// processes read while we write. Never used without the version guard below.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { FengsuiError, type ErrorCode } from '#contracts/errors.ts'

export const CURSORS_FILE = 'cursors.db'
const BUSY_TIMEOUT_MS = 5000
/** The WAL is truncated to this size after a checkpoint, so that one burst does not keep the disk for ever. */
const WAL_KEPT_BYTES = 64 * 1024 * 1024

/** Before 3.51.3 a WAL reset with two connections open could corrupt the file (sqlite.org/changes.html). */
const OLDEST_SQLITE = [3, 51, 3] as const

export function refuseOldSqlite(version: string = process.versions['sqlite'] ?? '0'): void {
  const have = version.split('.').map(Number)
  for (const [i, want] of OLDEST_SQLITE.entries()) {
    const part = have[i] ?? 0
    if (part > want) return
    if (part < want || Number.isNaN(part))
      throw new FengsuiError('sqlite-too-old', `SQLite ${version} is older than ${OLDEST_SQLITE.join('.')}`)
  }
}

/** SQLite's primary result codes that say what to do; everything else is a disk that does not do as told. */
const CODE_OF: Record<number, ErrorCode> = {
  8: 'data-dir-unwritable',
  14: 'data-dir-unwritable',
  11: 'journal-damaged',
  26: 'journal-damaged',
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The error of ours that an error of SQLite or of the file system means. */
export function journalError(doing: string, error: unknown): FengsuiError {
  if (error instanceof FengsuiError) return error
  const extended = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0
  const code = CODE_OF[extended & 0xff] ?? 'journal-unavailable'
  return new FengsuiError(code, `${doing}: ${reasonOf(error)}`, { cause: error })
}

/** Opens (and makes) a file for writing. Throws data-dir-unwritable, journal-damaged or journal-unavailable. */
export function openForWriting(dir: string, file: string, schema = ''): DatabaseSync {
  refuseOldSqlite()
  const path = join(dir, file)
  try {
    mkdirSync(dir, { recursive: true })
  } catch (error) {
    throw new FengsuiError('data-dir-unwritable', `making ${dir}: ${reasonOf(error)}`, { cause: error })
  }
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
    if (mode !== 'wal') throw new FengsuiError('journal-unavailable', `${path} does not go into WAL mode (it answers ${String(mode)})`)
    database.exec(`PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}; ${schema}`)
    return database
  } catch (error) {
    database?.close()
    throw journalError(`opening ${path}`, error)
  }
}

/**
 * Opens for reading only; the caller has made sure that the file exists. `isFinal`: nobody will ever write it again and it has no
 * WAL, so it is read as the plain file it is, without locks and without files beside it.
 */
export function openForReading(path: string, isFinal = false): DatabaseSync {
  const url = pathToFileURL(path)
  if (isFinal) url.searchParams.set('immutable', '1')
  return new DatabaseSync(url, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
}

/** One row a group commit. The blob is zstd of encoding.ts, its CRC is kept beside it so that a flipped bit has a place. */
export const JOURNAL_SCHEMA = `CREATE TABLE IF NOT EXISTS groups (
  first_seq INTEGER PRIMARY KEY,
  last_seq INTEGER NOT NULL,
  committed_at_ms INTEGER NOT NULL,
  count INTEGER NOT NULL,
  crc32 INTEGER NOT NULL,
  blob BLOB NOT NULL
) STRICT`

export type GroupRow = { firstSeq: number; lastSeq: number; committedAtMs: number; count: number; crc32: number; blob: Uint8Array }
export const GROUP_COLUMNS = 'first_seq AS firstSeq, last_seq AS lastSeq, committed_at_ms AS committedAtMs, count, crc32, blob'
export const HEAD_SQL = 'SELECT last_seq AS head FROM groups ORDER BY first_seq DESC LIMIT 1'

/** SQLITE_READONLY_ROLLBACK: only who may write can undo what a kill left half done. */
const READONLY_ROLLBACK = 776

/**
 * false while the writer has made the file but not yet the table; also where it was killed while it turned the empty file to WAL, which
 * is the one thing that goes through a rollback journal, before anything was acknowledged in there.
 */
export function hasGroups(database: DatabaseSync): boolean {
  try {
    return database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'groups'").get() !== undefined
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === READONLY_ROLLBACK) return false
    throw error
  }
}
