// Cuts what a socket received into whole MQTT frames. A frame that lies whole in what was read is only pointed at; one that is
// not all there is gathered in memory of its own, growing with what has really come. Never looks into a body.
const NOTHING = Buffer.alloc(0)

/** Type 1 with its four flags zero [MQTT-2.2.2-1]; the first byte of TLS has the type, but not the flags. */
export const CONNECT_BYTE = 0x10
export const PUBLISH = 3

/** A frame that was found: `bytes` from `at` to `end`, its body from `bodyAt`. Good until the next look. */
export type Frame = { bytes: Buffer; at: number; bodyAt: number; end: number }
export const noFrame = (): Frame => ({ bytes: NOTHING, at: 0, bodyAt: 0, end: 0 })

/** 'malformed' = more than four length bytes [MQTT-2.2.3]; 'too-large' = its header alone says so, `end` says how large. */
export type Found = 'frame' | 'more' | 'malformed' | 'too-large'

/** Reads a fixed header between `at` and `end` into `into`; 'more' = it is not all there. */
export function readHeader(bytes: Buffer, at: number, end: number, into: Frame): 'frame' | 'more' | 'malformed' {
  let bodyBytes = 0
  for (let i = 1; i <= 4; i++) {
    if (at + i >= end) return 'more'
    const digit = bytes[at + i] ?? 0
    bodyBytes += (digit & 0x7f) << (7 * (i - 1))
    if (digit >= 0x80) continue
    if (into.bytes !== bytes) into.bytes = bytes // storing a reference costs more than comparing it
    into.at = at
    into.bodyAt = at + i + 1
    into.end = into.bodyAt + bodyBytes
    return 'frame'
  }
  return 'malformed'
}

export class Frames {
  #chunk: Buffer = NOTHING
  #at = 0
  /** the beginning of a frame, in memory of our own; a frame that came in one piece never gets here */
  #partial: Buffer = NOTHING
  #partialBytes = 0

  get isEmpty(): boolean {
    return this.#at >= this.#chunk.length
  }

  add(chunk: Buffer): void {
    this.#chunk = this.isEmpty ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk])
    this.#at = 0
  }

  /** Takes everything that is left, whatever it is. */
  drop(): void {
    this.#chunk = this.#partial = NOTHING
    this.#at = this.#partialBytes = 0
  }

  /** The bytes that have come and are in no frame yet, for what stands before the first frame. */
  peek(): Buffer {
    return this.#chunk.subarray(this.#at)
  }

  skip(bytes: number): void {
    this.#at += bytes
    this.#tidy()
  }

  /** Finds the next whole frame with a body of at most `bodyBytesMax`; finds the same again until `taken`. */
  next(frame: Frame, bodyBytesMax: number): Found {
    if (this.#partialBytes > 0) return this.#gathered(frame, bodyBytesMax)
    if (this.isEmpty) return 'more'
    const found = readHeader(this.#chunk, this.#at, this.#chunk.length, frame)
    if (found === 'malformed') return found
    if (found === 'frame' && frame.end - frame.bodyAt > bodyBytesMax) return 'too-large'
    if (found === 'frame' && frame.end <= this.#chunk.length) return found
    this.#gather(this.#chunk.length - this.#at, found === 'frame' ? frame.end - frame.at : 0)
    return 'more'
  }

  taken(frame: Frame): void {
    if (frame.bytes === this.#chunk) {
      this.#at = frame.end
      this.#tidy()
      return
    }
    this.#partial = NOTHING
    this.#partialBytes = 0
  }

  #tidy(): void {
    if (!this.isEmpty) return
    this.#chunk = NOTHING // else an idle connection would keep its last 64 KiB read alive
    this.#at = 0
  }

  #gathered(frame: Frame, bodyBytesMax: number): Found {
    for (;;) {
      const found = readHeader(this.#partial, 0, this.#partialBytes, frame)
      if (found === 'malformed') return found
      if (found === 'frame' && frame.end - frame.bodyAt > bodyBytesMax) {
        frame.bytes = this.#partial.subarray(0, this.#partialBytes)
        return 'too-large'
      }
      if (found === 'frame' && frame.end === this.#partialBytes) return found
      if (this.isEmpty) return 'more'
      const wholeBytes = found === 'frame' ? frame.end : this.#partialBytes + 1
      this.#gather(Math.min(wholeBytes - this.#partialBytes, this.#chunk.length - this.#at), wholeBytes)
    }
  }

  /** Twice what it needs, so that a frame in a thousand pieces is not copied a thousand times; never more than the frame. */
  #gather(bytes: number, wholeBytes: number): void {
    const needed = this.#partialBytes + bytes
    if (needed > this.#partial.length) {
      const larger = Buffer.allocUnsafe(Math.max(16, Math.min(2 * needed, wholeBytes)))
      this.#partial.copy(larger, 0, 0, this.#partialBytes)
      this.#partial = larger
    }
    this.#chunk.copy(this.#partial, this.#partialBytes, this.#at, this.#at + bytes)
    this.#partialBytes = needed
    this.#at += bytes
    this.#tidy()
  }
}
