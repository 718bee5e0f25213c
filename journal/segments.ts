// Where the journal lies: DATA_DIR/journal/ with one SQLite file a segment, named by its first seq, so that the listing of a folder
// says which file holds a message. Every step here can be cut off by a kill and is simply done again.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'
import { openForWriting, reasonOf } from './database.ts'
import { lookAtTail, tornBytes } from './tail.ts'

/** The folder of the segments inside the data folder. */
export const SEGMENTS_DIR = 'journal'
/** The one file of journals made before there were segments. */
export const OLD_FILE = 'journal.db'
const NAME = /^(\d{20})\.db$/
const NAME_DIGITS = 20
/** What SQLite keeps beside a file that is or was open. */
export const COMPANIONS = ['-wal', '-shm', '-journal'] as const

export type Segment = { firstSeq: number; path: string }

export const segmentPath = (dir: string, firstSeq: number): string =>
  join(dir, SEGMENTS_DIR, `${String(firstSeq).padStart(NAME_DIGITS, '0')}.db`)

/** All segments by their first seq; none where there is no folder yet. */
export function listSegments(dir: string): Segment[] {
  let names: string[]
  try {
    names = readdirSync(join(dir, SEGMENTS_DIR))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const seqs = names.flatMap(name => NAME.exec(name)?.[1] ?? []).map(Number)
  return seqs.toSorted((a, b) => a - b).map(firstSeq => ({ firstSeq, path: segmentPath(dir, firstSeq) }))
}

/** Segments that have a file of SQLite's beside them. */
export function accompanied(dir: string): string[] {
  const names = new Set(readdirSync(join(dir, SEGMENTS_DIR)))
  const is = (name: string): boolean => NAME.test(name) && COMPANIONS.some(end => names.has(name + end))
  return [...names].filter(is).map(name => join(dir, SEGMENTS_DIR, name))
}

/** 0 where there is no such file. */
export const bytesOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** A rename, a new or a removed file outlives a power cut only when its folder is on disk too. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

export function makeSegmentsDir(dir: string): void {
  try {
    mkdirSync(join(dir, SEGMENTS_DIR), { recursive: true })
  } catch (error) {
    throw new FengsuiError('data-dir-unwritable', `making ${join(dir, SEGMENTS_DIR)}: ${reasonOf(error)}`, { cause: error })
  }
}

/** A WAL without its file is nobody's, and must not become that of a new file of the same name. */
export function removeCompanions(path: string): void {
  if (!existsSync(path)) for (const end of COMPANIONS) rmSync(path + end, { force: true })
}

/**
 * Makes the journal.db of an older data folder the first segment: what its WAL holds goes into the file, which then moves. Returns
 * how many bytes at its tail were not a whole commit.
 * @throws FengsuiError journal-damaged where both are there: nobody can say which of the two is the journal
 */
export function takeOver(dir: string): number {
  const old = join(dir, OLD_FILE)
  if (!existsSync(old)) {
    removeCompanions(old)
    return 0
  }
  const [first] = listSegments(dir)
  if (first !== undefined)
    throw new FengsuiError(
      'journal-damaged',
      `both ${old} and ${first.path} are there: move the one away that does not belong to this journal`,
    )
  const tail = lookAtTail(old)
  const database = openForWriting(dir, OLD_FILE)
  let busy: unknown
  let torn: number
  try {
    torn = tornBytes(database, tail)
    busy = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy']
  } finally {
    database.close()
  }
  if (busy !== 0 || bytesOf(`${old}-wal`) > 0)
    throw new FengsuiError(
      'journal-unavailable',
      `${old} is in use by another program: end it, so that the file can move into ${SEGMENTS_DIR}/`,
    )
  renameSync(old, segmentPath(dir, 1))
  syncFolder(join(dir, SEGMENTS_DIR))
  syncFolder(dir)
  removeCompanions(old)
  return torn
}

export const nameOf = (path: string): string => join(basename(dirname(path)), basename(path))
