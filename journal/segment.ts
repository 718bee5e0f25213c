// One segment as a reader has it: its groups in order, its newest, and which group holds a message. Never writes, never looks at
// another segment; what is between two of them is for reader.ts.
import { statSync, type Stats } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { GROUP_COLUMNS, HEAD_SQL, hasGroups, openForReading, type GroupRow } from './database.ts'
import type { Extent } from './engine.ts'
import { bytesOf, type Segment } from './segments.ts'

const HOLDING_SQL = 'SELECT first_seq AS firstSeq, last_seq AS lastSeq FROM groups WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1'
const BEHIND_SQL = 'SELECT first_seq AS firstSeq FROM groups WHERE first_seq > ? ORDER BY first_seq LIMIT 1'
const FROM_SQL = `SELECT ${GROUP_COLUMNS} FROM groups WHERE first_seq >= ? ORDER BY first_seq`

export class OpenSegment {
  readonly firstSeq: number
  readonly path: string
  readonly #file: Stats
  readonly #database: DatabaseSync
  readonly #head: StatementSync
  readonly #holding: StatementSync
  readonly #behind: StatementSync
  readonly #from: StatementSync

  /** undefined while the writer has made the file but not yet the table. `isNewest`: it may still be written. */
  static open(segment: Segment, isNewest: boolean): OpenSegment | undefined {
    const file = statSync(segment.path)
    try {
      return OpenSegment.#open(segment, file, isNewest)
    } catch (error) {
      statSync(segment.path) // one that was removed meanwhile is told as such: ENOENT
      throw error
    }
  }

  static #open(segment: Segment, file: Stats, isNewest: boolean): OpenSegment | undefined {
    const database = openForReading(segment.path, !isNewest && bytesOf(`${segment.path}-wal`) === 0)
    try {
      if (hasGroups(database)) return new OpenSegment(segment, file, database)
    } catch (error) {
      database.close()
      throw error
    }
    database.close()
    return undefined
  }

  private constructor({ firstSeq, path }: Segment, file: Stats, database: DatabaseSync) {
    this.firstSeq = firstSeq
    this.path = path
    this.#file = file
    this.#database = database
    this.#head = database.prepare(HEAD_SQL)
    this.#holding = database.prepare(HOLDING_SQL)
    this.#behind = database.prepare(BEHIND_SQL)
    this.#from = database.prepare(FROM_SQL)
  }

  /** One index step. */
  head(): number {
    return Number(this.#head.get()?.['head'] ?? this.firstSeq - 1)
  }

  /** The last group that begins at `seq` or before it. */
  holding(seq: number): Extent | undefined {
    return this.#holding.get(seq) as Extent | undefined
  }

  /** Where the first group behind `seq` begins. */
  behind(seq: number): number | undefined {
    const firstSeq = this.#behind.get(seq)?.['firstSeq']
    return firstSeq === undefined ? undefined : Number(firstSeq)
  }

  /** Groups from the one that holds `seq` on, or the first behind it. */
  groupsFrom(seq: number): Iterable<GroupRow> {
    return this.groupsBehind((this.holding(seq)?.firstSeq ?? seq) - 1)
  }

  /** Groups that begin behind `seq`, in order. */
  groupsBehind(seq: number): Iterable<GroupRow> {
    return this.#from.iterate(seq + 1) as unknown as Iterable<GroupRow>
  }

  /** A restored backup has an inode of its own. */
  isOnDisk(): 'yes' | 'no' | 'replaced' {
    const now = statSync(this.path, { throwIfNoEntry: false })
    if (now === undefined) return 'no'
    return now.ino === this.#file.ino && now.dev === this.#file.dev ? 'yes' : 'replaced'
  }

  close(): void {
    this.#database.close()
  }
}
