// Where every accepted message went. The unit is a message of the journal: each one the store has finished with ended in exactly one
// of OUTCOMES, the rest is in flight. So accepted = the sum of all outcomes + in flight, and whether that holds is computed, not assumed.

/**
 * stored: at least one reading is in the reading store (something of it may be in quarantine too);
 * quarantined: nothing of it is stored, the raw bytes are held; duplicate: a repeat of a message that came before;
 * without-readings: it is fine and measures nothing (births, acknowledgements, logs); passed-over: its place in the journal cannot be
 * read (damaged) or is gone (removed before it was stored).
 */
export const OUTCOMES = ['stored', 'quarantined', 'duplicate', 'without-readings', 'passed-over'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** The store's own account: of the messages from `since` (exclusive) to `position` (inclusive). */
export type Account = {
  since: number
  position: number
  counts: Record<Outcome, number>
  /** of the stored ones: those of which something is in quarantine as well */
  storedWithNote: number
}

export const emptyCounts = (): Record<Outcome, number> => ({
  stored: 0,
  quarantined: 0,
  duplicate: 0,
  'without-readings': 0,
  'passed-over': 0,
})

/** Messages that the outcomes name too many (above 0) or too few (below 0); 0 = balanced. */
export const differenceOf = ({ since, position, counts }: Account): number =>
  OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], 0) - (position - since)

/** One reader of the journal and how far behind it is. */
export type ReaderLag = {
  reader: string
  position: number
  lag: number
  /** when the oldest message it has not finished was received; absent = none waits, or it cannot be read */
  oldestReceivedAt?: string
}

/** Messages a device counted and that never came: `from` to `to` of the counter, noticed at `at`. */
export type MissingRange = { boot?: number; from: number; to: number; at: string }
export type DeviceGaps = {
  deviceId: string
  name?: string
  missing: number
  ranges: MissingRange[]
  /** of the missing ones: those whose numbers are not remembered any more, so that a late arrival cannot fill them */
  forgotten: number
}

/** What `GET /api/v1/accounting` answers. Where the store does not answer, its figures are the last ones known, `asOf` their time. */
export type AccountingReport = {
  at: string
  /** are the store's figures of now? */
  known: boolean
  /** time of the figures; absent = never had any */
  asOf?: string
  accepted: number
  /** absent = the store has not answered yet */
  account?: Account & { inFlight: number; difference: number; balanced: boolean }
  readers: ReaderLag[]
  journal: { files: number; bytes: number }
  gaps: { missing: number; forgotten: number; devices: number; top: DeviceGaps[] }
  quarantine: { rows: number; open: number }
}
