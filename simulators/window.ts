// One bound over all connections of a command: so many messages may be sent and not yet acknowledged. At the bound, connections
// wait their turn in the order in which they asked.
export type Window = {
  limit: number
  used(): number
  /** false = full; `whenFree` is then called once, later, from give(); it may take or not */
  take(whenFree: () => void): boolean
  give(): void
}

export function createWindow(limit: number): Window {
  let used = 0
  const waiting = new Set<() => void>()
  return {
    limit,
    used: () => used,
    take(whenFree) {
      if (used >= limit) {
        waiting.add(whenFree)
        return false
      }
      used++
      return true
    },
    give() {
      used--
      while (used < limit) {
        const [next] = waiting
        if (next === undefined) return
        waiting.delete(next)
        next()
      }
    },
  }
}
