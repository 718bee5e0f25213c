// What the properties of Zigbee2MQTT mean, by their documented names. Smoke "density" has five meanings: only Aqara's dB/m is
// obscuration, everything without a proven unit stays a vendor's raw number.
import type { AlarmFlag, DeviceKind } from '#contracts/reading.ts'

/** Boolean property -> flag. Two-alarm zones publish `<name>_alarm_1` and `_2` (IAS zone bits 0 and 1): either one is the alarm. */
export const FLAG_OF: Readonly<Record<string, AlarmFlag>> = {
  smoke: 'smoke',
  smoke_state: 'smoke',
  carbon_monoxide: 'co',
  carbon_monoxide_state: 'co',
  co_state: 'co',
  gas: 'gas',
  gas_state: 'gas',
  gas_sensor_state: 'gas',
  water_leak: 'leak',
  active_water_leak: 'leak',
  water: 'leak',
  heat: 'heat',
  heat_alarm: 'heat',
  high_temperature_alarm: 'heat',
  sos: 'manualCall',
  emergency: 'manualCall',
  tamper: 'tamper',
  battery_low: 'lowBattery',
  trouble: 'fault',
  fault: 'fault',
  fault_alarm: 'fault',
  device_fault: 'fault',
  battery_defect: 'fault',
  silence: 'silenced',
  smoke_alarm_silenced: 'silenced',
  silenced: 'silenced',
  hush: 'silenced',
  hush_active: 'silenced',
  temporary_mute: 'silenced',
  mute: 'silenced',
  muted: 'silenced',
  muffling: 'silenced',
  silence_siren: 'silenced',
  buzzer_manual_mute: 'silenced',
  test: 'test',
  test_in_progress: 'test',
  testing: 'test',
  linkage_alarm: 'interconnect',
  linkage_alarm_state: 'interconnect',
  lifecycle: 'endOfLife',
  ac_status: 'mainPowerFault',
  end_of_life: 'endOfLife',
}

/** A self-test that failed is a fault, one that went well takes it back; one that runs says nothing. */
const SELF_TEST: Words = { flag: 'fault', on: /fail/i, off: /^(?:check[_ ])?success$/i }
const FAULTS: Words = { flag: 'fault', on: /^(?!normal$|none$|no_fault)/, off: /^(?:normal|none|no_fault\w*)$/ }

type Words = { flag: AlarmFlag; on: RegExp; off: RegExp }
/** Properties that say a flag in words of their own: the words that mean it, and those that mean its contrary. Others say nothing. */
const WORDS_OF: Readonly<Record<string, Words>> = {
  battery_state: { flag: 'lowBattery', on: /^low$/, off: /^(?:medium|middle|high|normal)$/ },
  battery_level: { flag: 'lowBattery', on: /^low$/, off: /^(?:medium|middle|high|normal)$/ },
  endoflife: { flag: 'endOfLife', on: /^expire(?:d|s_soon)$/, off: /^normal$/ },
  chamber_contamination: { flag: 'chamberDirty', on: /_contamination$/, off: /^normal$/ },
  alarm_state: { flag: 'preAlarm', on: /^pre_?alarm$/, off: /^normal$/ },
  link_available: { flag: 'interconnect', on: /_active$/, off: /^inactive$/ },
  fault: { flag: 'fault', on: /fault$/, off: /^none$/ },
  fault_state: FAULTS,
  reliability: FAULTS,
  muted: { flag: 'silenced', on: /^(?!normal$|none$|unmuted$)/, off: /^(?:normal|none|unmuted)$/ },
  checking_result: SELF_TEST,
  self_test: SELF_TEST,
  self_test_result: SELF_TEST,
  test_alarm_result: SELF_TEST,
  halo_test_result: SELF_TEST,
  halo_alert_state: { flag: 'preAlarm', on: /^pre_smoke$/, off: /^safe$/ },
}
/** Controllers of several lines number their properties. */
const NUMBERED: readonly [RegExp, Words][] = [
  [
    /^water_leak_(?:(?:zone|wire)_\d+|both_zones)$|^(?:input|channel)_\d+_leak_detect(?:_\d+)?$/,
    { flag: 'leak', on: /^leak/i, off: /^dry$/i },
  ],
  [/^(?:channel_\d+_)?battery_low_\d+$/, { flag: 'lowBattery', on: /^low$/i, off: /^normal$/i }],
]

/** undefined = its words say neither. */
export const saidIn = (words: NonNullable<Traits['words']>, value: string): boolean | undefined =>
  words.on.test(value) ? true : words.off.test(value) ? false : undefined

const TWO_ALARMS = /^(.+?)_alarm(?:_[12])?$/

export const flagOf = (property: string): AlarmFlag | undefined => traitsOf(property).flag

/** Properties that tell what the device is, the graver first. */
const KIND_OF: readonly [RegExp, DeviceKind][] = [
  [/^smoke(_alarm(_[12])?|_state|_density|_density_dbm|_concentration|_value)?$/, 'smoke'],
  [/^(carbon_monoxide(_alarm(_[12])?|_state)?|co|co_state)$/, 'co'],
  [/^gas(_alarm(_[12])?|_state|_density|_value|_concentration)?$/, 'gas'],
  [/^(active_)?water_leak(_alarm(_[12])?|_(zone|wire)_\d+)?$|^(input|channel)_\d+_leak_detect/, 'water-leak'],
  [/^(heat|heat_alarm|high_temperature_alarm)$/, 'heat'],
  [/^(sos|emergency)$/, 'manual-call'],
  [/^contact$/, 'door'],
  [/^(flow_rate|water_flow|current_flow_rate)$/, 'flow'],
  [/^(liquid_level|liquid_depth|liquid_level_percent)$/, 'level'],
  [/^(temperature|humidity|pressure|illuminance|illuminance_lux|co2|voc|pm25)$/, 'environment'],
]

export function kindOfProperties(properties: Iterable<string>): DeviceKind | undefined {
  let gravest = KIND_OF.length
  for (const property of properties) gravest = Math.min(gravest, traitsOf(property).rank)
  return KIND_OF[gravest]?.[1]
}

/** The rank of a property that shows no kind, and which kind a rank is. */
export const NO_RANK = KIND_OF.length
export const kindOfRank = (rank: number): DeviceKind | undefined => KIND_OF[rank]?.[1]

/** Which of KIND_OF a property shows first. */
function rankOf(property: string): number {
  const at = KIND_OF.findIndex(([pattern]) => pattern.test(property))
  return at < 0 ? NO_RANK : at
}

/** All that a property's name tells, since it is asked for with every message: the answers are remembered, of names that repeat. */
export type Traits = {
  /** which kind of device it shows; NO_RANK = none */
  rank: number
  flag: AlarmFlag | undefined
  words: Words | undefined
  /** as a number without a unit; undefined = no fit name */
  measure: Measure | undefined
  hash: number
}

/** Names that are remembered; at the bound remembering begins anew. */
const NAMES_MAX = 2_000
const NAME_CHARS_MAX = 64
const remembered = new Map<string, Traits>()

export function traitsOf(property: string): Traits {
  const known = remembered.get(property)
  if (known !== undefined) return known
  const numbered = NUMBERED.find(([pattern]) => pattern.test(property))?.[1]
  const made: Traits = {
    rank: rankOf(property),
    flag: own(FLAG_OF, property) ?? own(FLAG_OF, TWO_ALARMS.exec(property)?.[1] ?? '') ?? numbered?.flag,
    words: own(WORDS_OF, property) ?? numbered,
    measure: measureIn(property, undefined),
    hash: hashOfText(property),
  }
  if (property.length > NAME_CHARS_MAX) return made
  if (remembered.size >= NAMES_MAX) remembered.clear()
  remembered.set(property, made)
  return made
}

/** 32 bits, FNV-1a over its characters. */
export function hashOfText(text: string): number {
  let hash = 0x811c9dc5 | 0
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}

/** Heat detectors that report `smoke`: by model, or because their description says so. */
const HEAT_MODELS: ReadonlySet<string> = new Set(['HESZB-120'])
export const isHeatDetector = (model: string, description = ''): boolean =>
  HEAT_MODELS.has(model) || (/\bheat (?:detector|alarm|sensor)\b/i.test(description) && !/smoke/i.test(description))

/** value + offset, times factor */
export type Measure = { metric: string; factor?: number; offset?: number }

/** Numeric property -> metric, for the units of the documented definitions. `voltage` is decided apart (mV or V). */
export const MEASURE_OF: Readonly<Record<string, Measure>> = {
  temperature: { metric: 'temperature_c' },
  local_temperature: { metric: 'temperature_c' },
  device_temperature: { metric: 'device_temperature_c' },
  humidity: { metric: 'humidity_pct' },
  soil_moisture: { metric: 'soil_moisture_pct' },
  pressure: { metric: 'pressure_kpa', factor: 0.1 },
  illuminance: { metric: 'illuminance_lx' },
  illuminance_lux: { metric: 'illuminance_lx' },
  co: { metric: 'co_ppm' },
  co2: { metric: 'co2_ppm' },
  smoke_density: { metric: 'smoke_density_raw' },
  smoke_concentration: { metric: 'smoke_concentration_ppm' },
  smoke_density_dbm: { metric: 'obscuration_db_per_m' },
  gas_density: { metric: 'gas_density_raw' },
  power: { metric: 'power_w' },
  current: { metric: 'current_a' },
  energy: { metric: 'energy_kwh' },
  liquid_depth: { metric: 'liquid_depth_m' },
  liquid_level_percent: { metric: 'liquid_level_pct' },
}

/** Unit as definitions write it -> ending and factor. What is not here stays raw. */
const BY_UNIT: Readonly<Record<string, { ending: string; factor?: number; offset?: number }>> = {
  '°C': { ending: 'c' },
  '℃': { ending: 'c' },
  '°F': { ending: 'c', factor: 5 / 9, offset: -32 },
  '%': { ending: 'pct' },
  ppm: { ending: 'ppm' },
  LEL: { ending: 'lel_pct' },
  '%LEL': { ending: 'lel_pct' },
  '% LEL': { ending: 'lel_pct' },
  'LEL %': { ending: 'lel_pct' },
  'dB/m': { ending: 'db_per_m' },
  hPa: { ending: 'kpa', factor: 0.1 },
  kPa: { ending: 'kpa' },
  Pa: { ending: 'kpa', factor: 0.001 },
  MPa: { ending: 'mpa' },
  bar: { ending: 'kpa', factor: 100 },
  mbar: { ending: 'kpa', factor: 0.1 },
  psi: { ending: 'kpa', factor: 6.894757293 },
  K: { ending: 'c', factor: 1, offset: -273.15 },
  m: { ending: 'm' },
  cm: { ending: 'm', factor: 0.01 },
  mm: { ending: 'mm' },
  L: { ending: 'l' },
  mV: { ending: 'v', factor: 0.001 },
  V: { ending: 'v' },
  A: { ending: 'a' },
  mA: { ending: 'ma' },
  W: { ending: 'w' },
  kW: { ending: 'w', factor: 1000 },
  kWh: { ending: 'kwh' },
  Wh: { ending: 'kwh', factor: 0.001 },
  kg: { ending: 'kg' },
  lx: { ending: 'lx' },
  lux: { ending: 'lx' },
  s: { ending: 's' },
  '°': { ending: 'deg' },
}

const SNAKE = /^[a-z][a-z0-9_]{0,50}$/

/** The metric of a number: what its definition's unit says, else the documented default, else raw. undefined = no fit name. */
export const measureOf = (property: string, unit: string | undefined): Measure | undefined =>
  unit === undefined ? traitsOf(property).measure : measureIn(property, unit)

function measureIn(property: string, unit: string | undefined): Measure | undefined {
  const known = own(MEASURE_OF, property)
  if (unit === undefined && known !== undefined) return known
  const byUnit = unit === undefined ? undefined : own(BY_UNIT, unit)
  if (byUnit === undefined) {
    // a unit that is not known here is not the one that is usual for the name
    const name = snake(property)
    return name === undefined ? undefined : { metric: `${name}_raw` }
  }
  const { ending, ...scale } = byUnit
  if (known?.metric.endsWith(`_${ending}`) === true) return { metric: known.metric, ...scale }
  const name = property === 'smoke_density_dbm' ? 'obscuration' : snake(property)
  return name === undefined ? undefined : { metric: `${name}_${ending}`, ...scale }
}

function snake(property: string): string | undefined {
  const name = property.replaceAll(/[^A-Za-z0-9]+/g, '_').toLowerCase()
  return SNAKE.test(name) ? name : undefined
}

/** Own entries only: a property called "constructor" is not in any table. */
function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}
