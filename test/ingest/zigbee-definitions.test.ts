// Every definition of zigbee-herdsman-converters that exposes smoke, carbon monoxide, gas or a water leak: what it exposes becomes the flag
// it means, on and off, whether or not the gateway has published its device list, and what is no flag is said here by name. The list is a
// fixture, taken from the package by test/fixtures/zigbee-definitions/take.mjs.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AlarmFlag, Reading } from '#contracts/reading.ts'
import { decoder } from '../../ingest/decoders/zigbee2mqtt.ts'
import { asking } from './decoding.ts'

type Expose = {
  type: string
  property: string
  unit?: string
  value_on?: unknown
  value_off?: unknown
  values?: string[]
  /** a person sets it: mostly a setting, no report */
  settable?: boolean
}
type Definition = { model: string; vendor: string; description: string; exposes: Expose[] }
const definitions = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/zigbee-definitions/definitions.json'), 'utf8'),
) as Definition[]

const FLAGS: readonly [RegExp, AlarmFlag][] = [
  [/^smoke(?:_state|_alarm(?:_[12])?)?$/, 'smoke'],
  [/^carbon_monoxide(?:_alarm_[12])?$|^co_state$/, 'co'],
  [/^gas(?:_alarm(?:_[12])?|_sensor_state)?$/, 'gas'],
  [/^(?:active_)?water_leak(?:_alarm_[12]|_(?:zone|wire)_\d|_both_zones)?$|^water$|_leak_detect_\d+$/, 'leak'],
  [/^heat$/, 'heat'],
  [/^tamper$/, 'tamper'],
  [/battery_low(?:_\d+)?$|^battery_(?:state|level)$/, 'lowBattery'],
  [/^(?:trouble|fault|fault_alarm|fault_state|device_fault|reliability)$/, 'fault'],
  [/^(?:checking_result|self_test_result|test_alarm_result|halo_test_result)$/, 'fault'],
  [/^(?:silence|hush|hush_active|muted|muffling|temporary_mute|silence_siren|smoke_alarm_silenced|buzzer_manual_mute)$/, 'silenced'],
  [/^(?:test|testing|test_in_progress)$/, 'test'],
  [/^(?:end_of_life|lifecycle|endoflife)$/, 'endOfLife'],
  [/^chamber_contamination$/, 'chamberDirty'],
  [/^(?:linkage_alarm|linkage_alarm_state|link_available)$/, 'interconnect'],
  [/^(?:alarm_state|halo_alert_state)$/, 'preAlarm'],
]
/** Reported, and no flag: kept as state. A siren that sounds, a tank that is full, a device that warms up, sends a heartbeat or knows the weather. */
const NO_FLAG =
  /^(?:alarm|action|contact|state|preheat|preheating|warming_up|full|button_pushed|siren_state|smoke_unit|self_test|mains_power_connected|buzzer_manual_alarm|interconnectable|restore_reports|supervision_reports|version|power|status_wire_\d|valve_\d_status|check_meter|weather_\w+|current_weather_alert|electric_valve_connection_\w+|\w+_(?:connection|wire_break)_control_\d+|input_\d+_config_\d+|gas_sensitivity|sensitivity|heartbeat|reported_\w+|interface_mode|secure|room|halo_hush_state|switch_type|remote_control_permission|test_mode)$/
const flagFor = (property: string): AlarmFlag | undefined => FLAGS.find(([pattern]) => pattern.test(property))?.[1]

const YES =
  /^(?:alarm|detected|on|true|low|leak|expired|critical_contamination|smoke_active|prealarm|pre_smoke|mute|\w*fault|failure|check_failure|fail_other|process_error)$/i
const NO = /^(?:normal|clear|off|false|dry|high|none|inactive|safe|success|check_success|no_fault_detected)$/i
/** the words of an enum or a text that say yes and no; undefined = the expose is no alarm (a meter's gas in cubic metres) */
function words({ type, property, value_on: on, value_off: off, values }: Expose): [unknown, unknown] | undefined {
  if (type === 'binary') return [on ?? true, off ?? false]
  const said =
    type === 'text' && (property === 'muted' || property === 'fault_state') ? ['normal', property === 'muted' ? 'mute' : 'fault'] : values
  const yes = said?.find(value => YES.test(value) && value !== 'no_fault_detected')
  const no = said?.find(value => NO.test(value))
  return type !== 'numeric' && yes !== undefined && no !== undefined ? [yes, no] : undefined
}
const listed = ({ model, vendor, description, exposes }: Definition) => [
  {
    friendly_name: 'd',
    definition: { model, vendor, description, exposes: exposes.map(expose => ({ ...expose, name: expose.property })) },
  },
]

test('the list is as long as it was when it was taken', () => {
  expect(definitions.length).toBe(176)
  expect(definitions.filter(({ exposes }) => exposes.some(e => e.property === 'smoke')).length).toBe(51)
})

test.each([true, false])('each alarm a definition exposes becomes its flag, on and off (device list: %s)', isListed => {
  let checked = 0
  for (const definition of definitions) {
    for (const expose of definition.exposes) {
      const flag = flagFor(expose.property)
      const said = words(expose)
      if (flag === undefined || said === undefined || /_alarm_[12]$/.test(expose.property)) continue
      const ask = asking(decoder)
      if (isListed) ask('zigbee2mqtt/bridge/devices', listed(definition))
      const answers = said.map(word => ask('zigbee2mqtt/d', { [expose.property]: word }).readings[0]) as Reading[]
      const where = `${definition.vendor} ${definition.model} ${expose.property}`
      expect(
        answers.map(reading => reading.alarms[flag]),
        where,
      ).toEqual([true, false])
      if (flag === 'smoke') expect(answers[0]?.alarms.fire, where).toBe(true)
      expect(decoder.mayCarryAlarm?.(Buffer.from(JSON.stringify({ [expose.property]: said[0] }))), where).toBe(true)
      if (isListed) expect(answers[0]?.kind, where).not.toBe('environment')
      checked += 1
    }
  }
  expect(checked).toBeGreaterThan(500)
})

test('what a device reports and is no flag has been looked at, and is kept', () => {
  for (const { vendor, model, exposes } of definitions) {
    for (const { type, property, settable, values, value_on: on } of exposes) {
      if (type === 'numeric' || settable === true || flagFor(property) !== undefined) continue
      const where = `${vendor} ${model} ${property}`
      expect(property, where).toMatch(NO_FLAG)
      const value = on ?? values?.[0] ?? 'x'
      const [reading] = asking(decoder)('zigbee2mqtt/d', { [property]: value }).readings
      if (property !== 'mains_power_connected') expect(reading?.alarms, where).toEqual({})
    }
  }
})

test('numbers carry the unit of their definition, and one that is not known makes them raw', () => {
  let checked = 0
  for (const definition of definitions) {
    for (const { type, property, unit } of definition.exposes) {
      if (type !== 'numeric' || unit === undefined || ['battery', 'voltage'].includes(property)) continue
      const ask = asking(decoder)
      ask('zigbee2mqtt/bridge/devices', listed(definition))
      const [reading] = ask('zigbee2mqtt/d', { [property]: 12 }).readings
      const [name = ''] = Object.keys(reading?.metrics ?? {})
      const ending = {
        '°C': /_c$/,
        '%': /_pct$/,
        ppm: /_ppm$/,
        LEL: /_lel_pct$/,
        '%LEL': /_lel_pct$/,
        kPa: /_kpa$/,
        W: /_w$/,
        A: /_a$/,
        L: /_l$/,
      }[unit]
      expect(name, `${definition.model} ${property} ${unit}`).toMatch(ending ?? /_(?:raw|s|lx|kwh|db_per_m|lel_pct)$/)
      expect(reading?.alarms, `${definition.model} ${property}`).toEqual({})
      checked += 1
    }
  }
  expect(checked).toBeGreaterThan(70)
})

test('two alarms of one zone count as one, and either is enough', () => {
  const zones = definitions.filter(({ exposes }) => exposes.some(e => e.property.endsWith('_alarm_1')))
  expect(zones.length).toBeGreaterThan(3)
  for (const definition of zones) {
    const [one = '', two = ''] = definition.exposes.map(e => e.property).filter(property => /_alarm_[12]$/.test(property))
    const flag = FLAGS.find(([pattern]) => pattern.test(one))?.[1] ?? 'test'
    const ask = asking(decoder)
    const flags = [
      [false, false],
      [true, false],
      [false, true],
    ].map(([a, b]) => ask('zigbee2mqtt/d', { [one]: a, [two]: b }).readings[0]?.alarms[flag])
    expect(flags, definition.model).toEqual([false, true, true])
  }
})

test('the gas of a meter is a number, not an alarm', () => {
  const meters = definitions.filter(({ exposes }) => exposes.some(e => e.property === 'gas' && e.type === 'numeric'))
  expect(meters.length).toBeGreaterThan(0)
  for (const meter of meters) {
    const ask = asking(decoder)
    ask('zigbee2mqtt/bridge/devices', listed(meter))
    for (const value of [0, 1, 12.3]) expect(ask('zigbee2mqtt/d', { gas: value }).readings[0]?.alarms.gas, meter.model).toBeUndefined()
  }
})

test('words beside the alarms: batteries, ends of life, dirt, pre-alarms, links', () => {
  const flags = (payload: object) => asking(decoder)('zigbee2mqtt/d', { smoke: false, ...payload }).readings[0]?.alarms
  expect(flags({ battery_state: 'low' })?.lowBattery).toBe(true)
  expect(flags({ battery_level: 'high' })?.lowBattery).toBe(false)
  expect(flags({ endoflife: 'expired' })?.endOfLife).toBe(true)
  expect(flags({ chamber_contamination: 'critical_contamination' })?.chamberDirty).toBe(true)
  expect(flags({ chamber_contamination: 'normal' })?.chamberDirty).toBe(false)
  expect(flags({ alarm_state: 'prealarm' })?.preAlarm).toBe(true)
  expect(flags({ alarm_state: 'normal' })?.preAlarm).toBe(false)
  expect(flags({ link_available: 'smoke_active' })?.interconnect).toBe(true)
  expect(flags({ linkage_alarm_state: false })?.interconnect).toBe(false)
  expect(flags({ fault: 'sensor_fault' })?.fault).toBe(true)
  expect(flags({ fault: 'none' })?.fault).toBe(false)
  expect(flags({ mains_power_connected: false })?.mainPowerFault).toBe(true)
  expect(flags({ hush_active: true })?.silenced).toBe(true)
  expect(flags({ test_mode: 'OFF', self_test_result: 'checking' })).toEqual({ smoke: false, fire: false })
  expect(flags({ self_test: 'Check failure' })?.fault).toBe(true)
  expect(flags({ self_test_result: 'success', fault: true })?.fault).toBe(true)
})
