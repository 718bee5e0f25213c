// Every definition of zigbee-herdsman-converters that exposes smoke, carbon monoxide, gas or a water leak: what it exposes becomes the flag
// it means, on and off, whether or not the gateway has published its device list. The list is a fixture, taken from the package.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AlarmFlag, Reading } from '#contracts/reading.ts'
import { decoder } from '../../ingest/decoders/zigbee2mqtt.ts'
import { asking } from './decoding.ts'

type Expose = { type: string; property: string; unit?: string; value_on?: unknown; value_off?: unknown; values?: string[] }
type Definition = { model: string; vendor: string; description: string; exposes: Expose[] }
const definitions = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/zigbee-definitions/definitions.json'), 'utf8'),
) as Definition[]

const FLAGS: readonly [RegExp, AlarmFlag][] = [
  [/^smoke/, 'smoke'],
  [/^carbon_monoxide/, 'co'],
  [/^gas/, 'gas'],
  [/^water_leak/, 'leak'],
  [/^tamper$/, 'tamper'],
  [/^battery_low$/, 'lowBattery'],
]
/** the words of an enum that say yes and no; undefined = the expose is no alarm (a meter's gas in cubic metres) */
function words({ type, value_on: on, value_off: off, values }: Expose): [unknown, unknown] | undefined {
  if (type === 'binary') return [on ?? true, off ?? false]
  const yes = values?.find(value => /^(?:alarm|detected|on|true)$/.test(value))
  const no = values?.find(value => /^(?:normal|clear|off|false)$/.test(value))
  return type === 'enum' && yes !== undefined && no !== undefined ? [yes, no] : undefined
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
      const flag = FLAGS.find(([pattern]) => pattern.test(expose.property))?.[1]
      const said = words(expose)
      if (flag === undefined || said === undefined || /_[12]$/.test(expose.property)) continue
      const ask = asking(decoder)
      if (isListed) ask('zigbee2mqtt/bridge/devices', listed(definition))
      const answers = said.map(word => ask('zigbee2mqtt/d', { [expose.property]: word }).readings[0]) as Reading[]
      const where = `${definition.vendor} ${definition.model} ${expose.property}`
      expect(
        answers.map(reading => reading.alarms[flag]),
        where,
      ).toEqual([true, false])
      if (flag === 'smoke') expect(answers[0]?.alarms.fire, where).toBe(true)
      if (isListed) expect(answers[0]?.kind, where).not.toBe('environment')
      checked += 1
    }
  }
  expect(checked).toBeGreaterThan(350)
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
})
