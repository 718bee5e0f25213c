// Event time of one device: which reading is late, and when its clock went back for good. Pure.

/** A reading up to this much older than the newest one is merely late: it was overtaken on the way. */
export const LATENESS_BOUND_MS = 120_000
/** So many readings in a row, each older than that and in order among themselves, are a clock that went back (restart, replay). */
const BACK_READINGS = 3

/** Newest event time, and the run of readings that are too old. Readings stamped by the device and by the server have a clock each. */
export type DeviceClock = { newestMs: number; back?: [count: number, lastMs: number] }
export type Timed = { clock: DeviceClock; late: boolean }

/** The same, in place, for a reading that is the newest: nearly all are. false = not touched. */
export function goesOn(clock: DeviceClock | undefined, tMs: number): clock is DeviceClock {
  if (clock === undefined || tMs < clock.newestMs || clock.back !== undefined) return false
  clock.newestMs = tMs
  return true
}

export function timed(clock: DeviceClock | undefined, tMs: number): Timed {
  if (clock === undefined || tMs >= clock.newestMs) return { clock: { newestMs: tMs }, late: false }
  if (clock.newestMs - tMs <= LATENESS_BOUND_MS) return { clock: { newestMs: clock.newestMs }, late: true }
  const [count, lastMs] = clock.back ?? [0, tMs]
  const run = tMs >= lastMs ? count + 1 : 1
  if (run >= BACK_READINGS) return { clock: { newestMs: tMs }, late: false }
  return { clock: { newestMs: clock.newestMs, back: [run, tMs] }, late: true }
}
