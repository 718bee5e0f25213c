// What a reading store is: measured values by device, metric and event time, their rollups by minute, and the journal position they
// reach up to. Writing is idempotent, so that a writer may always go back to the position. Contract: test/ingest/store-contract.ts.
import type { Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Reading } from '#contracts/reading.ts'
import type { StateRows } from '#contracts/state-rows.ts'

export type { StateRows }
export type RoomRows = { room: string; rows: StateRows }
/** `area` is where the device stands, as far as it is known; only rollups are kept by it. */
export type StoreEntry = { seq: number; reading: Reading; area?: string }
export type Series = { metric: string; points: [tsMs: number, value: number][] }

/** `from` inclusive, `to` exclusive. At most `points` points a metric come back; minima and maxima are always among them. */
export type StoreQuery = { deviceId: string; metric?: string; fromMs: number; toMs: number; points: number }

/** One metric over all devices of a kind and area (absent: all). Whole minutes: `from` is rounded down, `to` and `step` are rounded up. */
export type AggregateQuery = { metric: string; area?: string; kind?: string; fromMs: number; toMs: number; stepMs: number }
/** `t` is the beginning of the step, a multiple of it since 1970; steps without a value are left out. */
export type Aggregate = { t: number; count: number; mean: number; min: number; max: number }

/** A reading that the store will never take; the batch around it was stored. */
export type StoreRefusal = { seq: number; deviceId: string; reason: string }

export type ReadingStore = {
  name: string
  /** as many messages as it likes to be given at once when there are many */
  batchMessages: number
  /** seq of the last journal message whose readings are all stored; 0 = none */
  position(): Promise<number>
  /** state of the writer's rooms (what decoders learned) as of the position */
  rows(room: string): Promise<[string, string][]>
  /**
   * Stores the batch, then (or with it) the position and the rows. Entries at or before the position are skipped.
   * Rejects when nothing is certain: send the same batch again. `refused` hears, before the position moves, what the store
   * will never take; it may hear it again with the same batch. @throws StoreAsksToWait when it says how long to leave it alone
   */
  write(batch: readonly StoreEntry[], upTo: number, rows?: readonly RoomRows[], refused?: (refusals: StoreRefusal[]) => void): Promise<void>
  query(q: StoreQuery): Promise<Series[]>
  /** answered from the rollups, never from single readings */
  aggregate(q: AggregateQuery): Promise<Aggregate[]>
  /** runs `during` between two writes, with everything that was written in its one file: for a copy of it. Absent where it keeps no file. */
  still?: (during: () => Promise<void>) => Promise<void>
  /** why the store had to begin again from nothing, where it had to */
  notice?: string
  close(): Promise<void>
}

export type StoreDeps = { log: Log; meter: Meter }

/** The store is there and named the time after which it may be asked again. */
export class StoreAsksToWait extends FengsuiError {
  readonly waitMs: number
  constructor(message: string, waitMs: number, options?: { cause?: unknown }) {
    super('room-unavailable', message, options)
    this.waitMs = waitMs
  }
}

export const POINTS_MAX = 10_000
export const pointsWithin = (points: number): number => Math.min(POINTS_MAX, Math.max(2, Math.floor(points)))

export const MINUTE_MS = 60_000

/** Minutes since 1970 of an aggregate query; the step is made wide enough for at most POINTS_MAX of them. */
export function minutesOf({ fromMs, toMs, stepMs }: AggregateQuery): { from: number; to: number; step: number } {
  const from = Math.floor(fromMs / MINUTE_MS)
  const to = Math.ceil(toMs / MINUTE_MS)
  return { from, to, step: Math.max(1, Math.ceil(stepMs / MINUTE_MS), Math.ceil((to - from) / POINTS_MAX)) }
}
