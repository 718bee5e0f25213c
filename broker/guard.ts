// The socket as Aedes sees it. In: every frame is whole and checked before anybody gets it; telemetry goes the fast lane
// (lane.ts), the rest to Aedes byte for byte, in an order that keeps what one client sent in the order it sent it. Out: the
// writes of one turn leave as one, write() never makes Aedes wait, and who does not read is cut.
import type { Client } from 'aedes'
import type { Duplex } from 'node:stream'
import type { Wait } from './admission.ts'
import { connectRefusal, makeCurrent, tooLarge, withoutDup } from './arrival.ts'
import { FRAME, frameProblem, publishFrameProblem } from './frame-rules.ts'
import { Frames, noFrame, type Frame } from './frames.ts'
import type { GuardParts } from './guard-parts.ts'
import type { Kept } from './keepalive.ts'
import { FastLane, type LaneOwner } from './lane.ts'
import { Line } from './line.ts'
import { Opening } from './opening.ts'
import { UNKNOWN_PEER, type Peer } from './peer.ts'
import { Sending } from './sending.ts'
import type { Problem, Session } from './sessions.ts'
import { readUint16 } from './text-rules.ts'

const PINGRESP = Buffer.from([0xd0, 0x00])
const RETAIN = 0x01
const QOS_2 = 0x04
const DONE = Promise.resolve()
/** the frame that is being looked at: nobody keeps it, and no guard looks while another does */
const frame: Frame = noFrame()

export class Guard extends Line implements LaneOwner, Kept {
  readonly #parts: GuardParts
  readonly #socket: Duplex
  readonly #frames = new Frames()
  readonly #sending: Sending
  readonly #opening: Opening
  #speaksMqtt31 = false
  /** first: nothing has come; connect: waiting for a whole CONNECT; deciding: Aedes has it; open: accepted; shut: refused or closing */
  #state: 'first' | 'connect' | 'deciding' | 'open' | 'shut' = 'first'
  /** settled: for what came before it; reader: for Aedes; otherwise admission's reason */
  #waitsFor: Wait | 'settled' | 'reader' | null = null
  #isWanted = false
  #peerEnded = false
  #isDue = false
  #session: Session | null = null
  #lane: FastLane | null = null
  /** frames that Aedes has and has not finished: PUBLISHes, and SUBSCRIBEs and UNSUBSCRIBEs */
  #storing = 0
  #storingKind: 'qos 2' | 'retained' = 'retained'
  #subscribing = 0
  #heardMs = 0
  #rateTimer: NodeJS.Timeout | undefined
  /** resolves when all PUBLISHes that Aedes has are answered */
  stores: Promise<unknown> = DONE
  /** Aedes hangs it here */
  declare client?: Client

  constructor(parts: GuardParts, socket: Duplex, peer: Peer = UNKNOWN_PEER) {
    super()
    this.#parts = parts
    this.#socket = socket
    this.#sending = new Sending(parts, socket)
    this.#opening = new Opening(peer)
    socket.on('data', (chunk: Buffer) => {
      this.#heardMs = parts.keepalive.nowMs()
      this.#frames.add(chunk)
      this.#pump()
    })
    socket.on('end', () => {
      this.#peerEnded = true
      this.#pump()
    })
    socket.on('error', error => this.destroy(error))
    socket.on('close', () => this.destroy())
  }

  /** what it showed before MQTT began */
  get peer(): Peer {
    return this.#opening.peer
  }

  /** As what it came, once its CONNECT was read. */
  begin(session: Session): void {
    this.#session = session
  }

  /** CONNECT was accepted: everything behind it may pass. */
  accept(): void {
    if (this.#state !== 'deciding') return
    this.#state = 'open'
    if (this.#session?.resumes === true) this.#sending.subscriber()
    this.#heardMs = this.#parts.keepalive.nowMs()
    this.#parts.keepalive.add(this)
    this.#pump()
  }

  /** Nothing more is read; what has passed is finished. For closing in order. */
  stopReading(): void {
    this.#state = 'shut'
    this.#socket.pause()
  }

  /** A PUBLISH that Aedes has, with a body of so many bytes, is on disk or refused. */
  stored(bodyBytes: number): void {
    this.#storing--
    this.#lane?.giveRoom(1, bodyBytes)
  }

  /** Resolves when what went the fast lane so far is with its subscribers. */
  settled(): Promise<void> {
    return new Promise(resolve => (this.#lane === null ? resolve() : this.#lane.whenSettled(resolve)))
  }

  /** Aedes is about to change a subscription that the client did not ask to change. */
  unsubscribing(): void {
    this.#subscribing++
  }

  /** Aedes has finished a SUBSCRIBE or UNSUBSCRIBE. */
  subscribed(): void {
    this.#subscribing--
    this.roomier()
  }

  get keepaliveMs(): number {
    return this.#session?.keepaliveMs ?? 0
  }

  lastHeardMs(nowMs: number): number {
    return this.#socket.isPaused() ? nowMs : this.#heardMs
  }

  silent(): void {
    this.destroy(new Error(SILENT))
  }

  due(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#parts.turn.add(this)
  }

  endOfTurn(): void {
    this.#lane?.settle()
    this.#flush()
    this.#isDue = false // only now: what settling sends is flushed here, not in one more turn
    if (this.#waitsFor === 'settled' || this.#peerEnded) this.#pump()
  }

  send(bytes: Buffer): void {
    if (this.destroyed) return
    this.#sending.add(bytes)
    this.due()
  }

  /** Reading goes on when half of the room is free: not one message at a time. */
  roomier(): void {
    if (this.#waitsFor === 'settled') return this.due()
    if (this.#waitsFor !== 'client' || this.#lane === null) return
    const { inFlightOfClient, inFlightBytesOfClient } = this.#parts.limits
    if (this.#lane.inFlight <= inFlightOfClient / 2 && this.#lane.inFlightBytes <= inFlightBytesOfClient / 2) this.#pump()
  }

  /** The journal did not take something [MQTT 3.1.1 has no negative PUBACK]: nothing of it is acknowledged, the connection ends. */
  failed(problem: Problem, topic: string | null): void {
    this.#refuse(problem, topic === null ? {} : { topic })
  }

  override _read(): void {
    this.#isWanted = true
    if (this.#waitsFor === 'reader') this.#pump()
  }

  override _final(done: () => void): void {
    this.#flush()
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#state = 'shut'
    this.#flush() // a refusing CONNACK is still in here
    this.#frames.drop()
    clearTimeout(this.#rateTimer)
    this.#parts.keepalive.remove(this)
    this.#parts.gate.forget(this)
    this.#lane?.abandon()
    this.#socket.destroy()
    done(error)
  }

  #pump(): void {
    if (this.destroyed || this.#state === 'shut') return
    const nowMs = this.#parts.clock.nowMs()
    this.#waitsFor = null
    let goesOn = true
    while (goesOn) goesOn = this.#passes(nowMs)
    if (this.destroyed) return
    const isStuck = this.#state === 'deciding' || this.#waitsFor !== null
    if (isStuck) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#resume()
    if (this.#peerEnded && !isStuck && this.#lane?.isSettled !== false) this.push(null)
  }

  #resume(): void {
    this.#heardMs = this.#parts.keepalive.nowMs() // it may have spoken meanwhile; it was us who did not listen
    this.#socket.resume()
  }

  /** Looks at what comes next; false = there is nothing, or it has to wait, or it ended the connection. */
  #passes(nowMs: number): boolean {
    if (this.#state === 'first') return this.#passGreeting()
    if (this.#state !== 'connect' && this.#state !== 'open') return false
    const { limits, maxPayloadBytes } = this.#parts
    const isOpen = this.#state === 'open'
    const most = isOpen ? Math.max(limits.connectFrameBytes, maxPayloadBytes + limits.frameOverheadBytes) : limits.connectFrameBytes
    const found = this.#frames.next(frame, most)
    if (found === 'more') return false
    if (found === 'malformed') return this.#wrong('a remaining length of more than four bytes [MQTT-2.2.3]')
    if (found === 'too-large') {
      const { problem, topic } = tooLarge(frame, most)
      return this.#refuse(problem, topic === undefined ? {} : { topic })
    }
    if (!(isOpen ? this.#passFrame(nowMs) : this.#passConnect())) return false
    this.#frames.taken(frame)
    return true
  }

  #passGreeting(): boolean {
    const greeted = this.#opening.greets(this.#frames)
    if (greeted === 'more') return false
    if (greeted !== 'connect') return this.#wrong(greeted.problem)
    this.#state = 'connect'
    return true
  }

  #passConnect(): boolean {
    const refusal = connectRefusal(frame)
    if (refusal?.answer != null) this.send(refusal.answer)
    if (refusal !== null) return this.#refuse(refusal.problem)
    this.#speaksMqtt31 = makeCurrent(frame)
    this.#state = 'deciding'
    this.#isWanted = this.push(frame.bytes.subarray(frame.at, frame.end))
    return true
  }

  #passFrame(nowMs: number): boolean {
    const first = frame.bytes[frame.at] ?? 0
    const type = first >> 4
    if (type === FRAME.publish) return this.#passPublish(first, nowMs)
    if (this.#speaksMqtt31) withoutDup(frame)
    const problem = frameProblem(frame)
    if (problem !== null) return this.#wrong(problem)
    if (type === FRAME.pingreq) {
      this.send(PINGRESP)
      return true
    }
    if (type >= FRAME.puback && type <= FRAME.pubcomp) return this.#passAnswer(type)
    if (this.#lane?.isSettled === false || this.#storing > 0 || this.#subscribing > 0) return this.#wait('settled')
    if (!this.#give()) return false
    if (type === FRAME.disconnect) this.#state = 'shut' // nothing may follow [MQTT-3.14.4-2]; what does is not read
    else this.#subscribing++
    if (type === FRAME.subscribe) this.#sending.subscriber().asked(frame.bytes, frame.bodyAt, frame.end)
    return true
  }

  #passAnswer(type: number): boolean {
    if (!this.#give()) return false
    const problem = this.#sending.answered(type, readUint16(frame.bytes, frame.bodyAt))
    return problem === null ? true : this.#wrong(problem)
  }

  /** What Aedes handles waits for what the fast lane has, and the other way round: a client's messages keep their order. */
  #passPublish(first: number, nowMs: number): boolean {
    const problem = publishFrameProblem(frame)
    if (problem !== null) return this.#wrong(problem)
    const lane = this.#lane ?? this.#openLane(nowMs)
    if (lane === null) return this.#wrong('a PUBLISH before its CONNECT was accepted [MQTT-3.1.4-5]')
    const kind = (first & QOS_2) !== 0 ? 'qos 2' : (first & RETAIN) !== 0 ? 'retained' : 'fast'
    // other kinds take another time to get to the journal
    const isBehindOthers = (kind !== 'fast' && !lane.isSettled) || (this.#storing > 0 && kind !== this.#storingKind)
    if (this.#subscribing > 0 || isBehindOthers) return this.#wait('settled')
    const verdict = lane.admits(frame, nowMs)
    if (typeof verdict === 'string') return this.#wait(verdict)
    if (verdict !== null) return this.#refuse(verdict, { topic: lane.topic, payload: frame.bytes.subarray(lane.payloadAt, frame.end) })
    if (kind === 'fast') {
      lane.put(frame)
      return true
    }
    if (!this.#give()) return false
    this.#storing++
    this.#storingKind = kind
    lane.takeRoom(frame.end - frame.bodyAt)
    return true
  }

  #openLane(nowMs: number): FastLane | null {
    const session = this.#session
    if (session?.identity == null) return null
    return (this.#lane = new FastLane(this.#parts, this, session, session.identity, nowMs))
  }

  #give(): boolean {
    if (!this.#isWanted) return this.#wait('reader')
    this.#isWanted = this.push(frame.bytes.subarray(frame.at, frame.end))
    return true
  }

  #wait(reason: Wait | 'settled' | 'reader'): false {
    this.#waitsFor = reason
    if (reason === 'settled' || reason === 'reader') return false
    this.#parts.meter.count('fengsui_mqtt_paused_total', { cause: reason })
    if (reason === 'all') this.#parts.gate.wait(this)
    if (reason === 'rate') {
      clearTimeout(this.#rateTimer)
      this.#rateTimer = setTimeout(() => this.#pump(), this.#lane?.allowance.resumeAfterMs() ?? 0)
    }
    return false
  }

  /** The gate has room again. */
  roomForAll(): void {
    this.#pump()
  }

  #wrong(reason: string): false {
    return this.#refuse({ code: 'protocol-error', reason })
  }

  #refuse(problem: Problem, more: { topic?: string; payload?: Uint8Array } = {}): false {
    if (this.destroyed) return false
    if (this.#session?.turnedOut !== true) this.#parts.refused(this, problem, more)
    if (this.#session !== null) this.#session.turnedOut = true
    this.#state = 'shut'
    this.destroy()
    return false
  }

  #flush(): void {
    const trouble = this.#sending.flush(this.#session?.resumes === true)
    if (trouble === null || this.destroyed) return
    if ('problem' in trouble) return void this.#refuse(trouble.problem)
    this.#parts.tooSlow(this, trouble.pendingBytes)
    this.destroy()
  }
}

/** In Aedes' words: not a mistake of anybody's. */
export const SILENT = 'keep alive timeout'
