// What Aedes handles of PUBLISH - QoS 2, retained messages, wills - goes to the journal here, before Aedes answers: it writes
// PUBACK or PUBREC only after authorizePublish has called back. All but wills have passed admission already.
import type { Client, PublishPacket } from 'aedes'
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { InboundMessage } from '#contracts/message.ts'
import type { Persistence } from './bounded-store.ts'
import { Guard } from './guard.ts'
import type { Lane, LaneOf } from './lane.ts'
import type { OnTheWay } from './on-the-way.ts'
import { Refused, type Problem, type Session, type Sessions } from './sessions.ts'

export type StoringOptions = {
  /** `append` must copy the payload before it returns: it is a slice of the read buffer. Resolves in the order of the calls of a lane. */
  journal: { append(m: InboundMessage, lane: Lane): Promise<unknown> }
  laneOf: LaneOf
  log: Log
  clock: Clock
}

type BeingStored = { client: Client; isStored: Promise<boolean> }
type Answer = (error?: Error | null) => void

export class Storing {
  readonly #o: StoringOptions
  readonly #sessions: Sessions
  /** QoS 2 messages between arrival and Aedes' own record of them; bounded by what the guards let through */
  readonly #beingStored = new Map<string, BeingStored>()
  #aedesStore: Pick<Persistence, 'incomingGetPacket'> | null = null
  readonly #onTheWay: OnTheWay
  #closing = false

  constructor(o: StoringOptions, sessions: Sessions, onTheWay: OnTheWay) {
    this.#o = o
    this.#sessions = sessions
    this.#onTheWay = onTheWay
  }

  /** Aedes' store exists only after Aedes, which needs us first. */
  useStore(store: Pick<Persistence, 'incomingGetPacket'>): void {
    this.#aedesStore = store
  }

  /**
   * From here on no will is sent: that we end is not the death of a device, and ten thousand "offline" messages at every
   * restart would hide the one that is true.
   */
  close(): void {
    this.#closing = true
  }

  readonly authorizePublish = (client: Client | null, packet: PublishPacket, answer: Answer): void => {
    const session = client === null ? undefined : this.#sessions.of(client)
    if (client === null || session === undefined || session.identity === null) return answer(new Refused('not connected'))
    const isWill = packet === session.will
    if (isWill && this.#closing) return answer(new Refused('the broker is closing'))
    const sender = client.conn instanceof Guard ? client.conn : null
    const guard = isWill ? null : sender
    const before = isWill ? sender?.settled() : undefined // a will is shown behind what was sent before it
    this.#onTheWay.enter()
    Promise.all([this.#store(sender, client, session, packet), before]).then(
      () => {
        this.#onTheWay.accepted(packet.qos)
        if ('dup' in packet) packet.dup = false // was about this sending, not about the ones to subscribers [MQTT-3.3.1-3]
        this.#callBack(client, answer)
        this.#left(guard, packet)
      },
      (error: unknown) => {
        this.#left(guard, packet)
        const reason = error instanceof Error ? error.message : String(error)
        const code = error instanceof FengsuiError ? error.code : 'journal-unavailable'
        this.#turnOut(client, session, packet, { code, reason }, answer)
      },
    )
  }

  #left(guard: Guard | null, packet: PublishPacket): void {
    guard?.stored(packet.length ?? 0)
    this.#onTheWay.leave()
  }

  /** A fault inside Aedes ends this connection, not the broker. */
  #callBack(client: Client, answer: Answer): void {
    try {
      answer(null)
    } catch (error) {
      this.#o.log.error({ err: error, clientId: client.id }, 'the broker library failed on a PUBLISH')
      client.conn.destroy()
    }
  }

  /** MQTT 3.1.1 has no negative PUBACK: nothing is acknowledged and the connection ends. */
  #turnOut(client: Client, session: Session, packet: PublishPacket, problem: Problem, answer: Answer): void {
    if (!session.turnedOut) this.#sessions.report(problem, client, { topic: packet.topic, payload: packet.payload })
    session.turnedOut = true
    answer(new Refused(problem.reason))
  }

  #store(sender: Guard | null, client: Client, session: Session, packet: PublishPacket): Promise<unknown> {
    if (packet.qos === 2 && packet.messageId !== undefined)
      return this.#storeOnce(sender, client, packet.messageId, () => this.#append(session, packet))
    return inOrder(sender, this.#append(session, packet))
  }

  /** Aedes asks again for every repetition of a QoS 2 message; only the first goes to the journal [MQTT-4.3.3-2]. */
  #storeOnce(sender: Guard | null, client: Client, messageId: number, append: () => Promise<unknown>): Promise<unknown> {
    const key = `${client.id}\0${messageId}`
    const first = this.#beingStored.get(key)
    if (first !== undefined && isSameSession(first.client, client)) return inOrder(sender, repeated(first.isStored))
    const fresh = this.#isRecorded(client, messageId).then(isRecorded => (isRecorded ? undefined : append()))
    const stored = inOrder(sender, fresh)
    const entry: BeingStored = {
      client,
      isStored: stored.then(
        () => true,
        () => false,
      ),
    }
    this.#beingStored.set(key, entry)
    const recorded = (): void => void (this.#beingStored.get(key) === entry && this.#beingStored.delete(key))
    void entry.isStored.then(() => setImmediate(recorded))
    return stored
  }

  async #isRecorded(client: Client, messageId: number): Promise<boolean> {
    if (this.#aedesStore === null) return false
    return this.#aedesStore.incomingGetPacket({ id: client.id }, { messageId }).then(
      () => true,
      () => false,
    )
  }

  #append(session: Session, packet: PublishPacket): Promise<unknown> {
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    const message = {
      receivedAtMs: this.#o.clock.nowMs(),
      identity: session.username,
      clientId: session.clientId,
      topic: packet.topic,
      qos: packet.qos,
      retain: packet.retain,
      dup: 'dup' in packet && packet.dup, // a will has none
      payload,
    }
    return this.#o.journal.append(message, this.#o.laneOf(packet.topic)(payload, 0, payload.byteLength))
  }
}

/** Acknowledgements leave in the order the messages came [MQTT-4.6.0-2], whichever lane of the journal is quicker. */
function inOrder(guard: Guard | null, work: Promise<unknown>): Promise<unknown> {
  if (guard === null) return work
  work.catch(() => {}) // told below, in its turn
  const inTurn = guard.stores.then(() => work)
  guard.stores = inTurn.catch(() => {})
  return inTurn
}

/** A clean session shares no packet identifiers with the one before or behind it, whatever its ClientId [MQTT-3.1.2-6]. */
const isSameSession = (one: Client, other: Client): boolean => one === other || !(one.clean || other.clean)

async function repeated(isStored: Promise<boolean>): Promise<void> {
  if (!(await isStored)) throw new FengsuiError('journal-unavailable', 'the first sending of this message was not stored')
  await new Promise(resolve => setImmediate(resolve)) // until Aedes has recorded the first
}
