// Group commit: messages that arrive within the window go to disk as one row and one sync, and only then is anybody told.
// Never resolves an append before its commit, never out of order, never holds more than maxPendingBytes.
import { FengsuiError } from '#contracts/errors.ts'
import { systemClock, type Clock, type Log } from '#contracts/clock.ts'
import type { InboundMessage } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'
import { reasonOf, refuseOldSqlite } from './database.ts'
import { Disk } from './disk.ts'
import { GroupBuffer, sizeBound } from './encoding.ts'

export type JournalOptions = {
  dir: string
  log: Log
  meter: Meter
  clock?: Clock
  /** how long the first message of a group waits for company, default 2 */
  groupWaitMs?: number
  /** default 2000 */
  groupMaxMessages?: number
  /** before compression, default 1 MiB; a single message may be larger */
  groupMaxBytes?: number
  /** appends beyond this are refused with journal-unavailable, default 64 MiB */
  maxPendingBytes?: number
  /** journal.db may not grow beyond this (default: the disk); appends are refused then, as on a full disk */
  maxFileBytes?: number
  /** called after each commit with the newest seq on disk */
  onCommit?: (head: number) => void
}

export type Appended = { seq: number; committedAtMs: number }

/** A message that may carry an alarm takes the lane that commits at once and never queues behind bulk telemetry. */
export type Lane = 'alarm' | 'bulk'

/** What all messages of one sender on one topic have in common; made once, used for each of them. */
export type Origin = { readonly identity: string; readonly clientId: string; readonly topic: string }

/** Who waits for many messages: told in numbers, oldest first within a lane, instead of by a promise for each. */
export type Waiter = {
  written(count: number, lane: Lane): void
  /** nothing of these was acknowledged; they may or may not be on disk */
  failed(count: number, lane: Lane, error: FengsuiError): void
}

export type Journal = {
  /** Copies the payload; resolves after the commit, in order of the calls of a lane; rejects journal-unavailable: nothing was acknowledged. */
  append(m: InboundMessage, lane?: Lane): Promise<Appended>
  origin(of: { identity: string; clientId: string; topic: string }): Origin
  /** As `append`, for who appends a million a second. Never throws: what cannot be taken is told to `waiter.failed` in a later turn. */
  put(origin: Origin, m: Omit<InboundMessage, 'identity' | 'clientId' | 'topic'>, lane: Lane, waiter: Waiter): void
  head(): number
  healthy(): { ok: boolean; detail: string }
  /** Writes what is pending, then refuses everything. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

type Group = {
  buffer: GroupBuffer
  waiters: { resolve: (a: Appended) => void; reject: (e: Error) => void }[]
}

/** Two groups at the disk: one being synced, one being packed behind it. More would only make groups smaller. */
const GROUPS_AT_DISK_MAX = 2
/** A commit that takes longer than this is a disk in trouble. */
const SLOW_COMMIT_MS = 5000

export async function openJournal(o: JournalOptions): Promise<Journal> {
  refuseOldSqlite()
  const disk = new Disk({ dir: o.dir, maxFileBytes: o.maxFileBytes ?? null })
  try {
    const head = await disk.open()
    o.meter.gauge('fengsui_journal_head', head)
    return new GroupCommit(disk, head, o)
  } catch (error) {
    await disk.close().catch(() => {}) // the reason why it did not open is the one to tell
    throw error
  }
}

class GroupCommit implements Journal {
  readonly #disk: Disk
  readonly #o: JournalOptions
  readonly #clock: Clock
  readonly #waitMs: number
  readonly #maxMessages: number
  readonly #maxBytes: number
  readonly #maxPendingBytes: number
  #head: number
  #open: Group | undefined
  #windowOver = false
  #timer: NodeJS.Timeout | undefined
  readonly #sealed: Group[] = []
  /** when each group at the disk was handed over, oldest first */
  readonly #atDiskSinceMs: number[] = []
  #pendingBytes = 0
  #failure: string | undefined
  #closing: Promise<void> | undefined
  #drained: (() => void) | undefined

  constructor(disk: Disk, head: number, o: JournalOptions) {
    this.#disk = disk
    this.#head = head
    this.#o = o
    this.#clock = o.clock ?? systemClock
    this.#waitMs = o.groupWaitMs ?? 2
    this.#maxMessages = o.groupMaxMessages ?? 2000
    this.#maxBytes = o.groupMaxBytes ?? 1024 * 1024
    this.#maxPendingBytes = o.maxPendingBytes ?? 64 * 1024 * 1024
  }

  origin(of: { identity: string; clientId: string; topic: string }): Origin {
    return of
  }

  put(origin: Origin, m: Omit<InboundMessage, 'identity' | 'clientId' | 'topic'>, lane: Lane, waiter: Waiter): void {
    this.append({ ...m, identity: origin.identity, clientId: origin.clientId, topic: origin.topic }, lane).then(
      () => waiter.written(1, lane),
      (error: FengsuiError) => waiter.failed(1, lane, error),
    )
  }

  append(m: InboundMessage, _lane: Lane = 'bulk'): Promise<Appended> {
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) return reject(new FengsuiError('journal-unavailable', 'appending: the journal is closed'))
      if (this.#pendingBytes + sizeBound(m) > this.#maxPendingBytes)
        return reject(
          new FengsuiError(
            'journal-unavailable',
            `appending: ${this.#pendingBytes} bytes already wait for the disk; the bound is ${this.#maxPendingBytes}`,
          ),
        )
      const group = this.#openGroup()
      const before = group.buffer.byteLength
      group.buffer.add(m)
      this.#pendingBytes += group.buffer.byteLength - before
      group.waiters.push({ resolve, reject })
      if (group.buffer.count >= this.#maxMessages || group.buffer.byteLength >= this.#maxBytes) this.#seal()
    })
  }

  head(): number {
    return this.#head
  }

  healthy(): { ok: boolean; detail: string } {
    const oldest = this.#atDiskSinceMs[0]
    const waitedMs = oldest === undefined ? 0 : performance.now() - oldest
    if (waitedMs > SLOW_COMMIT_MS) return { ok: false, detail: `the disk has not answered for ${Math.round(waitedMs)} ms` }
    if (this.#failure !== undefined) return { ok: false, detail: `the last group was not written: ${this.#failure}` }
    if (this.#closing !== undefined) return { ok: false, detail: 'closed' }
    return { ok: true, detail: `head ${this.#head}, ${this.#pendingBytes} bytes waiting` }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#finish())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #openGroup(): Group {
    if (this.#open !== undefined) return this.#open
    this.#windowOver = false
    this.#timer = setTimeout(() => {
      this.#windowOver = true
      this.#feedDisk()
    }, this.#waitMs)
    return (this.#open = { buffer: new GroupBuffer(this.#disk.spareSlab()), waiters: [] })
  }

  #seal(): void {
    if (this.#open === undefined) return
    clearTimeout(this.#timer)
    if (this.#open.buffer.count > 0) this.#sealed.push(this.#open)
    this.#open = undefined
    this.#feedDisk()
  }

  /** While the disk is busy an open group goes on growing past its window: slow disks get larger groups by themselves. */
  #feedDisk(): void {
    while (this.#atDiskSinceMs.length < GROUPS_AT_DISK_MAX) {
      let group = this.#sealed.shift()
      if (group === undefined && this.#windowOver && this.#open !== undefined && this.#open.buffer.count > 0) {
        group = this.#open
        this.#open = undefined
      }
      if (group === undefined) break
      this.#write(group)
    }
    if (this.#pendingBytes === 0 && this.#atDiskSinceMs.length === 0) this.#drained?.()
  }

  #write(group: Group): void {
    const { byteLength, count } = group.buffer
    const committedAtMs = this.#clock.nowMs()
    this.#atDiskSinceMs.push(performance.now())
    this.#disk.write(group.buffer.bytes(), count, committedAtMs).then(
      ({ head, tookMs }) => {
        this.#left(byteLength)
        this.#committed(group, head, committedAtMs, tookMs)
        this.#feedDisk()
      },
      (error: unknown) => {
        this.#left(byteLength)
        this.#failed(group, error)
        this.#feedDisk()
      },
    )
  }

  #left(byteLength: number): void {
    this.#atDiskSinceMs.shift()
    this.#pendingBytes -= byteLength - 1 // the version byte was never counted
  }

  #committed(group: Group, head: number, committedAtMs: number, tookMs: number): void {
    if (this.#failure !== undefined) this.#o.log.info({ head }, 'the journal writes again')
    this.#failure = undefined
    this.#head = head
    const firstSeq = head - group.waiters.length + 1
    for (const [i, waiter] of group.waiters.entries()) waiter.resolve({ seq: firstSeq + i, committedAtMs })
    this.#o.meter.observe('fengsui_journal_commit_seconds', tookMs / 1000)
    this.#o.meter.observe('fengsui_journal_group_messages', group.waiters.length)
    this.#o.meter.gauge('fengsui_journal_head', head)
    this.#o.onCommit?.(head)
  }

  /** Nothing of the group was acknowledged and nothing will be; the devices send again, and the next group is tried afresh. */
  #failed(group: Group, error: unknown): void {
    const reason = reasonOf(error)
    if (this.#failure === undefined) this.#o.log.error({ messages: group.waiters.length, reason }, 'the journal does not write')
    this.#failure = reason
    const refusal = new FengsuiError('journal-unavailable', `writing a group of ${group.waiters.length}: ${reason}`, { cause: error })
    for (const waiter of group.waiters) waiter.reject(refusal)
  }

  async #finish(): Promise<void> {
    const drained = new Promise<void>(resolve => {
      this.#drained = resolve
    })
    this.#seal()
    this.#feedDisk()
    await drained
    await this.#disk.close()
  }
}
