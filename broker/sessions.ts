// Who each connection is: as what it came, as whom it was let in, and what it left as a will. Every refusal is told from here,
// so that it names the identity and the ClientId the device knows, not the namespaced one that Aedes works with.
import type { Client, ConnectPacket } from 'aedes'
import type { Clock } from '#contracts/clock.ts'
import type { ErrorCode } from '#contracts/errors.ts'
import { ANONYMOUS, type Identity } from './access.ts'
import { SAMPLE_BYTES, type Limits } from './limits.ts'

/** One refusal at the door; whoever listens counts, folds repeats and keeps the sample. `payload` is at most 4 KiB. */
export type Refusal = {
  code: ErrorCode
  reason: string
  identity?: string
  clientId?: string
  topic?: string
  payload?: Uint8Array
  /** where the connection came from, as the proxy in front says */
  address?: string
  atMs: number
}

export type Problem = { code: ErrorCode; reason: string }
type More = { topic?: string; payload?: Uint8Array | string; address?: string | null }
export type Will = NonNullable<ConnectPacket['will']>

/** `clientId` is the one the client sent; `identity` is null until it was let in. */
export type Session = {
  username: string
  clientId: string
  identity: Identity | null
  will: Will | null
  clientIdProblem: string | null
  keepaliveMs: number
  /** an earlier connection left state that this one goes on with: CONNACK must say so */
  resumes: boolean
  address: string | null
  /** what waited for it while it was away is being sent; what comes meanwhile is queued behind that */
  isReturning: boolean
  /** what was granted, so that nothing is delivered at a higher QoS */
  granted: Map<string, number> | null
  /** something of it was refused and reported; what comes in the same breath is refused with it */
  turnedOut: boolean
}

export const newSession = (username: string, clientId: string, more: Partial<Session> = {}): Session => ({
  username,
  clientId,
  identity: null,
  will: null,
  clientIdProblem: null,
  keepaliveMs: 0,
  resumes: false,
  isReturning: false,
  address: null,
  granted: null,
  turnedOut: false,
  ...more,
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

  isBack(client: Client): void {
    const session = this.#of.get(client)
    if (session !== undefined) session.isReturning = false
  }

  grant(client: Client, filter: string, qos: number): void {
    const session = this.#of.get(client)
    if (session !== undefined) (session.granted ??= new Map()).set(filter, qos)
  }

  revoke(client: Client, filters: readonly string[]): void {
    const granted = this.#of.get(client)?.granted
    for (const filter of filters) granted?.delete(filter)
  }

  report({ code, reason }: Problem, client: Client | null, more: More = {}): void {
    const session = client === null ? undefined : this.#of.get(client)
    const address = more.address ?? session?.address ?? null
    this.#refused({
      code,
      reason,
      ...(session === undefined ? {} : { identity: session.username, clientId: session.clientId }),
      ...(more.topic === undefined ? {} : { topic: more.topic }),
      ...(more.payload === undefined ? {} : { payload: sampleOf(more.payload) }),
      ...(address === null ? {} : { address }),
      atMs: this.#clock.nowMs(),
    })
  }
}

const sampleOf = (payload: Uint8Array | string): Uint8Array => Uint8Array.from(Buffer.from(payload).subarray(0, SAMPLE_BYTES))

/**
 * Which persistent sessions exist, with or without subscriptions. Beyond the bound the oldest is taken for a new one, and before that the oldest
 * of an identity that has begun too many: with ClientIds made up one after the other it must not end those of others.
 */
export class KeptSessions {
  readonly #limits: Pick<Limits, 'sessions' | 'sessionsBegunOfIdentity'>
  readonly #ids = new Set<string>()
  readonly #ofOwner = new Map<string, Set<string>>()
  readonly #disk: { session(id: string): void; end(id: string): void }

  constructor(limits: Pick<Limits, 'sessions' | 'sessionsBegunOfIdentity'>, disk: { session(id: string): void; end(id: string): void }) {
    this.#limits = limits
    this.#disk = disk
  }

  /** Those there were before a restart. */
  restore(ids: readonly string[]): void {
    for (const id of ids) this.#add(id)
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  connected(id: string, isClean: boolean): void {
    this.#remove(id)
    if (isClean) return
    const owner = ownerOf(id)
    const own = this.#ofOwner.get(owner)
    const isOwnFull = owner !== ANONYMOUS.username && (own?.size ?? 0) >= this.#limits.sessionsBegunOfIdentity
    if (own !== undefined && isOwnFull) this.#forgetOldest(own)
    else if (this.#ids.size >= this.#limits.sessions) this.#forgetOldest(this.#ids)
    this.#add(id)
    this.#disk.session(id)
  }

  #add(id: string): void {
    const owner = ownerOf(id)
    this.#ids.add(id)
    this.#ofOwner.set(owner, (this.#ofOwner.get(owner) ?? new Set()).add(id))
  }

  #remove(id: string): void {
    const owner = ownerOf(id)
    this.#ids.delete(id)
    const own = this.#ofOwner.get(owner)
    if (own?.delete(id) === true && own.size === 0) this.#ofOwner.delete(owner)
  }

  #forgetOldest(those: ReadonlySet<string>): void {
    const [oldest = ''] = those
    this.#remove(oldest)
    this.#disk.end(oldest)
  }
}
