// What one connection is to be sent: gathered during a turn of the loop, written as one piece at its end. Never makes a writer
// wait, since one frozen subscriber would then hold up everybody; who does not take what was sent before is cut instead.
import type { Duplex } from 'node:stream'
import type { Limits } from './limits.ts'
import type { Outgoing } from './outgoing.ts'

const NOTHING = Buffer.alloc(0)
const CONNACK = 0x20
const ACCEPTED = 0

export class Outbox {
  #chunks: Buffer[] = []
  #hasSent = false
  #slowSinceMs: number | undefined

  get isEmpty(): boolean {
    return this.#chunks.length === 0
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  /** `outgoing` looks at what a subscriber is sent. */
  flush(socket: Duplex, isResumed: boolean, outgoing: Outgoing | null): void {
    const chunks = this.#chunks
    if (chunks.length === 0) return
    this.#chunks = []
    if (!socket.writable) return
    const gathered = chunks.length === 1 ? (chunks[0] ?? NOTHING) : Buffer.concat(chunks)
    const bytes = outgoing === null ? gathered : outgoing.sent(gathered)
    socket.write(this.#hasSent ? bytes : first(bytes, isResumed))
    this.#hasSent = true
  }

  /**
   * How many bytes the client has not taken, if that is too many: a burst may take a moment on a healthy line; what is still
   * there a second later, or is far too much, is not healthy. 0 = all is well.
   */
  tooMany({ writableLength: pendingBytes }: Duplex, { slowBytes, slowestBytes, slowMs }: Limits): number {
    if (pendingBytes <= slowBytes) {
      this.#slowSinceMs = undefined
      return 0
    }
    this.#slowSinceMs ??= performance.now()
    return pendingBytes <= slowestBytes && performance.now() - this.#slowSinceMs <= slowMs ? 0 : pendingBytes
  }
}

/** Aedes says Session Present only for sessions with subscriptions [MQTT-3.2.2-2]. */
function first(bytes: Buffer, isResumed: boolean): Buffer {
  if (!isResumed || bytes[0] !== CONNACK || bytes[3] !== ACCEPTED) return bytes
  const corrected = Buffer.from(bytes)
  corrected[2] = 1
  return corrected
}
