// Frames of GB/T 26875.3-2011 out of a stream of bytes: 40 40, control unit, data, sum, 23 23. Several may stand in one chunk; garbage
// between them is passed over; a frame with a wrong sum is told apart from none, because it has to be answered with a nak.

export type Frame = {
  seq: number
  version: string
  /** the sender's clock, epoch ms; undefined where it is no date */
  sentMs: number | undefined
  source: string
  target: string
  command: number
  data: Uint8Array
}

export type Frames = { frames: Frame[]; faults: string[] }

const DATA_BYTES_MAX = 1_024
const HEAD_BYTES = 27
const FRAMES_MAX = 64
const BEIJING_MS = 8 * 3_600_000

export function framesIn(bytes: Uint8Array): Frames {
  const found: Frames = { frames: [], faults: [] }
  let at = 0
  while (at + 1 < bytes.length && found.frames.length + found.faults.length < FRAMES_MAX) {
    if (bytes[at] !== 0x40 || bytes[at + 1] !== 0x40) {
      at += 1
      continue
    }
    const read = frameAt(bytes.subarray(at))
    if (typeof read === 'string') {
      found.faults.push(`${read} (frame at byte ${at})`)
      // resynchronise on the next begin mark
      at += 2
    } else {
      found.frames.push(read.frame)
      at += read.length
    }
  }
  if (found.frames.length + found.faults.length === 0) found.faults.push('no frame that begins with 40 40')
  return found
}

function frameAt(bytes: Uint8Array): { frame: Frame; length: number } | string {
  if (bytes.length < HEAD_BYTES + 3) return 'the frame ends too early'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const dataBytes = view.getUint16(24, true)
  const length = HEAD_BYTES + dataBytes + 3
  if (dataBytes > DATA_BYTES_MAX) return `length: ${dataBytes} bytes of data, ${DATA_BYTES_MAX} are the most`
  if (bytes.length < length) return 'the frame ends too early'
  const sum = bytes.subarray(2, length - 3).reduce((total, byte) => total + byte, 0) & 0xff
  if (bytes[length - 3] !== sum) return `checksum: ${bytes[length - 3]} came, ${sum} is right: to be answered with a nak`
  if (bytes[length - 2] !== 0x23 || bytes[length - 1] !== 0x23) return 'the frame does not end with 23 23'
  const frame: Frame = {
    seq: view.getUint16(2, true),
    version: `${bytes[4] ?? 0}.${bytes[5] ?? 0}`,
    sentMs: timeAt(bytes, 6),
    source: address(bytes, 12),
    target: address(bytes, 18),
    command: bytes[26] ?? 0,
    data: bytes.subarray(HEAD_BYTES, HEAD_BYTES + dataBytes),
  }
  return { frame, length }
}

/** Six bytes, low byte first. */
function address(bytes: Uint8Array, at: number): string {
  let value = 0
  for (let i = 5; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0)
  return String(value)
}

/** s, min, h, day, month, year since 2000: local time of the building, Beijing in practice. undefined = no date. */
export function timeAt(bytes: Uint8Array, at: number): number | undefined {
  const [s = 60, min = 60, h = 24, day = 0, month = 0, year = 100] = bytes.subarray(at, at + 6)
  if (s > 59 || min > 59 || h > 23 || day < 1 || day > 31 || month < 1 || month > 12 || year > 99) return undefined
  const ms = Date.UTC(2000 + year, month - 1, day, h, min, s)
  return new Date(ms).getUTCDate() === day ? ms - BEIJING_MS : undefined
}
