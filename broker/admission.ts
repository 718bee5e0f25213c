// PUBLISH: may you, is it small enough, is it on disk. Aedes writes the PUBACK only after authorizePublish has called back, so
// calling back after the commit is all it takes to acknowledge nothing that could be lost. Never decodes a payload.
import type { Client, PublishPacket } from 'aedes'
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { InboundMessage } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'
import { ANONYMOUS, publishProblem, type Identity } from './access.ts'
import type { Persistence } from './bounded-store.ts'
import { Guard } from './guard.ts'
import { newSession, ownerOf, Refused, type Problem, type Session, type Sessions } from './sessions.ts'

export type AdmissionOptions = {
  /** `append` must copy the payload before it returns: it is a slice of the read buffer. Resolves in the order of the calls. */
  journal: { append(m: InboundMessage): Promise<unknown> }
  maxPayloadBytes: number
  log: Log
  meter: Meter
  clock: Clock
}
/** A device taken from its gateway is refused there after at most this long. */
const ALLOWED_MS = 5000
/** Topics remembered for one connection; then all are forgotten and asked again. */
const ALLOWED_MAX = 256

type Answer = (error?: Error | null) => void

export class Admission {
  readonly #o: AdmissionOptions
  readonly #sessions: Sessions
  /** QoS 2 messages between arrival and Aedes' own record of them; bounded by what the guards let through */
  readonly #beingStored = new Map<string, Promise<boolean>>()
  #aedesStore: Pick<Persistence, 'incomingGetPacket'> | null = null
  #onTheWay = 0
  #idle: (() => void) | null = null
  #closing = false

  constructor(o: AdmissionOptions, sessions: Sessions) {
    this.#o = o
    this.#sessions = sessions
  }

  /** Aedes' store exists only after Aedes, which needs us first. */
  useStore(store: Pick<Persistence, 'incomingGetPacket'>): void {
    this.#aedesStore = store
  }

  /**
   * Resolves when everything on its way is on disk or refused, or after waitMs. From here on no will is sent: that we end is
   * not the death of a device, and ten thousand "offline" messages at every restart would hide the one that is true.
   */
  async close(waitMs: number): Promise<void> {
    this.#closing = true
    if (this.#onTheWay === 0) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, waitMs)
      this.#idle = () => (clearTimeout(timer), resolve())
    })
  }

  readonly authorizePublish = (client: Client | null, packet: PublishPacket, answer: Answer): void => {
    const session = client === null ? orphan(packet) : this.#sessions.of(client)
    if (session === undefined || session.identity === null) return answer(new Refused('not connected'))
    const isWill = client === null || packet === session.will
    if (isWill && this.#closing) return answer(new Refused('the broker is closing'))
    const guard = isWill || !(client.conn instanceof Guard) ? null : client.conn
    const problem = client === null ? null : this.#problem(session, session.identity, packet)
    if (problem !== null) {
      guard?.settled(packet.length ?? 0)
      return this.#turnOut(client, session, packet, problem, answer)
    }
    this.#onTheWay++
    this.#store(client, session, packet).then(
      () => {
        this.#o.meter.count('fengsui_mqtt_messages_accepted_total', { qos: String(packet.qos) })
        this.#callBack(client, answer)
        this.#left(guard, packet)
      },
      (error: unknown) => {
        this.#left(guard, packet)
        const reason = error instanceof Error ? error.message : String(error)
        this.#turnOut(client, session, packet, { code: 'journal-unavailable', reason }, answer)
      },
    )
  }

  #left(guard: Guard | null, packet: PublishPacket): void {
    guard?.settled(packet.length ?? 0)
    if (--this.#onTheWay === 0) this.#idle?.()
  }

  /** A fault inside Aedes ends this connection, not the broker. */
  #callBack(client: Client | null, answer: Answer): void {
    try {
      answer(null)
    } catch (error) {
      this.#o.log.error({ err: error, clientId: client?.id }, 'the broker library failed on a PUBLISH')
      client?.conn.destroy()
    }
  }

  /** MQTT 3.1.1 has no negative PUBACK: nothing is acknowledged and the connection ends. */
  #turnOut(client: Client | null, session: Session, packet: PublishPacket, problem: Problem, answer: Answer): void {
    if (!session.turnedOut) this.#sessions.report(problem, client, { topic: packet.topic, payload: packet.payload })
    session.turnedOut = true
    answer(new Refused(problem.reason))
  }

  #problem(session: Session, identity: Identity, packet: PublishPacket): Problem | null {
    const problem = this.#topicProblem(session, identity, packet.topic)
    if (problem !== null) return problem
    if (packet.qos > 0 && packet.messageId === 0) return { code: 'protocol-error', reason: 'packet identifier 0 [MQTT-2.3.1-1]' }
    const bytes = packet.payload.length
    if (bytes <= this.#o.maxPayloadBytes) return null
    return { code: 'payload-too-large', reason: `a payload of ${bytes} bytes; the bound is ${this.#o.maxPayloadBytes}` }
  }

  #topicProblem(session: Session, identity: Identity, topic: string): Problem | null {
    const nowMs = this.#o.clock.nowMs()
    if (nowMs >= session.allowedUntilMs || session.allowed.size >= ALLOWED_MAX) {
      session.allowed.clear()
      session.allowedUntilMs = nowMs + ALLOWED_MS
    }
    if (session.allowed.has(topic)) return null
    const problem = publishProblem(identity, topic)
    if (problem === null) session.allowed.add(topic)
    return problem
  }

  #store(client: Client | null, session: Session, packet: PublishPacket): Promise<unknown> {
    if (packet.qos === 2 && client !== null && packet.messageId !== undefined)
      return this.#storeOnce(client, packet.messageId, () => this.#append(session, packet))
    return this.#append(session, packet)
  }

  /** Aedes asks again for every repetition of a QoS 2 message; only the first goes to the journal [MQTT-4.3.3-2]. */
  async #storeOnce(client: Client, messageId: number, append: () => Promise<unknown>): Promise<void> {
    const key = `${client.id}\0${messageId}`
    const first = this.#beingStored.get(key)
    if (first !== undefined) {
      if (!(await first)) throw new FengsuiError('journal-unavailable', 'the first sending of this message was not stored')
      await new Promise(resolve => setImmediate(resolve)) // until Aedes has recorded the first
      return
    }
    const storing = this.#isRecorded(client, messageId).then(async recorded => {
      if (!recorded) await append()
    })
    this.#beingStored.set(
      key,
      storing.then(
        () => true,
        () => false,
      ),
    )
    try {
      await storing
    } finally {
      setImmediate(() => this.#beingStored.delete(key))
    }
  }

  async #isRecorded(client: Client, messageId: number): Promise<boolean> {
    if (this.#aedesStore === null) return false
    return this.#aedesStore.incomingGetPacket({ id: client.id }, { messageId }).then(
      () => true,
      () => false,
    )
  }

  #append(session: Session, packet: PublishPacket): Promise<unknown> {
    return this.#o.journal.append({
      receivedAtMs: this.#o.clock.nowMs(),
      identity: session.username,
      clientId: session.clientId,
      topic: packet.topic,
      qos: packet.qos,
      retain: packet.retain,
      dup: 'dup' in packet && packet.dup, // a will has none
      payload: typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload,
    })
  }
}

/** A will that outlived its connection: Aedes gives it with the namespaced ClientId; it was allowed when it was left. */
function orphan(packet: PublishPacket): Session {
  const id = 'clientId' in packet && typeof packet.clientId === 'string' ? packet.clientId : `${ANONYMOUS.username}/`
  const username = ownerOf(id)
  const session = newSession(username, id.slice(username.length + 1), null, null)
  session.identity = { username, grants: [], mayPublishFor: () => true }
  return session
}
