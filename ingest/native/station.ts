// A micro fire station's self-report as metrics a rule can compare and state a dispatcher can read.
import type { GivenPosition } from '../position.ts'
import { measured, present } from '../units.ts'
import { wgs84OrNothing, type Part } from './blocks.ts'
import type { NativeStation } from './payload.ts'

export function stationPart(station: NativeStation): Part {
  const { readiness, crew, waterTank, extinguishers, equipment, doors, task } = station
  return {
    metrics: measured({
      crew_on_duty_count: crew?.onDuty,
      crew_required_count: crew?.required,
      water_tank_level_m: waterTank?.levelM,
      water_tank_level_pct: waterTank?.levelPct,
      water_tank_volume_l: litres(waterTank?.volumeM3),
      water_tank_capacity_l: litres(waterTank?.capacityM3),
      water_tank_temperature_c: waterTank?.temperatureC,
      ...hydrantMetrics(station.hydrants),
      ...vehicleMetrics(station.vehicles),
      ...breathingMetrics(station.breathingApparatus),
      extinguishers_count: sum(extinguishers, e => e.count),
      extinguishers_pressure_ok_count: sum(extinguishers, e => e.pressureOk),
      extinguishers_expired_count: sum(extinguishers, e => e.expired),
      equipment_missing_count: sum(equipment, e => (e.required === undefined ? undefined : Math.max(0, e.required - e.count))),
      doors_open_count: sum(doors, d => Number(d.open)),
    }),
    state: present({
      readiness,
      crew,
      vehicles: station.vehicles?.map(withWgs84),
      waterTank,
      hydrants: station.hydrants?.map(withWgs84),
      extinguishers,
      breathingApparatus: station.breathingApparatus,
      equipment,
      doors,
      task,
    }),
  }
}

function hydrantMetrics(hydrants: NativeStation['hydrants']): Record<string, number | undefined> {
  return {
    hydrants_count: hydrants?.length,
    hydrant_pressure_min_kpa: extreme(Math.min, hydrants, h => h.pressureKpa),
    hydrant_flow_max_lps: extreme(Math.max, hydrants, h => h.flowLps),
    hydrant_temperature_min_c: extreme(Math.min, hydrants, h => h.temperatureC),
    hydrant_caps_open_count: sum(hydrants, h => flag(h.capOpen)),
    hydrants_tilted_count: sum(hydrants, h => flag(h.tilted)),
  }
}

function vehicleMetrics(vehicles: NativeStation['vehicles']): Record<string, number | undefined> {
  return {
    vehicles_count: vehicles?.length,
    vehicles_ready_count: sum(vehicles, v => Number(v.state === 'ready')),
    vehicles_water_l: sum(vehicles, v => v.waterL),
    vehicle_energy_min_pct: extreme(Math.min, vehicles, v => v.energyPct),
  }
}

function breathingMetrics(sets: NativeStation['breathingApparatus']): Record<string, number | undefined> {
  return {
    breathing_apparatus_count: sets?.length,
    breathing_apparatus_ready_count: sum(sets, s => flag(s.ready)),
    breathing_cylinder_min_mpa: extreme(Math.min, sets, s => s.cylinderMpa),
  }
}

const litres = (m3: number | undefined): number | undefined => (m3 === undefined ? undefined : Math.round(m3 * 1e6) / 1e3)
const flag = (value: boolean | undefined): number | undefined => (value === undefined ? undefined : Number(value))

/** undefined where no item said anything: an unreported count is not 0 */
function sum<T>(items: T[] | undefined, of: (item: T) => number | undefined): number | undefined {
  const values = numbers(items, of)
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0)
}

function extreme<T>(
  pick: (...values: number[]) => number,
  items: T[] | undefined,
  of: (item: T) => number | undefined,
): number | undefined {
  const values = numbers(items, of)
  return values.length === 0 ? undefined : pick(...values)
}

const numbers = <T>(items: T[] | undefined, of: (item: T) => number | undefined): number[] =>
  (items ?? []).map(of).filter(value => value !== undefined)

function withWgs84(item: { position?: GivenPosition }): object {
  const { position, ...rest } = item
  const wgs84 = wgs84OrNothing(position)
  return { ...rest, ...(wgs84 !== undefined && { position: wgs84 }) }
}
