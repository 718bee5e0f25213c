// Moments that rules asked to be called at, in order of time. Which moment holds is said by the state alone (kind.dueMs); this only
// finds the next one. Bounded by the states there are: each has at most one entry that counts, and a later wish moves no entry.

export type Timer<T> = { dueMs: number; order: string; what: T }

export type Timers<T> = {
  add(timer: Timer<T>): void
  /** the earliest due at or before `atMs`, taken out; equal times in order of `order` */
  take(atMs: number): Timer<T> | undefined
  size(): number
}

const before = <T>(a: Timer<T>, b: Timer<T>): boolean => (a.dueMs === b.dueMs ? a.order < b.order : a.dueMs < b.dueMs)

/** A binary heap. */
export function createTimers<T>(): Timers<T> {
  const heap: Timer<T>[] = []
  const at = (i: number): Timer<T> => heap[i] as Timer<T>

  function sink(timer: Timer<T>): void {
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(at(child + 1), at(child))) child++
      if (!before(at(child), timer)) break
      heap[i] = at(child)
      i = child
    }
    heap[i] = timer
  }

  return {
    size: () => heap.length,
    add(timer) {
      let i = heap.length
      while (i > 0) {
        const parent = (i - 1) >> 1
        if (!before(timer, at(parent))) break
        heap[i] = at(parent)
        i = parent
      }
      heap[i] = timer
    },
    take(atMs) {
      const first = heap[0]
      if (first === undefined || first.dueMs > atMs) return undefined
      const last = heap.pop()
      if (last !== undefined && heap.length > 0) sink(last)
      return first
    },
  }
}
