// The way out of one connection: what is to be sent, held against what a subscriber acknowledges, and whether it takes it. Nothing leaves
// before what it tells of is kept on disk.
import type { Duplex } from 'node:stream'
import type { Limits } from './limits.ts'
import { Outbox } from './outbox.ts'
import { Outgoing } from './outgoing.ts'
import type { SessionFile } from './session-file.ts'
import type { Problem } from './sessions.ts'

export class Sending {
  readonly #disk: Pick<SessionFile, 'isDirty' | 'commit'>
  readonly #limits: Limits
  readonly #socket: Duplex
  readonly #out = new Outbox()
  /** from its first SUBSCRIBE, or its return to a session */
  #outgoing: Outgoing | null = null

  constructor({ disk, limits }: { disk: Pick<SessionFile, 'isDirty' | 'commit'>; limits: Limits }, socket: Duplex) {
    this.#disk = disk
    this.#limits = limits
    this.#socket = socket
  }

  add(bytes: Buffer): void {
    this.#out.add(bytes)
  }

  /** What is sent to it is held against what it asked for and acknowledges, from now on. */
  subscriber(): Outgoing {
    return (this.#outgoing ??= new Outgoing())
  }

  /** A PUBACK, PUBREC or PUBCOMP of the client: what is wrong with it. */
  answered(type: number, messageId: number): string | null {
    return this.#outgoing?.answered(type, messageId) ?? null
  }

  /** Writes what was gathered. A problem ends the connection; so do bytes that are not taken. */
  flush(isResumed: boolean): { problem: Problem } | { pendingBytes: number } | null {
    if (this.#out.isEmpty) return null
    if (this.#disk.isDirty) this.#disk.commit()
    this.#out.flush(this.#socket, isResumed, this.#outgoing)
    const { unacknowledged } = this.#limits
    if ((this.#outgoing?.unacknowledged ?? 0) > unacknowledged)
      return { problem: { code: 'too-many-connections', reason: `${unacknowledged} messages sent to it are not acknowledged` } }
    const pendingBytes = this.#out.tooMany(this.#socket, this.#limits)
    return pendingBytes === 0 ? null : { pendingBytes }
  }
}
