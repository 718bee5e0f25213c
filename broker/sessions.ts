// Who each connection is: as what it came, as whom it was let in, and what it left as a will. Every refusal is told from here,
// so that it names the identity and the ClientId the device knows, not the namespaced one that Aedes works with.
import type { Client, ConnectPacket } from 'aedes'
import type { Clock } from '#contracts/clock.ts'
import type { ErrorCode } from '#contracts/errors.ts'
import type { Identity } from './access.ts'
import { SAMPLE_BYTES } from './limits.ts'

/** One refusal at the door; whoever listens counts, folds repeats and keeps the sample. `payload` is at most 4 KiB. */
export type Refusal = {
  code: ErrorCode
  reason: string
  identity?: string
  clientId?: string
  topic?: string
  payload?: Uint8Array
  atMs: number
}

export type Problem = { code: ErrorCode; reason: string }
export type Will = NonNullable<ConnectPacket['will']>

/** `clientId` is the one the client sent; `identity` is null until it was let in. */
export type Session = {
  username: string
  clientId: string
  identity: Identity | null
  will: Will | null
  clientIdProblem: string | null
  /** topics found allowed, for a few seconds: a device uses few, and asking costs as much as all the rest of a PUBLISH */
  allowed: Set<string>
  allowedUntilMs: number
  /** something of it was refused and reported; what comes in the same breath is refused with it */
  turnedOut: boolean
}

export const newSession = (username: string, clientId: string, will: Will | null, clientIdProblem: string | null): Session => ({
  username,
  clientId,
  identity: null,
  will,
  clientIdProblem,
  allowed: new Set(),
  allowedUntilMs: 0,
  turnedOut: false,
})

/** Ends a connection whose refusal has been reported already. */
export class Refused extends Error {}

/** The ClientId that Aedes knows is `owner/clientId` (entry.ts); no owner holds a slash. */
export const ownerOf = (id: string): string => id.slice(0, id.indexOf('/'))

export class Sessions {
  readonly #clock: Clock
  readonly #refused: (r: Refusal) => void
  readonly #of = new WeakMap<Client, Session>()

  constructor(clock: Clock, refused: (r: Refusal) => void) {
    this.#clock = clock
    this.#refused = refused
  }

  begin(client: Client, session: Session): void {
    this.#of.set(client, session)
  }

  of(client: Client): Session | undefined {
    return this.#of.get(client)
  }

  identityOf(client: Client): Identity | null {
    return this.#of.get(client)?.identity ?? null
  }

  report({ code, reason }: Problem, client: Client | null, more: { topic?: string; payload?: Uint8Array | string } = {}): void {
    const session = client === null ? undefined : this.#of.get(client)
    this.#refused({
      code,
      reason,
      ...(session === undefined ? {} : { identity: session.username, clientId: session.clientId }),
      ...(more.topic === undefined ? {} : { topic: more.topic }),
      ...(more.payload === undefined ? {} : { payload: sampleOf(more.payload) }),
      atMs: this.#clock.nowMs(),
    })
  }
}

const sampleOf = (payload: Uint8Array | string): Uint8Array => Uint8Array.from(Buffer.from(payload).subarray(0, SAMPLE_BYTES))
