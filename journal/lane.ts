// The messages of one lane on their way to the disk: the group that is open, those that are full, those at the disk, and who waits for
// which of them. Tells everybody in the order of the calls. Never decides when a group goes to the disk.
import type { Log } from '#contracts/clock.ts'
import { FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import type { GroupBuffer } from './encoding.ts'
import type { Appended, Lane, Waiter } from './engine.ts'

/** Consecutive messages of one waiter; `error` where they were refused and only wait for their turn to be told. */
type Run = { waiter: Waiter; count: number; error: FengsuiError | null }

export type Refusal = { code: ErrorCode; reason: string }

/** Who waits for a single message. */
export class Appending implements Waiter {
  readonly #resolve: (at: Appended) => void
  readonly #reject: (error: Error) => void

  constructor(resolve: (at: Appended) => void, reject: (error: Error) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  written(_count: number, _lane: Lane, seq: number, committedAtMs: number): void {
    this.#resolve({ seq, committedAtMs })
  }

  failed(_count: number, _lane: Lane, error: FengsuiError): void {
    this.#reject(error)
  }
}

export class Group {
  readonly buffer: GroupBuffer
  readonly runs: Run[] = []
  handedAtMs = 0

  constructor(buffer: GroupBuffer) {
    this.buffer = buffer
  }

  owe(waiter: Waiter, error: FengsuiError | null): void {
    owe(this.runs, waiter, error)
  }
}

function owe(runs: Run[], waiter: Waiter, error: FengsuiError | null): void {
  const last = runs[runs.length - 1]
  if (last !== undefined && last.waiter === waiter && last.error === error) last.count++
  else runs.push({ waiter, count: 1, error })
}

export class LaneQueue {
  readonly lane: Lane
  readonly #log: Log
  open: Group | undefined
  readonly full: Group[] = []
  /** oldest first */
  readonly atDisk: Group[] = []
  /** refused while nothing was under way */
  readonly #late: Run[] = []
  #refusal: FengsuiError | null = null

  constructor(lane: Lane, log: Log) {
    this.lane = lane
    this.#log = log
  }

  isIdle(): boolean {
    return this.open === undefined && this.full.length === 0 && this.atDisk.length === 0
  }

  seal(): void {
    if (this.open !== undefined) this.full.push(this.open)
    this.open = undefined
  }

  /** Told only after everything that was put before it, so that numbers count the oldest. A flood is told one error, not one each. */
  refuse(waiter: Waiter, { code, reason }: Refusal): void {
    if (this.#refusal?.code !== code) this.#refusal = new FengsuiError(code, `appending: ${reason}`)
    const before = this.open ?? this.full.at(-1) ?? this.atDisk.at(-1)
    if (before !== undefined) return before.owe(waiter, this.#refusal)
    if (this.#late.length === 0) setImmediate(() => this.#tellLate())
    owe(this.#late, waiter, this.#refusal)
  }

  /** The oldest group at the disk is on it: its last message is `head`. */
  written(head: number, committedAtMs: number): void {
    const group = this.#answered()
    if (group === undefined) return
    let seq = head - group.buffer.count + 1
    for (const { waiter, count, error } of group.runs) {
      if (error !== null) this.#fail(waiter, count, error)
      else {
        try {
          waiter.written(count, this.lane, seq, committedAtMs)
        } catch (broken) {
          this.#broke(broken)
        }
        seq += count
      }
    }
  }

  failed(error: FengsuiError): void {
    for (const run of this.#answered()?.runs ?? []) this.#fail(run.waiter, run.count, run.error ?? error)
  }

  #answered(): Group | undefined {
    this.#tellLate()
    this.#refusal = null
    return this.atDisk.shift()
  }

  #tellLate(): void {
    this.#refusal = null
    for (const { waiter, count, error } of this.#late.splice(0)) if (error !== null) this.#fail(waiter, count, error)
  }

  #fail(waiter: Waiter, count: number, error: FengsuiError): void {
    try {
      waiter.failed(count, this.lane, error)
    } catch (broken) {
      this.#broke(broken)
    }
  }

  /** Others wait in the same group: one who breaks on the news keeps it from nobody. */
  #broke(error: unknown): void {
    this.#log.error({ err: error, lane: this.lane }, 'who waited for the journal broke on its answer')
  }
}
