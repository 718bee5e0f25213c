// Reads committed messages over all segments, from any process, without ever holding up the writer. A journal that is not there yet
// reads as empty. Every group it opens is checked (CRC, count, contiguity): what lies before damage is read, damage itself is an
// error, never a gap. Only messages removed from the front are no damage.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import { journalError, refuseOldSqlite, type GroupRow } from './database.ts'
import { decodeGroup, unpackGroup } from './encoding.ts'
import type { Extent, JournalReader, ReaderOptions } from './engine.ts'
import { OpenSegment } from './segment.ts'
import { listSegments, segmentPath, SEGMENTS_DIR, type Segment } from './segments.ts'

/** How often a reader looks at the folder when nothing tells it to. */
const LOOK_EVERY_MS = 1000

export function openReader(o: ReaderOptions): JournalReader {
  refuseOldSqlite()
  return new GroupReader(o)
}

class GroupReader implements JournalReader {
  readonly #dir: string
  readonly #removedIsDamage: boolean
  readonly #name: string
  #segments: Segment[] = []
  /** by first seq: the one being read and the newest, which mostly are the same */
  readonly #opened = new Map<number, OpenSegment>()
  #closed = false
  #lookAtMs = 0
  /** The group read last, unpacked: a consumer that takes small bites does not unpack it each time. */
  #last: { row: GroupRow; bytes: Buffer } | undefined

  constructor(o: ReaderOptions) {
    this.#dir = o.dir
    this.#removedIsDamage = o.removedIsDamage ?? false
    this.#name = join(o.dir, SEGMENTS_DIR)
  }

  head(): number {
    return this.#try('reading the head of', () => {
      this.#look()
      for (;;) {
        const newest = this.#segments.at(-1)
        if (newest === undefined) return 0
        const head = this.#open(newest)?.head() ?? newest.firstSeq - 1
        if (!this.#hasGrown(head)) return head
      }
    })
  }

  oldest(): number {
    return this.#try('reading the oldest of', () => {
      this.#look()
      return this.#segments[0]?.firstSeq ?? 1
    })
  }

  read(afterSeq: number, maxMessages: number): Message[] {
    return this.#try('reading', () => {
      this.#look()
      const messages: Message[] = []
      try {
        if (maxMessages > 0) this.#collect(afterSeq, maxMessages, messages)
      } catch (error) {
        // the next read begins at the damage, and says so
        if (messages.length === 0 || journalError('', error).code !== 'journal-damaged') throw error
      }
      return messages
    })
  }

  groupAt(seq: number): Extent | undefined {
    return this.#try('looking for a group of', () => {
      this.#look()
      const [oldest] = this.#segments
      if (oldest !== undefined && seq < oldest.firstSeq) return { firstSeq: seq, lastSeq: oldest.firstSeq - 1 }
      const at = this.#segments.findLastIndex(({ firstSeq }) => firstSeq <= seq)
      const segment = this.#segments[at]
      return segment === undefined ? undefined : this.#groupIn(segment, seq, this.#segments[at + 1]?.firstSeq)
    })
  }

  close(): void {
    this.#closed = true
    this.#release()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #collect(afterSeq: number, maxMessages: number, messages: Message[]): void {
    const [oldest] = this.#segments
    if (oldest === undefined) return
    if (this.#removedIsDamage && afterSeq > 0 && afterSeq + 1 < oldest.firstSeq)
      throw new FengsuiError('journal-damaged', `messages ${afterSeq + 1}-${oldest.firstSeq - 1} were removed before they were read`)
    let at = Math.max(afterSeq, oldest.firstSeq - 1)
    let segment = this.#segments.findLast(({ firstSeq }) => firstSeq <= at + 1)
    while (segment !== undefined) {
      const { firstSeq } = segment
      if (firstSeq > at + 1) throw missing(at + 1, firstSeq)
      const readsOn = this.#endsLast(segment, at)
      at = this.#collectFrom(segment, at, maxMessages, messages)
      if (messages.length >= maxMessages) return
      const isNewest = firstSeq === this.#segments.at(-1)?.firstSeq
      // who reads on and found something comes again; then, where there is nothing, the folder is looked at
      if (isNewest && readsOn && messages.length > 0) return
      if (isNewest) this.#hasGrown(at)
      segment = this.#segments.find(next => next.firstSeq > firstSeq)
    }
  }

  /** Where the segment ends, or `at` where that is further. */
  #collectFrom(segment: Segment, afterSeq: number, maxMessages: number, messages: Message[]): number {
    const open = this.#open(segment)
    const isGroupsEnd = this.#endsLast(segment, afterSeq) || open?.holding(afterSeq + 1) === undefined
    let expected = isGroupsEnd ? Math.max(segment.firstSeq, afterSeq + 1) : undefined
    for (const row of (isGroupsEnd ? open?.groupsBehind(afterSeq) : open?.groupsFrom(afterSeq + 1)) ?? []) {
      if (expected !== undefined && row.firstSeq !== expected) throw missing(expected, row.firstSeq)
      expected = row.lastSeq + 1
      if (row.lastSeq > afterSeq) decodeGroup(row, this.#unpacked(row), afterSeq, maxMessages, messages)
      if (messages.length >= maxMessages) break
    }
    return Math.max(afterSeq, (expected ?? 0) - 1)
  }

  /** The group read last is of this segment and ends there: who reads on need not have it looked for. */
  #endsLast({ firstSeq }: Segment, seq: number): boolean {
    const last = this.#last?.row
    return last !== undefined && last.lastSeq === seq && last.firstSeq >= firstSeq
  }

  #unpacked(row: GroupRow): Buffer {
    if (this.#last?.row.firstSeq !== row.firstSeq) this.#last = { row, bytes: unpackGroup(row) }
    return this.#last.bytes
  }

  /** `nextFirst`: where the next segment begins. Columns can be damaged too: no group reaches into the one behind it. */
  #groupIn(segment: Segment, seq: number, nextFirst: number | undefined): Extent | undefined {
    const end = (behind: number | undefined): number | undefined => (behind === undefined ? undefined : behind - 1)
    try {
      const open = this.#open(segment)
      const row = open?.holding(seq)
      const last = end(open?.behind(seq) ?? nextFirst)
      if (row !== undefined && row.lastSeq >= seq) return { firstSeq: row.firstSeq, lastSeq: Math.min(row.lastSeq, last ?? row.lastSeq) }
      if (last === undefined) return undefined
      return { firstSeq: row === undefined ? segment.firstSeq : Math.max(row.firstSeq, row.lastSeq + 1), lastSeq: last }
    } catch (error) {
      // a file that cannot even be asked ends where the next one begins; of the newest nobody knows where
      if (nextFirst === undefined || journalError('', error).code !== 'journal-damaged') throw error
      return { firstSeq: seq, lastSeq: nextFirst - 1 }
    }
  }

  /** undefined where the writer has not made the table yet. */
  #open(segment: Segment): OpenSegment | undefined {
    const known = this.#opened.get(segment.firstSeq)
    if (known !== undefined) return known
    const newest = this.#segments.at(-1)
    for (const [firstSeq, open] of this.#opened) if (firstSeq !== newest?.firstSeq) this.#drop(open)
    const open = OpenSegment.open(segment, segment.firstSeq === newest?.firstSeq)
    if (open !== undefined) this.#opened.set(segment.firstSeq, open)
    return open
  }

  /** Whether a segment has been begun behind `head`; it is known from then on. */
  #hasGrown(head: number): boolean {
    const newest = this.#segments.at(-1)
    if (newest === undefined || head < newest.firstSeq || !existsSync(segmentPath(this.#dir, head + 1))) return false
    this.#list()
    return this.#segments.at(-1)?.firstSeq !== newest.firstSeq
  }

  #look(): void {
    if (this.#closed) throw new FengsuiError('journal-unavailable', `${this.#name}: the reader is closed`)
    if (this.#segments.length === 0 || performance.now() >= this.#lookAtMs) this.#list()
  }

  /** A newest file that is merely gone is read on: the writer still has it too. Others were removed, and are let go. */
  #list(): void {
    this.#lookAtMs = performance.now() + LOOK_EVERY_MS
    const listed = listSegments(this.#dir)
    for (const open of this.#opened.values()) {
      const where = open.isOnDisk()
      const isNewest = open.firstSeq > (listed.at(-1)?.firstSeq ?? 0)
      if (where === 'no' && isNewest) listed.push({ firstSeq: open.firstSeq, path: open.path })
      else if (where !== 'yes') this.#drop(open)
    }
    this.#segments = listed
  }

  #drop(open: OpenSegment): void {
    this.#opened.delete(open.firstSeq)
    this.#last = undefined
    open.close()
  }

  #release(): void {
    for (const open of this.#opened.values()) this.#drop(open)
  }

  #try<T>(doing: string, read: () => T): T {
    try {
      return this.#again(read)
    } catch (error) {
      throw journalError(`${doing} ${this.#name}`, error)
    }
  }

  /** A segment that was removed since the folder was looked at: what is there now is the truth. */
  #again<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      this.#list()
      return read()
    }
  }
}

const missing = (seq: number, nextSeq: number): FengsuiError =>
  new FengsuiError('journal-damaged', `message ${seq} is missing, the next group begins at ${nextSeq}`)
