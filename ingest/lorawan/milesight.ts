// Milesight's channel/type/value payloads (fPort 85): EM300, EM400, EM500, GS101, WS101, WS301, WS303.
// Format: the payload tables of Milesight's SensorDecoders documentation. One channel number means different things on different
// models: what stands beside it, the model's name or what the device showed before decides.
import type { DeviceKind } from '#contracts/reading.ts'
import { toWgs84 } from '../position.ts'
import { scaled } from '../compose.ts'
import { view, type CodecResult, type Hints, type Part } from './part.ts'

type Item = { channel: number; type: number; value: DataView }

/** Bytes of a value by its type; the same type has the same length on every channel. */
const LENGTHS: Readonly<Record<number, number>> = {
  0x00: 1,
  0x01: 1,
  0x67: 2,
  0x68: 1,
  0x73: 2,
  0x75: 1,
  0x77: 2,
  0x7b: 2,
  0x7d: 2,
  0x7f: 2,
  0x82: 2,
  0x88: 9,
  0x8e: 1,
  0x90: 4,
  0x94: 4,
  0xc8: 4,
  0xca: 2,
}
/** Channel 0xff: facts of the device, and two events. */
const SYSTEM_LENGTHS: Readonly<Record<number, number>> = {
  0x01: 1,
  0x08: 6,
  0x09: 2,
  0x0a: 2,
  0x0b: 1,
  0x0f: 1,
  0x16: 8,
  0x18: 2,
  0x2e: 1,
  0x3f: 1,
  0xfe: 1,
  0xff: 2,
}
const SYSTEM = 0xff
const HISTORY_CHANNEL = 0x20
const HISTORY_TYPE = 0xce
/** Record lengths behind 20 CE: timestamp and, by model, leak (EM300-SLD), climate (EM300-TH), one number (EM500), CO2 (EM500-CO2). */
const HISTORY_LENGTHS = [8, 7, 6, 11] as const

export function milesight(bytes: Uint8Array, hints: Hints): CodecResult {
  if (bytes.length < 3) return undefined
  const { items, records, read } = split(bytes)
  if (items.length === 0 && records.length === 0) return undefined
  const kind = kindOf(items, hints)
  const parts = [
    ...records.flatMap(record => history(record, kind ?? hints.kind) ?? []),
    ...(items.length > 0 ? [live(items, kind, hints)] : []),
  ]
  if (parts.length === 0) return undefined
  return { parts, ...(read < bytes.length && { unread: `bytes from ${read} on are of no known Milesight channel` }) }
}

/** Is every byte explained? Only then may the codec be chosen without anybody having named the model. */
export const isMilesight = (bytes: Uint8Array): boolean => bytes.length >= 3 && split(bytes).read === bytes.length

function split(bytes: Uint8Array): { items: Item[]; records: DataView[]; read: number } {
  const items: Item[] = []
  const records: DataView[] = []
  let at = 0
  while (at + 2 < bytes.length) {
    const [channel = 0, type = 0] = bytes.subarray(at, at + 2)
    const isHistory = channel === HISTORY_CHANNEL && type === HISTORY_TYPE
    const length = isHistory ? historyLength(bytes, at) : lengthOf(channel, type)
    if (length === undefined || at + 2 + length > bytes.length) break
    const value = view(bytes.subarray(at + 2, at + 2 + length))
    if (isHistory) records.push(value)
    else items.push({ channel, type, value })
    at += 2 + length
  }
  return { items, records, read: at }
}

function lengthOf(channel: number, type: number): number | undefined {
  if (channel === SYSTEM) return SYSTEM_LENGTHS[type]
  const length = LENGTHS[type]
  // 0x80 + channel: the value that passed a threshold, and one byte of status
  return length !== undefined && channel >= 0x80 && (type === 0x67 || type === 0x7b || type === 0x77 || type === 0x82) ? length + 1 : length
}

/** The length by which records follow each other to the end, or after which another known channel begins. */
function historyLength(bytes: Uint8Array, at: number): number | undefined {
  const fits = (length: number): boolean => {
    const next = at + 2 + length
    if (next === bytes.length) return true
    const [channel = 0, type = 0] = bytes.subarray(next, next + 2)
    return (
      next + 2 < bytes.length &&
      ((channel === HISTORY_CHANNEL && type === HISTORY_TYPE) || (channel !== 0 && lengthOf(channel, type) !== undefined))
    )
  }
  return HISTORY_LENGTHS.find(fits)
}

const has = (items: readonly Item[], channel: number, type: number): boolean =>
  items.some(item => (item.channel & 0x7f) === (channel & 0x7f) && item.type === type)

function kindOf(items: readonly Item[], hints: Hints): DeviceKind | undefined {
  const named = kindByName(hints.names)
  if (named !== undefined) return named
  if (items.some(item => item.channel === SYSTEM && item.type === 0x2e)) return 'manual-call'
  if (has(items, 0x05, 0x8e)) return 'gas'
  if (has(items, 0x03, 0x7b)) return 'pressure'
  if (has(items, 0x03, 0x77) || items.some(item => item.type === 0x82)) return 'level'
  if (has(items, 0x06, 0x00) || (has(items, 0x03, 0x00) && has(items, 0x04, 0x00))) return 'door'
  if (hints.kind !== undefined && hints.kind !== 'environment') return hints.kind
  if (has(items, 0x05, 0x00) || has(items, 0x03, 0x00)) return 'water-leak'
  return items.some(item => [0x67, 0x68, 0x7d, 0x73, 0x94].includes(item.type)) ? 'environment' : undefined
}

const BY_NAME: readonly [RegExp, DeviceKind][] = [
  [/ws101/, 'manual-call'],
  // motion and light, on the channels of a door contact
  [/ws202/, 'other'],
  [/gs101/, 'gas'],
  [/em300-?(?:sld|zld|mld)|ws303/, 'water-leak'],
  [/ws301|em300-?mcs/, 'door'],
  [/em500-?pp/, 'pressure'],
  [/em500-?(?:swl|udl)|em400|em410|em310-?udl/, 'level'],
]
const kindByName = (names: string): DeviceKind | undefined => BY_NAME.find(([pattern]) => pattern.test(names))?.[1]

function live(items: readonly Item[], kind: DeviceKind | undefined, hints: Hints): Part {
  const part: Required<Pick<Part, 'metrics' | 'alarms' | 'state'>> & Part = { metrics: {}, alarms: {}, state: {} }
  for (const item of items) take(item, kind, part)
  const model = /(?:em|ws|gs)\d{3}(?:-[a-z0-9]+)?/.exec(hints.names)?.[0]?.toUpperCase()
  return { ...part, ...(kind !== undefined && { kind }), ...(model !== undefined && { model: `Milesight ${model}` }) }
}

function take(
  { channel, type, value }: Item,
  kind: DeviceKind | undefined,
  part: Required<Pick<Part, 'metrics' | 'alarms' | 'state'>> & Part,
): void {
  const { metrics, alarms, state } = part
  if (channel === SYSTEM) return takeEvent(type, value.getUint8(0), part)
  if (type === 0x75) part.batteryPct = value.getUint8(0)
  else if (type === 0x67) metrics['temperature_c'] = scaled(value.getInt16(0, true), 0.1)
  else if (type === 0x68) metrics['humidity_pct'] = value.getUint8(0) / 2
  else if (type === 0x7b) metrics['pressure_kpa'] = value.getUint16(0, true)
  else if (type === 0x77) metrics['level_m'] = scaled(value.getUint16(0, true), 0.01)
  else if (type === 0x82) metrics['distance_m'] = scaled(value.getUint16(0, true), 0.001)
  else if (type === 0x7d) metrics['co2_ppm'] = value.getUint16(0, true)
  else if (type === 0x73) metrics['pressure_kpa'] = scaled(value.getUint16(0, true), 0.01)
  else if (type === 0x94) metrics['illuminance_lx'] = value.getUint32(0, true)
  else if (type === 0x7f) metrics['conductivity_raw'] = value.getUint16(0, true)
  else if (type === 0xca) metrics['soil_moisture_pct'] = scaled(value.getUint16(0, true), 0.01)
  else if (type === 0xc8) metrics['pulses_count'] = value.getUint32(0, true)
  else if (type === 0x90) metrics['life_remaining_s'] = value.getUint32(0, true)
  else if (type === 0x8e) alarms.gas = value.getUint8(0) !== 0
  else if (type === 0x88) part.position = toWgs84({ lat: value.getInt32(0, true) / 1e6, lon: value.getInt32(4, true) / 1e6 })
  else if (type === 0x01)
    state[channel === 0x06 ? 'valve' : channel === 0x07 ? 'relay' : `switch${channel}`] = value.getUint8(0) === 1 ? 'open' : 'closed'
  else if (type === 0x00) takeStatus(channel, value.getUint8(0) !== 0, kind, part)
  // the device itself judged a threshold that somebody set on it: which way it was passed is not told
  if (channel >= 0x80 && value.byteLength === 3) state[`channel${channel & 0x7f}Threshold`] = value.getUint8(2) === 0 ? 'normal' : 'passed'
}

/** Type 00, one byte of yes or no: leak, door, tilt or "not installed". */
function takeStatus(channel: number, on: boolean, kind: DeviceKind | undefined, { alarms, state }: Part): void {
  if (alarms === undefined || state === undefined) return
  if (kind === 'level') alarms.tamper = on
  else if (kind === 'door') {
    if (channel === 0x04) alarms.tamper = on
    else state['door'] = on ? 'open' : 'closed'
  } else if (kind === 'water-leak' && (channel === 0x03 || channel === 0x05)) alarms.leak = on
  else state[`channel${channel}`] = on
}

const PRESSES: Readonly<Record<number, string>> = { 1: 'short', 2: 'long', 3: 'double' }

function takeEvent(type: number, value: number, part: Part): void {
  const { alarms = {}, state = {} } = part
  if (type === 0x2e) {
    alarms.manualCall = true
    state['press'] = PRESSES[value] ?? String(value)
  } else if (type === 0x3f) {
    if (value <= 1) alarms.mainPowerFault = value === 0
    else if (value <= 3) alarms.fault = value === 2
    else alarms.endOfLife = true
    if (value === 5) alarms.fault = true
  } else if (type === 0x0b) state['event'] = 'power-on'
}

function history(record: DataView, kind: DeviceKind | undefined): Part | undefined {
  const storedAtMs = record.getUint32(0, true) * 1000
  const one = { storedAtMs, ...(kind !== undefined && { kind }) }
  if (record.byteLength === 6) return { ...one, metrics: single(record.getUint16(4, true), kind) }
  if (record.byteLength === 11)
    return {
      ...one,
      kind: 'environment',
      metrics: {
        co2_ppm: record.getUint16(4, true),
        pressure_kpa: scaled(record.getUint16(6, true), 0.01),
        temperature_c: scaled(record.getInt16(8, true), 0.1),
        humidity_pct: record.getUint8(10) / 2,
      },
    }
  const metrics = { temperature_c: scaled(record.getInt16(4, true), 0.1), humidity_pct: record.getUint8(6) / 2 }
  if (record.byteLength === 7) return { ...one, kind: kind ?? 'environment', metrics }
  const on = record.getUint8(7) !== 0
  if (kind === 'door') return { ...one, metrics, state: { door: on ? 'open' : 'closed' } }
  return { ...one, kind: 'water-leak', metrics, alarms: { leak: on } }
}

function single(value: number, kind: DeviceKind | undefined): Record<string, number | undefined> {
  if (kind === 'pressure') return { pressure_kpa: value }
  if (kind === 'level') return { level_m: scaled(value, 0.01) }
  return { stored_value_raw: value }
}
