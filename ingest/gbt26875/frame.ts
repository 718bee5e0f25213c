// Frames of GB/T 26875.3-2011 out of a stream of bytes: 40 40, control unit, data, sum, 23 23. Several may stand in one chunk and one in
// several; garbage between them is passed over; a frame with a wrong sum is told apart from none, because it has to be answered with a nak.
import type { Zone } from '#contracts/zone.ts'

export type Frame = {
  seq: number
  version: string
  /** the sender's clock, epoch ms; undefined where it is no date */
  /** as the transmitter's clock shows it, see wallAt */
  sentWallMs: number | undefined
  source: string
  target: string
  command: number
  data: Uint8Array
}
/** `at` and `end` are where it stands in the bytes that were scanned. */
export type Scanned = { at: number; end: number } & ({ frame: Frame } | { damaged: Frame; reason: string } | { fault: string })
export type Scan = { found: Scanned[]; /** the first byte that may still begin a frame, when more has come */ heldFrom: number }
export type Frames = { frames: Frame[]; faults: string[] }

export const DATA_BYTES_MAX = 1_024
const HEAD_BYTES = 27
const TAIL_BYTES = 3
export const FRAME_BYTES_MAX = HEAD_BYTES + DATA_BYTES_MAX + TAIL_BYTES
const FRAMES_MAX = 64
const FAULTS_MAX = 16
const MARK = 0x40
const END = 0x23

/**
 * Left to right, so that it does not matter in which pieces the bytes came. After anything that is no frame the search goes on one byte
 * further: the true beginning may overlap the false one. `isWhole`: no more will come, what is incomplete is a fault.
 */
export function scan(bytes: Uint8Array, isWhole: boolean): Scan {
  const found: Scanned[] = []
  let at = 0
  let faults = 0
  const fault = (what: string): void => {
    if (++faults <= FAULTS_MAX) found.push({ at, end: at + 2, fault: what })
    at += 1
  }
  for (;;) {
    at = nextMark(bytes, at)
    if (at >= bytes.length) break
    const read = candidateAt(bytes, at)
    if (read === null) {
      if (!isWhole) break
      fault('the frame ends too early')
    } else if (typeof read === 'string') fault(read)
    else {
      found.push(read)
      at = 'frame' in read ? read.end : at + 1
    }
  }
  return { found, heldFrom: at }
}

/** Where 40 40 stands, or a 40 that is the last byte; else the end. */
function nextMark(bytes: Uint8Array, from: number): number {
  let at = from
  while (at < bytes.length && (bytes[at] !== MARK || (at + 1 < bytes.length && bytes[at + 1] !== MARK))) at += 1
  return at
}

/** null = more has to come; a text is why it is none. */
function candidateAt(bytes: Uint8Array, at: number): Scanned | null | string {
  const left = bytes.length - at
  if (left < HEAD_BYTES) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, left)
  const dataBytes = view.getUint16(24, true)
  if (dataBytes > DATA_BYTES_MAX) return `length: ${dataBytes} bytes of data, ${DATA_BYTES_MAX} are the most`
  const length = HEAD_BYTES + dataBytes + TAIL_BYTES
  if (left < length) return null
  const whole = bytes.subarray(at, at + length)
  if (whole[length - 2] !== END || whole[length - 1] !== END) return 'the frame does not end with 23 23'
  const frame = frameOf(whole, view, dataBytes)
  const sum = sumOf(whole.subarray(2, length - TAIL_BYTES))
  if (whole[length - TAIL_BYTES] === sum) return { at, end: at + length, frame }
  const reason = `checksum: ${whole[length - TAIL_BYTES]} came, ${sum} is right: to be answered with a nak`
  return { at, end: at + length, damaged: frame, reason }
}

const frameOf = (bytes: Uint8Array, view: DataView, dataBytes: number): Frame => ({
  seq: view.getUint16(2, true),
  version: `${bytes[4] ?? 0}.${bytes[5] ?? 0}`,
  sentWallMs: wallAt(bytes, 6),
  source: address(bytes, 12),
  target: address(bytes, 18),
  command: bytes[26] ?? 0,
  data: bytes.subarray(HEAD_BYTES, HEAD_BYTES + dataBytes),
})

const sumOf = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0) & 0xff

/** Of a message that is complete. Faults are told only as far as somebody may want to read them. */
export function framesIn(bytes: Uint8Array): Frames {
  const frames: Frame[] = []
  const faults: string[] = []
  for (const one of scan(bytes, true).found) {
    if ('frame' in one) frames.push(one.frame)
    else if (faults.length < FAULTS_MAX) faults.push(`${'fault' in one ? one.fault : one.reason} (frame at byte ${one.at})`)
  }
  if (frames.length + faults.length === 0) faults.push('no frame that begins with 40 40')
  return { frames: frames.slice(0, FRAMES_MAX), faults }
}

/** Six bytes, low byte first. */
function address(bytes: Uint8Array, at: number): string {
  let value = 0
  for (let i = 5; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0)
  return String(value)
}

/** s, min, h, day, month, year since 2000, in the building's local time; given as if that were UTC. undefined = no date. */
export function wallAt(bytes: Uint8Array, at: number): number | undefined {
  const [s = 60, min = 60, h = 24, day = 0, month = 0, year = 100] = bytes.subarray(at, at + 6)
  if (s > 59 || min > 59 || h > 23 || day < 1 || day > 31 || month < 1 || month > 12 || year > 99) return undefined
  const ms = Date.UTC(2000 + year, month - 1, day, h, min, s)
  return new Date(ms).getUTCDate() === day ? ms : undefined
}

export function timeAt(bytes: Uint8Array, at: number, zone: Zone): number | undefined {
  const wallMs = wallAt(bytes, at)
  return wallMs === undefined ? undefined : zone.fromWallMs(wallMs)
}

export function timeBytes(ms: number, zone: Zone): number[] {
  const local = new Date(ms + zone.offsetMinutes(ms) * 60_000)
  return [
    local.getUTCSeconds(),
    local.getUTCMinutes(),
    local.getUTCHours(),
    local.getUTCDate(),
    local.getUTCMonth() + 1,
    local.getUTCFullYear() % 100,
  ]
}

export type Outgoing = Pick<Frame, 'seq' | 'version' | 'source' | 'target' | 'command'> & {
  sentMs: number
  zone: Zone
  data?: Uint8Array
}

export function encodeFrame({ seq, version, sentMs, zone, source, target, command, data = new Uint8Array() }: Outgoing): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + data.length + TAIL_BYTES)
  const [main = 1, user = 0] = version.split('.').map(Number)
  bytes.set([MARK, MARK])
  bytes.writeUInt16LE(seq & 0xffff, 2)
  bytes.set([main & 0xff, user & 0xff, ...timeBytes(sentMs, zone)], 4)
  bytes.writeUIntLE(Number(source), 12, 6)
  bytes.writeUIntLE(Number(target), 18, 6)
  bytes.writeUInt16LE(data.length, 24)
  bytes[26] = command
  bytes.set(data, HEAD_BYTES)
  bytes[bytes.length - TAIL_BYTES] = sumOf(bytes.subarray(2, bytes.length - TAIL_BYTES))
  bytes.set([END, END], bytes.length - 2)
  return bytes
}
