// MEOKON wireless terminal protocol V3.0 and V3.3 (hydrant pressure, tanks): one frame with the state of now and up to 600 cached records. Big
// endian, CRC-16/MODBUS over everything before it. The device sends its cache again until it is answered: old records are history.
import { scaled, type Found } from '../compose.ts'
import { stamp } from '../time.ts'
import { BYTES, limitFlags, METERS, unknownMeter, type Form, type Meter, type Value } from './meters.ts'

const HEAD_BYTES = 25
const TAIL_BYTES = 4
const RECORDS_MAX = 600
/** of a type that is not in the table */
const VALUES_MAX = 4
/** limits and one record of the widest type */
const RECORD_BYTES_MAX = 32

/** how it is supplied: 00 both, 01 battery, 10 mains */
const SUPPLY_BITS = 0x60
const MAINS_ONLY = 0x40

/** The id of a terminal, twelve characters. */
export const idOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(5, 17)).replaceAll(/[^\x21-\x7e]/g, '')
export const isMeokon = (bytes: Uint8Array): boolean => bytes[0] === 0xa5 && bytes[1] === 0x5a

/** Readings oldest first, or what is wrong with the frame. */
export function readFrame(bytes: Uint8Array, receivedAtMs: number): Found[] | { fault: string } {
  if (!isMeokon(bytes) || bytes.length < HEAD_BYTES + TAIL_BYTES) return { fault: 'not a frame that begins with A5 5A' }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getUint16(3)
  if (length !== bytes.length) return { fault: `length: the frame says ${length} bytes, ${bytes.length} came` }
  if (view.getUint16(length - 2) !== 0x55aa) return { fault: 'the frame does not end with 55 AA' }
  const crc = crc16(bytes.subarray(0, length - TAIL_BYTES))
  if (view.getUint16(length - TAIL_BYTES) !== crc)
    return { fault: `crc: ${hex(view.getUint16(length - TAIL_BYTES))} came, ${hex(crc)} is right` }
  if (bytes[2] !== 0) return { fault: `command ${bytes[2]} is not an upload` }
  const records = view.getUint16(21)
  const meter = records > RECORDS_MAX ? undefined : meterOf(view.getUint8(23), records, length)
  if (meter === undefined) return { fault: `${records} records of meter type ${view.getUint8(23)} do not fit ${length} bytes` }
  return readingsOf(view, records, meter, receivedAtMs)
}

const recordBytes = ({ values }: Pick<Meter, 'values'>): number => values.reduce((sum, { form }) => sum + BYTES[form], 0)
const limitsBytes = ({ pairs, values }: Meter): number =>
  Array.from({ length: pairs }, (_, i) => 2 * BYTES[(values[i] ?? values[0])?.form ?? 's16']).reduce((sum, bytes) => sum + bytes, 0)

/** By the table where the length is the table's; else so many whole numbers as the length has room for, the only one by its type. */
function meterOf(type: number, records: number, length: number): Meter | undefined {
  const known = METERS[type]
  const room = length - HEAD_BYTES - 4 - TAIL_BYTES
  if (known !== undefined && limitsBytes(known) + recordBytes(known) * (records + 1) === room) return known
  const count = room / (6 + 2 * records)
  if (!Number.isInteger(count) || count < 1 || count > VALUES_MAX) return undefined
  const [first] = known?.values ?? []
  return count === 1 && known !== undefined && first !== undefined && BYTES[first.form] === 2
    ? { ...known, pairs: 1, values: [first] }
    : unknownMeter(count)
}

const FRAME_BYTES_MAX = HEAD_BYTES + 4 + TAIL_BYTES + RECORD_BYTES_MAX * (RECORDS_MAX + 2)

/**
 * Whole frames out of what a connection has sent so far; `rest` may become one when more has come. A frame that is cut short must not
 * hold back the next: `isWhole` says that no more is waited for.
 */
export function framesIn(bytes: Buffer, isWhole: boolean): { frames: Buffer[]; rest: Buffer } {
  const frames: Buffer[] = []
  let at = 0
  for (;;) {
    at = bytes.indexOf(0xa5, at)
    if (at < 0) return { frames, rest: Buffer.alloc(0) }
    const left = bytes.length - at
    const isBegin = left < 2 || bytes[at + 1] === 0x5a
    const length = left < 5 ? HEAD_BYTES + TAIL_BYTES : bytes.readUInt16BE(at + 3)
    const fits = isBegin && length >= HEAD_BYTES + TAIL_BYTES && length <= FRAME_BYTES_MAX
    if (fits && left < length && !isWhole) return { frames, rest: Buffer.from(bytes.subarray(at)) }
    const isFrame = fits && left >= length && bytes.readUInt16BE(at + length - 2) === 0x55aa
    if (isFrame) frames.push(Buffer.from(bytes.subarray(at, at + length)))
    at += isFrame ? length : 1
  }
}

const hex = (value: number): string => value.toString(16).padStart(4, '0')

function readingsOf(view: DataView, records: number, meter: Meter, receivedAtMs: number): Found[] {
  const id = idOf(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
  const [type, bits] = [view.getUint8(23), view.getUint8(24)]
  const nowAt = HEAD_BYTES + limitsBytes(meter)
  const timeAt = nowAt + recordBytes(meter)
  const lastMs = view.getUint32(timeAt) * 1000
  const everyMs = view.getUint16(19) * 1000
  const base: Found = { deviceId: `meokon:${id}`, kind: meter.kind }
  const time = (ms: number, history: boolean): NonNullable<Found['time']> =>
    stamp({ deviceMs: ms, source: 'device', receivedAtMs, history, where: '/utc' })
  const cached = Array.from({ length: Math.max(0, records - 1) }, (_, i): Found => ({
    ...base,
    time: time(lastMs - (records - 1 - i) * everyMs, true),
    metrics: recordAt(view, timeAt + 4 + recordBytes(meter) * i, meter),
    flags: { history: true },
  }))
  const battery = view.getUint8(17)
  const thresholds = limitsOf(view, meter)
  return [
    ...cached,
    {
      ...base,
      time: time(lastMs, false),
      metrics: recordAt(view, nowAt, meter),
      alarms: alarmsOf(bits, meter),
      // a terminal that has no battery says that it is empty
      ...((battery & SUPPLY_BITS) !== MAINS_ONLY && { batteryPct: (battery & 0x1f) * 5 }),
      rssiDbm: view.getInt8(18),
      state: {
        externalPower: (battery & 0x80) !== 0,
        meterType: type,
        ...(meter.bits?.[7] === 'waterRelease' && { waterRelease: (bits & 0x80) !== 0 }),
      },
      ...(thresholds !== undefined && { about: { thresholds } }),
    },
  ]
}

const READ: Readonly<Record<Form, (view: DataView, at: number) => number>> = {
  s16: (view, at) => view.getInt16(at),
  u16: (view, at) => view.getUint16(at),
  s32: (view, at) => view.getInt32(at),
  u32: (view, at) => view.getUint32(at),
  f32: (view, at) => Number(view.getFloat32(at).toPrecision(7)),
  f64: (view, at) => view.getFloat64(at),
}
const valueAt = (view: DataView, at: number, { form, factor }: Value): number | undefined => scaled(READ[form](view, at), factor)

function recordAt(view: DataView, from: number, { values }: Meter): Record<string, number | undefined> {
  const found: Record<string, number | undefined> = {}
  let at = from
  for (const value of values) {
    found[`${value.name}_${value.unit}`] = valueAt(view, at, value)
    at += BYTES[value.form]
  }
  return found
}

/** Limits that are both 0 are not set; those in no proven unit say nothing. */
function limitsOf(view: DataView, { pairs, values }: Meter): Record<string, number> | undefined {
  const found: Record<string, number> = {}
  let at = HEAD_BYTES
  for (const value of values.slice(0, pairs)) {
    const [low, high] = [valueAt(view, at, value), valueAt(view, at + BYTES[value.form], value)]
    at += 2 * BYTES[value.form]
    if (value.unit === 'raw' || low === undefined || high === undefined || (low === 0 && high === 0)) continue
    found[`${value.name}_low_${value.unit}`] = low
    found[`${value.name}_high_${value.unit}`] = high
  }
  return Object.keys(found).length === 0 ? undefined : found
}

function alarmsOf(byte: number, meter: Meter): NonNullable<Found['alarms']> {
  const bit = (n: number): boolean => ((byte >> n) & 1) === 1
  const found: Record<string, boolean> = { lowBattery: bit(2), fault: bit(3) || bit(4) }
  const raise = (flag: string, on: boolean): void => void (found[flag] = on || found[flag] === true)
  const [low, high] = limitFlags(meter, meter.values[0])
  raise(low, bit(0))
  raise(high, bit(1))
  if (meter.pairs > 1 && meter.bits === undefined) {
    const [secondLow, secondHigh] = limitFlags(meter, meter.values[1])
    raise(secondLow, bit(5))
    raise(secondHigh, bit(6))
  }
  // a third value that is out of its limits
  if (meter.pairs > 2) raise('supervisory', bit(7))
  for (const n of [5, 6, 7] as const) {
    const flag = meter.bits?.[n]
    if (flag !== undefined && flag !== 'waterRelease') raise(flag, bit(n))
  }
  return found
}

/** What a terminal takes for an answer: it has its id, the time (which it sets its clock to), and asks for nothing more. */
export function answerTo(frame: Uint8Array, nowMs: number): Buffer {
  const answer = Buffer.alloc(ANSWER_BYTES)
  answer.writeUInt16BE(0xa55a)
  answer[2] = ANSWER
  answer.writeUInt16BE(ANSWER_BYTES, 3)
  answer.set(frame.subarray(5, 17), 5)
  answer.writeUInt32BE(Math.floor(nowMs / 1000), 17)
  answer.writeUInt16BE(crc16(answer.subarray(0, ANSWER_BYTES - TAIL_BYTES)), ANSWER_BYTES - TAIL_BYTES)
  answer.writeUInt16BE(0x55aa, ANSWER_BYTES - 2)
  return answer
}
const ANSWER = 0xff
const ANSWER_BYTES = 27

function crc16(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return crc
}
