// SUBSCRIBE: a refused filter gets SUBACK 0x80 and the connection goes on [MQTT-3.9.3]. Decided here once and for good; at
// forwarding nothing is refused, since Aedes then loses other messages of a persistent session.
import type { Client, Subscription } from 'aedes'
import type { Log } from '#contracts/clock.ts'
import { subscribeProblem, type Identity } from './access.ts'
import type { Persistence } from './bounded-store.ts'
import type { Queues } from './queues.ts'
import { ownerOf, type Sessions } from './sessions.ts'
import type { KeptSubscription } from './subscribers.ts'

export class Subscribing {
  readonly #log: Log
  readonly #sessions: Sessions
  readonly #max: number
  #aedesStore: Pick<Persistence, 'removeSubscriptions'> | null = null
  #queues: Pick<Queues, 'withdraw'> | null = null

  constructor(log: Log, sessions: Sessions, max: number) {
    this.#log = log
    this.#sessions = sessions
    this.#max = max
  }

  useStore(store: Pick<Persistence, 'removeSubscriptions'>, queues: Pick<Queues, 'withdraw'>): void {
    this.#aedesStore = store
    this.#queues = queues
  }

  /** Answers in a microtask: all filters of one packet are judged before Aedes stores any (see `#takeOut`). */
  readonly authorizeSubscribe = (
    client: Client,
    subscription: Subscription,
    answer: (error: Error | null, subscription?: Subscription | null) => void,
  ): void => {
    const identity = this.#sessions.identityOf(client)
    const reason =
      identity === null ? 'not connected' : (subscribeProblem(identity, subscription.topic) ?? this.#crowded(client, subscription))
    if (reason !== null) {
      this.#sessions.report({ code: 'not-your-subscription', reason }, client, { topic: subscription.topic })
      this.#takeOut(client, subscription)
    } else this.#sessions.grant(client, subscription.topic, subscription.qos)
    // A copy: SUBACK and what is kept say what was asked for. To Aedes all filters are of QoS 2, since of overlapping ones it takes
    // the QoS of whichever it finds first; corrections.ts then sends at the highest that was granted [MQTT-3.3.5-1].
    queueMicrotask(() => answer(null, reason === null ? { ...subscription, qos: 2 } : null))
  }

  /**
   * A right was taken from an identity (a device moved to another gateway): what its connections and its waiting sessions subscribed to
   * by that right ends now, and what waits for it there is taken back. `unsubscribe` is Aedes' own, of one connection.
   */
  recheck(
    identity: Identity,
    connected: Iterable<Client>,
    kept: readonly KeptSubscription[],
    unsubscribe: (client: Client, filter: string) => void,
  ): void {
    for (const client of connected) {
      const session = this.#sessions.of(client)
      if (session?.identity?.username !== identity.username) continue
      for (const topic of session.granted?.keys() ?? []) {
        const reason = subscribeProblem(identity, topic)
        if (reason === null) continue
        this.#sessions.report({ code: 'not-your-subscription', reason: `taken back: ${reason}` }, client, { topic })
        unsubscribe(client, topic)
        if (!client.clean) this.#forget(client.id, topic)
      }
    }
    for (const { clientId, topic } of kept) if (subscribeProblem(identity, topic) !== null) this.#forget(clientId, topic)
    this.#takeBack(username => (username === identity.username ? identity : undefined))
  }

  /** The same of all sessions that wait, for what was taken while the door was closed. Whose owner is not known, is not let in either. */
  recheckWaiting(kept: readonly KeptSubscription[], identityOf: (username: string) => Identity | undefined): void {
    for (const [owner, own] of Map.groupBy(kept, ({ clientId }) => ownerOf(clientId))) {
      const identity = identityOf(owner)
      if (identity === undefined) continue
      for (const { clientId, topic } of own) if (subscribeProblem(identity, topic) !== null) this.#forget(clientId, topic)
    }
    const known = new Map<string, Identity | undefined>()
    this.#takeBack(owner => {
      if (!known.has(owner)) known.set(owner, identityOf(owner))
      return known.get(owner)
    })
  }

  /** What it may not subscribe to it must not get either, though it was queued when it still might: whoever sent it sends it where it belongs now. */
  #takeBack(identityOf: (username: string) => Identity | undefined): void {
    const taken =
      this.#queues?.withdraw((clientId, topic) => {
        const identity = identityOf(ownerOf(clientId))
        return identity !== undefined && subscribeProblem(identity, topic) !== null
      }) ?? 0
    if (taken > 0) this.#log.info({ messages: taken }, 'what waited in sessions for devices that were moved was taken back')
  }

  /** The oldest message of ours with this topic and payload, of every session that waits: what is said there is over. How many were. */
  withdraw(topic: string, payload: Uint8Array, connected: ReadonlySet<string>): number {
    const taken = new Set<string>()
    this.#queues?.withdraw((clientId, its, bytes) => {
      const isIt = its === topic && bytes !== undefined && Buffer.compare(bytes, payload) === 0
      // who is connected has it in hand; of two that are equal the later one may still be wanted
      if (!isIt || connected.has(clientId) || taken.has(clientId)) return false
      taken.add(clientId)
      return true
    })
    return taken.size
  }

  #crowded(client: Client, { topic }: Subscription): string | null {
    const granted = this.#sessions.of(client)?.granted
    if (granted == null || granted.size < this.#max || granted.has(topic)) return null
    return `${granted.size} filters are subscribed to already; the bound is ${this.#max}`
  }

  /**
   * Aedes stores all filters of a SUBSCRIBE of a persistent session, refused ones too, and queues by what is stored: on the
   * next connect the refused messages would arrive. With QoS 0 nothing is queued; and what an earlier session was granted and
   * this one is not is taken out of the store.
   */
  #takeOut(client: Client, subscription: Subscription): void {
    subscription.qos = 0
    this.#forget(client.id, subscription.topic)
  }

  #forget(id: string, topic: string): void {
    this.#aedesStore?.removeSubscriptions({ id }, [topic]).catch((error: unknown) => {
      this.#log.error({ err: error, topic }, 'a refused subscription could not be taken out')
    })
  }
}
