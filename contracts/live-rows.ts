// The small frame of the live socket: devices of which only the condition or the time of hearing has changed, 8 bytes each. It takes the
// place of a JSON delta with the same seq, for who asks for it (sub-protocol `fengsui.v1.rows`). Little-endian throughout:
//   0 u8 kind = 1 | 1 u8 0 | 2 u16 count | 4 u32 seq | 8 f64 server time, ms since 1970
//   16 + 8 n: u32 device number (low 24 bits) and condition (high 8 bits, index into DEVICE_CONDITIONS) | u32 age of hearing, 0.1 s
import { DEVICE_CONDITIONS, type DeviceCondition } from './device.ts'

export const ROWS_PROTOCOL = 'fengsui.v1.rows'
export const ROWS_KIND = 1
export const HEAD_BYTES = 16
export const ROW_BYTES = 8
/** device numbers lie below this */
export const NUMBER_MAX = 2 ** 24
export const ROWS_MAX = 65_535
/** age of a device that was never heard */
const NEVER = 0xffff_ffff
const AGE_UNIT_MS = 100

export type SmallRow = { number: number; condition: DeviceCondition; heardAtMs: number | null }
export type RowsFrame = {
  type: 'rows'
  seq: number
  serverTimeMs: number
  count: number
  /** rows only, without the head */ bytes: DataView
}

export function encodeRows(o: { seq: number; serverTimeMs: number; rows: readonly SmallRow[] }): Uint8Array {
  const { rows } = o
  if (rows.length > ROWS_MAX) throw new RangeError(`${rows.length} rows in one frame; at most ${ROWS_MAX}`)
  const bytes = new Uint8Array(HEAD_BYTES + rows.length * ROW_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, ROWS_KIND)
  view.setUint16(2, rows.length, true)
  view.setUint32(4, o.seq, true)
  view.setFloat64(8, o.serverTimeMs, true)
  for (const [at, { number, condition, heardAtMs }] of rows.entries()) {
    const age = heardAtMs === null ? NEVER : Math.min(NEVER - 1, Math.max(0, Math.round((o.serverTimeMs - heardAtMs) / AGE_UNIT_MS)))
    view.setUint32(HEAD_BYTES + at * ROW_BYTES, number + DEVICE_CONDITIONS.indexOf(condition) * NUMBER_MAX, true)
    view.setUint32(HEAD_BYTES + at * ROW_BYTES + 4, age, true)
  }
  return bytes
}

/** null = not a frame of this kind: a hole like any other message that cannot be read. */
export function readFrame(buffer: ArrayBuffer): RowsFrame | null {
  if (buffer.byteLength < HEAD_BYTES) return null
  const view = new DataView(buffer)
  const count = view.getUint16(2, true)
  if (view.getUint8(0) !== ROWS_KIND || buffer.byteLength !== HEAD_BYTES + count * ROW_BYTES) return null
  const [seq, serverTimeMs] = [view.getUint32(4, true), view.getFloat64(8, true)]
  return { type: 'rows', seq, serverTimeMs, count, bytes: new DataView(buffer, HEAD_BYTES) }
}

/** Calls back for every row of a frame; nothing is allocated. `heardAtMs` is NaN for a device that was never heard. */
export function eachRow({ bytes, count, serverTimeMs }: RowsFrame, take: (number: number, code: number, heardAtMs: number) => void): void {
  for (let at = 0; at < count; at += 1) {
    const word = bytes.getUint32(at * ROW_BYTES, true)
    const age = bytes.getUint32(at * ROW_BYTES + 4, true)
    take(word % NUMBER_MAX, Math.floor(word / NUMBER_MAX), age === NEVER ? Number.NaN : serverTimeMs - age * AGE_UNIT_MS)
  }
}
