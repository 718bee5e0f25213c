// Ends connections that were silent for one and a half times their keepalive [MQTT-3.1.2-24]. One timer for all: each is looked
// at when it could be due at the earliest, so a packet costs nothing here but the time of day that its reader notes anyway.
import { KEEPALIVE_TICK_MS } from './limits.ts'

export type Kept = {
  readonly keepaliveMs: number
  /** when it was last heard of; now, while it is us who do not read it */
  lastHeardMs(nowMs: number): number
  silent(): void
}

export class Keepalive {
  readonly #nowMs: () => number
  readonly #byTick = new Map<number, Set<Kept>>()
  readonly #tickOf = new Map<Kept, number>()
  readonly #timer: NodeJS.Timeout
  #lastTick: number

  /** `nowMs` must not jump: not the wall clock. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
    this.#lastTick = this.#tick(nowMs())
    this.#timer = setInterval(() => this.look(), KEEPALIVE_TICK_MS)
    this.#timer.unref()
  }

  nowMs(): number {
    return this.#nowMs()
  }

  add(kept: Kept): void {
    if (kept.keepaliveMs > 0) this.#plan(kept, this.#nowMs())
  }

  remove(kept: Kept): void {
    const tick = this.#tickOf.get(kept)
    if (tick === undefined) return
    this.#tickOf.delete(kept)
    const others = this.#byTick.get(tick)
    others?.delete(kept)
    if (others?.size === 0) this.#byTick.delete(tick)
  }

  look(): void {
    const nowMs = this.#nowMs()
    for (const now = this.#tick(nowMs); this.#lastTick < now;) {
      const due = this.#byTick.get(++this.#lastTick)
      this.#byTick.delete(this.#lastTick)
      for (const kept of due ?? []) {
        this.#tickOf.delete(kept)
        if (this.#deadlineMs(kept, nowMs) <= nowMs) kept.silent()
        else this.#plan(kept, nowMs)
      }
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #deadlineMs(kept: Kept, nowMs: number): number {
    return kept.lastHeardMs(nowMs) + 1.5 * kept.keepaliveMs
  }

  #plan(kept: Kept, nowMs: number): void {
    const tick = Math.max(this.#lastTick + 1, this.#tick(this.#deadlineMs(kept, nowMs)) + 1)
    const others = this.#byTick.get(tick) ?? new Set()
    this.#byTick.set(tick, others.add(kept))
    this.#tickOf.set(kept, tick)
  }

  #tick(ms: number): number {
    return Math.floor(ms / KEEPALIVE_TICK_MS)
  }
}
