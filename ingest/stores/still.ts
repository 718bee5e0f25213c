// Lets a backup copy the readings: while the file readings.hold is there and is touched again and again, the store writes nothing and
// readings.held says so. A backup that dies stops touching it, and the store goes on; messages wait in the journal meanwhile.
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '#contracts/clock.ts'

export const HOLD_FILE = 'readings.hold'
export const HELD_FILE = 'readings.held'
const LOOK_EVERY_MS = 200
/** untouched for so long: whoever asked is gone */
export const ABANDONED_MS = 15_000

export type StillParts = {
  dir: string
  /** runs `during` between two writes, with everything in the one file */
  still(during: () => Promise<void>): Promise<void>
  log: Log
  /** steady, in ms */
  nowMs?: () => number
}

const contentOf = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
const touchedAt = (file: string): number | null => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null

/** Looks for a wish to hold still until it is closed. */
export function holdStillWhenAsked({ dir, still, log, nowMs = () => performance.now() }: StillParts): { close(): Promise<void> } {
  const [hold, held] = [join(dir, HOLD_FILE), join(dir, HELD_FILE)]
  let isClosed = false
  let running: Promise<void> = Promise.resolve()
  let isHolding = false
  // a store that was killed while it held
  rmSync(held, { force: true })

  async function until(wish: string): Promise<void> {
    writeFileSync(held, wish)
    let touched = touchedAt(hold)
    let sinceMs = nowMs()
    while (!isClosed && contentOf(hold) === wish && nowMs() - sinceMs < ABANDONED_MS) {
      await delay(LOOK_EVERY_MS)
      const now = touchedAt(hold)
      if (now !== touched) [touched, sinceMs] = [now, nowMs()]
    }
    // first, so that a copy that was not finished in time is seen to be void
    rmSync(held, { force: true })
    if (contentOf(hold) === wish) rmSync(hold, { force: true })
  }

  const timer = setInterval(() => {
    const wish = isHolding ? null : contentOf(hold)
    if (wish === null || wish === '') return
    isHolding = true
    running = still(() => until(wish))
      .catch((error: Error) => log.warn({ err: error }, 'the readings could not be held still for a backup'))
      .finally(() => (isHolding = false))
  }, LOOK_EVERY_MS)
  timer.unref()
  return {
    async close() {
      isClosed = true
      clearInterval(timer)
      await running
    },
  }
}
