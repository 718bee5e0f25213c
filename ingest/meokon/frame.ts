// MEOKON wireless terminal protocol V3.0 (hydrant pressure, tanks): one frame with the state of now and up to 600 cached records. Big
// endian, CRC-16/MODBUS over everything before it. The device sends its cache again until it is answered: old records are history.
import type { DeviceKind } from '#contracts/reading.ts'
import { scaled, type Found } from '../compose.ts'
import { stamp } from '../time.ts'

const HEAD_BYTES = 25
const TAIL_BYTES = 4
const RECORDS_MAX = 600

/** Meter type -> metric and size of one step; only these three are in the public table. */
const TYPES: Readonly<Record<number, [metric: string, factor: number]>> = {
  0: ['pressure_kpa', 0.1],
  1: ['pressure_kpa', 1],
  2: ['pressure_kpa', 1],
}
/** hydrant terminals: bit 7 is water being let out; on 24 bit 6 is tilt and bit 5 a blow */
const HYDRANT = 34
const HYDRANT_TILT = 24

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
  const sensors = (length - HEAD_BYTES - 4 - TAIL_BYTES) / (6 + 2 * records)
  if (records > RECORDS_MAX || !Number.isInteger(sensors) || sensors < 1 || sensors > 4)
    return { fault: `${records} records do not fit ${length} bytes` }
  return readingsOf(view, records, sensors, receivedAtMs)
}

const FRAME_BYTES_MAX = HEAD_BYTES + 4 + TAIL_BYTES + 4 * (6 + 2 * RECORDS_MAX)

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

function readingsOf(view: DataView, records: number, sensors: number, receivedAtMs: number): Found[] {
  const id = idOf(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
  const [type, bits] = [view.getUint8(23), view.getUint8(24)]
  const limitsAt = HEAD_BYTES
  const nowAt = limitsAt + 4 * sensors
  const timeAt = nowAt + 2 * sensors
  const lastMs = view.getUint32(timeAt) * 1000
  const everyMs = view.getUint16(19) * 1000
  const base: Found = { deviceId: `meokon:${id}`, kind: kindOf(type) }
  const time = (ms: number, history: boolean): NonNullable<Found['time']> =>
    stamp({ deviceMs: ms, source: 'device', receivedAtMs, history, where: '/utc' })
  const cached = Array.from({ length: Math.max(0, records - 1) }, (_, i): Found => ({
    ...base,
    time: time(lastMs - (records - 1 - i) * everyMs, true),
    metrics: values(view, timeAt + 4 + 2 * sensors * i, type, sensors),
    flags: { history: true },
  }))
  const battery = view.getUint8(17)
  const [low, high] = [steps(view.getInt16(limitsAt), type), steps(view.getInt16(limitsAt + 2), type)]
  return [
    ...cached,
    {
      ...base,
      time: time(lastMs, false),
      metrics: values(view, nowAt, type, sensors),
      alarms: alarmsOf(type, bits, sensors),
      // a terminal that has no battery says that it is empty
      ...((battery & SUPPLY_BITS) !== MAINS_ONLY && { batteryPct: (battery & 0x1f) * 5 }),
      rssiDbm: view.getInt8(18),
      state: {
        externalPower: (battery & 0x80) !== 0,
        meterType: type,
        ...((type === HYDRANT || type === HYDRANT_TILT) && { waterRelease: (bits & 0x80) !== 0 }),
      },
      ...(low !== undefined &&
        high !== undefined &&
        (low !== 0 || high !== 0) && { about: { thresholds: { pressure_low_kpa: low, pressure_high_kpa: high } } }),
    },
  ]
}

const kindOf = (type: number): DeviceKind => (type <= 2 || type === HYDRANT || type === HYDRANT_TILT ? 'pressure' : 'other')
const steps = (value: number, type: number): number | undefined =>
  TYPES[type] === undefined ? undefined : scaled(value, TYPES[type]?.[1] ?? 1)

function values(view: DataView, at: number, type: number, sensors: number): Record<string, number | undefined> {
  const found: Record<string, number | undefined> = {}
  for (let i = 0; i < sensors; i++) {
    const value = view.getInt16(at + 2 * i)
    const [metric, factor] = (i === 0 ? TYPES[type] : undefined) ?? [i === 0 ? 'value_raw' : `value_${i + 1}_raw`, 1]
    found[metric] = scaled(value, factor)
  }
  return found
}

function alarmsOf(type: number, bits: number, sensors: number): NonNullable<Found['alarms']> {
  const bit = (n: number): boolean => ((bits >> n) & 1) === 1
  const second = sensors > 1 && type !== HYDRANT_TILT
  return {
    ...(kindOf(type) === 'pressure'
      ? { pressureLow: bit(0), pressureHigh: bit(1) }
      : { supervisory: bit(0) || bit(1) || (second && (bit(5) || bit(6))) || (sensors > 2 && bit(7)) }),
    lowBattery: bit(2),
    fault: bit(3) || bit(4),
    ...(type === HYDRANT_TILT && { tamper: bit(5) || bit(6) }),
  }
}

function crc16(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return crc
}
