// A reading as numbers to store: its metrics, battery, radio, alarm flags (0 or 1), and the track of what flies.
// Text, state and detections are not time series; they stay in the journal and in the device directory.
import { ALARM_FLAGS, type Reading } from '#contracts/reading.ts'

/**
 * Sorted by name: the same reading always gives the same fields in the same order. Readings with the same names share one list of
 * them, so that what is worked out for the names can be kept by the list.
 */
export type Fields = { names: FieldNames; values: readonly number[] }
export type FieldNames = readonly string[]

/** Names in the order in which a reading gives them, step by step; where it ends, how they are sorted is known. */
type Step = { name: string; before: Step | undefined; next: Map<string, Step>; sorted: Sorted | undefined }
type Sorted = { names: FieldNames; places: readonly number[] }

/** Devices of one model give the same names in the same order: there are some hundred steps. At the bound they are learned anew. */
const STEPS_MAX = 50_000

const newStep = (name = '', before?: Step): Step => ({ name, before, next: new Map(), sorted: undefined })
let start = newStep()
let steps = 0
let lists = new Map<string, FieldNames>()

// of the reading in hand
let at = start
let hasGaps = false
let values: number[] = []

const FLAG_NAMES = new Map<string, string>(ALARM_FLAGS.map(flag => [flag, `alarm_${flag}`]))

export function fieldsOf(reading: Reading): Fields {
  const { metrics, alarms, batteryPct, rssiDbm, rsrpDbm, snrDb, lqi, online } = reading
  begin()
  for (const name of Object.keys(metrics)) put(name, metrics[name])
  putTrack(reading)
  if (batteryPct !== undefined) put('battery_pct', batteryPct)
  if (rssiDbm !== undefined) put('rssi_dbm', rssiDbm)
  if (rsrpDbm !== undefined) put('rsrp_dbm', rsrpDbm)
  if (snrDb !== undefined) put('snr_db', snrDb)
  if (lqi !== undefined) put('lqi_raw', lqi)
  if (online !== undefined) put('online', Number(online))
  for (const flag of Object.keys(alarms) as (keyof typeof alarms)[]) put(FLAG_NAMES.get(flag) ?? `alarm_${flag}`, Number(alarms[flag]))
  return sorted()
}

/** Only what moves: a detector's place is a fact of the directory, not a measurement. */
function putTrack({ kind, position }: Reading): void {
  if (kind !== 'drone' || position === undefined) return
  put('lat_deg', position.lat)
  put('lon_deg', position.lon)
  put('height_m', position.heightM)
  put('msl_alt_m', position.mslAltM)
}

function begin(): void {
  if (steps >= STEPS_MAX) {
    start = newStep()
    steps = 0
    lists = new Map()
  }
  at = start
  hasGaps = false
  values = []
}

/** A name that comes again takes the place of the one before. */
function put(name: string, value = Number.NaN): void {
  const known = at.next.get(name)
  at = known ?? newStep(name, at)
  if (known === undefined) {
    steps += 1
    at.before?.next.set(name, at)
  }
  values.push(value)
  hasGaps ||= !Number.isFinite(value)
}

function sorted(): Fields {
  const { names, places } = (at.sorted ??= sortedBehind(at))
  const given = values
  const kept = places.map(place => given[place] ?? Number.NaN)
  if (!hasGaps) return { names, values: kept }
  begin()
  for (const [i, value] of kept.entries()) if (Number.isFinite(value)) put(names[i] ?? '', value)
  return sorted()
}

function sortedBehind(end: Step): Sorted {
  const given: string[] = []
  for (let step: Step | undefined = end; step?.before !== undefined; step = step.before) given.unshift(step.name)
  const names = [...new Set(given)].sort()
  const key = JSON.stringify(names)
  const list = lists.get(key) ?? names
  lists.set(key, list)
  return { names: list, places: names.map(name => given.lastIndexOf(name)) }
}
