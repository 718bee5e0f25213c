// Moments that rules asked to be called at, in order of time. Which moment holds is said by the state alone (kind.dueMs); this only
// finds the next one. Those of one second lie in one heap unsorted until that second comes: nearly all are put off before. Bounded by the
// states there are: each has at most one entry that counts, and a later wish moves no entry.

export type Timer<T> = { dueMs: number; what: T }

export type Timers<T> = {
  add(timer: Timer<T>): void
  /** the earliest due at or before `atMs`, taken out; of equal times what is first comes first */
  take(atMs: number): Timer<T> | undefined
  size(): number
}

const SLOT_MS = 1_000
const slotOf = (dueMs: number): number => Math.floor(dueMs / SLOT_MS)

export function createTimers<T>(isFirst: (a: T, b: T) => boolean): Timers<T> {
  const slots = new Map<number, Timer<T>[]>()
  const numbers = smallestFirst()
  /** what is due in `turn` and before, the earliest at the end */
  let now: Timer<T>[] = []
  let turn = -Infinity
  let size = 0

  const before = (a: Timer<T>, b: Timer<T>): boolean => (a.dueMs === b.dueMs ? isFirst(a.what, b.what) : a.dueMs < b.dueMs)

  function inserted(timer: Timer<T>): void {
    let low = 0
    let high = now.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (before(timer, now[middle] as Timer<T>)) low = middle + 1
      else high = middle
    }
    now.splice(low, 0, timer)
  }

  /** The next second that has any, if it has begun. */
  function turned(atMs: number): boolean {
    const slot = numbers.least()
    if (slot === undefined || slot * SLOT_MS > atMs) return false
    numbers.drop()
    now = (slots.get(slot) ?? []).sort((a, b) => (before(a, b) ? 1 : -1))
    slots.delete(slot)
    turn = slot
    return true
  }

  return {
    size: () => size,
    add(timer) {
      size++
      const slot = slotOf(timer.dueMs)
      if (slot <= turn) return inserted(timer)
      const others = slots.get(slot)
      if (others !== undefined) {
        others.push(timer)
        return
      }
      slots.set(slot, [timer])
      numbers.add(slot)
    },
    take(atMs) {
      while (now.length === 0) if (!turned(atMs)) return undefined
      const next = now.at(-1)
      if (next === undefined || next.dueMs > atMs) return undefined
      size--
      return now.pop()
    },
  }
}

/** A binary heap of numbers. */
function smallestFirst() {
  const heap: number[] = []
  const at = (i: number): number => heap[i] as number

  function sink(value: number): void {
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && at(child + 1) < at(child)) child++
      if (at(child) >= value) break
      heap[i] = at(child)
      i = child
    }
    heap[i] = value
  }

  return {
    least: (): number | undefined => heap[0],
    drop(): void {
      const last = heap.pop()
      if (last !== undefined && heap.length > 0) sink(last)
    },
    add(value: number): void {
      let i = heap.length
      while (i > 0) {
        const parent = (i - 1) >> 1
        if (at(parent) <= value) break
        heap[i] = at(parent)
        i = parent
      }
      heap[i] = value
    },
  }
}
