// Reads committed messages, from any process, without ever holding up the writer. A file that is not there yet reads as empty.
// Every group it opens is checked (CRC, count, contiguity): what lies before damage is read, damage itself is an error, never a gap.
import { statSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import { GROUP_COLUMNS, HEAD_SQL, JOURNAL_FILE, journalError, openForReading, refuseOldSqlite, type GroupRow } from './database.ts'
import { decodeGroup, unpackGroup } from './encoding.ts'

export type JournalReader = {
  /**
   * Messages with seq > afterSeq in order, at most maxMessages, and none behind a damaged group.
   * @throws FengsuiError journal-damaged naming the group when already the first of them lies in it
   */
  read(afterSeq: number, maxMessages: number): Message[]
  /** The group that holds `seq`, or the hole where it should be, told without unpacking it; undefined beyond the head. */
  groupAt(seq: number): Extent | undefined
  /** The newest committed seq; 0 = nothing. One index step: cheap enough to poll. */
  head(): number
  close(): void
  [Symbol.dispose](): void
}

export type Extent = { firstSeq: number; lastSeq: number }

type Prepared = { database: DatabaseSync; head: StatementSync; holding: StatementSync; from: StatementSync; behind: StatementSync }
type Open = Prepared & { file: Stats }

/** How often a reader looks whether another file lies in the place of the one it has open. */
const LOOK_EVERY_MS = 1000

export function openReader(o: { dir: string }): JournalReader {
  refuseOldSqlite()
  return new GroupReader(join(o.dir, JOURNAL_FILE))
}

class GroupReader implements JournalReader {
  readonly #path: string
  #opened: Open | undefined
  #closed = false
  #lookAtMs = 0
  /** The group read last, unpacked: a consumer that takes small bites does not unpack it each time. */
  #last: { row: GroupRow; bytes: Buffer } | undefined

  constructor(path: string) {
    this.#path = path
  }

  head(): number {
    return this.#try('reading the head of', () => Number(this.#open()?.head.get()?.['head'] ?? 0))
  }

  read(afterSeq: number, maxMessages: number): Message[] {
    const messages: Message[] = []
    try {
      const open = this.#open()
      if (open !== undefined && maxMessages > 0) this.#collect(open, afterSeq, maxMessages, messages)
    } catch (error) {
      const known = journalError(`reading ${this.#path}`, error)
      // the next read begins at the damage, and says so
      if (known.code !== 'journal-damaged' || messages.length === 0) throw known
    }
    return messages
  }

  groupAt(seq: number): Extent | undefined {
    return this.#try('looking for a group of', () => {
      const open = this.#open()
      const row = open?.holding.get(seq) as Extent | undefined
      const behind = open?.behind.get(seq)?.['firstSeq']
      const end = behind === undefined ? undefined : Number(behind) - 1
      // columns can be damaged too: no group reaches into the one behind it
      if (row !== undefined && row.lastSeq >= seq) return { firstSeq: row.firstSeq, lastSeq: Math.min(row.lastSeq, end ?? row.lastSeq) }
      if (end === undefined) return undefined
      return { firstSeq: row === undefined ? 1 : Math.max(row.firstSeq, row.lastSeq + 1), lastSeq: end }
    })
  }

  close(): void {
    this.#closed = true
    this.#release()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #collect(open: Open, afterSeq: number, maxMessages: number, messages: Message[]): void {
    const start = open.holding.get(afterSeq + 1)
    let expected = start === undefined ? Math.max(1, afterSeq + 1) : undefined
    for (const raw of open.from.iterate(Number(start?.['firstSeq'] ?? afterSeq + 1))) {
      const row = raw as GroupRow
      if (expected !== undefined && row.firstSeq !== expected)
        throw new FengsuiError('journal-damaged', `${this.#path}: message ${expected} is missing, the next group begins at ${row.firstSeq}`)
      expected = row.lastSeq + 1
      if (row.lastSeq > afterSeq) decodeGroup(row, this.#unpacked(row), afterSeq, maxMessages, messages)
      if (messages.length >= maxMessages) break
    }
  }

  #unpacked(row: GroupRow): Buffer {
    if (this.#last?.row.firstSeq !== row.firstSeq) this.#last = { row, bytes: unpackGroup(row) }
    return this.#last.bytes
  }

  #open(): Open | undefined {
    if (this.#closed) throw new FengsuiError('journal-unavailable', `${this.#path}: the reader is closed`)
    if (this.#opened !== undefined && this.#isReplaced(this.#opened.file)) this.#release()
    if (this.#opened !== undefined) return this.#opened
    const file = statSync(this.#path, { throwIfNoEntry: false })
    if (file === undefined) return undefined
    const database = openForReading(this.#path)
    try {
      const prepared = prepare(database)
      if (prepared !== undefined) this.#opened = { ...prepared, file }
    } finally {
      if (this.#opened === undefined) database.close()
    }
    return this.#opened
  }

  /** A restored backup has an inode of its own. A file that is merely gone is read on: the writer still has it too. */
  #isReplaced(file: Stats): boolean {
    if (performance.now() < this.#lookAtMs) return false
    this.#lookAtMs = performance.now() + LOOK_EVERY_MS
    const now = statSync(this.#path, { throwIfNoEntry: false })
    return now !== undefined && (now.ino !== file.ino || now.dev !== file.dev)
  }

  #release(): void {
    this.#opened?.database.close()
    this.#opened = undefined
    this.#last = undefined
  }

  #try<T>(doing: string, read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw journalError(`${doing} ${this.#path}`, error)
    }
  }
}

/** undefined while the writer has made the file but not yet the table. */
function prepare(database: DatabaseSync): Prepared | undefined {
  if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'groups'").get() === undefined) return undefined
  return {
    database,
    head: database.prepare(HEAD_SQL),
    holding: database.prepare(
      'SELECT first_seq AS firstSeq, last_seq AS lastSeq FROM groups WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1',
    ),
    behind: database.prepare('SELECT first_seq AS firstSeq FROM groups WHERE first_seq > ? ORDER BY first_seq LIMIT 1'),
    from: database.prepare(`SELECT ${GROUP_COLUMNS} FROM groups WHERE first_seq >= ? ORDER BY first_seq`),
  }
}
