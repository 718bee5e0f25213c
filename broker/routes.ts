// What is known of a topic on one connection: a device uses few, and finding out costs more than all the rest of a PUBLISH.
// Compared as bytes, so that a message on the topic of the one before makes no string.
import type { Clock } from '#contracts/clock.ts'
import { publishProblem, type Identity } from './access.ts'
import type { Lane } from './flight.ts'
import type { Problem, Session } from './sessions.ts'
import type { Subscribers } from './subscribers.ts'
import { utf8Problem } from './text-rules.ts'

/** What all messages of one sender on one topic have in common; made by the journal, opaque here. */
export type Origin = { readonly identity: string; readonly clientId: string; readonly topic: string }

export type Route = {
  readonly topic: string
  readonly bytes: Uint8Array
  readonly origin: Origin
  problem: Problem | null
  readonly isMalformed: boolean
  askedAtMs: number
  isWanted: boolean
  wantedVersion: number
  readonly scan: Scan
  /** the one that came after it the last time: devices behind a gateway report in turn */
  next: Route | null
}

/** May the payload that lies there carry an alarm? */
export type Scan = (bytes: Uint8Array, from: number, to: number) => Lane
/** Of a topic, asked once a route. Never waits, never throws. */
export type LaneOf = (topic: string) => Scan

export type RouteParts = {
  laneOf: LaneOf
  journal: { origin(of: { identity: string; clientId: string; topic: string }): Origin }
  subscribers: Pick<Subscribers, 'isWanted' | 'version'>
  clock: Clock
}

/** A device taken from its gateway is refused there after at most this long. */
const KNOWN_MS = 5000
/** Topics remembered for one connection; then all are forgotten and asked again. */
const ROUTES_MAX = 256

export class Routes {
  readonly #parts: RouteParts
  readonly #session: Session
  readonly #identity: Identity
  #last: Route | null = null
  /** made with the second topic: most have one */
  /** by the hash of the topic's bytes; of two with one hash the newer is kept */
  #others: Map<number, Route> | null = null

  constructor(parts: RouteParts, session: Session, identity: Identity) {
    this.#parts = parts
    this.#session = session
    this.#identity = identity
  }

  /** The topic lies in `bytes` from `from` to `to`. */
  find(bytes: Buffer, from: number, to: number, nowMs: number): Route {
    const last = this.#last
    let route = last?.next ?? last
    if (route === null || !isSame(route.bytes, bytes, from, to)) {
      route = this.#among(bytes, from, to)
      if (last !== null) last.next = route
    }
    const isKnown = Math.abs(nowMs - route.askedAtMs) < KNOWN_MS // a clock may be set back
    if (!isKnown && !route.isMalformed) {
      route.problem = publishProblem(this.#identity, route.topic)
      route.askedAtMs = nowMs
    }
    return (this.#last = route)
  }

  /** The one topic of this connection, if there is only one. */
  get onlyTopic(): string | null {
    return this.#others === null ? (this.#last?.topic ?? null) : null
  }

  /** Is there anybody connected or away whom this is to be shown? */
  isWanted(route: Route): boolean {
    const { subscribers } = this.#parts
    if (route.wantedVersion !== subscribers.version) {
      route.isWanted = subscribers.isWanted(route.topic)
      route.wantedVersion = subscribers.version
    }
    return route.isWanted
  }

  #among(bytes: Buffer, from: number, to: number): Route {
    if (this.#last !== null && isSame(this.#last.bytes, bytes, from, to)) return this.#last
    const hash = hashOf(bytes, from, to)
    const known = this.#others?.get(hash)
    if (known !== undefined && isSame(known.bytes, bytes, from, to)) return known
    const route = this.#make(bytes, from, to, bytes.toString('utf8', from, to))
    if (this.#last === null || route.problem !== null) return route
    this.#others ??= new Map([[hashOf(this.#last.bytes, 0, this.#last.bytes.length), this.#last]])
    if (this.#others.size >= ROUTES_MAX) this.#others.clear()
    this.#others.set(hash, route)
    return route
  }

  #make(bytes: Buffer, from: number, to: number, topic: string): Route {
    const malformed = utf8Problem(bytes, from, to, 'topic')
    const { username: identity, clientId } = this.#session
    return {
      topic,
      bytes: Uint8Array.prototype.slice.call(bytes, from, to),
      origin: this.#parts.journal.origin({ identity, clientId, topic }),
      problem: malformed === null ? null : { code: 'protocol-error', reason: malformed },
      isMalformed: malformed !== null,
      askedAtMs: -Infinity,
      isWanted: false,
      wantedVersion: -1,
      scan: this.#parts.laneOf(topic),
      next: null,
    }
  }
}

/** FNV-1a, 32 bits: cheaper than making the string that a Map would hash. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
  return hash
}

function isSame(known: Uint8Array, bytes: Buffer, from: number, to: number): boolean {
  if (known.length !== to - from) return false
  // from the end: topics of one sender begin alike
  for (let i = known.length - 1, at = to - 1; i >= 0; i--, at--) if (known[i] !== bytes[at]) return false
  return true
}
