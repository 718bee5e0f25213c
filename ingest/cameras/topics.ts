// What an ONVIF event topic is about, shared by ONVIF and Axis. Analytics see signs of fire (pre-alarm); a sensor over its limit is heat.
import { coerceBoolean } from '../coerce.ts'
import { num, type Found, type JsonObject } from '../compose.ts'

/** Names under which vendors put the state of an event. */
const STATES = [
  'State',
  'state',
  'IsAlarm',
  'IsMotion',
  'IsActive',
  'active',
  'Active',
  'LogicalState',
  'Detected',
  'Failed',
  'value',
  'Value',
  'triggered',
  'IsTamper',
]

/** undefined = the event has no state: that it was sent is the news. A number is a measurement, not a state. */
export function stateIn(data: JsonObject): boolean | undefined {
  for (const name of STATES) {
    const value = Object.hasOwn(data, name) ? data[name] : undefined
    const state = typeof value === 'number' ? undefined : coerceBoolean(value)
    if (state !== undefined) return state
  }
  return undefined
}

export function eventOf(topic: string, data: JsonObject): Pick<Found, 'alarms' | 'detections' | 'state' | 'metrics'> {
  const state = stateIn(data)
  const on = state ?? true
  const last = topic.split('/').at(-1) ?? ''
  const measured = measurements(topic, data)
  if (/smoke/i.test(topic)) return { alarms: { smoke: on }, metrics: measured }
  if (/fire|flame/i.test(topic)) return { alarms: { flame: on }, metrics: measured }
  if (/temperature.*(?:high|alarm|over|exceed)|(?:high|over)temp|thermo/i.test(topic)) return { alarms: { heat: on }, metrics: measured }
  if (/tamper|globalscenechange|imagetoo|shelter/i.test(topic)) return { alarms: { tamper: on } }
  if (/signalloss|videoloss|failure|criticalerror|powersupply/i.test(topic)) return { alarms: { fault: on } }
  if (/motion/i.test(topic) && on) return { detections: [{ class: 'motion' }] }
  const name = /^[A-Z]+\d*$/.test(last) ? last.toLowerCase() : `${last.charAt(0).toLowerCase()}${last.slice(1)}`
  return { metrics: measured, ...(state !== undefined && { state: { [name.slice(0, 64)]: state } }) }
}

function measurements(topic: string, data: JsonObject): Record<string, number | undefined> {
  const value = num(data, 'Value') ?? num(data, 'Temperature')
  const threshold = num(data, 'Threshold')
  if (/temperature|thermo/i.test(topic)) return { temperature_c: value, threshold_c: threshold }
  if (/humidity/i.test(topic)) return { humidity_pct: value }
  return typeof data['Value'] === 'number' ? { value_raw: value, threshold_raw: threshold } : {}
}
