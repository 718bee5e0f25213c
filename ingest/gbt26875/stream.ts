// One TCP connection's bytes cut into frames, whatever pieces they come in. A header with a wrong length must not hold back the fire behind
// it: what is incomplete for longer than INCOMPLETE_MS is passed over, and the search goes on behind its first byte.
import { FRAME_BYTES_MAX, scan, type Frame } from './frame.ts'

/** Far longer than the largest frame takes on the slowest line, far shorter than the 10 s in which a fire must be told. */
export const INCOMPLETE_MS = 2_000

/** A whole frame with its bytes, or one whose sum is wrong. */
export type Heard = { bytes: Uint8Array } & ({ frame: Frame } | { damaged: Frame; reason: string })

export class FrameStream {
  /** begins with what may be a frame: never longer than one */
  #held: Buffer = Buffer.alloc(0)
  #heldSinceMs = 0

  get isWaiting(): boolean {
    return this.#held.length > 0
  }

  push(bytes: Uint8Array, nowMs: number): Heard[] {
    const heard = this.expire(nowMs)
    const all = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes])
    return [...heard, ...this.#take(all, nowMs, this.#held.length === 0 ? nowMs : this.#heldSinceMs)]
  }

  /** Gives up on what has been incomplete for too long; to be called now and then while it waits. */
  expire(nowMs: number): Heard[] {
    const heard: Heard[] = []
    while (this.isWaiting && nowMs - this.#heldSinceMs > INCOMPLETE_MS)
      heard.push(...this.#take(this.#held.subarray(1), nowMs, this.#heldSinceMs))
    return heard
  }

  #take(bytes: Buffer, nowMs: number, sinceMs: number): Heard[] {
    const { found, heldFrom } = scan(bytes, false)
    // what stands behind the first byte came later than it: only the same candidate keeps its time
    this.#heldSinceMs = heldFrom === 0 ? sinceMs : nowMs
    this.#held = Buffer.from(bytes.subarray(heldFrom, heldFrom + FRAME_BYTES_MAX))
    return found.flatMap((one): Heard[] => {
      const own = Uint8Array.from(bytes.subarray(one.at, one.end))
      if ('frame' in one) return [{ bytes: own, frame: { ...one.frame, data: Uint8Array.from(one.frame.data) } }]
      return 'damaged' in one ? [{ bytes: own, damaged: one.damaged, reason: one.reason }] : []
    })
  }
}
