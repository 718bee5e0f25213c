// The time the fold lives in: what the journal says, going on where the edge's clock is set back. Stretches in which nobody listened (the door was shut, the
// machine was off) are left out of listening time, so that our own absence is never taken for the silence of devices.

/** The edge writes a clock message into the journal this often. */
export const CLOCK_EVERY_MS = 10_000
/** A journal that has clock messages and yet nothing at all for this long was not being written. */
export const DEAF_AFTER_MS = 60_000

/** A clock message so much older than what was read before is of a clock that was set back; a message may wait for less than that. */
const SET_BACK_AFTER_MS = 60_000

/** `clocked`: a clock message was seen, so that a gap in the journal means something. `seq`: the newest message. */
export type Listening = { nowMs: number; deafMs: number; clocked: boolean; seq: number }

export const listenedMs = ({ nowMs, deafMs }: Listening): number => nowMs - deafMs

/** In place, since every message and every reading moves it. */
export function moveOn(l: Listening, toMs: number, seq: number, isClock: boolean): void {
  if (isClock && l.nowMs - toMs > SET_BACK_AFTER_MS) {
    // else all that was asked for would wait until the clock is again where it was
    l.deafMs -= l.nowMs - toMs
    l.nowMs = toMs
  }
  if (toMs > l.nowMs) {
    const gapMs = l.nowMs === 0 ? 0 : toMs - l.nowMs
    if (l.clocked && gapMs > DEAF_AFTER_MS) l.deafMs += gapMs
    l.nowMs = toMs
  }
  if (isClock) l.clocked = true
  if (seq > l.seq) l.seq = seq
}
