// How many messages are between the door and the disk, so that closing can wait for them; and what was accepted, counted once
// a turn instead of once a message.
import type { Meter } from '#contracts/metrics.ts'

export class OnTheWay {
  readonly #meter: Meter
  readonly #accepted: [number, number, number] = [0, 0, 0]
  #count = 0
  #idle: (() => void) | null = null

  constructor(meter: Meter) {
    this.#meter = meter
  }

  enter(): void {
    this.#count++
  }

  leave(count = 1): void {
    this.#count -= count
    if (this.#count === 0) this.#idle?.()
  }

  accepted(qos: 0 | 1 | 2, count = 1): void {
    this.#accepted[qos] += count
  }

  tell(): void {
    for (const qos of [0, 1, 2] as const) {
      const count = this.#accepted[qos]
      if (count === 0) continue
      this.#accepted[qos] = 0
      this.#meter.count('fengsui_mqtt_messages_accepted_total', { qos: String(qos) }, count)
    }
  }

  /** Resolves when nothing is on the way, or after waitMs. */
  async idle(waitMs: number): Promise<void> {
    if (this.#count === 0) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, waitMs)
      this.#idle = () => (clearTimeout(timer), resolve())
    })
  }
}
