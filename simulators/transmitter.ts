// A user information transmission device (GB/T 26875.3-2011) as a panel has it: connects to a centre, tells states, waits for the
// acknowledgement and tells again, sets its clock, answers duty checks. Its frames are made here, not with the code that will read them.
import { connect, type Socket } from 'node:net'
import { DEFAULT_TIME_ZONE, openZone, type Zone } from '#contracts/zone.ts'

export type Component = {
  systemType?: number
  systemAddress?: number
  type: number
  zone: number
  position: number
  status: number
  text?: string
  atMs: number
}
export type TransmitterOptions = {
  host: string
  port: number
  /** its own address and the centre's */
  address: number
  centre?: number
  heartbeatMs?: number
  /** the standard's 10 s and three tries */
  answerMs?: number
  /** does somebody answer a duty check? */
  isOnDuty?: boolean
  /** called with what the centre ordered: the type of its data */
  ordered?(type: number): void
  nowMs?(): number
  /** what its clock shows; default Beijing time */
  zone?: Zone
  /** writes at most so many bytes at once, with a pause between */
  pieceBytes?: number
}

const TRIES = 3
const ACK = 3
const NAK = 6

type Waiting = { resolve(outcome: 'acknowledged' | 'refused' | 'unheard'): void; timer: NodeJS.Timeout }

export class Transmitter {
  readonly #o: TransmitterOptions
  readonly #socket: Socket
  readonly #zone: Zone
  readonly #waiting = new Map<number, Waiting>()
  readonly #heartbeat: NodeJS.Timeout | null
  #read = Buffer.alloc(0)
  #seq = 0
  #written: Promise<void> = Promise.resolve()
  /** acknowledgements that the line loses, to see what happens then */
  loseAcks = 0
  clockSetAtMs = 0

  constructor(o: TransmitterOptions, socket: Socket) {
    this.#o = o
    this.#zone = o.zone ?? openZone(DEFAULT_TIME_ZONE)
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#heard(chunk))
    socket.on('error', () => {})
    const { heartbeatMs } = o
    this.#heartbeat = heartbeatMs === undefined ? null : setInterval(() => void this.send(2, Buffer.alloc(0)), heartbeatMs)
  }

  static async connect(o: TransmitterOptions): Promise<Transmitter> {
    const socket = connect({ host: o.host, port: o.port, noDelay: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new Transmitter(o, socket)
  }

  /** Type 2: states of components. */
  components(list: readonly Component[]): Promise<'acknowledged' | 'refused' | 'unheard'> {
    return this.send(2, Buffer.concat([Buffer.from([2, list.length]), ...list.map(one => componentBytes(one, this.#zone))]))
  }

  heartbeat(): Promise<'acknowledged' | 'refused' | 'unheard'> {
    return this.send(2, Buffer.alloc(0))
  }

  /** Sends, and sends the same again, until the centre has answered. */
  send(command: number, data: Buffer): Promise<'acknowledged' | 'refused' | 'unheard'> {
    const seq = (this.#seq = (this.#seq + 1) & 0xffff)
    const bytes = this.frame(seq, command, data)
    return new Promise(resolve => {
      let tries = 0
      const attempt = (): void => {
        if (++tries > TRIES || this.#socket.destroyed) return this.#answered(seq, 'unheard')
        this.#waiting.set(seq, { resolve, timer: setTimeout(attempt, this.#o.answerMs ?? 10_000) })
        void this.write(bytes)
      }
      attempt()
    })
  }

  frame(seq: number, command: number, data: Buffer): Buffer {
    const { address, centre = 1 } = this.#o
    const now = (this.#o.nowMs ?? Date.now)()
    const head = Buffer.alloc(25)
    head.writeUInt16LE(seq, 0)
    head.set([1, 0, ...clockBytes(now, this.#zone)], 2)
    head.writeUIntLE(address, 10, 6)
    head.writeUIntLE(centre, 16, 6)
    head.writeUInt16LE(data.length, 22)
    head[24] = command
    const body = Buffer.concat([head, data])
    const sum = body.reduce((total, byte) => (total + byte) & 0xff, 0)
    return Buffer.concat([Buffer.from('@@'), body, Buffer.from([sum]), Buffer.from('##')])
  }

  /** One frame after the other, also where the line is slow. */
  write(bytes: Buffer): Promise<void> {
    return (this.#written = this.#written.then(() => this.#inPieces(bytes)))
  }

  async #inPieces(bytes: Buffer): Promise<void> {
    const { pieceBytes = bytes.length } = this.#o
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      this.#socket.write(bytes.subarray(at, at + pieceBytes))
      if (pieceBytes < bytes.length) await new Promise(resolve => setTimeout(resolve, 2))
    }
  }

  close(): void {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat)
    for (const seq of this.#waiting.keys()) this.#answered(seq, 'unheard')
    this.#socket.destroy()
  }

  #answered(seq: number, outcome: 'acknowledged' | 'refused' | 'unheard'): void {
    const waiting = this.#waiting.get(seq)
    this.#waiting.delete(seq)
    clearTimeout(waiting?.timer)
    waiting?.resolve(outcome)
  }

  /** The centre's frames come whole and in order: no search for the next beginning is needed here. */
  #heard(chunk: Buffer): void {
    this.#read = Buffer.concat([this.#read, chunk])
    while (this.#read.length >= 30 && this.#read.length >= 30 + this.#read.readUInt16LE(24)) {
      const bytes = this.#read.subarray(0, 30 + this.#read.readUInt16LE(24))
      this.#read = this.#read.subarray(bytes.length)
      this.#frameHeard(bytes.readUInt16LE(2), bytes[26] ?? 0, bytes.subarray(27, -3))
    }
  }

  #frameHeard(seq: number, command: number, data: Buffer): void {
    if (command === ACK) {
      if (this.loseAcks-- > 0) return
      return this.#answered(seq, 'acknowledged')
    }
    if (command === NAK) return this.#answered(seq, 'refused')
    const [type = 0] = data
    this.#o.ordered?.(type)
    void this.write(this.frame(seq, ACK, Buffer.alloc(0)))
    if (type === 90) this.clockSetAtMs = clockMs(data.subarray(2, 8), this.#zone)
    if (type === 91 && this.#o.isOnDuty !== false)
      void this.send(2, Buffer.from([24, 1, 0x20, 1, ...clockBytes((this.#o.nowMs ?? Date.now)(), this.#zone)]))
  }
}

function clockBytes(ms: number, zone: Zone): number[] {
  const t = new Date(ms + zone.offsetMinutes(ms) * 60_000)
  return [t.getUTCSeconds(), t.getUTCMinutes(), t.getUTCHours(), t.getUTCDate(), t.getUTCMonth() + 1, t.getUTCFullYear() - 2000]
}

function clockMs(bytes: Uint8Array, zone: Zone): number {
  const [s = 0, min = 0, h = 0, day = 1, month = 1, year = 0] = bytes
  return zone.fromWallMs(Date.UTC(2000 + year, month - 1, day, h, min, s))
}

function componentBytes(
  { systemType = 1, systemAddress = 1, type, zone, position, status, text = '', atMs }: Component,
  clock: Zone,
): Buffer {
  const bytes = Buffer.alloc(46)
  bytes.set([systemType, systemAddress, type])
  bytes.writeUInt16LE(zone, 3)
  bytes.writeUInt16LE(position, 5)
  bytes.writeUInt16LE(status, 7)
  bytes.write(text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 31), 9, 'latin1')
  bytes.set(clockBytes(atMs, clock), 40)
  return bytes
}
