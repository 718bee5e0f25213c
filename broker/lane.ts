// The way of plain telemetry (QoS 0 and 1, not retained): admitted, put into the journal, acknowledged when committed, and shown
// to Aedes only if somebody subscribes to it, and only then. Never acknowledges out of order [MQTT-4.6.0-2], whichever of the
// journal's lanes is quicker; never keeps a slice of the read buffer.
import { Buffer } from 'node:buffer' // the global one is found anew by a getter each time
import type { Client } from 'aedes'
import type { FengsuiError } from '#contracts/errors.ts'
import type { InboundMessage } from '#contracts/message.ts'
import type { Identity } from './access.ts'
import { admit, type Attempt, type Verdict } from './admission.ts'
import { Allowance } from './allowance.ts'
import { Flight, MARK, type Lane } from './flight.ts'
import type { Frame } from './frames.ts'
import type { Gate } from './gate.ts'
import type { Limits } from './limits.ts'
import type { OnTheWay } from './on-the-way.ts'
import { Routes, type Origin, type Route, type RouteParts } from './routes.ts'
import type { Problem, Session } from './sessions.ts'
import { readUint16 } from './text-rules.ts'

export type { Lane } from './flight.ts'
export type { LaneOf } from './routes.ts'

type Waiter = { written(count: number, lane: Lane): void; failed(count: number, lane: Lane, error: FengsuiError): void }
/** the payload lies between `from` and `to` */
type Putting = Omit<InboundMessage, 'identity' | 'clientId' | 'topic'> & { from: number; to: number }
export type Delivery = { topic: string; payload: Buffer; qos: 0 | 1; messageId: number }

/** What all lanes share. */
export type LaneParts = RouteParts & {
  /** Copies the payload before it returns; tells the waiter in numbers, in a later turn. */
  journal: RouteParts['journal'] & { put(origin: Origin, m: Putting, lane: Lane, waiter: Waiter): void }
  maxPayloadBytes: number
  deviceRate: number
  limits: Limits
  gate: Gate
  onTheWay: OnTheWay
  /** calls back when every connected subscriber's socket has it */
  deliver(delivery: Delivery, client: Client | null, done: () => void): void
}

export type LaneOwner = {
  /** hangs here once Aedes has it */
  client?: Client
  /** settle() is to be called at the end of this turn */
  due(): void
  send(bytes: Buffer): void
  /** there is more room than before, or everything is settled */
  roomier(): void
  failed(problem: Problem, topic: string | null): void
}

const DUP = 0x08
const QOS = 0x06
const ACK_BYTES = 4
const NOTHING = Buffer.alloc(0)
/** handed to the journal for every message: it takes what it needs before it returns */
const putting: Putting = { receivedAtMs: 0, qos: 0, retain: false, dup: false, payload: NOTHING, from: 0, to: 0 }

/** One for each connection that publishes; it is itself what admission looks at. */
export class FastLane implements Waiter, Attempt {
  readonly #parts: LaneParts
  readonly #owner: LaneOwner
  readonly #flight = new Flight()
  readonly #routes: Routes
  #deliveries: Delivery[] | null = null
  #route: Route | null = null
  #hasFailed = false
  #afterwards: (() => void) | null = null
  #isAbandoned = false
  readonly session: Session
  readonly allowance: Allowance
  readonly limits: Limits
  readonly gate: Gate
  readonly maxPayloadBytes: number
  inFlight = 0
  inFlightBytes = 0
  topicProblem: Problem | null = null
  payloadAt = 0
  payloadBytes = 0
  nowMs = 0

  constructor(parts: LaneParts, owner: LaneOwner, session: Session, identity: Identity, nowMs: number) {
    this.#parts = parts
    this.#owner = owner
    this.session = session
    this.allowance = new Allowance(parts.deviceRate, identity, nowMs)
    this.limits = parts.limits
    this.gate = parts.gate
    this.maxPayloadBytes = parts.maxPayloadBytes
    this.#routes = new Routes(parts, session, identity)
  }

  /** Everything it took is acknowledged and, where wanted, with Aedes. */
  get isSettled(): boolean {
    return this.#flight.count === 0
  }

  /** of the PUBLISH that was asked about last */
  get topic(): string {
    return this.#route?.topic ?? ''
  }

  /** A PUBLISH with a well-formed frame: may it pass? Who must wait is asked again. */
  admits({ bytes, at, bodyAt, end }: Frame, nowMs: number): Verdict {
    const topicEnd = bodyAt + 2 + readUint16(bytes, bodyAt)
    this.#route = this.#routes.find(bytes, bodyAt + 2, topicEnd, nowMs)
    this.payloadAt = ((bytes[at] ?? 0) & QOS) === 0 ? topicEnd : topicEnd + 2
    this.topicProblem = this.#route.problem
    this.payloadBytes = end - this.payloadAt
    this.nowMs = nowMs
    return admit(this)
  }

  /** The PUBLISH that was admitted last goes to the journal. */
  put({ bytes, at, bodyAt, end }: Frame): void {
    const { journal, onTheWay } = this.#parts
    const route = this.#route
    if (route === null) return
    const qos = ((bytes[at] ?? 0) & QOS) === 0 ? 0 : 1
    const messageId = qos === 0 ? 0 : readUint16(bytes, this.payloadAt - 2)
    const lane = route.scan(bytes, this.payloadAt, end)
    const isWanted = this.#routes.isWanted(route)
    if (isWanted) (this.#deliveries ??= []).push({ topic: route.topic, payload: copyOf(bytes, this.payloadAt, end), qos, messageId })
    const marks = (lane === 'alarm' ? MARK.alarm : 0) | (qos === 0 ? 0 : MARK.acknowledge) | (isWanted ? MARK.wanted : 0)
    this.#flight.add(messageId | marks, end - bodyAt)
    this.takeRoom(end - bodyAt)
    onTheWay.enter()
    putting.receivedAtMs = this.nowMs
    putting.qos = qos
    putting.dup = ((bytes[at] ?? 0) & DUP) !== 0
    if (putting.payload !== bytes) putting.payload = bytes // storing a reference costs more than comparing it
    putting.from = this.payloadAt
    putting.to = end
    journal.put(route.origin, putting, lane, this)
  }

  /** For every PUBLISH that passes, also those that Aedes handles. */
  takeRoom(bytes: number): void {
    this.allowance.take(bytes)
    this.inFlight++
    this.inFlightBytes += bytes
    this.gate.enter(bytes)
  }

  giveRoom(count: number, bytes: number): void {
    if (this.#isAbandoned) return
    this.inFlight -= count
    this.inFlightBytes -= bytes
    this.gate.leave(bytes)
    this.#owner.roomier()
  }

  /** The connection is gone: its room is free. What it sent is stored and shown to subscribers all the same. */
  abandon(): void {
    this.gate.leave(this.inFlightBytes)
    this.#isAbandoned = true
  }

  /** Calls back once, when everything is settled or will never be; asked by the last that a connection leaves, its will. */
  whenSettled(done: () => void): void {
    if (this.isSettled || this.#hasFailed) done()
    else this.#afterwards = done
  }

  written(count: number, lane: Lane): void {
    this.#parts.onTheWay.leave(count)
    this.#flight.written(count, lane)
    this.#owner.due()
  }

  failed(count: number, _lane: Lane, error: FengsuiError): void {
    this.#parts.onTheWay.leave(count)
    if (this.#hasFailed) return
    this.settle() // what came before it and is on disk
    this.#hasFailed = true
    this.#afterwards?.()
    if (!this.#isAbandoned) this.#owner.failed({ code: error.code, reason: error.message }, this.#routes.onlyTopic)
  }

  /** Acknowledges in one piece what is written, and hands on what is wanted. */
  settle(): void {
    if (this.#hasFailed) return
    const { onTheWay } = this.#parts
    let acks = NOTHING
    let ackBytes = 0
    let count = 0
    let bytes = 0
    let all = 0
    let acked = 0
    for (let mark = this.#flight.take(); mark !== -1; mark = this.#flight.take()) {
      all++
      if ((mark & MARK.acknowledge) !== 0) {
        // in memory of their own, since the socket may keep them for a while, and room for all that can still come
        if (ackBytes === 0) acks = Buffer.allocUnsafe(ACK_BYTES * (this.#flight.count + 1))
        ackBytes = acknowledge(acks, ackBytes, mark & MARK.id)
        acked++
      }
      if ((mark & MARK.wanted) !== 0) this.#deliver(this.#flight.takenBytes)
      else {
        count++
        bytes += this.#flight.takenBytes
      }
    }
    if (all === 0) return
    onTheWay.accepted(1, acked)
    onTheWay.accepted(0, all - acked)
    if (ackBytes > 0 && !this.#isAbandoned) this.#owner.send(ackBytes === acks.length ? acks : acks.subarray(0, ackBytes))
    this.giveRoom(count, bytes)
    if (this.isSettled) this.#afterwards?.()
  }

  /** Keeps its room until every connected subscriber's socket has it. */
  #deliver(bytes: number): void {
    const delivery = this.#deliveries?.shift()
    if (delivery === undefined) return
    this.#parts.deliver(delivery, this.#owner.client ?? null, () => this.giveRoom(1, bytes))
  }
}

const copyOf = (bytes: Buffer, from: number, to: number): Buffer => Buffer.from(bytes.subarray(from, to))

/** PUBACK: type 4, two bytes [MQTT-3.4]. */
function acknowledge(into: Buffer, at: number, messageId: number): number {
  into[at] = 0x40
  into[at + 1] = 2
  into[at + 2] = messageId >> 8
  into[at + 3] = messageId & 0xff
  return at + ACK_BYTES
}
