// Counts where every message of the journal ended. The counts are saved in the transaction that moves the store's position, so they
// are exact across a kill, and a replay from zero starts them from zero. It decides nothing; contracts/accounting.ts says what counts as what.
import { emptyCounts, OUTCOMES, type Account, type Outcome } from '#contracts/accounting.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Decoded } from '#contracts/reading.ts'
import type { RoomRows, StoreEntry, StoreRefusal } from './stores/store.ts'

type Saved = Pick<Account, 'since' | 'counts' | 'storedWithNote'>
const ROOM = 'accounting'
const KEY = 'account'

export type Accounting = {
  /** once for every message, in order of seq */
  count(outcome: Outcome, o?: { messages?: number; noted?: boolean }): void
  /** the store stands at `position` now. Messages of which it took no reading for good were counted as stored, and move with the next rows */
  stored(position: number, allRefused: number): void
  /** what is to be saved with the position `upTo`, at which the messages counted so far end */
  rows(upTo: number): RoomRows
  /** takes what was saved at `position`; without it the account begins there */
  restore(rows: Iterable<[string, string]>, position: number): void
  /** as of `position`, whatever has been counted beyond it. @throws FengsuiError room-unavailable before restore() */
  account(position: number): Account
}

export const ACCOUNTING_ROOM = ROOM

export function createAccounting(): Accounting {
  let counted: Saved = { since: 0, counts: emptyCounts(), storedWithNote: 0 }
  let current: Saved = structuredClone(counted)
  // made and not stored yet: as many as there are batches in the writer's hands
  let ahead: { upTo: number; saved: Saved }[] = []
  let isRestored = false

  function settle(position: number): void {
    const done = ahead.findLastIndex(({ upTo }) => upTo <= position)
    current = ahead[done]?.saved ?? current
    ahead.splice(0, done + 1)
  }

  return {
    count(outcome, { messages = 1, noted = false } = {}) {
      counted.counts[outcome] += messages
      if (noted) counted.storedWithNote += messages
    },
    stored(position, messages) {
      settle(position)
      counted.counts.stored -= messages
      counted.counts.quarantined += messages
    },
    rows(upTo) {
      ahead.push({ upTo, saved: structuredClone(counted) })
      return { room: ROOM, rows: [[KEY, JSON.stringify(counted)]] }
    },
    restore(rows, position) {
      const json = new Map(rows).get(KEY)
      counted = json === undefined ? { since: position, counts: emptyCounts(), storedWithNote: 0 } : read(json)
      current = structuredClone(counted)
      ahead = []
      isRestored = true
    },
    account(position) {
      if (!isRestored) throw new FengsuiError('room-unavailable', 'the store has not said yet what it holds')
      settle(position)
      return { ...structuredClone(current), position }
    },
  }
}

/** Outcomes that a newer version added are absent in what an older one saved. */
function read(json: string): Saved {
  const { since, counts, storedWithNote } = JSON.parse(json) as Saved
  return { since, storedWithNote, counts: Object.fromEntries(OUTCOMES.map(o => [o, counts[o] ?? 0])) as Saved['counts'] }
}

/** Where a message ends that is no repeat. */
export const outcomeOf = ({ readings, rejected }: Pick<Decoded, 'readings' | 'rejected'>): Outcome => {
  if (readings.length > 0) return 'stored'
  return rejected === undefined ? 'without-readings' : 'quarantined'
}

/** Messages of which the store refused every reading. */
export function allRefused(refusals: readonly StoreRefusal[], entries: readonly StoreEntry[]): number {
  if (refusals.length === 0) return 0
  const refused = new Set(refusals.map(({ seq, deviceId }) => `${seq} ${deviceId}`))
  const seqs = new Set(refusals.map(({ seq }) => seq))
  for (const { seq, reading } of entries) if (!refused.has(`${seq} ${reading.deviceId}`)) seqs.delete(seq)
  return seqs.size
}
