// What the network server's own codec made of a payload (`object`, `decoded_payload`), where no codec here knows the bytes.
// Names are the vendors': well-known ones are read, numbers without a proven unit stay raw, the rest is kept as state.
import type { AlarmFlag, DeviceKind } from '#contracts/reading.ts'
import { coerceBoolean, coerceNumber } from '../coerce.ts'
import { isRecord, type JsonObject } from '../compose.ts'
import type { Part } from './part.ts'

const FLAGS: readonly [RegExp, AlarmFlag, DeviceKind | undefined][] = [
  [/^(?:is_)?smoke(?:_(?:alarm|status|state|detected|detection|event))?$/, 'smoke', 'smoke'],
  [/^fire(?:_(?:alarm|status|detected))?$/, 'fire', 'smoke'],
  [/^(?:heat|high_?temp(?:erature)?|over_?temp(?:erature)?)(?:_(?:alarm|state|status))$/, 'heat', undefined],
  [/^(?:co|carbon_monoxide)_(?:alarm|state|status|detected)$/, 'co', 'co'],
  [/^gas(?:_(?:alarm|status|state|leak|leakage))?$/, 'gas', 'gas'],
  [/^(?:(?:water_)?(?:leak(?:age)?|immersion)|flood)(?:_(?:status|state|alarm|detected))?$/, 'leak', 'water-leak'],
  [/^(?:button|sos|panic|manual(?:_call)?)(?:_(?:alarm|event|state|status|pressed))$|^(?:button|sos|panic)$/, 'manualCall', 'manual-call'],
  [/^(?:mute|muted|silence|silenced)(?:_(?:state|status))?$/, 'silenced', undefined],
  [/^(?:tamper|tamper_(?:alarm|status)|removed|uninstalled)$/, 'tamper', undefined],
  [/^(?:low_?battery|battery_low|low_battery_alarm)$/, 'lowBattery', undefined],
  [/^(?:fault|fault_alarm|sensor_fault|malfunction|error_alarm)$/, 'fault', undefined],
  [/^(?:test|test_alarm|self_?test)$/, 'test', undefined],
]
const METRICS: Readonly<Record<string, [string, DeviceKind?]>> = {
  temperature: ['temperature_c', 'environment'],
  temp: ['temperature_c', 'environment'],
  humidity: ['humidity_pct', 'environment'],
  co2: ['co2_ppm', 'environment'],
  co: ['co_ppm', 'co'],
  battery_voltage: ['battery_v'],
  batv: ['battery_v'],
  bat_v: ['battery_v'],
  pressure_kpa: ['pressure_kpa', 'pressure'],
}
const TRUE_WORDS: ReadonlySet<string> = new Set([
  'leak',
  'leaking',
  'triggered',
  'trigger',
  'pressed',
  'abnormal',
  'smoke',
  'fire',
  'low',
  'short',
  'long',
  'double',
  'press',
])
const FALSE_WORDS: ReadonlySet<string> = new Set(['idle', 'ok', 'dry', 'released', 'no leak', 'no_alarm', 'no alarm', 'high'])
/** Digits, and no quantity. */
const NAMES = /^(?:imei|imsi|iccid|id|msg_?id|dev_?eui|cell_?id|pci|ecl|(?:\w+_)?(?:version|ver|model|sn|serial|number))$/
const BATTERY = /^(?:battery|bat)(?:_(?:level|pct|percent|percentage|remaining|capacity))?$/
const CLOCKS = /^(?:time|ts|timestamp|event_?time|date)$/
const ENTRIES_MAX = 256

export function objectPart(object: JsonObject): Part {
  const part: Part & Required<Pick<Part, 'metrics' | 'alarms' | 'state'>> = { metrics: {}, alarms: {}, state: {} }
  const kinds: DeviceKind[] = []
  for (const [name, value] of flat(object).slice(0, ENTRIES_MAX)) {
    const kind = take(name, value, part)
    if (kind !== undefined) kinds.push(kind)
  }
  const kind = kinds.find(kind => kind !== 'environment') ?? kinds[0]
  return { ...part, ...(kind !== undefined && { kind }) }
}

const flat = (object: JsonObject): [string, unknown][] =>
  Object.entries(object).flatMap(([name, value]) =>
    isRecord(value) ? [...Object.entries(value), [name, value] as [string, unknown]] : [[name, value]],
  )

function take(name: string, value: unknown, part: Part & Required<Pick<Part, 'metrics' | 'alarms' | 'state'>>): DeviceKind | undefined {
  const key = snake(name)
  if (value === null || value === '' || isRecord(value) || key === undefined) return undefined
  const flag = FLAGS.find(([pattern]) => pattern.test(key))
  const on = flag === undefined ? undefined : truth(value)
  if (flag !== undefined && on !== undefined) {
    part.alarms[flag[1]] = on || part.alarms[flag[1]] === true
    return flag[2]
  }
  if (CLOCKS.test(key)) return undefined
  const number = typeof value === 'boolean' || NAMES.test(key) ? undefined : coerceNumber(value)
  if (number === undefined) {
    part.state[key] = value
    return undefined
  }
  if (BATTERY.test(key) && number >= 0 && number <= 100) part.batteryPct = number
  else part.metrics[(Object.hasOwn(METRICS, key) ? METRICS[key]?.[0] : undefined) ?? `${key}_raw`] = number
  return Object.hasOwn(METRICS, key) ? METRICS[key]?.[1] : undefined
}

function truth(value: unknown): boolean | undefined {
  const word = typeof value === 'string' ? value.trim().toLowerCase() : ''
  return coerceBoolean(value) ?? (TRUE_WORDS.has(word) ? true : FALSE_WORDS.has(word) ? false : undefined)
}

function snake(name: string): string | undefined {
  const key = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
  return /^[a-z][a-z0-9_]{0,50}$/.test(key) ? key : undefined
}
