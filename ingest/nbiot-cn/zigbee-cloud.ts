// What Tuya and Feibee, clouds of Zigbee detectors, say of a device: Tuya's status codes by category, Feibee's ZCL attributes as little-endian hex.
// Formats: developer.tuya.com standard status sets (ywbj, rqbj, cobj, sj, sos); ZCL 8.2.2 (IAS zone).
import type { AlarmFlag, DeviceKind } from '#contracts/reading.ts'
import { coerceBoolean } from '../coerce.ts'
import { num, scaled, str, type Found, type JsonObject } from '../compose.ts'
import { objectPart } from '../lorawan/decoded-object.ts'

const TUYA_FLAGS: Readonly<Record<string, [AlarmFlag, DeviceKind?]>> = {
  smoke_sensor_status: ['smoke', 'smoke'],
  smoke_sensor_state: ['smoke', 'smoke'],
  gas_sensor_status: ['gas', 'gas'],
  gas_sensor_state: ['gas', 'gas'],
  co_status: ['co', 'co'],
  co_state: ['co', 'co'],
  ch4_sensor_state: ['gas', 'gas'],
  watersensor_state: ['leak', 'water-leak'],
  sos_state: ['manualCall', 'manual-call'],
  // their spelling
  temper_alarm: ['tamper'],
  tamper_alarm: ['tamper'],
  muffling: ['silenced'],
  lifecycle: ['endOfLife'],
  test_alarm: ['test'],
  self_checking: ['test'],
}
const TUYA_METRICS: Readonly<Record<string, [string, number]>> = {
  smoke_sensor_value: ['smoke_vendor_raw', 0.1],
  gas_sensor_value: ['gas_vendor_raw', 1],
  co_value: ['co_ppm', 1],
  // of no unit: the range is 0 to 30000, so it is no percentage
  battery_value: ['battery_raw', 1],
  va_temperature: ['temperature_raw', 1],
  va_humidity: ['humidity_raw', 1],
}

/** `uncoded`: entries by number of a data point only, which a product's own definition would name. */
export function tuyaStatus(entries: readonly unknown[]): Omit<Found, 'deviceId'> & { atMs?: number; uncoded: number } {
  const found = {
    kind: 'other' as DeviceKind,
    metrics: {} as Record<string, number | undefined>,
    alarms: {} as NonNullable<Found['alarms']>,
    state: {} as JsonObject,
  }
  let atMs: number | undefined
  let batteryPct: number | undefined
  let uncoded = 0
  for (const entry of entries) {
    const code = str(entry, 'code')
    if (code === undefined) {
      uncoded += 1
      continue
    }
    const value = (entry as JsonObject)['value']
    const t = num(entry, 't') ?? num(entry, 'time')
    if (t !== undefined && t > (atMs ?? -1)) atMs = t
    const [flag, kind] = (Object.hasOwn(TUYA_FLAGS, code) ? TUYA_FLAGS[code] : undefined) ?? []
    const on = flag === undefined ? undefined : kind === undefined ? coerceBoolean(value) : alarmState(value)
    const metric = Object.hasOwn(TUYA_METRICS, code) ? TUYA_METRICS[code] : undefined
    if (flag !== undefined && on !== undefined) found.alarms[flag] = on
    else if (code === 'battery_percentage' || code === 'va_battery') batteryPct = num(value)
    else if (code === 'battery_state' && typeof value === 'string') found.alarms.lowBattery = value === 'low'
    else if (code === 'checking_result' && typeof value === 'string') {
      // one that went well takes back the one that did not, and no other fault of the same message
      if (value === 'check_failure') found.alarms.fault = true
      else if (value === 'check_success') found.alarms.fault ??= false
    } else if (code === 'fault') found.alarms.fault = coerceBoolean(value) ?? num(value) !== 0
    else if (metric !== undefined) found.metrics[metric[0]] = scaled(num(value), metric[1])
    else if (!named(code, value, found)) found.state[code.slice(0, 64)] = value
    if (kind !== undefined) found.kind = kind
  }
  // a self-test that is not running is no news
  if (found.alarms.test === false) delete found.alarms.test
  return { ...found, uncoded, ...(batteryPct !== undefined && { batteryPct }), ...(atMs !== undefined && { atMs }) }
}

/** Older products of the standard sets say 1 for alarm and 2 for normal. */
const alarmState = (value: unknown): boolean | undefined => (value === '2' || value === 2 ? false : coerceBoolean(value))

/** A code of a product's own whose name says what it is: `smoke_alarm`, `gas_leak`, ... */
function named(code: string, value: unknown, found: { kind: DeviceKind; alarms: NonNullable<Found['alarms']> }): boolean {
  const { alarms, kind } = objectPart({ [code]: value })
  if (Object.keys(alarms ?? {}).length === 0) return false
  Object.assign(found.alarms, alarms)
  if (kind !== undefined) found.kind = kind
  return true
}

const ZONES: Readonly<Record<number, [AlarmFlag | undefined, DeviceKind]>> = {
  13: [undefined, 'other'],
  21: [undefined, 'door'],
  40: ['smoke', 'smoke'],
  42: ['leak', 'water-leak'],
  43: ['gas', 'gas'],
  44: ['manualCall', 'manual-call'],
}

/** undefined = an attribute that says nothing here. */
export function feibeeRecord(entry: JsonObject): Omit<Found, 'deviceId'> | undefined {
  const [flag, kind] = ZONES[num(entry, 'zonetype') ?? -1] ?? [undefined, 'other' as DeviceKind]
  const online = coerceBoolean(entry['online'])
  const bytes = hexBytes(str(entry, 'value'))
  const cluster = num(entry, 'cid')
  if (cluster === 0x0500 && bytes !== undefined && bytes.length >= 2)
    return { kind, ...zone((bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8), flag) }
  const low = bytes === undefined || bytes.length < 2 ? undefined : (((bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8)) << 16) >> 16
  if (cluster === 1 && num(entry, 'aid') === 33 && bytes !== undefined) return { kind, batteryPct: (bytes[0] ?? 0) / 2 }
  if (cluster === 0x0402 && low !== undefined)
    return { kind: kind === 'other' ? 'environment' : kind, metrics: { temperature_c: low / 100 } }
  if (cluster === 0x0405 && low !== undefined)
    return { kind: kind === 'other' ? 'environment' : kind, metrics: { humidity_pct: low / 100 } }
  return online === undefined ? undefined : { kind, online }
}

function zone(status: number, flag: AlarmFlag | undefined): Pick<Found, 'alarms' | 'state'> {
  const bit = (n: number): boolean => ((status >> n) & 1) === 1
  return {
    alarms: {
      ...(flag !== undefined && { [flag]: bit(0) || bit(1) }),
      tamper: bit(2),
      lowBattery: bit(3),
      fault: bit(6) || bit(9),
      mainPowerFault: bit(7),
      ...(bit(8) && { test: true }),
    },
    state: { zoneStatus: status, ...(flag === undefined && { zoneAlarm: bit(0) || bit(1) }) },
  }
}

const hexBytes = (text: string | undefined): Uint8Array | undefined =>
  text !== undefined && /^(?:[0-9a-fA-F]{2}){1,64}$/.test(text) ? Uint8Array.from(Buffer.from(text, 'hex')) : undefined
