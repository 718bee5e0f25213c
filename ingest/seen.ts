// Which keys were noted among the last messages, and when each was noted last. Two generations of flat tables, of which the
// older is thrown away whole: half a million messages cost 64 MB at most and no garbage. 64 bits a key: two keys of different
// messages are the same once in 10^13 looks.

const FIRST_SLOTS = 4096

class Table {
  #hi = new Uint32Array(FIRST_SLOTS)
  #lo = new Uint32Array(FIRST_SLOTS)
  /** 0 = the slot is free */
  #seq = new Float64Array(FIRST_SLOTS)
  #count = 0

  get(hi: number, lo: number): number {
    return this.#seq[this.#slot(hi, lo)] ?? 0
  }

  set(hi: number, lo: number, seq: number): void {
    if (this.#count * 2 >= this.#seq.length) this.#grow()
    const slot = this.#slot(hi, lo)
    if (this.#seq[slot] === 0) this.#count++
    this.#hi[slot] = hi
    this.#lo[slot] = lo
    this.#seq[slot] = seq
  }

  /** Where the key is, or the free slot where it would be: never more than half of them are taken. */
  #slot(hi: number, lo: number): number {
    const mask = this.#seq.length - 1
    let slot = lo & mask
    while (this.#seq[slot] !== 0 && (this.#hi[slot] !== hi || this.#lo[slot] !== lo)) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const old = { hi: this.#hi, lo: this.#lo, seq: this.#seq }
    this.#hi = new Uint32Array(old.seq.length * 2)
    this.#lo = new Uint32Array(old.seq.length * 2)
    this.#seq = new Float64Array(old.seq.length * 2)
    this.#count = 0
    for (const [i, seq] of old.seq.entries()) if (seq !== 0) this.set(old.hi[i] ?? 0, old.lo[i] ?? 0, seq)
  }
}

export class Seen {
  readonly #windowMessages: number
  #newer = new Table()
  #older = new Table()
  #startSeq = 0

  constructor(windowMessages: number) {
    this.#windowMessages = windowMessages
  }

  /** Was this key noted less than the window before `seq`? Notes it. Sequence numbers only grow, and begin at 1. */
  wasRecent(key1: number, key2: number, seq: number): boolean {
    const hi = key1 >>> 0
    const lo = key2 >>> 0
    if (seq - this.#startSeq >= this.#windowMessages) this.#turn(seq)
    const before = this.#newer.get(hi, lo) || this.#older.get(hi, lo)
    this.#newer.set(hi, lo, seq)
    return before !== 0 && seq - before < this.#windowMessages
  }

  #turn(seq: number): void {
    this.#older = this.#newer
    this.#newer = new Table()
    this.#startSeq = seq
  }
}
