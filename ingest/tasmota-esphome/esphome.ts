// ESPHome's native MQTT: {prefix}/{component}/{object}/state with bare values. Nothing but the object's name tells what a value is.
// States are published retained by default: the bit says nothing about age.
import type { AlarmFlag, DeviceKind } from '#contracts/reading.ts'
import { coerceBoolean, coerceNumber } from '../coerce.ts'
import type { Found } from '../compose.ts'

const FLAGS: readonly [RegExp, AlarmFlag, DeviceKind | undefined][] = [
  [/(?:^|_)(?:self_?)?test(?:_|$)/, 'test', undefined],
  [/low_?battery|battery_?low/, 'lowBattery', undefined],
  [/tamper/, 'tamper', undefined],
  [/fault|trouble|problem/, 'fault', undefined],
  [/silence|mute|hush/, 'silenced', undefined],
  [/mains_?(?:fail|lost|fault)|power_?(?:fail|lost|fault)/, 'mainPowerFault', undefined],
  [/smoke/, 'smoke', 'smoke'],
  [/(?:^|_)fire(?:_|$)/, 'fire', 'smoke'],
  [/heat_?(?:alarm|detector)|^heat$/, 'heat', 'heat'],
  [/(?:^|_)co(?:_|$)|carbon_?monoxide/, 'co', 'co'],
  [/(?:^|_)gas(?:$|_(?!valve))/, 'gas', 'gas'],
  [/leak|flood|moisture/, 'leak', 'water-leak'],
  [/call_?point|panic|sos|emergency/, 'manualCall', 'manual-call'],
]
/** ESPHome states carry no unit: only what it documents as the default unit of a kind of sensor is taken. */
const METRICS: readonly [RegExp, string, DeviceKind | undefined][] = [
  [/temperature$/, 'c', 'environment'],
  [/humidity$/, 'pct', 'environment'],
  [/co2$/, 'ppm', 'environment'],
  [/voltage$/, 'v', undefined],
  [/current$/, 'a', undefined],
  [/power$/, 'w', undefined],
  [/illuminance$/, 'lx', undefined],
]

/** undefined = the value says nothing ("nan" is a sensor without a value). */
export function stateOf(component: string, object: string, text: string): Omit<Found, 'deviceId'> | undefined {
  const name = object.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')
  if (component === 'binary_sensor') return binary(name, text)
  if (component !== 'sensor' && component !== 'number') return { kind: 'other', state: { [name.slice(0, 64)]: text.slice(0, 256) } }
  const value = coerceNumber(text)
  if (value === undefined) return undefined
  if (/^(?:.*_)?battery(?:_level)?$/.test(name)) return { kind: 'other', batteryPct: value }
  if (/wifi_signal$|rssi$/.test(name)) return { kind: 'other', rssiDbm: value }
  const [, unit = 'raw', kind] = METRICS.find(([pattern]) => pattern.test(name)) ?? []
  const metric = /^[a-z]/.test(name) ? name.slice(0, 56) : `s_${name.slice(0, 54)}`
  return { kind: kind ?? 'other', metrics: { [`${metric}_${unit}`]: value } }
}

function binary(name: string, text: string): Omit<Found, 'deviceId'> | undefined {
  const on = coerceBoolean(text)
  if (on === undefined) return undefined
  const [, flag, kind = 'other'] = FLAGS.find(([pattern]) => pattern.test(name)) ?? []
  return flag === undefined ? { kind: 'other', state: { [name.slice(0, 64)]: on } } : { kind, alarms: { [flag]: on } }
}
