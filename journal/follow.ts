// Keeps a cursor up with a consumer that holds its position in a store of its own, so that retention knows what it still needs. The
// cursor may lag behind the position and never be ahead of it: it is read, then written, and only what was stored is reported.
import type { Log } from '#contracts/clock.ts'
import type { Cursors } from './engine.ts'

export type FollowOptions = { cursors: Cursors; consumer: string; position: () => number; log: Log; everyMs?: number }

/** Every few seconds: a cursor is only asked when whole segments are to be removed. */
const EVERY_MS = 3000

export function followPosition(o: FollowOptions): { close(): void } {
  let isBroken = false
  const report = (): void => {
    try {
      const seq = o.position()
      if (o.cursors.get(o.consumer) !== seq) o.cursors.set(o.consumer, seq)
      isBroken = false
    } catch (error) {
      // nothing is removed meanwhile, and it is tried again
      if (!isBroken)
        o.log.warn({ err: error, consumer: o.consumer }, 'the position of a consumer cannot be reported: the journal keeps what it has')
      isBroken = true
    }
  }
  report() // before the journal is opened for writing: it must not give a number twice that was read
  const timer = setInterval(report, o.everyMs ?? EVERY_MS)
  timer.unref()
  return {
    close() {
      clearInterval(timer)
      report()
    },
  }
}
