// Reads committed messages, from any process, without ever holding up the writer. A file that is not there yet reads as empty.
// Every group it opens is checked (CRC, count, contiguity): a damaged journal is an error here, never a shorter answer.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import { GROUP_COLUMNS, HEAD_SQL, JOURNAL_FILE, journalError, openForReading, refuseOldSqlite, type GroupRow } from './database.ts'
import { decodeGroup, unpackGroup } from './encoding.ts'

export type JournalReader = {
  /** Messages with seq > afterSeq in order, at most maxMessages. Throws journal-damaged naming the group. */
  read(afterSeq: number, maxMessages: number): Message[]
  /** The newest committed seq; 0 = nothing. One index step: cheap enough to poll. */
  head(): number
  close(): void
  [Symbol.dispose](): void
}

type Open = { database: DatabaseSync; head: StatementSync; holding: StatementSync; from: StatementSync }

export function openReader(o: { dir: string }): JournalReader {
  refuseOldSqlite()
  return new GroupReader(join(o.dir, JOURNAL_FILE))
}

class GroupReader implements JournalReader {
  readonly #path: string
  #opened: Open | undefined
  #closed = false
  /** The group read last, unpacked: a consumer that takes small bites does not unpack it each time. */
  #last: { row: GroupRow; bytes: Buffer } | undefined

  constructor(path: string) {
    this.#path = path
  }

  head(): number {
    return this.#try('reading the head of', () => Number(this.#open()?.head.get()?.['head'] ?? 0))
  }

  read(afterSeq: number, maxMessages: number): Message[] {
    return this.#try('reading', () => {
      const messages: Message[] = []
      const open = this.#open()
      if (open === undefined || maxMessages <= 0) return messages
      const start = open.holding.get(afterSeq + 1)
      if (start === undefined) return messages
      let expected: number | undefined
      for (const raw of open.from.iterate(Number(start['firstSeq']))) {
        const row = raw as GroupRow
        if (expected !== undefined && row.firstSeq !== expected)
          throw new FengsuiError(
            'journal-damaged',
            `${this.#path}: message ${expected} is missing, the next group begins at ${row.firstSeq}`,
          )
        expected = row.lastSeq + 1
        if (row.lastSeq > afterSeq) decodeGroup(row, this.#unpacked(row), afterSeq, maxMessages, messages)
        if (messages.length >= maxMessages) break
      }
      return messages
    })
  }

  close(): void {
    this.#closed = true
    this.#opened?.database.close()
    this.#opened = undefined
    this.#last = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #unpacked(row: GroupRow): Buffer {
    if (this.#last?.row.firstSeq !== row.firstSeq) this.#last = { row, bytes: unpackGroup(row) }
    return this.#last.bytes
  }

  #open(): Open | undefined {
    if (this.#closed) throw new FengsuiError('journal-unavailable', `${this.#path}: the reader is closed`)
    if (this.#opened !== undefined) return this.#opened
    if (!existsSync(this.#path)) return undefined
    const database = openForReading(this.#path)
    try {
      this.#opened = prepare(database)
    } finally {
      if (this.#opened === undefined) database.close()
    }
    return this.#opened
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
function prepare(database: DatabaseSync): Open | undefined {
  if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'groups'").get() === undefined) return undefined
  return {
    database,
    head: database.prepare(HEAD_SQL),
    holding: database.prepare('SELECT first_seq AS firstSeq FROM groups WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1'),
    from: database.prepare(`SELECT ${GROUP_COLUMNS} FROM groups WHERE first_seq >= ? ORDER BY first_seq`),
  }
}
