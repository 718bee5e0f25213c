// Milesight's channel/type/value payloads (fPort 85): EM300, EM400, EM500, GS101, WS101, WS301, WS303.
// Format: the payload tables and decoders of Milesight's SensorDecoders. One channel number means different things on different models: what
// stands beside it, the model's name or what the device showed before decides.
import type { DeviceKind } from '#contracts/reading.ts'
import { scaled } from '../compose.ts'
import { split, SYSTEM, type Item } from './milesight-items.ts'
import type { CodecResult, Hints, Part, Stored } from './part.ts'

export { isMilesight } from './milesight-items.ts'

type Taken = Required<Pick<Part, 'metrics' | 'alarms' | 'state'>> & Part

export function milesight(bytes: Uint8Array, hints: Hints): CodecResult {
  if (bytes.length < 3) return undefined
  const { items, records, answers, read } = split(bytes)
  if (items.length === 0 && records.length === 0 && answers === 0) return undefined
  const kind = kindOf(items, hints)
  const stored = storedOf(items, hints)
  const parts = records.map(record => history(record, kind ?? hints.kind, stored))
  if (items.length > 0) parts.push(live(items, kind, hints))
  else if (parts.length === 0) parts.push({ ...(kind !== undefined && { kind }), state: { answer: 'a setting' } })
  return { parts, ...(read < bytes.length && { unread: `bytes from ${read} on are of no known Milesight channel` }) }
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
  [/em300-?th|em500-?(?:co2|lgt|pt100)/, 'environment'],
  [/em500-?pp/, 'pressure'],
  [/em500-?(?:swl|udl)|em400|em410|em310-?udl/, 'level'],
]
const kindByName = (names: string): DeviceKind | undefined => BY_NAME.find(([pattern]) => pattern.test(names))?.[1]

/** What its stored numbers are, where the kind leaves it open: a distance looks down on the level, and light is as long as climate with a leak. */
function storedOf(items: readonly Item[], { names, stored }: Hints): Stored | undefined {
  if (/udl|em400|em410/.test(names) || items.some(item => item.type === 0x82)) return 'distance'
  return /lgt/.test(names) || items.some(item => item.type === 0x94) ? 'light' : stored
}

function live(items: readonly Item[], kind: DeviceKind | undefined, hints: Hints): Part {
  const part: Taken = { metrics: {}, alarms: {}, state: {} }
  for (const item of items) take(item, kind, part)
  const model = /(?:em|ws|gs)\d{3}(?:-[a-z0-9]+)?/.exec(hints.names)?.[0]?.toUpperCase()
  const stored = storedOf(items, hints)
  return {
    ...part,
    ...(kind !== undefined && { kind }),
    ...(model !== undefined && { model: `Milesight ${model}` }),
    ...(stored !== undefined && { stored }),
  }
}

function take({ channel, type, value }: Item, kind: DeviceKind | undefined, part: Taken): void {
  const { metrics, alarms, state } = part
  if (channel === SYSTEM) return takeEvent(type, value.getUint8(0), part)
  if (type === 0x75) part.batteryPct = value.getUint8(0)
  else if (type === 0x67) metrics['temperature_c'] = scaled(value.getInt16(0, true), 0.1)
  else if (type === 0x68) metrics['humidity_pct'] = value.getUint8(0) / 2
  // gauges may read a little below nothing
  else if (type === 0x7b) metrics['pressure_kpa'] = value.getInt16(0, true)
  else if (type === 0x77) takeDepth(value.getUint16(0, true), part)
  else if (type === 0x82) metrics['distance_m'] = scaled(value.getUint16(0, true), 0.001)
  else if (type === 0x7d) metrics['co2_ppm'] = value.getUint16(0, true)
  else if (type === 0x73) metrics['pressure_kpa'] = scaled(value.getUint16(0, true), 0.01)
  else if (type === 0x94) metrics['illuminance_lx'] = value.getUint32(0, true)
  else if (type === 0x7f) metrics['conductivity_raw'] = value.getUint16(0, true)
  else if (type === 0xca) metrics['soil_moisture_pct'] = scaled(value.getUint16(0, true), 0.01)
  else if (type === 0xc8) metrics['pulses_count'] = value.getUint32(0, true)
  else if (type === 0x90) metrics['life_remaining_s'] = value.getUint32(0, true)
  else if (type === 0xd7) metrics['temperature_c'] = scaled(value.getInt16(0, true), 0.1)
  else if (type === 0x8e) alarms.gas = value.getUint8(0) !== 0
  else if (type === 0x88) part.given = { lat: scaled(value.getInt32(0, true), 1e-6), lon: scaled(value.getInt32(4, true), 1e-6) }
  else if (type === 0x01)
    state[channel === 0x06 ? 'valve' : channel === 0x07 ? 'relay' : `switch${channel}`] = value.getUint8(0) === 1 ? 'open' : 'closed'
  else if (type === 0x00) takeStatus(channel, value.getUint8(0) !== 0, kind, part)
  // the device itself judged a threshold that somebody set on it: which way it was passed is not told
  if (channel >= 0x80 && value.byteLength === 3) state[`channel${channel & 0x7f}Threshold`] = value.getUint8(2) === 0 ? 'normal' : 'passed'
  // how far it jumped has a scale of its own on each model, and so have the words
  if (channel >= 0x80 && value.byteLength === 5) state[`channel${channel & 0x7f}AlarmCode`] = value.getUint8(4)
}

/** Not a depth but what ails the probe. */
const DEPTH_FAULTS: Readonly<Record<number, string>> = { 0xffff: 'collection-failed', 0xfffd: 'out-of-range' }

function takeDepth(value: number, { metrics, alarms, state }: Taken): void {
  const fault = DEPTH_FAULTS[value]
  alarms.fault = fault !== undefined
  if (fault === undefined) metrics['level_m'] = scaled(value, 0.01)
  else state['probe'] = fault
}

/** Type 00, one byte of yes or no: leak, door, tilt, moved or "not installed". */
function takeStatus(channel: number, on: boolean, kind: DeviceKind | undefined, { alarms, state }: Taken): void {
  if (kind === 'level') alarms.tamper = on || alarms.tamper === true
  else if (kind === 'door') {
    if (channel === 0x04) alarms.tamper = on
    else state['door'] = on ? 'open' : 'closed'
  } else if (kind === 'water-leak' && (channel === 0x03 || channel === 0x05)) alarms.leak = on
  else state[`channel${channel}`] = on
}

const PRESSES: Readonly<Record<number, string>> = { 1: 'short', 2: 'long', 3: 'double' }

function takeEvent(type: number, value: number, { alarms, state }: Taken): void {
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

function history(record: DataView, kind: DeviceKind | undefined, stored: Stored | undefined): Part {
  const one = { storedAtMs: record.getUint32(0, true) * 1000, ...(kind !== undefined && { kind }) }
  if (record.byteLength === 6) return { ...one, ...single(record, kind, stored) }
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
  if (record.byteLength === 8 && stored === 'light') return { ...one, metrics: { illuminance_lx: record.getUint32(4, true) } }
  const metrics = { temperature_c: scaled(record.getInt16(4, true), 0.1), humidity_pct: record.getUint8(6) / 2 }
  // a climate sensor's record has a last byte that says nothing
  if (record.byteLength === 7 || kind === 'environment') return { ...one, kind: kind ?? 'environment', metrics }
  const on = record.getUint8(7) !== 0
  if (kind === 'door') return { ...one, metrics, state: { door: on ? 'open' : 'closed' } }
  return { ...one, kind: 'water-leak', metrics, alarms: { leak: on } }
}

function single(record: DataView, kind: DeviceKind | undefined, stored: Stored | undefined): Pick<Part, 'metrics' | 'alarms' | 'state'> {
  const value = record.getUint16(4, true)
  if (kind === 'pressure') return { metrics: { pressure_kpa: record.getInt16(4, true) } }
  if (kind !== 'level') return { metrics: { stored_value_raw: value } }
  if (stored === 'distance') return { metrics: { distance_m: scaled(value, 0.001) } }
  const part: Taken = { metrics: {}, alarms: {}, state: {} }
  takeDepth(value, part)
  return part
}
