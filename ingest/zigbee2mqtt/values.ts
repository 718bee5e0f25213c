// The properties of one device message sorted into alarms, metrics and state. Nulls are dropped (absent is not 0 and not false);
// an alarm property that is no boolean is kept as state and noted, never guessed.
import type { AlarmFlags } from '#contracts/reading.ts'
import { coerceBoolean, coerceNumber } from '../coerce.ts'
import type { Note } from '../time.ts'
import { obscuration } from '../units.ts'
import { flagInWords, flagOf, measureOf } from './properties.ts'

export const METRICS_MAX = 64
export const STATE_ENTRIES_MAX = 64
const STATE_CHARS_MAX = 1_024

export type Values = {
  alarms: AlarmFlags
  metrics: Record<string, number>
  state: Record<string, unknown>
  batteryPct?: number
  lqi?: number
  notes: Note[]
}

/** Read elsewhere or of no use: the time of last contact, the nested device facts. */
const APART: ReadonlySet<string> = new Set(['last_seen', 'device', 'elapsed', '__proto__'])

export function valuesOf(payload: Record<string, unknown>, units: Record<string, string>): Values {
  const values: Values = { alarms: {}, metrics: {}, state: {}, notes: [] }
  let tooMany = 0
  for (const property in payload) {
    const value = payload[property]
    if (value === null || value === '' || APART.has(property)) continue
    if (
      !takeReserved(property, value, values) &&
      !takeFlag(property, value, units, values) &&
      !takeMetric(property, value, payload, units, values)
    )
      tooMany += takeState(property, value, values) ? 0 : 1
  }
  const { obscuration_db_per_m: dbPerM } = values.metrics
  if (dbPerM !== undefined) Object.assign(values.metrics, obscuration({ dbPerM }))
  // a fire detector's smoke is a fire; so is the heat of a heat detector (see the reading's kind)
  if (values.alarms.smoke !== undefined) values.alarms.fire = values.alarms.smoke || values.alarms.fire === true
  if (tooMany > 0)
    values.notes.push({ code: 'decoder-failed', reason: `${tooMany} properties too many or too large were left out`, where: '/' })
  return values
}

function takeReserved(property: string, value: unknown, values: Values): boolean {
  if (property === 'battery') {
    const pct = coerceNumber(value)
    if (pct === undefined || pct < 0 || pct > 100) return false
    values.batteryPct = pct
    return true
  }
  if (property !== 'linkquality') return false
  const lqi = coerceNumber(value)
  if (lqi === undefined || lqi < 0 || lqi > 255) return false
  values.lqi = lqi
  return true
}

function takeFlag(property: string, value: unknown, units: Record<string, string>, values: Values): boolean {
  if (property === 'action' && (value === 'emergency' || value === 'sos')) values.alarms.manualCall = true
  const said = flagInWords(property, value)
  if (said !== undefined) {
    values.alarms[said[0]] = said[1] || values.alarms[said[0]] === true
    return true
  }
  if (property === 'mains_power_connected' && typeof value === 'boolean') {
    values.alarms.mainPowerFault = !value
    return true
  }
  // what has a unit is a number: the gas of a meter is no alarm
  if (typeof value === 'number' && Object.hasOwn(units, property)) return false
  const flag = flagOf(property)
  if (flag === undefined) return false
  const active = coerceBoolean(value)
  if (active === undefined) {
    if (typeof value !== 'number')
      values.notes.push({ code: 'decoder-failed', reason: `${property} is no boolean: kept as state`, where: `/${property}` })
    return false
  }
  // several properties may report one flag (alarm_1, alarm_2): one active is active
  values.alarms[flag] = active || values.alarms[flag] === true
  return true
}

function takeMetric(
  property: string,
  value: unknown,
  payload: Record<string, unknown>,
  units: Record<string, string>,
  values: Values,
): boolean {
  if (typeof value === 'boolean') return false
  const number = coerceNumber(value)
  if (number === undefined || isFull(values.metrics, METRICS_MAX)) return false
  const unit = Object.hasOwn(units, property) ? units[property] : undefined
  const measure = property === 'voltage' ? voltage(number, unit, payload) : measureOf(property, unit)
  if (measure === undefined) return false
  const scaled = measure.factor === undefined ? number : scaledBy(number, measure.factor)
  if (!Number.isFinite(scaled)) return false
  values.metrics[measure.metric] = scaled
  return true
}

function isFull(metrics: Record<string, number>, max: number): boolean {
  let count = 0
  for (const _ in metrics) if (++count >= max) return true
  return false
}

/** Without binary dust: 2903 mV are 2.903 V. A whole number of thousandths is right as it is divided, since a division is rounded once. */
const scaledBy = (value: number, factor: number): number =>
  factor === 0.001 && Number.isInteger(value) && Math.abs(value) < 1e9 ? value / 1000 : Number((value * factor).toPrecision(12))

/** Battery devices give mV, mains devices V: the definition's unit decides, else what stands beside it, else the size. */
function voltage(value: number, unit: string | undefined, payload: Record<string, unknown>): { metric: string; factor?: number } {
  const isMains = 'power' in payload || 'current' in payload || 'energy' in payload
  const isMillivolt = unit === 'mV' || (unit !== 'V' && !isMains && value >= 100)
  return { metric: isMains ? 'mains_v' : 'battery_v', ...(isMillivolt && { factor: 0.001 }) }
}

function takeState(property: string, value: unknown, values: Values): boolean {
  if (Object.keys(values.state).length >= STATE_ENTRIES_MAX || property.length > 128) return false
  if ((JSON.stringify(value)?.length ?? Infinity) > STATE_CHARS_MAX) return false
  values.state[property] = value
  return true
}
