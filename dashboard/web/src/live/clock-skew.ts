// How far the server's clock is from this computer's, from the times that messages carry. Each message is late by its way and by what the page had to do
// before; the least late one tells the truth. A page that is behind must not take its own lateness for a change of the clock.

/** so long an older, better word stands */
const WINDOW_MS = 10_000
/** differences below this are not worth drawing every age anew */
const STEP_MS = 250
/** no message is this late: one of the clocks was set */
const SET_MS = 60_000

/** Answers server time less ours, ms; the same number until it is known to be another. */
export const createSkew = (): ((serverMs: number, nowMs: number) => number) => {
  let skewMs: number | null = null
  let bestMs = Number.NEGATIVE_INFINITY
  let sinceMs = 0
  return (serverMs, nowMs) => {
    const heardMs = serverMs - nowMs
    const known = skewMs
    if (known === null || heardMs >= known + STEP_MS || heardMs < known - SET_MS) {
      ;[skewMs, bestMs, sinceMs] = [heardMs, Number.NEGATIVE_INFINITY, nowMs]
      return heardMs
    }
    bestMs = Math.max(bestMs, heardMs)
    if (nowMs - sinceMs < WINDOW_MS && nowMs >= sinceMs) return known
    const next = Math.abs(bestMs - known) >= STEP_MS ? bestMs : known
    ;[skewMs, bestMs, sinceMs] = [next, Number.NEGATIVE_INFINITY, nowMs]
    return next
  }
}
