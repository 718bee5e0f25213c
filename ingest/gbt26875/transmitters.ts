// The user information transmission devices that speak now, or did: by address, whichever connection they come over. Knows what was heard
// last, so that a frame sent again after a lost acknowledgement is marked as such; tells when one has gone.
import { createHash } from 'node:crypto'
import type { Clock } from '#contracts/clock.ts'
import type { Frame } from './frame.ts'
import { Orders, type Order } from './orders.ts'

/** What a transmitter is spoken to through. */
export type Line = { readonly address: string; write(bytes: Uint8Array): void }
export type Transmitter = {
  readonly source: string
  line: Line | null
  readonly orders: Orders
  /** the address it gives the centre, and its version of the protocol */
  target: string
  version: string
  syncedAtMs: number
}
type Kept = Transmitter & { heard: Map<string, number>; gone: NodeJS.Timeout | null }

/** Transmitters remembered; of more, one that is not connected and was heard longest ago is forgotten. */
export const TRANSMITTERS_MAX = 20_000
/** Three tries of 10 s each, and a slow line. */
const AGAIN_MS = 60_000
const FRAMES_REMEMBERED = 64

export type TransmittersParts = {
  clock: Clock
  send(transmitter: Transmitter, seq: number, order: Order): void
  /** it has not been heard on any connection for `goneAfterMs` after its last one ended */
  gone(source: string): void
  goneAfterMs: number
  answerMs: number
}

export class Transmitters {
  readonly #o: TransmittersParts
  readonly #all = new Map<string, Kept>()

  constructor(o: TransmittersParts) {
    this.#o = o
  }

  get(source: string): Transmitter | undefined {
    return this.#all.get(source)
  }

  connected(): number {
    let count = 0
    for (const { line } of this.#all.values()) if (line !== null) count += 1
    return count
  }

  /** Notes who speaks and over which line. `isNew`: it did not speak over this line before. */
  heard({ source, target, version }: Frame, line: Line): { transmitter: Transmitter; isNew: boolean } {
    const known = this.#all.get(source)
    const isNew = known?.line !== line
    const kept = known ?? this.#begin(source)
    if (kept.gone !== null) clearTimeout(kept.gone)
    Object.assign(kept, { gone: null, line, target, version })
    this.#all.delete(source)
    this.#all.set(source, kept)
    this.#makeRoom()
    return { transmitter: kept, isNew }
  }

  #begin(source: string): Kept {
    const { clock, answerMs, send } = this.#o
    const orders = new Orders((seq, order) => send(kept, seq, order), Math.floor(clock.nowMs() / 1000), answerMs)
    const kept: Kept = { source, line: null, orders, target: '0', version: '1.0', syncedAtMs: 0, heard: new Map(), gone: null }
    return kept
  }

  #makeRoom(): void {
    if (this.#all.size <= TRANSMITTERS_MAX) return
    for (const [source, { line, orders, gone }] of this.#all) {
      if (line !== null) continue
      orders.close()
      if (gone !== null) clearTimeout(gone)
      this.#all.delete(source)
      return
    }
  }

  /** Has this very frame come within the last minute? A heartbeat without a clock is always the same, and always news. */
  isAgain({ source, data }: Frame, bytes: Uint8Array): boolean {
    const heard = this.#all.get(source)?.heard
    if (heard === undefined || data.length === 0) return false
    const nowMs = this.#o.clock.nowMs()
    const key = createHash('sha1').update(bytes).digest('base64url')
    const beforeMs = heard.get(key)
    heard.delete(key)
    heard.set(key, nowMs)
    const [oldest] = heard.keys()
    if (heard.size > FRAMES_REMEMBERED && oldest !== undefined) heard.delete(oldest)
    return beforeMs !== undefined && nowMs - beforeMs < AGAIN_MS
  }

  /** What spoke over this line has gone, unless it comes again soon. */
  ended(line: Line): void {
    for (const kept of this.#all.values()) {
      if (kept.line !== line) continue
      kept.line = null
      kept.orders.close()
      kept.gone = setTimeout(() => this.#o.gone(kept.source), this.#o.goneAfterMs)
      kept.gone.unref()
    }
  }

  /** Our own end says nothing about anybody. */
  close(): void {
    for (const { orders, gone } of this.#all.values()) {
      orders.close()
      if (gone !== null) clearTimeout(gone)
    }
    this.#all.clear()
  }
}
