// Which numbers of a device's own counter never came: holes opened when a number is skipped and filled when it arrives late. Pure.
// Where it cannot be known what happened (a counter that leaps or goes back) it counts anew: a wrong gap would send people looking.
import type { MissingRange } from '#contracts/accounting.ts'
import type { Reading } from '#contracts/reading.ts'

/** ranges remembered per device; beyond it the oldest are only counted, and no late arrival can fill them any more */
export const RANGES_MAX = 32
/** ranges remembered of all devices together; beyond it each device that loses more keeps only its newest */
export const RANGES_ALL_MAX = 100_000
/** a leap further than this is another counter, not so many lost messages */
const LEAP_MAX = 10_000
/** without a clock of its own a device's late message and its restart look alike: so far back it was late */
const BACK_WITHOUT_CLOCK_MAX = 16
/** schema of native readings: seq counts to 2^32 - 1 and begins again at 0 */
const COUNTER_END = 2 ** 32

/** what is remembered of one device's counter; `ts` is the event time of the newest number */
export type Counter = { seq?: number; boot?: number; ts?: string; missing?: MissingRange[]; forgotten?: number }

export const missingIn = ({ missing = [], forgotten = 0 }: Counter): number =>
  missing.reduce((sum, { from, to }) => sum + to - from + 1, forgotten)

/** `rangesMax`: how many ranges this device may keep now */
export function counted(before: Counter, reading: Reading, rangesMax = RANGES_MAX): Counter {
  const { seq, boot, flags, tsSource } = reading
  if (seq === undefined) return before
  const filled = fill(before, boot, seq, rangesMax)
  if (filled !== before && (tsSource === 'server' || !isRestart(before, reading))) return filled
  if (flags.history === true) return outOfTheStore(before, reading, rangesMax)
  const anew: Counter = boot === before.boot ? { ...before, seq, ts: reading.ts } : booted(before, reading)
  if (before.seq === undefined) return anew
  if (boot !== before.boot) return isLateOf(before, reading) ? before : anew
  if (seq > before.seq) return skipped(anew, before.seq + 1, seq - 1, reading, rangesMax)
  if (COUNTER_END - before.seq + seq <= LEAP_MAX) {
    const toTheEnd = skipped(anew, before.seq + 1, COUNTER_END - 1, reading, rangesMax)
    return skipped(toTheEnd, 0, seq - 1, reading, rangesMax)
  }
  return isRestart(before, reading) ? anew : before
}

/**
 * Stored on the device and sent late: it fills holes, and mostly does not say where the counter is now. It does where a device that was cut off
 * hands over its store before it goes on: numbers of the same boot, measured after the newest one. Where no boot is said a number from before a
 * restart looks the same, and only the very next one is believed.
 */
function outOfTheStore(before: Counter, reading: Reading, rangesMax: number): Counter {
  const { seq = 0, boot, ts } = reading
  if (before.seq === undefined || seq <= before.seq || boot !== before.boot) return before
  if (before.ts === undefined || ts <= before.ts || (boot === undefined && seq !== before.seq + 1)) return before
  return skipped({ ...before, seq, ts }, before.seq + 1, seq - 1, reading, rangesMax)
}

function booted({ boot: _boot, ...before }: Counter, { seq = 0, boot, ts }: Reading): Counter {
  return { ...before, seq, ts, ...(boot !== undefined && { boot }) }
}

function skipped(counter: Counter, from: number, to: number, { boot, receivedAt }: Reading, rangesMax: number): Counter {
  const lost = to - from + 1
  if (lost <= 0 || lost > LEAP_MAX) return counter
  const range: MissingRange = { ...(boot !== undefined && { boot }), from, to, at: receivedAt }
  return bounded({ ...counter, missing: [...(counter.missing ?? []), range] }, rangesMax)
}

function bounded(counter: Counter, rangesMax: number): Counter {
  const ranges = counter.missing ?? []
  const over = ranges.slice(0, Math.max(0, ranges.length - rangesMax))
  if (over.length === 0) return counter
  return { ...counter, missing: ranges.slice(over.length), forgotten: missingIn({ missing: over, forgotten: counter.forgotten ?? 0 }) }
}

/** The same object where nothing was missing at `seq`. */
function fill(counter: Counter, boot: number | undefined, seq: number, rangesMax: number): Counter {
  const ranges = counter.missing ?? []
  const at = ranges.findIndex(range => range.boot === boot && range.from <= seq && seq <= range.to)
  const range = ranges[at]
  if (range === undefined) return counter
  const parts = [
    { ...range, to: seq - 1 },
    { ...range, from: seq + 1 },
  ].filter(({ from, to }) => from <= to)
  return bounded({ ...counter, missing: ranges.toSpliced(at, 1, ...parts) }, rangesMax)
}

/** A number that was passed long ago, said by a device whose own clock went on: it began to count again. */
function isRestart(before: Counter, { seq = 0, boot, ts, tsSource, flags }: Reading): boolean {
  if (before.seq === undefined || flags.history === true || boot !== before.boot || seq >= before.seq) return false
  if (tsSource === 'server') return before.seq - seq > BACK_WITHOUT_CLOCK_MAX
  return before.ts !== undefined && ts > before.ts
}

/** Of an earlier boot, and from its time: what comes late does not make the older boot the newer one. */
const isLateOf = (before: Counter, { boot, ts, tsSource }: Reading): boolean =>
  boot !== undefined &&
  before.boot !== undefined &&
  boot < before.boot &&
  tsSource !== 'server' &&
  before.ts !== undefined &&
  ts <= before.ts

export type GapTotals = ReturnType<typeof gapTotals>

/** Sums over all devices, kept up to date as they change. */
export const gapTotals = () => {
  const ids = new Set<string>()
  const sums = { missing: 0, forgotten: 0, ranges: 0 }
  const add = (counter: Counter | undefined, sign: 1 | -1): void => {
    if (counter === undefined) return
    sums.missing += sign * missingIn(counter)
    sums.forgotten += sign * (counter.forgotten ?? 0)
    sums.ranges += sign * (counter.missing?.length ?? 0)
  }
  return {
    /** ids of the devices that miss something now */
    ids: ids as ReadonlySet<string>,
    sums: sums as Readonly<typeof sums>,
    rangesMax: () => (sums.ranges < RANGES_ALL_MAX ? RANGES_MAX : 1),
    changed(id: string, before: Counter | undefined, after: Counter | undefined): void {
      if (before?.missing === after?.missing && before?.forgotten === after?.forgotten) return
      add(before, -1)
      add(after, 1)
      if (after !== undefined && missingIn(after) > 0) ids.add(id)
      else ids.delete(id)
    },
  }
}
