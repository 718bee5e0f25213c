// Slows down guessing: after FREE_TRIES wrong passwords for one user name from one address, further tries wait, each time
// twice as long. Bounded: beyond ENTRIES_MAX pairs the one longest unused is forgotten (the rate limit by address still holds).
import type { Clock } from '#contracts/clock.ts'

const FREE_TRIES = 5
const FIRST_WAIT_MS = 15_000
const LONGEST_WAIT_MS = 15 * 60_000
/** a pair without a wrong try for this long starts afresh */
const FORGET_MS = 30 * 60_000
const ENTRIES_MAX = 10_000

export type Lockout = {
  /** seconds still to wait; 0 = may try */
  waitS(username: string, address: string): number
  /** true when this failure begins or lengthens a wait */
  failed(username: string, address: string): boolean
  succeeded(username: string, address: string): void
  /** One after the other for one name from one address: tries that come at once must not all be looked at before the first is counted. */
  inTurn<T>(username: string, address: string, work: () => Promise<T>): Promise<T>
  size(): number
}

export function createLockout(o: { clock: Clock }): Lockout {
  const pairs = new Map<string, { failures: number; lastMs: number; untilMs: number }>()
  /** the last of those that wait; how many may wait is bounded by the rate limit of the address */
  const turns = new Map<string, Promise<unknown>>()
  const keyOf = (username: string, address: string): string => `${address} ${username.toLowerCase().slice(0, 64)}`
  return {
    waitS(username, address) {
      const pair = pairs.get(keyOf(username, address))
      return pair === undefined ? 0 : Math.max(0, Math.ceil((pair.untilMs - o.clock.nowMs()) / 1000))
    },
    failed(username, address) {
      const key = keyOf(username, address)
      const nowMs = o.clock.nowMs()
      const before = pairs.get(key)
      const failures = before !== undefined && nowMs - before.lastMs < FORGET_MS ? before.failures + 1 : 1
      const waitMs = failures < FREE_TRIES ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - FREE_TRIES))
      pairs.delete(key)
      pairs.set(key, { failures, lastMs: nowMs, untilMs: nowMs + waitMs })
      const oldest = pairs.keys().next()
      if (pairs.size > ENTRIES_MAX && oldest.done !== true) pairs.delete(oldest.value)
      return waitMs > 0
    },
    succeeded: (username, address) => void pairs.delete(keyOf(username, address)),
    inTurn(username, address, work) {
      const key = keyOf(username, address)
      const mine = (turns.get(key) ?? Promise.resolve()).then(work, work)
      turns.set(key, mine)
      const leave = (): void => {
        if (turns.get(key) === mine) turns.delete(key)
      }
      mine.then(leave, leave)
      return mine
    },
    size: () => pairs.size,
  }
}
