// How many messages a connection may send over a while: a bucket that fills with its rate and holds ten seconds of it. Who has
// emptied it is not read for a moment, so that TCP tells the device to wait; nothing is dropped. A long message counts as several: reading and
// judging it costs as much, and all alarms go through the one who judges.
import { GATEWAY_RATE, MESSAGE_BYTES, RATE_BURST_S } from './limits.ts'
import { ANONYMOUS, type Identity } from './access.ts'

/** Reading goes on when a tenth of a second's messages have been saved up: not one at a time. */
const RESUME_S = 0.1

export class Allowance {
  /** 0 = no limit */
  readonly #perS: number
  #saved: number
  #savedAtMs: number

  constructor(deviceRate: number, identity: Identity, nowMs: number) {
    this.#perS = identity === ANONYMOUS ? 0 : deviceRate * (identity.grants.length > 0 ? GATEWAY_RATE : 1)
    this.#saved = this.#perS * RATE_BURST_S
    this.#savedAtMs = nowMs
  }

  hasOne(nowMs: number): boolean {
    if (this.#perS === 0 || this.#saved >= 1) return true
    const sinceMs = Math.max(0, nowMs - this.#savedAtMs)
    this.#saved = Math.min(this.#perS * RATE_BURST_S, this.#saved + (sinceMs / 1000) * this.#perS)
    this.#savedAtMs = nowMs
    return this.#saved >= 1
  }

  take(bytes: number): void {
    if (this.#perS > 0) this.#saved -= Math.max(1, bytes / MESSAGE_BYTES)
  }

  resumeAfterMs(): number {
    return this.#perS === 0 ? 0 : Math.max(RESUME_S, (1 - this.#saved) / this.#perS) * 1000
  }
}
