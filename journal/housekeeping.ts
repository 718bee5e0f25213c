// Asks the journal's thread once in a while, and after each new segment, to put old segments away and to remove those past their time;
// keeps what an operator should know of it. Never waits for it on the way of a message.
import type { Clock, Log } from '#contracts/clock.ts'
import type { Meter } from '#contracts/metrics.ts'
import { reasonOf } from './database.ts'
import type { Answer, Disk } from './disk.ts'
import type { Kept } from './retention.ts'

export type HousekeepingOptions = { disk: Pick<Disk, 'tidy'>; clock: Clock; log: Log; meter: Meter; everyMs: number }

export class Housekeeping {
  readonly #o: HousekeepingOptions
  readonly #timer: NodeJS.Timeout
  #tidying: Promise<void> | undefined
  #closed = false
  #tornBytes = 0
  #lost: Answer['lost'] = null
  #overdue: Kept['overdue'] = null
  #problem: string | undefined

  constructor(o: HousekeepingOptions) {
    this.#o = o
    this.#timer = setInterval(() => this.tidy(), o.everyMs)
    this.#timer.unref()
    this.tidy()
  }

  /** What an answer of the disk says besides the commit. */
  see({ rotated, tornBytes, lost }: Answer): void {
    if (tornBytes > 0) {
      this.#tornBytes += tornBytes
      this.#o.log.warn(
        { tornBytes },
        lost === null
          ? 'the last bytes of the journal were no whole commit and were left out'
          : 'the last bytes of the journal are damaged and were left out',
      )
    }
    if (lost !== null) {
      this.#lost = lost
      this.#o.log.error(
        lost,
        'the journal ends before what its readers have read: these messages were acknowledged and are gone from it; it goes on behind them',
      )
    }
    if (rotated) this.tidy()
  }

  tidy(): void {
    this.#tidying ??= this.#tidy().finally(() => {
      this.#tidying = undefined
    })
  }

  detail(): string {
    const torn = this.#tornBytes === 0 ? '' : `; ${this.#tornBytes} bytes at the tail were no whole commit and were left out`
    const kept =
      this.#overdue === null ? '' : `; ${this.#overdue.bytes} bytes past their time are kept because ${this.#overdue.consumer} is behind`
    const problem = this.#problem === undefined ? '' : `; old segments cannot be removed: ${this.#problem}`
    return this.#lostText() + torn + kept + problem
  }

  /** Acknowledged messages that the disk did not keep; told until the next start. */
  get lost(): Answer['lost'] {
    return this.#lost
  }

  #lostText(): string {
    if (this.#lost === null) return ''
    const { firstSeq, lastSeq } = this.#lost
    return `; messages ${firstSeq} to ${lastSeq} were acknowledged and are gone from the journal: the disk did not keep its tail, or a copy was put back`
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#tidying
  }

  async #tidy(): Promise<void> {
    try {
      for (let isMore = true; isMore && !this.#closed;) {
        const answer = await this.#o.disk.tidy(this.#o.clock.nowMs())
        isMore = answer.kept?.removed === true
        this.see({ ...answer, rotated: false })
        if (answer.kept !== undefined) this.#seeKept(answer.kept)
      }
      this.#problem = undefined
    } catch (error) {
      if (this.#problem === undefined) this.#o.log.error({ err: error }, 'old segments of the journal cannot be looked after')
      this.#problem = reasonOf(error)
    }
  }

  #seeKept({ oldest, bytes, removed, overdue }: Kept): void {
    const { log, meter } = this.#o
    meter.gauge('fengsui_journal_bytes', bytes)
    meter.gauge('fengsui_journal_overdue_bytes', overdue?.bytes ?? 0)
    if (removed) log.info({ oldest, bytes }, 'a segment of the journal past its time was removed')
    if (overdue !== null && this.#overdue === null)
      log.warn({ ...overdue }, 'segments of the journal past their time are kept because a consumer is behind')
    this.#overdue = overdue
  }
}
