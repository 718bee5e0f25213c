// Who steps next, and when: the queue behind the district's own time.
export type Agenda = {
  plan(who: number, atS: number): void
  wake(who: number, atS: number): void
  next(): { who: number; atS: number } | null
  take(): void
}

/**
 * A binary heap of times. Each device has one valid entry, the earlier of its own next time and a call made for it; overtaken
 * entries are skipped. Bound: entries grow only by calls, of which a scenario makes a handful.
 */
export function createAgenda(devices: number): Agenda {
  const heap: { who: number; atS: number }[] = []
  const valid = new Float64Array(devices).fill(NaN)
  const own = new Float64Array(devices).fill(Infinity)
  const called = new Float64Array(devices).fill(Infinity)
  const before = (a: { who: number; atS: number }, b: { who: number; atS: number }) => a.atS < b.atS || (a.atS === b.atS && a.who < b.who)
  const swap = (i: number, j: number) => ([heap[i], heap[j]] = [heap[j]!, heap[i]!])
  function push(who: number): void {
    const atS = Math.min(own[who]!, called[who]!)
    if (atS === valid[who]) return
    valid[who] = atS
    if (!Number.isFinite(atS)) return
    heap.push({ who, atS })
    for (let i = heap.length - 1, up = (i - 1) >> 1; i > 0 && before(heap[i]!, heap[up]!); i = up, up = (i - 1) >> 1) swap(i, up)
  }
  function pop(): void {
    const last = heap.pop()!
    if (heap.length === 0) return
    heap[0] = last
    for (let i = 0; ;) {
      const [l, r] = [2 * i + 1, 2 * i + 2]
      let least = i
      if (l < heap.length && before(heap[l]!, heap[least]!)) least = l
      if (r < heap.length && before(heap[r]!, heap[least]!)) least = r
      if (least === i) return
      swap(i, least)
      i = least
    }
  }
  return {
    plan(who, atS) {
      own[who] = atS
      push(who)
    },
    wake(who, atS) {
      called[who] = Math.min(called[who]!, atS)
      push(who)
    },
    next() {
      while (heap.length > 0 && heap[0]!.atS !== valid[heap[0]!.who]) pop()
      return heap[0] ?? null
    },
    take() {
      const { who, atS } = heap[0]!
      if (called[who]! <= atS) called[who] = Infinity
      valid[who] = NaN
      pop()
    },
  }
}
