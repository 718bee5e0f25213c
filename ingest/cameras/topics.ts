// What an ONVIF event topic is about, shared by ONVIF and Axis. Analytics see signs of fire (pre-alarm); a sensor over its limit is heat.
// Topics come with namespaces (tns1:, tnsaxis:, axis:) and without. Formats: ONVIF Core (event topics), Analytics (radiometry, in kelvins).
import { coerceBoolean } from '../coerce.ts'
import { list, num, type Found, type JsonObject } from '../compose.ts'
import { flagsOf, hasSign, signsIn } from './words.ts'

/** Names under which vendors put the state of an event, small and without underscores. */
const STATES: readonly string[] = [
  'state',
  'isalarm',
  'alarmactive',
  'ismotion',
  'isactive',
  'active',
  'conditionactive',
  'logicalstate',
  'logicstate',
  'detected',
  'failed',
  'triggered',
  'istamper',
  'tampering',
  'alarm',
  'value',
]

/** undefined = the event has no state: that it was sent is the news. A number is a measurement, not a state. */
export function stateIn(data: JsonObject): boolean | undefined {
  const entries = Object.entries(data)
    .slice(0, 64)
    .map(([name, value]): [string, boolean | undefined] => [
      name.replaceAll('_', '').toLowerCase(),
      typeof value === 'number' ? undefined : coerceBoolean(value),
    ])
    .filter((entry): entry is [string, boolean] => entry[1] !== undefined)
  for (const name of STATES) {
    const found = entries.find(([given]) => given === name)
    if (found !== undefined) return found[1]
  }
  // the one thing that it says, by whatever name the vendor gave it
  return entries.length === 1 ? entries[0]?.[1] : undefined
}

const OVER = /high|above|over|exceed|alarm|detect|warning/i

/** Without the namespaces: "tns1:VideoSource/tnsaxis:Tampering" is VideoSource/Tampering. */
const plain = (topic: string): string => topic.replaceAll(/(^|\/)(?:[A-Za-z][\w.-]{0,31}:)+/g, '$1')

/** Of sensors the value is a number, though Axis writes it as text: 1 degree is no state. */
const withoutValues = (topic: string, data: JsonObject): JsonObject =>
  /temperature|thermo|humidity|radiometr/i.test(topic)
    ? Object.fromEntries(Object.entries(data).filter(([name]) => !/^(?:value|threshold|reading|temperature|humidity)$/i.test(name)))
    : data

export function eventOf(given: string, data: JsonObject): Pick<Found, 'alarms' | 'detections' | 'state' | 'metrics'> {
  const topic = plain(given)
  const state = stateIn(withoutValues(topic, data))
  const on = state ?? true
  const last = topic.split('/').findLast(part => part !== '') ?? ''
  const measured = measurements(topic, data)
  const signs = signsIn(topic)
  if (hasSign(signs)) return { alarms: flagsOf(signs, on), metrics: measured }
  const isHeat = /temperature|thermo|overtemp|hightemp|radiometr/i.test(topic) && !isOwnTemperature(topic)
  // what only measures is no alarm, and neither is one on cold
  if (isHeat && (OVER.test(topic) || state !== undefined) && !/low|below|under/i.test(last))
    return { alarms: { heat: on }, metrics: measured }
  if (/tamper|globalscenechange|imagetoo|shelter/i.test(topic)) return { alarms: { tamper: on } }
  if (/signalloss|videoloss|failure|criticalerror|powersupply/i.test(topic)) return { alarms: { fault: on } }
  if (/motion/i.test(topic) && on) return { detections: [{ class: 'motion' }] }
  const name = /^[A-Z]+\d*$/.test(last) ? last.toLowerCase() : `${last.charAt(0).toLowerCase()}${last.slice(1)}`
  return { metrics: measured, ...(state !== undefined && { state: { [name.slice(0, 64)]: state } }) }
}

/** The camera's own warmth, which no fire makes. */
const isOwnTemperature = (topic: string): boolean => /(?:Status|OperatingTime|HardwareFailure|Processor)\b.*temperature/i.test(topic)

function measurements(topic: string, data: JsonObject): Record<string, number | undefined> {
  const value = num(data, 'Value') ?? num(data, 'Temperature')
  const threshold = num(data, 'Threshold')
  if (/radiometr/i.test(topic)) return radiometry(data)
  if (/temperature|thermo/i.test(topic) && !isOwnTemperature(topic)) return { temperature_c: value, threshold_c: threshold }
  if (/humidity/i.test(topic)) return { humidity_pct: value }
  return typeof data['Value'] === 'number' ? { value_raw: value, threshold_raw: threshold } : {}
}

/** Kelvins, of which no camera measures less than 100: what is below is degrees Celsius already. */
function radiometry(data: JsonObject): Record<string, number | undefined> {
  const reading = [data, ...list(Object.values(data)).filter(one => typeof one === 'object' && one !== null)]
  const first = (name: string): number | undefined => reading.map(one => num(one, name)).find(value => value !== undefined)
  const celsius = (kelvin: number | undefined): number | undefined =>
    kelvin === undefined || kelvin < 200 ? kelvin : Math.round((kelvin - 273.15) * 1e6) / 1e6
  return {
    temperature_max_c: celsius(first('MaxTemperature')),
    temperature_min_c: celsius(first('MinTemperature')),
    temperature_avg_c: celsius(first('AverageTemperature')),
    temperature_c: celsius(first('SpotTemperature') ?? first('Temperature') ?? first('Value')),
    threshold_c: celsius(first('ThresholdTemperature') ?? first('Threshold')),
  }
}
