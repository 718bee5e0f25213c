// What any engine of the journal offers, in one place: append and put, read, cursors and lag, verify. The contract suite in
// `test/journal/journal-contract.ts` holds an engine to it, so that another one can stand in. Knows no file and no SQLite.
import type { Clock, Log } from '#contracts/clock.ts'
import type { FengsuiError } from '#contracts/errors.ts'
import type { Trouble } from '#contracts/live.ts'
import type { InboundMessage, Message } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'

export type Engine = {
  openJournal(o: JournalOptions): Promise<Journal>
  openReader(o: ReaderOptions): JournalReader
  openCursors(o: { dir: string }): Cursors
  verifyJournal(o: { dir: string }): Verdict
}

export type JournalOptions = {
  dir: string
  log: Log
  meter: Meter
  clock?: Clock
  /** bulk groups begin at least this long one after the other, default 1: whoever comes after a pause waits for no company; an alarm never does */
  groupWaitMs?: number
  /** default 2000, at most 65,535 */
  groupMaxMessages?: number
  /** before compression, default 1 MiB; a single message may be larger */
  groupMaxBytes?: number
  /** appends beyond this are refused with journal-unavailable, default 64 MiB; an eighth of it is kept for alarms */
  maxPendingBytes?: number
  /** one file may not grow beyond this (default: the disk); appends are refused then, as on a full disk */
  maxFileBytes?: number
  /** a new segment is begun after so many bytes on disk, default 256 MiB ... */
  segmentMaxBytes?: number
  /** ... or after so long, default 1 hour, whichever comes first */
  segmentMaxMs?: number
  /** whole segments older than this are removed, default never ... */
  keepMs?: number
  /** ... and the oldest ones while all together hold more than this, default never; the newest always stays */
  keepBytes?: number
  /** consumers whose cursor must have passed a segment before it is removed; one without a cursor keeps everything */
  neededBy?: readonly string[]
  /** how often is looked for segments to remove, default a minute */
  tidyEveryMs?: number
  /** while the file system has less free than this, bulk messages are refused with disk-reserve, default 0 */
  diskReserveBytes?: number
  /** free bytes of the file system of `dir`, for tests of the reserve */
  freeBytes?: () => Promise<number>
  /** each commit takes this much longer, for tests and benchmarks of slow disks */
  addedSyncMs?: number
  /** called after each commit with the newest seq on disk */
  onCommit?: (head: number) => void
}

export type Appended = { seq: number; committedAtMs: number }

/** A message that may carry an alarm takes the lane that commits at once and never queues behind bulk telemetry. */
export type Lane = 'alarm' | 'bulk'

/** What all messages of one sender on one topic have in common; made once, used for each of them. */
export type Origin = { readonly identity: string; readonly clientId: string; readonly topic: string }

/** What the messages of one origin do not have in common. The payload may lie in a larger buffer, between `from` and `to`: it is copied from there. */
export type Own = Omit<InboundMessage, 'identity' | 'clientId' | 'topic'> & { from?: number; to?: number }

/** Who waits for many messages: told in numbers, oldest first within a lane, instead of by a promise for each. */
export type Waiter = {
  written(count: number, lane: Lane, firstSeq: number, committedAtMs: number): void
  /** nothing of these was acknowledged; they may or may not be on disk */
  failed(count: number, lane: Lane, error: FengsuiError): void
}

export type Journal = {
  /** Copies the payload; resolves after the commit, in order of the calls of a lane; rejects journal-unavailable or disk-reserve: nothing was acknowledged. */
  append(m: InboundMessage, lane?: Lane): Promise<Appended>
  /** Never throws: what cannot be written down is refused by `put`. */
  origin(of: Origin): Origin
  /** As `append`, for who appends a million a second. Never throws: what cannot be taken is told to `waiter.failed` in a later turn. */
  put(origin: Origin, m: Own, lane: Lane, waiter: Waiter): void
  head(): number
  healthy(): { ok: boolean; detail: string; troubles?: Trouble[] }
  /** Writes what is pending, then refuses everything. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export type ReaderOptions = {
  dir: string
  /** for who keeps a position: messages that were removed behind it are damage to it, not a place to begin at */
  removedIsDamage?: boolean
}

export type JournalReader = {
  /**
   * Messages with seq > afterSeq in order, at most maxMessages, and none behind a damaged group. Begins at the oldest kept message
   * when those before it were removed in good order.
   * @throws FengsuiError journal-damaged naming the group when already the first of them lies in it
   */
  read(afterSeq: number, maxMessages: number): Message[]
  /** The group that holds `seq`, or the hole where it should be (from `seq` on, where it was removed); undefined beyond the head. */
  groupAt(seq: number): Extent | undefined
  /** The newest committed seq; 0 = nothing. Cheap enough to poll. */
  head(): number
  /** The oldest seq that is kept; head + 1 when there is none. */
  oldest(): number
  close(): void
  [Symbol.dispose](): void
}

export type Extent = { firstSeq: number; lastSeq: number }

export type Cursors = {
  /** The last seq the consumer has finished; 0 = none. */
  get(consumer: string): number
  /** It has set its cursor once, be it to 0: it began at the very first message and has finished none. */
  has(consumer: string): boolean
  /** Commits that the consumer has finished everything up to `seq`. */
  set(consumer: string, seq: number): void
  /** What a consumer wants to know again after a restart; opaque here. */
  rows(consumer: string): [key: string, value: string][]
  /** The cursor and rows of the consumer in one transaction; null takes a row away. */
  commit(consumer: string, seq: number, rows: readonly (readonly [key: string, value: string | null])[]): void
  /** messages between the head and what the consumer has finished */
  lag(consumer: string): number
  all(): Record<string, number>
  /** what all of it takes on disk */
  bytes(): number
  close(): void
}

/** `messages` and `head` count what was found good before the problem; `oldest` = head + 1 where nothing is kept. */
export type Verdict = { ok: boolean; messages: number; oldest: number; head: number; segments: number; problem?: string }
