// PUBLISH packets of one connection, encoded once: a ring of frames of which only the digits that changed are written anew. What a
// message says is a function of its number, so that a test can ask the store for exactly these values.
import { generate } from 'mqtt-packet'

/** sequence numbers and counts start here, so that they always have nine digits; a reading's `pulse_count` is its sequence number */
export const FIRST_SEQ = 100_000_001
const DIGITS = { device: 6, seq: 9, ts: 13, packetId: 2 } as const
const QOS1 = 0x32
const QOS1_DUP = 0x3a

export type Subject = {
  /** its devices are called <prefix>-000000, -000001, ... */
  prefix: string
  /** messages go to so many devices in turn; 'each' = every message is the first of another one */
  devices: number | 'each'
  /** an alarm says that a smoke detector responds; otherwise an environment sensor counts up */
  alarm: boolean
}

export const deviceName = (prefix: string, device: number): string => `${prefix}-${String(device).padStart(DIGITS.device, '0')}`

/** the device and the sequence number of a connection's message number n (0, 1, ...) */
export const deviceAt = (subject: Subject, n: number): number => (subject.devices === 'each' ? n : n % subject.devices)
export const seqAt = (subject: Subject, n: number): number => FIRST_SEQ + (subject.devices === 'each' ? 0 : Math.floor(n / subject.devices))

function template({ prefix, alarm }: Subject): Buffer {
  const deviceId = deviceName(prefix, 0)
  const kind = alarm ? 'smoke' : 'environment'
  const seq = 10 ** (DIGITS.seq - 1)
  const head = { v: 1, msgId: `${deviceId}-${seq}`, deviceId, kind, ts: 10 ** (DIGITS.ts - 1), seq }
  const body = alarm
    ? { alarms: { smoke: true }, smoke: { obscurationDbPerM: 0.31, temperatureC: 34.5, coPpm: 41 } }
    : { metrics: { pulse_count: seq, temperature_c: 21.37, humidity_pct: 45.2 }, power: { batteryPct: 87 } }
  const payload = JSON.stringify({ ...head, ...body })
  return generate({
    cmd: 'publish',
    topic: `fire/v1/${kind}/${deviceId}/telemetry`,
    payload,
    qos: 1,
    messageId: 1,
    dup: false,
    retain: false,
  })
}

/** Where `digits` digits stand behind each occurrence of `before`. */
function places(frame: Buffer, before: string): number[] {
  const found: number[] = []
  for (let at = frame.indexOf(before); at >= 0; at = frame.indexOf(before, at + 1)) found.push(at + before.length)
  return found
}

export class Frames {
  readonly window: number
  readonly #subject: Subject
  readonly #ring: Buffer
  readonly #bytes: number
  readonly #packetIdAt: number
  readonly #deviceAt: number[]
  readonly #seqAt: number[]
  readonly #tsAt: number
  /** what the digits of each slot say now */
  readonly #device: Float64Array
  readonly #seq: Float64Array
  readonly #ts: Float64Array

  constructor(subject: Subject, window: number) {
    this.window = window
    this.#subject = subject
    const one = template(subject)
    const topicAt = one.indexOf('fire/v1')
    this.#bytes = one.length
    this.#packetIdAt = topicAt + one.readUInt16BE(topicAt - 2)
    this.#deviceAt = places(one, `${subject.prefix}-`)
    this.#seqAt = [...places(one, `${deviceName(subject.prefix, 0)}-`), ...places(one, '"seq":'), ...places(one, '"pulse_count":')]
    this.#tsAt = places(one, '"ts":')[0] ?? 0
    this.#ring = Buffer.alloc(one.length * window)
    for (let slot = 0; slot < window; slot++) {
      one.copy(this.#ring, slot * one.length)
      this.#ring.writeUInt16BE(slot + 1, slot * one.length + this.#packetIdAt)
    }
    this.#device = new Float64Array(window)
    this.#seq = new Float64Array(window).fill(10 ** (DIGITS.seq - 1))
    this.#ts = new Float64Array(window).fill(10 ** (DIGITS.ts - 1))
  }

  get frameBytes(): number {
    return this.#bytes
  }

  /** Makes message n in its slot; whatever was there must have been acknowledged. */
  encode(n: number, tsMs: number): void {
    const slot = n % this.window
    const from = slot * this.#bytes
    this.#ring[from] = QOS1
    const device = deviceAt(this.#subject, n)
    const seq = seqAt(this.#subject, n)
    for (const at of this.#deviceAt) this.#write(from + at + DIGITS.device, device, this.#device[slot] ?? 0)
    for (const at of this.#seqAt) this.#write(from + at + DIGITS.seq, seq, this.#seq[slot] ?? 0)
    this.#write(from + this.#tsAt + DIGITS.ts, tsMs, this.#ts[slot] ?? 0)
    this.#device[slot] = device
    this.#seq[slot] = seq
    this.#ts[slot] = tsMs
  }

  markRepeated(n: number): void {
    this.#ring[(n % this.window) * this.#bytes] = QOS1_DUP
  }

  /** Messages from..to-1 as one or two pieces of the ring. Valid until their slots are encoded again. */
  *pieces(from: number, to: number): Generator<Buffer> {
    for (let n = from; n < to;) {
      const slot = n % this.window
      const count = Math.min(to - n, this.window - slot)
      yield this.#ring.subarray(slot * this.#bytes, (slot + count) * this.#bytes)
      n += count
    }
  }

  /** Writes the last digits, as many as differ from what stands there. */
  #write(end: number, value: number, old: number): void {
    let at = end
    let now = value
    let was = old
    while (now !== was) {
      const next = Math.floor(now / 10)
      this.#ring[--at] = 48 + (now - next * 10)
      now = next
      was = Math.floor(was / 10)
    }
  }
}
