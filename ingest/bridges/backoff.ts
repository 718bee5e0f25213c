// How long to wait before the next try: doubled each time up to a bound, and spread, so that many who lost the same thing do not all come
// back at once. Random numbers are handed in.

export type Backoff = { nextMs(): number; succeeded(): void }

export function createBackoff(o: { random(): number; firstMs?: number; mostMs?: number }): Backoff {
  const { random, firstMs = 1_000, mostMs = 60_000 } = o
  let tries = 0
  return {
    nextMs() {
      const fullMs = Math.min(mostMs, firstMs * 2 ** Math.min(tries++, 16))
      return Math.round(fullMs * (0.5 + random() / 2))
    },
    succeeded() {
      tries = 0
    },
  }
}
