// Group commit in two lanes: messages that arrive together go to disk as one row and one sync, and only then is anybody told. Alarms
// go at once and before all bulk that is not at the disk yet. Never tells of a commit before it, never holds more than maxPendingBytes.
import { FengsuiError } from '#contracts/errors.ts'
import { systemClock, type Clock } from '#contracts/clock.ts'
import type { Trouble } from '#contracts/live.ts'
import type { InboundMessage } from '#contracts/message.ts'
import { reasonOf, refuseOldSqlite } from './database.ts'
import { Disk, type Answer } from './disk.ts'
import { GROUP_MESSAGES_MAX, GroupBuffer, HEADER_BYTES, KnownOrigin, sizeBound } from './encoding.ts'
import type { Appended, Journal, JournalOptions, Lane, Origin, Own, Waiter } from './engine.ts'
import { Housekeeping } from './housekeeping.ts'
import { Appending, Group, LaneQueue, type Refusal } from './lane.ts'
import { DiskReserve } from './reserve.ts'

/** Bulk: one group being synced, one packed behind it; more would only make groups smaller. Alarms gather while one of theirs is there. */
const GROUPS_AT_DISK_MAX = { alarm: 1, bulk: 2 } as const
/**
 * A commit costs what some sixteen messages cost: who sends more than that in a millisecond is better served by fewer, larger groups,
 * up to four times as far apart.
 */
const PACED_MESSAGES = 16
const PACE_MAX = 4
/** A commit that takes longer than this is a disk in trouble. */
const SLOW_COMMIT_MS = 5000
/** The part of the pending bytes that bulk cannot take. */
const ALARM_SHARE = 1 / 8
const HOUR_MS = 3_600_000
const MEBIBYTE = 1024 * 1024
/** What the encoding has room for (u48); any real clock is far inside. */
const RECEIVED_AT_MAX_MS = 2 ** 48

export async function openJournal(o: JournalOptions): Promise<Journal> {
  refuseOldSqlite()
  const disk = new Disk({
    dir: o.dir,
    maxFileBytes: o.maxFileBytes ?? null,
    segmentMaxBytes: o.segmentMaxBytes ?? 256 * MEBIBYTE,
    segmentMaxMs: o.segmentMaxMs ?? HOUR_MS,
    keepMs: o.keepMs ?? Infinity,
    keepBytes: o.keepBytes ?? Infinity,
    neededBy: o.neededBy ?? [],
    addedSyncMs: o.addedSyncMs ?? 0,
  })
  try {
    const opened = await disk.open()
    o.meter.gauge('fengsui_journal_head', opened.head)
    const { dir, log, meter, freeBytes } = o
    const reserve = await DiskReserve.start({ dir, log, meter, freeBytes, reserveBytes: o.diskReserveBytes ?? 0 })
    return new GroupCommit(disk, reserve, opened, o)
  } catch (error) {
    await disk.close().catch(() => {}) // the reason why it did not open is the one to tell
    throw error
  }
}

class GroupCommit implements Journal {
  readonly #disk: Disk
  readonly #reserve: DiskReserve
  readonly #housekeeping: Housekeeping
  readonly #o: JournalOptions
  readonly #clock: Clock
  readonly #alarm: LaneQueue
  readonly #bulk: LaneQueue
  readonly #waitMs: number
  readonly #maxMessages: number
  readonly #maxBytes: number
  readonly #maxPendingBytes: number
  readonly #maxBulkBytes: number
  #head: number
  #pendingBytes = 0
  #bulkWindowOver = false
  #bulkTimer: NodeJS.Timeout | undefined
  #bulkPaceMs: number
  /** when the last bulk group went to the disk */
  #bulkHandedAtMs = performance.now()
  #bulkLookedFor = false
  #alarmsCalled = false
  /** of the last group, and a little more */
  #likelyBytes = 0
  #failure: string | undefined
  #closing: Promise<void> | undefined
  #drained: (() => void) | undefined

  constructor(disk: Disk, reserve: DiskReserve, opened: Answer, o: JournalOptions) {
    this.#disk = disk
    this.#reserve = reserve
    this.#head = opened.head
    this.#o = o
    this.#clock = o.clock ?? systemClock
    this.#alarm = new LaneQueue('alarm', o.log)
    this.#bulk = new LaneQueue('bulk', o.log)
    this.#waitMs = this.#bulkPaceMs = o.groupWaitMs ?? 1
    this.#maxMessages = Math.min(o.groupMaxMessages ?? 2000, GROUP_MESSAGES_MAX)
    this.#maxBytes = o.groupMaxBytes ?? MEBIBYTE
    this.#maxPendingBytes = o.maxPendingBytes ?? 64 * MEBIBYTE
    this.#maxBulkBytes = this.#maxPendingBytes * (1 - ALARM_SHARE)
    this.#housekeeping = new Housekeeping({ disk, clock: this.#clock, log: o.log, meter: o.meter, everyMs: o.tidyEveryMs ?? 60_000 })
    this.#housekeeping.see(opened)
  }

  origin(of: Origin): Origin {
    return new KnownOrigin(of)
  }

  append(m: InboundMessage, lane: Lane = 'bulk'): Promise<Appended> {
    return new Promise((resolve, reject) => this.#put(new KnownOrigin(m), m, lane, new Appending(resolve, reject)))
  }

  put(origin: Origin, m: Own, lane: Lane, waiter: Waiter): void {
    this.#put(origin instanceof KnownOrigin ? origin : new KnownOrigin(origin), m, lane, waiter)
  }

  head(): number {
    return this.#head
  }

  healthy(): { ok: boolean; detail: string; troubles?: Trouble[] } {
    const handed = [this.#alarm, this.#bulk].flatMap(({ atDisk }) => atDisk[0]?.handedAtMs ?? [])
    const waitedMs = performance.now() - Math.min(...handed)
    if (waitedMs > SLOW_COMMIT_MS) return { ok: false, detail: `the disk has not answered for ${Math.round(waitedMs)} ms` }
    if (this.#failure !== undefined) return { ok: false, detail: `the last group was not written: ${this.#failure}` }
    if (this.#closing !== undefined) return { ok: false, detail: 'closed' }
    if (this.#reserve.isLow)
      return { ok: false, troubles: ['disk-reserve'], detail: `bulk telemetry is refused, alarms go on: ${this.#reserve.detail()}` }
    const detail = `head ${this.#head}, ${this.#pendingBytes} bytes waiting${this.#housekeeping.detail()}`
    return { ok: true, ...(this.#housekeeping.lost !== null && { troubles: ['tail-lost'] }), detail }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#finish())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #put(origin: KnownOrigin, m: Own, lane: Lane, waiter: Waiter): void {
    const queue = lane === 'alarm' ? this.#alarm : this.#bulk
    const refusal = this.#refusalOf(queue, origin, m)
    if (refusal !== null) return queue.refuse(waiter, refusal)
    const group = (queue.open ??= this.#newGroup(lane))
    const { buffer } = group
    const before = buffer.byteLength
    buffer.add(origin, m)
    this.#pendingBytes += buffer.byteLength - before
    group.owe(waiter, null)
    if (lane === 'bulk' && !this.#bulkLookedFor) this.#lookForBulk()
    if (buffer.count < this.#maxMessages && buffer.byteLength < this.#maxBytes) return
    queue.seal()
    this.#feedDisk()
  }

  /** null = there is room and it can be written down. */
  #refusalOf(queue: LaneQueue, origin: KnownOrigin, m: Own): Refusal | null {
    const isBulk = queue === this.#bulk
    const bound = isBulk ? this.#maxBulkBytes : this.#maxPendingBytes
    if (this.#closing !== undefined) return { code: 'journal-unavailable', reason: 'the journal is closed' }
    if (isBulk && this.#reserve.isLow) return { code: 'disk-reserve', reason: this.#reserve.detail() }
    if (this.#pendingBytes + sizeBound(origin, m) > bound)
      return { code: 'journal-unavailable', reason: `${this.#pendingBytes} bytes already wait for the disk; the bound is ${bound}` }
    if (origin.problem !== undefined) return { code: 'invalid-request', reason: origin.problem }
    if (!(m.receivedAtMs >= 0 && m.receivedAtMs < RECEIVED_AT_MAX_MS))
      return { code: 'invalid-request', reason: `receivedAtMs is ${m.receivedAtMs}` }
    return null
  }

  #newGroup(lane: Lane): Group {
    if (lane === 'alarm') this.#callAlarms()
    else {
      this.#bulkWindowOver = false
      this.#bulkTimer = this.#bulkTimer?.refresh() ?? setTimeout(this.#bulkWindowEnds, this.#waitMs * PACE_MAX)
    }
    return new Group(new GroupBuffer(this.#disk.spareSlab(), this.#likelyBytes))
  }

  /** At the end of the turn, so that what other sockets brought in it comes along; a timer alone would be a millisecond late. */
  #lookForBulk(): void {
    this.#bulkLookedFor = true
    setImmediate(this.#bulkLook)
  }

  readonly #bulkLook = (): void => {
    this.#bulkLookedFor = false
    if (performance.now() - this.#bulkHandedAtMs >= this.#bulkPaceMs) this.#bulkWindowEnds()
  }

  readonly #bulkWindowEnds = (): void => {
    this.#bulkWindowOver = true
    this.#feedDisk()
  }

  /** At once, which is when the caller's turn ends: alarms that came in one packet go as one group. */
  #callAlarms(): void {
    if (this.#alarmsCalled) return
    this.#alarmsCalled = true
    queueMicrotask(() => {
      this.#alarmsCalled = false
      this.#feedDisk()
    })
  }

  /** While the disk is busy an open group goes on growing past its window: slow disks get larger groups by themselves. */
  #feedDisk(): void {
    for (const queue of [this.#alarm, this.#bulk]) {
      while (queue.atDisk.length < GROUPS_AT_DISK_MAX[queue.lane]) {
        if (queue.full.length === 0 && (queue === this.#alarm || this.#bulkWindowOver)) queue.seal()
        const group = queue.full.shift()
        if (group === undefined) break
        this.#write(queue, group)
      }
    }
    if (this.#alarm.isIdle() && this.#bulk.isIdle()) this.#drained?.()
  }

  #write(queue: LaneQueue, group: Group): void {
    const { byteLength, count } = group.buffer
    const committedAtMs = this.#clock.nowMs()
    group.handedAtMs = performance.now()
    if (queue === this.#bulk) {
      this.#bulkHandedAtMs = group.handedAtMs
      this.#bulkPaceMs = this.#waitMs * Math.min(PACE_MAX, Math.max(1, count / PACED_MESSAGES))
      this.#likelyBytes = Math.min(this.#maxBytes * 2, Math.ceil(byteLength * 1.25))
    }
    queue.atDisk.push(group)
    this.#disk.write(queue.lane, group.buffer.bytes(), count, committedAtMs).then(
      answer => {
        this.#pendingBytes -= byteLength - HEADER_BYTES // the header was never counted
        this.#committed(queue, count, answer, committedAtMs)
        this.#feedDisk()
      },
      (error: unknown) => {
        this.#pendingBytes -= byteLength - HEADER_BYTES
        this.#failed(queue, count, error)
        this.#feedDisk()
      },
    )
  }

  #committed(queue: LaneQueue, count: number, answer: Answer, committedAtMs: number): void {
    const { head, tookMs } = answer
    if (this.#failure !== undefined) this.#o.log.info({ head }, 'the journal writes again')
    this.#failure = undefined
    this.#head = head
    queue.written(head, committedAtMs)
    this.#o.meter.observe('fengsui_journal_commit_seconds', tookMs / 1000, { lane: queue.lane })
    this.#o.meter.observe('fengsui_journal_group_messages', count)
    this.#o.meter.gauge('fengsui_journal_head', head)
    this.#housekeeping.see(answer)
    this.#o.onCommit?.(head)
  }

  /** Nothing of the group was acknowledged and nothing will be; the devices send again, and the next group is tried afresh. */
  #failed(queue: LaneQueue, count: number, error: unknown): void {
    const reason = reasonOf(error)
    if (this.#failure === undefined) this.#o.log.error({ messages: count, reason }, 'the journal does not write')
    this.#failure = reason
    queue.failed(new FengsuiError('journal-unavailable', `writing a group of ${count}: ${reason}`, { cause: error }))
    void this.#reserve.look()
  }

  async #finish(): Promise<void> {
    clearTimeout(this.#bulkTimer)
    this.#bulkWindowOver = true
    this.#reserve.close()
    const drained = new Promise<void>(resolve => {
      this.#drained = resolve
    })
    this.#feedDisk()
    await drained
    await this.#housekeeping.close()
    await this.#disk.close()
  }
}
