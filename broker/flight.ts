// The fast-lane messages of one connection that are not acknowledged yet, oldest first, in a ring of numbers: no object for a
// message. Each of the journal's lanes commits in order, so "how many of this lane are written" says which ones.
export type Lane = 'alarm' | 'bulk'

export const MARK = { id: 0xffff, alarm: 1 << 16, acknowledge: 1 << 17, wanted: 1 << 18 } as const
const FIRST_SIZE = 4

export class Flight {
  #marks = new Uint32Array(FIRST_SIZE)
  #bytes = new Uint32Array(FIRST_SIZE)
  #head = 0
  #count = 0
  #alarmsWritten = 0
  #bulkWritten = 0

  get count(): number {
    return this.#count
  }

  /** Grows by doubling; admission bounds how far. */
  add(mark: number, bytes: number): void {
    if (this.#count === this.#marks.length) this.#grow()
    const at = (this.#head + this.#count++) & (this.#marks.length - 1)
    this.#marks[at] = mark
    this.#bytes[at] = bytes
  }

  written(count: number, lane: Lane): void {
    if (lane === 'alarm') this.#alarmsWritten += count
    else this.#bulkWritten += count
  }

  /** Takes the oldest away if it is written and says what it was; -1 = it is not, and those behind it wait. */
  take(): number {
    if (this.#count === 0) return -1
    const mark = this.#marks[this.#head] ?? 0
    if ((mark & MARK.alarm) === 0) {
      if (this.#bulkWritten === 0) return -1
      this.#bulkWritten--
    } else {
      if (this.#alarmsWritten === 0) return -1
      this.#alarmsWritten--
    }
    this.takenBytes = this.#bytes[this.#head] ?? 0
    this.#head = (this.#head + 1) & (this.#marks.length - 1)
    this.#count--
    return mark
  }
  /** how large the last one taken was */
  takenBytes = 0

  #grow(): void {
    const had = this.#marks.length
    const marks = new Uint32Array(2 * had)
    const bytes = new Uint32Array(2 * had)
    for (let i = 0; i < had; i++) {
      marks[i] = this.#marks[(this.#head + i) & (had - 1)] ?? 0
      bytes[i] = this.#bytes[(this.#head + i) & (had - 1)] ?? 0
    }
    this.#marks = marks
    this.#bytes = bytes
    this.#head = 0
  }
}
