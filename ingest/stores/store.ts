// What a reading store is: measured values by device, metric and event time, plus the journal position they reach up to.
// Writing is idempotent, so that a writer may always go back to the position and send again. Contract: test/ingest/store-contract.ts.
import type { Log } from '#contracts/clock.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Reading } from '#contracts/reading.ts'

export type StateRows = [key: string, json: string | null][]
export type RoomRows = { room: string; rows: StateRows }
export type StoreEntry = { seq: number; reading: Reading }
export type Series = { metric: string; points: [tsMs: number, value: number][] }

/** `from` inclusive, `to` exclusive. At most `points` points a metric come back; minima and maxima are always among them. */
export type StoreQuery = { deviceId: string; metric?: string; fromMs: number; toMs: number; points: number }

/** A reading that the store will never take; the batch around it was stored. */
export type StoreRefusal = { seq: number; deviceId: string; reason: string }

export type ReadingStore = {
  name: string
  /** seq of the last journal message whose readings are all stored; 0 = none */
  position(): Promise<number>
  /** state of the writer's rooms (what decoders learned) as of the position */
  rows(room: string): Promise<[string, string][]>
  /**
   * Stores the batch, then (or with it) the position and the rows. Entries at or before the position are skipped.
   * Rejects when nothing is certain: send the same batch again. `refused` hears, before the position moves, what the store
   * will never take.
   */
  write(batch: readonly StoreEntry[], upTo: number, rows?: readonly RoomRows[], refused?: (refusals: StoreRefusal[]) => void): Promise<void>
  query(q: StoreQuery): Promise<Series[]>
  /** why the store had to begin again from nothing, where it had to */
  notice?: string
  close(): Promise<void>
}

export type StoreDeps = { log: Log; meter: Meter }

export const POINTS_MAX = 10_000
export const pointsWithin = (points: number): number => Math.min(POINTS_MAX, Math.max(2, Math.floor(points)))
