// The bytes that all clients together may have on their way to disk. Guards that find it full stop reading and are woken, in
// the order they came, when there is room: TCP then tells the devices to wait. Holds no message itself.

type Waiter = { roomForAll(): void }

export class Gate {
  readonly #maxBytes: number
  readonly #waiting = new Set<Waiter>()
  #bytes = 0
  #isWakeDue = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get full(): boolean {
    return this.#bytes >= this.#maxBytes
  }

  enter(bytes: number): void {
    this.#bytes += bytes
  }

  /** Whoever waits is woken in a turn of its own: what it then sends may make room again, and so on, on one stack. */
  leave(bytes: number): void {
    this.#bytes -= bytes
    if (this.#isWakeDue || this.#waiting.size === 0 || this.full) return
    this.#isWakeDue = true
    setImmediate(() => this.#wake())
  }

  #wake(): void {
    this.#isWakeDue = false
    for (const waiter of this.#waiting) {
      if (this.full) return
      this.#waiting.delete(waiter)
      waiter.roomForAll()
    }
  }

  wait(waiter: Waiter): void {
    this.#waiting.add(waiter)
  }

  forget(waiter: Waiter): void {
    this.#waiting.delete(waiter)
  }
}
