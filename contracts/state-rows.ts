// State that a room hands over to be kept at a place in the journal: rows of key and JSON, opaque to whoever keeps them. Taken in
// portions, so that the stream need not wait while a whole district is written; a portion taken late is still of the moment it was frozen.
/** null = the key is gone */
export type StateRows = [key: string, json: string | null][]

export type Frozen = {
  /** up to `max` rows that were not taken yet; fewer only when those were the last */
  take(max: number): StateRows
}

/** Rows that are there already. */
export function frozenRows(rows: StateRows): Frozen {
  let taken = 0
  return {
    take(max) {
      const portion = rows.slice(taken, taken + max)
      taken += portion.length
      return portion
    },
  }
}
