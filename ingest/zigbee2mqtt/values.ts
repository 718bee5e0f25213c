// The properties of one device message sorted into alarms, metrics and state. Nulls are dropped (absent is not 0 and not false);
// an alarm property that is no boolean is kept as state and noted, never guessed.
import type { AlarmFlag, AlarmFlags } from '#contracts/reading.ts'
import { coerceBoolean, coerceNumber } from '../coerce.ts'
import type { Note } from '../time.ts'
import { obscuration } from '../units.ts'
import { hashOfText, measureOf, NO_RANK, saidIn, traitsOf, type Measure, type Traits } from './properties.ts'

export const METRICS_MAX = 64
export const STATE_ENTRIES_MAX = 64
const STATE_CHARS_MAX = 1_024

export type Values = {
  alarms: AlarmFlags
  metrics: Record<string, number>
  state: Record<string, unknown>
  batteryPct: number | undefined
  lqi: number | undefined
  /** the gravest kind of device that its properties show, see properties.ts */
  rank: number
  /** of what it says, without what changes with every contact: nobody gains by making two states of his own device look alike */
  hash: number
  notes: Note[]
}

/** Read elsewhere or of no use: the time of last contact, the nested device facts. */
const APART: ReadonlySet<string> = new Set(['last_seen', 'device', 'elapsed', '__proto__'])

export function valuesOf(payload: Record<string, unknown>, units: Record<string, string> | undefined): Values {
  const values: Values = {
    alarms: {},
    metrics: {},
    state: {},
    batteryPct: undefined,
    lqi: undefined,
    rank: NO_RANK,
    hash: 0,
    notes: NO_NOTES,
  }
  let tooMany = 0
  let a = 0x811c9dc5 | 0
  let b = 0x01000193
  for (const property in payload) {
    const value = payload[property]
    const traits = traitsOf(property)
    if (traits.rank < values.rank) values.rank = traits.rank
    if (property !== 'last_seen' && property !== 'linkquality') {
      const content = hashOfValue(value)
      a = Math.imul(a ^ traits.hash, 0x01000193) ^ content
      b = (Math.imul(b ^ content, 0x85ebca6b) + traits.hash) | 0
    }
    if (value === null || value === '' || APART.has(property)) continue
    if (
      !takeReserved(property, value, values) &&
      !takeFlag(property, value, traits, units, values) &&
      !takeMetric(property, value, traits, payload, units, values)
    )
      tooMany += takeState(property, value, values) ? 0 : 1
  }
  // as much of the two as a whole number holds
  values.hash = (a >>> 0) * 0x200000 + (b >>> 11)
  const { alarms } = values
  const dbPerM = values.metrics['obscuration_db_per_m']
  if (dbPerM !== undefined) Object.assign(values.metrics, obscuration({ dbPerM }))
  // a fire detector's smoke is a fire; so is the heat of a heat detector (see the reading's kind)
  if (alarms.smoke !== undefined) alarms.fire = alarms.smoke || alarms.fire === true
  if (tooMany > 0) note(values, `${tooMany} properties too many or too large were left out`, '/')
  return values
}

const NO_NOTES: Note[] = Object.freeze([]) as unknown as Note[]
function note(values: Values, reason: string, where: string): void {
  values.notes = [...values.notes, { code: 'decoder-failed', reason, where }]
}

/** Whole numbers, as most are, by themselves; the rest by what they look like. */
function hashOfValue(value: unknown): number {
  if (typeof value === 'number') return value === (value | 0) ? Math.imul(value ^ 0x9e3779b9, 0x85ebca6b) : hashOfText(String(value)) ^ 1
  if (typeof value === 'boolean') return value ? 0x2545f491 : 0x38495ab5
  if (typeof value === 'string') return hashOfText(value) ^ 2
  return hashOfText(JSON.stringify(value)) ^ 3
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

function takeFlag(
  property: string,
  value: unknown,
  { flag, words }: Traits,
  units: Record<string, string> | undefined,
  values: Values,
): boolean {
  const { alarms } = values
  if (typeof value === 'string') {
    if (property === 'action' && (value === 'emergency' || value === 'sos')) alarms.manualCall = true
    const said = words === undefined ? undefined : saidIn(words, value)
    if (words !== undefined && said !== undefined) {
      raise(alarms, words.flag, said)
      return true
    }
  }
  if (flag === undefined) {
    if (property !== 'mains_power_connected' || typeof value !== 'boolean') return false
    alarms.mainPowerFault = !value
    return true
  }
  // what has a unit is a number: the gas of a meter is no alarm, nor are its litres of water
  if (typeof value === 'number' && (property === 'water' || (units !== undefined && Object.hasOwn(units, property)))) return false
  const active = typeof value === 'boolean' ? value : coerceBoolean(value)
  if (active === undefined) {
    // words that say neither: checking, others
    if (typeof value !== 'number' && words === undefined) note(values, `${property} is no boolean: kept as state`, `/${property}`)
    return false
  }
  raise(alarms, flag, active)
  return true
}

/** Several properties may report one flag (alarm_1, alarm_2): one active is active. The most frequent by their names, which costs less. */
function raise(alarms: AlarmFlags, flag: AlarmFlag, active: boolean): void {
  if (flag === 'smoke') alarms.smoke = active || alarms.smoke === true
  else if (flag === 'tamper') alarms.tamper = active || alarms.tamper === true
  else if (flag === 'lowBattery') alarms.lowBattery = active || alarms.lowBattery === true
  else alarms[flag] = active || alarms[flag] === true
}

function takeMetric(
  property: string,
  value: unknown,
  traits: Traits,
  payload: Record<string, unknown>,
  units: Record<string, string> | undefined,
  values: Values,
): boolean {
  if (typeof value === 'boolean') return false
  const number = coerceNumber(value)
  if (number === undefined || isFull(values.metrics, METRICS_MAX)) return false
  const unit = units !== undefined && Object.hasOwn(units, property) ? units[property] : undefined
  const measure = property === 'voltage' ? voltage(number, unit, payload) : unit === undefined ? traits.measure : measureOf(property, unit)
  if (measure === undefined) return false
  const scaled = measure.factor === undefined ? number : scaledBy(number + (measure.offset ?? 0), measure.factor)
  if (!Number.isFinite(scaled)) return false
  if (measure.metric === 'battery_v') values.metrics['battery_v'] = scaled
  else values.metrics[measure.metric] = scaled
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
function voltage(value: number, unit: string | undefined, payload: Record<string, unknown>): Measure {
  const isMains = 'power' in payload || 'current' in payload || 'energy' in payload
  const isMillivolt = unit === 'mV' || (unit !== 'V' && !isMains && value >= 100)
  return isMains ? (isMillivolt ? MAINS_MV : MAINS_V) : isMillivolt ? BATTERY_MV : BATTERY_V
}
const MAINS_V = { metric: 'mains_v' }
const MAINS_MV = { metric: 'mains_v', factor: 0.001 }
const BATTERY_V = { metric: 'battery_v' }
const BATTERY_MV = { metric: 'battery_v', factor: 0.001 }

function takeState(property: string, value: unknown, values: Values): boolean {
  if (Object.keys(values.state).length >= STATE_ENTRIES_MAX || property.length > 128) return false
  if ((JSON.stringify(value)?.length ?? Infinity) > STATE_CHARS_MAX) return false
  values.state[property] = value
  return true
}
