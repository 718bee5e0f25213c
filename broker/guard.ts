// The socket as Aedes sees it. In: frames too large are refused before they are buffered, nothing passes between CONNECT and
// its acceptance, and no more PUBLISHes pass than may wait for the disk. Out: writes of one turn of the loop leave as one
// segment, write() never makes Aedes wait (a frozen subscriber would stop every publisher), and who does not read is cut.
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { ErrorCode } from '#contracts/errors.ts'
import { CONNACK_VERSION, CONNECT_BYTE, PUBLISH, protocolLevel, readHeader, topicOf, type FrameHeader } from './frames.ts'
import type { Gate } from './gate.ts'
import type { Limits } from './limits.ts'

export type GuardOptions = {
  socket: Socket
  gate: Gate
  limits: Limits
  maxPayloadBytes: number
  refused: (code: ErrorCode, reason: string, more?: { topic?: string; payload?: Uint8Array }) => void
  tooSlow: (pendingBytes: number) => void
}

type WriteDone = (error?: Error | null) => void
const NOTHING = Buffer.alloc(0)

export class Guard extends Duplex {
  readonly #o: GuardOptions
  readonly #socket: Socket
  readonly #frameBytesMax: number
  /** connect: waiting for a whole CONNECT; deciding: Aedes has it; open: accepted; shut: refused or closing */
  #state: 'connect' | 'deciding' | 'open' | 'shut' = 'connect'
  #held: Buffer = NOTHING
  #wanted = false
  #peerEnded = false
  /** the frame that is passing through */
  #bodyLeft = 0
  #publishBytes = 0
  #inFlight = 0
  #inFlightBytes = 0
  #blocked = false
  #out: Buffer[] = []
  #flushDue = false
  #slowSinceMs: number | undefined

  constructor(o: GuardOptions) {
    super()
    this.#o = o
    this.#socket = o.socket
    this.#frameBytesMax = Math.max(o.limits.connectFrameBytes, o.maxPayloadBytes + o.limits.frameOverheadBytes)
    o.socket.on('data', (chunk: Buffer) => {
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
      this.#pump()
    })
    o.socket.on('end', () => {
      this.#peerEnded = true
      this.#pump()
    })
    o.socket.on('error', error => this.destroy(error))
    o.socket.on('close', () => this.destroy())
  }

  /** CONNECT was accepted: everything behind it may pass. */
  accept(): void {
    if (this.#state !== 'deciding') return
    this.#state = 'open'
    this.#pump()
  }

  /** Nothing more is read; what has passed is finished. For closing in order. */
  stopReading(): void {
    this.#state = 'shut'
    this.#socket.pause()
  }

  /** A PUBLISH with this remaining length is on disk or refused. */
  settled(bodyBytes: number): void {
    if (this.destroyed) return
    this.#inFlight--
    this.#inFlightBytes -= bodyBytes
    this.#o.gate.leave(bodyBytes)
    const { inFlightOfClient, inFlightBytesOfClient } = this.#o.limits
    if (this.#blocked && this.#inFlight <= inFlightOfClient / 2 && this.#inFlightBytes <= inFlightBytesOfClient / 2) this.resumeReading()
  }

  resumeReading(): void {
    this.#blocked = false
    this.#pump()
  }

  override _read(): void {
    this.#wanted = true
    this.#pump()
  }

  /**
   * Takes the bytes at once, whatever the socket does: Aedes waits for whoever says false, and one frozen subscriber would then
   * hold up everybody. Stands in front of Writable's own queue, which would be walked three times for every PUBACK.
   */
  override write(chunk: Buffer | string, encoding?: BufferEncoding | WriteDone, written?: WriteDone): boolean {
    this.#collect(typeof chunk === 'string' ? Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8') : chunk)
    const done = typeof encoding === 'function' ? encoding : written
    if (done !== undefined) queueMicrotask(done)
    return true
  }

  /** Writes are gathered per turn of the loop already. */
  override cork(): void {}
  override uncork(): void {}

  override _final(done: () => void): void {
    this.#flush()
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#state = 'shut'
    this.#flush() // a refusing CONNACK is still in here
    this.#held = NOTHING
    this.#o.gate.forget(this.#waiter)
    this.#o.gate.leave(this.#inFlightBytes)
    this.#inFlightBytes = 0
    this.#socket.destroy()
    done(error)
  }

  readonly #waiter = { resume: (): void => this.resumeReading() }

  #pump(): void {
    if (this.destroyed || this.#state === 'shut') return
    if (this.#state === 'connect') this.#passConnect()
    while (this.#state === 'open' && this.#wanted && !this.#blocked && this.#held.length > 0) {
      const end = this.#admissible()
      if (end === 0) break
      const passing = this.#held.subarray(0, end)
      this.#held = end === this.#held.length ? NOTHING : this.#held.subarray(end)
      this.#wanted = this.push(passing)
    }
    const stuck = this.#state === 'deciding' || this.#blocked || (!this.#wanted && this.#held.length > 0)
    if (stuck) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
    if (this.#peerEnded && !stuck) this.push(null)
  }

  /** Buffers at most connectFrameBytes, lets exactly the CONNECT through, then waits for the decision. */
  #passConnect(): void {
    const header = readHeader(this.#held, 0)
    if (header === 'partial') return
    if (header === 'malformed' || this.#held[0] !== CONNECT_BYTE)
      return this.#refuse('protocol-error', 'the first packet is not an MQTT CONNECT')
    const { headerBytes, bodyBytes } = header
    const max = this.#o.limits.connectFrameBytes
    if (bodyBytes > max) return this.#refuse('payload-too-large', `a CONNECT of ${bodyBytes} bytes; the bound is ${max}`)
    const end = headerBytes + bodyBytes
    if (this.#held.length < end) return
    const level = protocolLevel(this.#held.subarray(headerBytes, end))
    if (level === null) return this.#refuse('protocol-error', 'the CONNECT does not name MQTT as its protocol')
    if (level !== 3 && level !== 4) return this.#refuseVersion(level)
    this.#state = 'deciding'
    this.#wanted = this.push(this.#held.subarray(0, end))
    this.#held = this.#held.subarray(end)
  }

  #refuseVersion(level: number): void {
    this.#collect(CONNACK_VERSION)
    const name = level === 5 ? 'MQTT 5' : `MQTT protocol level ${level}`
    this.#refuse('protocol-version', `the client speaks ${name}; this broker speaks MQTT 3.1.1 (set the client to version 4, or bridge)`)
  }

  /** How many of the held bytes may pass now. Leaves a header that is not all there, and PUBLISHes beyond the bounds. */
  #admissible(): number {
    const held = this.#held
    let at = 0
    while (at < held.length) {
      if (this.#bodyLeft === 0) {
        const header = readHeader(held, at)
        if (header === 'partial') break
        if (!this.#admits(header, at)) break
        at += header.headerBytes
        this.#bodyLeft = header.bodyBytes
      }
      const taken = Math.min(this.#bodyLeft, held.length - at)
      at += taken
      this.#bodyLeft -= taken
      if (this.#bodyLeft === 0) this.#framePassed()
    }
    return this.#state === 'open' ? at : 0
  }

  #admits(header: FrameHeader | 'malformed', at: number): header is FrameHeader {
    if (header === 'malformed') {
      this.#refuse('protocol-error', 'a remaining length of more than four bytes [MQTT-2.2.3]')
      return false
    }
    if (header.bodyBytes > this.#frameBytesMax) {
      const topic = header.type === PUBLISH ? topicOf(this.#held, at + header.headerBytes) : undefined
      const reason = `a frame of ${header.bodyBytes} bytes; the bound is ${this.#frameBytesMax}`
      this.#refuse('payload-too-large', reason, topic === undefined ? {} : { topic })
      return false
    }
    if (header.type !== PUBLISH) return true
    const { inFlightOfClient, inFlightBytesOfClient } = this.#o.limits
    if (this.#o.gate.full) this.#o.gate.wait(this.#waiter)
    else if (this.#inFlight < inFlightOfClient && this.#inFlightBytes < inFlightBytesOfClient) {
      this.#publishBytes = header.bodyBytes
      return true
    }
    this.#blocked = true
    return false
  }

  /** Counted when whole, so that nobody holds room for a message that never ends. */
  #framePassed(): void {
    if (this.#publishBytes === 0) return
    this.#inFlight++
    this.#inFlightBytes += this.#publishBytes
    this.#o.gate.enter(this.#publishBytes)
    this.#publishBytes = 0
  }

  #refuse(code: ErrorCode, reason: string, more: { topic?: string } = {}): void {
    this.#state = 'shut'
    this.#o.refused(code, reason, more)
    this.destroy()
  }

  #collect(chunk: Buffer): void {
    if (this.destroyed) return
    this.#out.push(chunk)
    if (this.#flushDue) return
    this.#flushDue = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#flushDue = false
    const chunks = this.#out
    if (chunks.length === 0) return
    this.#out = []
    if (!this.#socket.writable) return
    this.#socket.write(chunks.length === 1 ? (chunks[0] ?? NOTHING) : Buffer.concat(chunks))
    this.#cutIfSlow(this.#socket.writableLength)
  }

  /** A burst may take a moment on a healthy line; what is still there a second later, or is far too much, is not healthy. */
  #cutIfSlow(pendingBytes: number): void {
    const { slowBytes, slowestBytes, slowMs } = this.#o.limits
    if (pendingBytes <= slowBytes) return void (this.#slowSinceMs = undefined)
    this.#slowSinceMs ??= performance.now()
    if (pendingBytes <= slowestBytes && performance.now() - this.#slowSinceMs <= slowMs) return
    if (this.destroyed) return
    this.#o.tooSlow(pendingBytes)
    this.destroy()
  }
}
