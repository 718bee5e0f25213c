// Whether a channel fails at every sending: what each row waits for and when it is tried again is its own matter, but that nothing goes out
// at all is said while there is time to mend it, and not when the rows have piled up. It starts anew with the process.

/** One that fails twice may have a bad address; one that was down for less is back before anybody looks. */
export const FAILING_MIN = 3
export const FAILING_MS = 30_000

export type Failing = {
  note(nowMs: number, isDelivered: boolean): void
  /** in words, where so many failed for so long and none went out; null = it works, as far as is known */
  words(nowMs: number): string | null
}

export const watchFailing = (): Failing => {
  let inRow = 0
  let firstMs = 0
  return {
    note(nowMs, isDelivered) {
      if (inRow === 0) firstMs = nowMs
      inRow = isDelivered ? 0 : inRow + 1
    },
    words(nowMs) {
      // a clock that is set back makes it said later by no more than its time
      firstMs = Math.min(firstMs, nowMs)
      if (inRow < FAILING_MIN || nowMs - firstMs < FAILING_MS) return null
      return `nothing goes out since ${new Date(firstMs).toISOString()}, ${inRow} sendings failed`
    },
  }
}
