// The segments as their only writer has them: one open for appending, the one before it to be put away. A rotation makes the next
// file first and acknowledges nothing in it before the folder knows it; whatever step a kill hits, the newest file's name says the head.
// There should be one writer; where an operator starts two on one folder, neither may take a number that the other has given.
import { existsSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { FengsuiError } from '#contracts/errors.ts'
import { HEAD_SQL, JOURNAL_SCHEMA, openForReading, openForWriting } from './database.ts'
import { cursorsIn } from './cursors.ts'
import {
  accompanied,
  COMPANIONS,
  listSegments,
  makeSegmentsDir,
  removeCompanions,
  segmentPath,
  SEGMENTS_DIR,
  syncFolder,
  takeOver,
  type Segment,
} from './segments.ts'
import { lookAtTail, tornBytes } from './tail.ts'

export type WritingOptions = {
  dir: string
  maxFileBytes: number | null
  segmentMaxBytes: number
  segmentMaxMs: number
  /** consumers whose cursors say how far the journal once reached */
  neededBy: readonly string[]
}
/** Messages that were read once and are gone, the last one included. */
export type Lost = { firstSeq: number; lastSeq: number }

type Open = {
  firstSeq: number
  path: string
  database: DatabaseSync
  head: StatementSync
  insert: StatementSync
  bytes: number
  /** of its first group; undefined while it is empty */
  begunAtMs: number | undefined
}

/** What a row takes besides its blob, roughly. */
const ROW_BYTES = 40
/** A segment that is put away waits this long for a reader in the middle of it, and is tried again later. */
const SEAL_BUSY_MS = 50

export class Writing {
  readonly #o: WritingOptions
  readonly #folder: string
  #open: Open | undefined
  /** full ones, still open; one unless the disk is in trouble */
  readonly #full: Open[] = []
  /** bytes at the tails that were not a whole commit, since the last time somebody asked */
  #torn = 0
  #lost: Lost | null = null

  constructor(o: WritingOptions) {
    this.#o = o
    this.#folder = join(o.dir, SEGMENTS_DIR)
  }

  head(): number {
    const { head, firstSeq } = this.#opened()
    return Number(head.get()?.['head'] ?? firstSeq - 1)
  }

  takeTorn(): number {
    const torn = this.#torn
    this.#torn = 0
    return torn
  }

  takeLost(): Lost | null {
    const lost = this.#lost
    this.#lost = null
    return lost
  }

  /** One transaction. The head is read inside it, so that not even a second writer can make a gap or a double. */
  append(blob: Uint8Array, crc32: number, count: number, committedAtMs: number): { head: number; rotated: boolean } {
    const rotated = this.#rotateIfFull(committedAtMs)
    const open = this.#opened()
    open.database.exec('BEGIN IMMEDIATE')
    const firstSeq = this.head() + 1
    this.#refuseBehind(open, firstSeq)
    const lastSeq = firstSeq + count - 1
    open.insert.run(firstSeq, lastSeq, committedAtMs, count, crc32, blob)
    open.database.exec('COMMIT')
    open.bytes += blob.length + ROW_BYTES
    open.begunAtMs ??= committedAtMs
    return { head: lastSeq, rotated }
  }

  /** Puts the full segments away as plain files; true when there was something to do. Readers may go on reading them. */
  sealNext(): boolean {
    const full = this.#full.shift()
    if (full === undefined) return false
    seal(full.database)
    return true
  }

  /** Segments that a kill or a busy reader left with files beside them. */
  sealLeftOvers(): void {
    const isOurs = new Set([this.#opened(), ...this.#full].map(open => open.path))
    for (const path of accompanied(this.#o.dir)) {
      if (isOurs.has(path)) continue
      try {
        seal(this.#openFile(path))
      } catch {
        // a damaged segment is for its readers to report: the newest one is written all the same
      }
    }
  }

  close(): void {
    while (this.sealNext());
    this.#open?.database.close()
    this.#open = undefined
  }

  /** Closing rolls back what was open. A file that cannot even be closed is left to the process' end; the next try opens a new one. */
  giveUp(): void {
    const failed = [...this.#full.splice(0), ...(this.#open === undefined ? [] : [this.#open])]
    this.#open = undefined
    for (const { database } of failed) {
      try {
        database.close()
      } catch {
        // the failure that brought us here has been reported; this one says nothing new
      }
    }
  }

  #opened(): Open {
    if (this.#open !== undefined) return this.#open
    const { dir } = this.#o
    makeSegmentsDir(dir)
    this.#torn += takeOver(dir)
    const [newest, previous] = listSegments(dir).toReversed()
    this.#open = this.#openSegment(newest?.firstSeq ?? 1)
    // a kill may have come between the step over a hole and the telling of it
    if (previous !== undefined && this.#open.begunAtMs === undefined) this.#lost = holeBetween(previous, this.#open.firstSeq)
    this.#goOnBehindLoss()
    return this.#open
  }

  /**
   * A disk that lied, or a copy put back, can end before what rules and store have read. Their numbers are never given again: alarms
   * and readings are known by them, and whoever has read so far would look past the new messages. What lies between is a hole, and said.
   */
  #goOnBehindLoss(): void {
    const cursors = cursorsIn(this.#o.dir)
    const readTo = Math.max(0, ...this.#o.neededBy.map(consumer => cursors.get(consumer) ?? 0))
    const head = this.head()
    if (readTo <= head || this.#open === undefined) return
    const cut = this.#open
    this.#open = this.#openSegment(readTo + 1)
    if (cut.begunAtMs === undefined) {
      cut.database.close()
      for (const end of ['', ...COMPANIONS]) rmSync(cut.path + end, { force: true })
    } else this.#full.push(cut)
    this.#lost = { firstSeq: head + 1, lastSeq: readTo }
  }

  #rotateIfFull(nowMs: number): boolean {
    const open = this.#opened()
    const { segmentMaxBytes, segmentMaxMs } = this.#o
    if (open.begunAtMs === undefined || (open.bytes < segmentMaxBytes && nowMs - open.begunAtMs < segmentMaxMs)) return false
    // nobody writes to this one between the look at its head and the next one's birth
    open.database.exec('BEGIN IMMEDIATE')
    const next = this.#openSegment(this.head() + 1)
    open.database.exec('ROLLBACK')
    this.#full.push(open)
    this.#open = next
    return true
  }

  /** What is written to a segment behind which another process has begun one is never read. The next try goes on in the newest. */
  #refuseBehind(open: Open, firstSeq: number): void {
    const isOvertaken = existsSync(open.path)
      ? firstSeq !== open.firstSeq && existsSync(segmentPath(this.#o.dir, firstSeq))
      : listSegments(this.#o.dir).some(other => other.firstSeq > open.firstSeq)
    if (isOvertaken)
      throw new FengsuiError('journal-unavailable', `another process writes the journal too: a segment begins at ${firstSeq} already`)
  }

  #openSegment(firstSeq: number): Open {
    const path = segmentPath(this.#o.dir, firstSeq)
    removeCompanions(path)
    const database = this.#openFile(path)
    return orClosed(database, () => this.#prepared(database, firstSeq, path))
  }

  #prepared(database: DatabaseSync, firstSeq: number, path: string): Open {
    database.exec(JOURNAL_SCHEMA)
    syncFolder(this.#folder)
    const pageBytes = Number(database.prepare('PRAGMA page_size').get()?.['page_size'])
    if (this.#o.maxFileBytes !== null) database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(this.#o.maxFileBytes / pageBytes))}`)
    const begun = database.prepare('SELECT committed_at_ms AS ms FROM groups ORDER BY first_seq LIMIT 1').get()?.['ms']
    return {
      firstSeq,
      path,
      database,
      head: database.prepare(HEAD_SQL),
      insert: database.prepare('INSERT INTO groups (first_seq, last_seq, committed_at_ms, count, crc32, blob) VALUES (?, ?, ?, ?, ?, ?)'),
      bytes: begun === undefined ? 0 : Number(database.prepare('PRAGMA page_count').get()?.['page_count']) * pageBytes,
      begunAtMs: begun === undefined ? undefined : Number(begun),
    }
  }

  #openFile(path: string): DatabaseSync {
    const tail = lookAtTail(path)
    const database = openForWriting(this.#folder, basename(path))
    this.#torn += orClosed(database, () => tornBytes(database, tail))
    return database
  }
}

/** A disk that is full for hours is tried many times: a try that fails leaves no file open. */
function orClosed<T>(database: DatabaseSync, work: () => T): T {
  try {
    return work()
  } catch (error) {
    database.close()
    throw error
  }
}

/** What is missing between the end of a segment and the beginning of the next; a damaged one is for its readers to report. */
function holeBetween({ firstSeq, path }: Segment, nextFirst: number): Lost | null {
  try {
    using database = openForReading(path)
    const end = Number(database.prepare(HEAD_SQL).get()?.['head'] ?? firstSeq - 1)
    return end + 1 < nextFirst ? { firstSeq: end + 1, lastSeq: nextFirst - 1 } : null
  } catch {
    return null
  }
}

/** What the WAL holds goes into the file. Where a reader is in the middle of it or the disk is full, the WAL stays and holds it. */
function seal(database: DatabaseSync): void {
  try {
    database.exec(`PRAGMA busy_timeout = ${SEAL_BUSY_MS}; PRAGMA wal_checkpoint(TRUNCATE)`)
  } catch {
    // nothing is lost, and it is tried again with the left-overs
  } finally {
    database.close()
  }
}
