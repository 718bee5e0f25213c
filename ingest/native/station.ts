// A micro fire station's self-report as metrics a rule can compare and state a dispatcher can read.
import type { GivenPosition } from '../position.ts'
import { put, wgs84OrNothing, type Part } from './blocks.ts'
import type { NativeStation } from './payload.ts'

export function stationPart(station: NativeStation): Part {
  const { readiness, crew, vehicles, waterTank, hydrants, extinguishers, breathingApparatus, equipment, doors, task } = station
  const metrics: Part['metrics'] = {}
  const state: Part['state'] = { readiness }
  if (crew !== undefined) {
    metrics['crew_on_duty_count'] = crew.onDuty
    if (crew.required !== undefined) metrics['crew_required_count'] = crew.required
    state['crew'] = crew
  }
  if (vehicles !== undefined) {
    vehicleMetrics(vehicles, metrics)
    state['vehicles'] = vehicles.map(withWgs84)
  }
  if (waterTank !== undefined) {
    if (waterTank.levelM !== undefined) metrics['water_tank_level_m'] = waterTank.levelM
    if (waterTank.levelPct !== undefined) metrics['water_tank_level_pct'] = waterTank.levelPct
    put(metrics, 'water_tank_volume_l', litres(waterTank.volumeM3))
    put(metrics, 'water_tank_capacity_l', litres(waterTank.capacityM3))
    if (waterTank.temperatureC !== undefined) metrics['water_tank_temperature_c'] = waterTank.temperatureC
    state['waterTank'] = waterTank
  }
  if (hydrants !== undefined) {
    hydrantMetrics(hydrants, metrics)
    state['hydrants'] = hydrants.map(withWgs84)
  }
  if (extinguishers !== undefined) {
    extinguisherMetrics(extinguishers, metrics)
    state['extinguishers'] = extinguishers
  }
  if (breathingApparatus !== undefined) {
    breathingMetrics(breathingApparatus, metrics)
    state['breathingApparatus'] = breathingApparatus
  }
  if (equipment !== undefined) {
    put(metrics, 'equipment_missing_count', missingOf(equipment))
    state['equipment'] = equipment
  }
  if (doors !== undefined) {
    let open: number | undefined
    for (const door of doors) open = plus(open, Number(door.open))
    if (open !== undefined) metrics['doors_open_count'] = open
    state['doors'] = doors
  }
  if (task !== undefined) state['task'] = task
  return { metrics, state }
}

type Listed<K extends keyof NativeStation> = NonNullable<NativeStation[K]>

function vehicleMetrics(vehicles: Listed<'vehicles'>, metrics: Part['metrics']): void {
  let [ready, waterL, energyPct]: Sum[] = []
  for (const vehicle of vehicles) {
    ready = plus(ready, Number(vehicle.state === 'ready'))
    waterL = plus(waterL, vehicle.waterL)
    energyPct = least(energyPct, vehicle.energyPct)
  }
  metrics['vehicles_count'] = vehicles.length
  if (isSum(ready)) metrics['vehicles_ready_count'] = ready
  if (isSum(waterL)) metrics['vehicles_water_l'] = waterL
  if (isSum(energyPct)) metrics['vehicle_energy_min_pct'] = energyPct
}

function hydrantMetrics(hydrants: Listed<'hydrants'>, metrics: Part['metrics']): void {
  let [pressureKpa, flowLps, temperatureC, open, tilted]: Sum[] = []
  for (const hydrant of hydrants) {
    pressureKpa = least(pressureKpa, hydrant.pressureKpa)
    flowLps = most(flowLps, hydrant.flowLps)
    temperatureC = least(temperatureC, hydrant.temperatureC)
    open = plus(open, flag(hydrant.capOpen))
    tilted = plus(tilted, flag(hydrant.tilted))
  }
  metrics['hydrants_count'] = hydrants.length
  if (isSum(pressureKpa)) metrics['hydrant_pressure_min_kpa'] = pressureKpa
  if (isSum(flowLps)) metrics['hydrant_flow_max_lps'] = flowLps
  if (isSum(temperatureC)) metrics['hydrant_temperature_min_c'] = temperatureC
  if (isSum(open)) metrics['hydrant_caps_open_count'] = open
  if (isSum(tilted)) metrics['hydrants_tilted_count'] = tilted
}

function extinguisherMetrics(extinguishers: Listed<'extinguishers'>, metrics: Part['metrics']): void {
  let [count, pressureOk, expired]: Sum[] = []
  for (const kind of extinguishers) {
    count = plus(count, kind.count)
    pressureOk = plus(pressureOk, kind.pressureOk)
    expired = plus(expired, kind.expired)
  }
  if (isSum(count)) metrics['extinguishers_count'] = count
  if (isSum(pressureOk)) metrics['extinguishers_pressure_ok_count'] = pressureOk
  if (isSum(expired)) metrics['extinguishers_expired_count'] = expired
}

function breathingMetrics(sets: Listed<'breathingApparatus'>, metrics: Part['metrics']): void {
  let [ready, cylinderMpa]: Sum[] = []
  for (const set of sets) {
    ready = plus(ready, flag(set.ready))
    cylinderMpa = least(cylinderMpa, set.cylinderMpa)
  }
  metrics['breathing_apparatus_count'] = sets.length
  if (isSum(ready)) metrics['breathing_apparatus_ready_count'] = ready
  if (isSum(cylinderMpa)) metrics['breathing_cylinder_min_mpa'] = cylinderMpa
}

function missingOf(equipment: Listed<'equipment'>): Sum {
  let missing: Sum
  for (const { required, count } of equipment) missing = plus(missing, required === undefined ? undefined : Math.max(0, required - count))
  return missing
}

/** undefined where no item said anything: an unreported count is not 0 */
type Sum = number | undefined
/** Of absurd numbers a sum may be more than a number holds. */
const isSum = (sum: Sum): sum is number => sum !== undefined && Number.isFinite(sum)
const plus = (sum: Sum, value: Sum): Sum => (value === undefined ? sum : (sum ?? 0) + value)
const least = (sum: Sum, value: Sum): Sum => (value === undefined || (sum !== undefined && sum <= value) ? sum : value)
const most = (sum: Sum, value: Sum): Sum => (value === undefined || (sum !== undefined && sum >= value) ? sum : value)

const litres = (m3: number | undefined): number | undefined => (m3 === undefined ? undefined : Math.round(m3 * 1e6) / 1e3)
const flag = (value: boolean | undefined): number | undefined => (value === undefined ? undefined : Number(value))

/** The item is of this message alone: changed in place. */
function withWgs84<T extends { position?: GivenPosition }>(item: T): T {
  if (item.position === undefined) return item
  const wgs84 = wgs84OrNothing(item.position)
  if (wgs84 === undefined) delete item.position
  else item.position = wgs84 as GivenPosition
  return item
}
