// One MQTT connection as a careful device has it: QoS 1, so many unacknowledged at most, and when the connection ends it comes back
// with back-off and sends what was not acknowledged again, in order and marked as repeated. Keeps which messages were acknowledged.
// Not a client for use: reads nothing but CONNACK and PUBACK.
import { connect, type Socket } from 'node:net'
import { generate } from 'mqtt-packet'
import { Frames, type Subject } from './raw-frames.ts'

const PACKET_BYTES = 4
const CONNACK = 0x20
const PUBACK = 0x40
/** Messages that are due and cannot be sent yet; further ones are never made. */
const DUE_MAX = 100_000

export type RawDeviceOptions = Subject & {
  port: number
  clientId: string
  window: number
  username?: string | undefined
  password?: string | undefined
  localAddress?: string | undefined
  /** first and longest wait before it comes back, with jitter; null = it stays away */
  backOffMs: { first: number; longest: number } | null
  /** from begin() on each message is followed by another one as soon as it is acknowledged */
  closedLoop: boolean
  onAck(latencyMs: number): void
  onReady?(): void
  onLost?(reason: string): void
}

export type Account = { prefix: string; devices: number | 'each'; alarm: boolean; sent: number; acked: number; ackedBeyond: number[] }

export class RawDevice {
  readonly #o: RawDeviceOptions
  readonly #frames: Frames
  readonly #connectPacket: Buffer
  /** performance.now() at which each message of the window was meant to be sent */
  readonly #intendedMs: Float64Array
  /** 1 = acknowledged before an older one was */
  readonly #ackedEarly: Uint8Array
  #due: number[] = []
  #socket: Socket | undefined
  #rest: Buffer = Buffer.alloc(0)
  #sent = 0
  #acked = 0
  #waitMs: number
  #timer: NodeJS.Timeout | undefined
  #begun = false
  #stopped = false
  #ended = false
  ready = false
  repeated = 0
  disorder = 0
  overdue = 0

  constructor(o: RawDeviceOptions) {
    this.#o = o
    this.#frames = new Frames(o, o.window)
    this.#intendedMs = new Float64Array(o.window)
    this.#ackedEarly = new Uint8Array(o.window)
    this.#waitMs = o.backOffMs?.first ?? 0
    const { clientId, username, password } = o
    const login = username === undefined ? {} : { username, password: Buffer.from(password ?? '') }
    this.#connectPacket = generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId,
      keepalive: 0,
      clean: true,
      ...login,
    })
    this.#connect()
  }

  get sent(): number {
    return this.#sent
  }

  /** all up to there; single ones behind it are in the account */
  get acked(): number {
    return this.#acked
  }

  get inFlight(): number {
    return this.#sent - this.#acked
  }

  /** A closed loop starts. Not with the connection: who is in already would take the broker's time from those who still come. */
  begin(): void {
    this.#begun = true
    this.#fill(performance.now())
  }

  /** A message that was due at `atMs` (performance.now()). */
  offer(atMs: number): void {
    if (this.#stopped) return
    if (this.ready && this.#due.length === 0 && this.inFlight < this.#o.window) this.#send(1, atMs)
    else if (this.#due.length < DUE_MAX) this.#due.push(atMs)
    else this.overdue += 1
  }

  /** Nothing new any more; what is unacknowledged goes on being sent. */
  stop(): void {
    this.#stopped = true
    this.#due = []
  }

  end(): void {
    this.#stopped = true
    this.#ended = true
    clearTimeout(this.#timer)
    this.#socket?.destroy()
  }

  account(): Account {
    const { prefix, devices, alarm, window } = this.#o
    const ackedBeyond: number[] = []
    for (let n = this.#acked; n < this.#sent; n++) if (this.#ackedEarly[n % window] === 1) ackedBeyond.push(n)
    return { prefix, devices, alarm, sent: this.#sent, acked: this.#acked, ackedBeyond }
  }

  #connect(): void {
    const { port, localAddress } = this.#o
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...(localAddress === undefined ? {} : { localAddress }) })
    this.#socket = socket
    this.#rest = Buffer.alloc(0)
    let reason = 'closed'
    socket.on('data', (chunk: Buffer) => this.#received(socket, chunk))
    socket.on('error', (error: NodeJS.ErrnoException) => (reason = error.code ?? error.message))
    socket.once('close', () => this.#lost(socket, reason))
    socket.write(this.#connectPacket)
  }

  #lost(socket: Socket, reason: string): void {
    if (this.#socket !== socket) return
    this.ready = false
    this.#socket = undefined
    if (this.#ended) return
    this.#o.onLost?.(reason)
    if (this.#o.backOffMs === null) return
    this.#timer = setTimeout(() => this.#connect(), this.#waitMs * (0.5 + Math.random()))
    this.#waitMs = Math.min(this.#waitMs * 2, this.#o.backOffMs.longest)
  }

  #received(socket: Socket, chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const nowMs = performance.now()
    let at = 0
    for (; at + PACKET_BYTES <= bytes.length; at += PACKET_BYTES) {
      const type = bytes[at]
      if (type === PUBACK) this.#puback((bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0), nowMs)
      else if (type === CONNACK && bytes[at + 3] === 0) this.#welcome(socket)
      else if (type === CONNACK) socket.destroy(new Error(`CONNACK ${bytes[at + 3]}`))
      else socket.destroy(new Error(`unexpected packet ${type}`))
    }
    this.#rest = bytes.subarray(at)
    this.#fill(nowMs)
  }

  #welcome(socket: Socket): void {
    this.ready = true
    this.#waitMs = this.#o.backOffMs?.first ?? 0
    for (let n = this.#acked; n < this.#sent; n++) {
      if (this.#ackedEarly[n % this.#o.window] === 1) continue
      this.#frames.markRepeated(n)
      this.repeated += 1
      for (const piece of this.#frames.pieces(n, n + 1)) socket.write(piece)
    }
    this.#o.onReady?.()
  }

  #puback(packetId: number, nowMs: number): void {
    const { window } = this.#o
    const slot = packetId - 1
    const oldest = this.#acked % window
    const n = this.#acked + ((slot - oldest + window) % window)
    if (n >= this.#sent) return // acknowledged twice: a repeated message and its first sending
    if (this.#ackedEarly[slot] === 1) return
    this.#o.onAck(nowMs - (this.#intendedMs[slot] ?? nowMs))
    if (n !== this.#acked) {
      this.disorder += 1
      this.#ackedEarly[slot] = 1
      return
    }
    this.#acked += 1
    while (this.#acked < this.#sent && this.#ackedEarly[this.#acked % window] === 1) {
      this.#ackedEarly[this.#acked % window] = 0
      this.#acked += 1
    }
  }

  #fill(nowMs: number): void {
    if (!this.ready || this.#stopped) return
    const room = this.#o.window - this.inFlight
    if (this.#o.closedLoop) this.#send(this.#begun ? room : 0, nowMs)
    else if (this.#due.length > 0 && room > 0) this.#sendDue(room)
  }

  #sendDue(room: number): void {
    for (const atMs of this.#due.splice(0, room)) this.#send(1, atMs)
  }

  #send(count: number, intendedMs: number): void {
    if (count <= 0) return
    const tsMs = Date.now()
    const from = this.#sent
    for (let n = from; n < from + count; n++) {
      this.#frames.encode(n, tsMs)
      this.#intendedMs[n % this.#o.window] = intendedMs
    }
    this.#sent += count
    for (const piece of this.#frames.pieces(from, this.#sent)) this.#socket?.write(piece)
  }
}
