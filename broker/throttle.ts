// How often somebody may be wrong about a password. Who keeps being wrong under one name from one place is refused unchecked for
// a while; names and places that fail in great numbers let in only those who were right before. Bounded: the longest unused are
// forgotten. A device that knows its password is never kept out by the mistakes of others behind the same address.
import type { Clock } from '#contracts/clock.ts'

/** wrong in a row under one name from one address, before it has to wait */
const WRONG_IN_A_ROW = 10
const WAIT_FIRST_MS = 1000
const WAIT_MOST_MS = 60_000
/** all failures of one address, or of one name: so many at once, refilled at this rate */
const BUDGET = 200
const BUDGET_PER_S = 5
const REMEMBERED_MAX = 20_000
const GOOD_REMEMBERED_MAX = 50_000

type Row = { wrong: number; lastMs: number; untilMs: number }
type Budget = { left: number; atMs: number }

export class LoginThrottle {
  readonly #clock: Clock
  readonly #rows = new Map<string, Row>()
  readonly #budgets = new Map<string, Budget>()
  readonly #good = new Set<string>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How long this one has to wait before its password is looked at; 0 = not at all. */
  waitMs(username: string, address: string | null): number {
    const nowMs = this.#clock.nowMs()
    const place = placeOf(address)
    const row = this.#rows.get(keyOf(username, place))
    const ownMs = row === undefined ? 0 : Math.min(WAIT_MOST_MS, row.untilMs - nowMs) // a clock may be set back
    if (ownMs > 0) return ownMs
    if (this.#good.has(keyOf(username, place))) return 0
    return Math.max(this.#emptyForMs(`at ${place}`, nowMs), this.#emptyForMs(`as ${username}`, nowMs))
  }

  right(username: string, address: string | null): void {
    const key = keyOf(username, placeOf(address))
    this.#rows.delete(key)
    this.#good.delete(key)
    this.#good.add(key)
    forgetOldest(this.#good, GOOD_REMEMBERED_MAX)
  }

  wrong(username: string, address: string | null): void {
    const nowMs = this.#clock.nowMs()
    const place = placeOf(address)
    const key = keyOf(username, place)
    const row = this.#rows.get(key) ?? { wrong: 0, lastMs: nowMs, untilMs: 0 }
    row.wrong = nowMs - row.lastMs > FORGIVEN_MS ? 1 : row.wrong + 1
    row.lastMs = nowMs
    const over = row.wrong - WRONG_IN_A_ROW
    row.untilMs = over < 0 ? 0 : nowMs + Math.min(WAIT_MOST_MS, WAIT_FIRST_MS * 2 ** Math.min(over, 16))
    this.#rows.delete(key)
    this.#rows.set(key, row)
    forgetOldest(this.#rows, REMEMBERED_MAX)
    this.#spend(`at ${place}`, nowMs)
    this.#spend(`as ${username}`, nowMs)
  }

  get remembered(): number {
    return Math.max(this.#rows.size, this.#budgets.size)
  }

  #spend(key: string, nowMs: number): void {
    const left = this.#leftOf(key, nowMs) - 1
    this.#budgets.delete(key)
    this.#budgets.set(key, { left, atMs: nowMs })
    forgetOldest(this.#budgets, REMEMBERED_MAX)
  }

  #leftOf(key: string, nowMs: number): number {
    const budget = this.#budgets.get(key)
    if (budget === undefined) return BUDGET
    return Math.min(BUDGET, budget.left + (Math.max(0, nowMs - budget.atMs) / 1000) * BUDGET_PER_S)
  }

  #emptyForMs(key: string, nowMs: number): number {
    const left = this.#leftOf(key, nowMs)
    return left >= 1 ? 0 : ((1 - left) / BUDGET_PER_S) * 1000
  }
}

const FORGIVEN_MS = 600_000
/** Behind a proxy the port is told too, which is another one each time. */
const placeOf = (address: string | null): string => address?.split(' ')[0] ?? ''
const keyOf = (username: string, place: string): string => `${place}\0${username}`

/** Many at once: finding the oldest walks over all that were forgotten before it. */
function forgetOldest(those: Map<string, unknown> | Set<string>, max: number): void {
  if (those.size <= max) return
  let left = Math.ceil(max / 16)
  for (const key of those.keys()) {
    if (left-- === 0) return
    those.delete(key)
  }
}
