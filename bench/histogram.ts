// Latencies counted in buckets of about 3 % width from 1 µs to 9 minutes: recording costs nanoseconds and memory is fixed, so a
// generator can time every message. Values beyond the last bucket are counted in it.

const STEPS = 24
const BUCKETS = 29 * STEPS

export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS)
  #total = 0
  #maxMs = 0

  add(ms: number): void {
    const bucket = ms <= 0.001 ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log2(ms * 1000) * STEPS))
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#total += 1
    if (ms > this.#maxMs) this.#maxMs = ms
  }

  get count(): number {
    return this.#total
  }

  get maxMs(): number {
    return this.#maxMs
  }

  /** The upper edge of the bucket in which the part lies; NaN when nothing was recorded. */
  quantileMs(part: number): number {
    let left = Math.ceil(this.#total * part)
    if (left === 0) return Number.NaN
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts[bucket] ?? 0
      if (left <= 0) return Math.min(this.#maxMs, 2 ** ((bucket + 1) / STEPS) / 1000)
    }
    return this.#maxMs
  }

  clear(): void {
    this.#counts.fill(0)
    this.#total = 0
    this.#maxMs = 0
  }
}
