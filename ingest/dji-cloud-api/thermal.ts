// The thermal camera of a drone payload, and where it looks: `thermal_*` in the OSD, `ir_lense` in drc/up, metering areas in `cameras`.
// High gain (2) reaches 150 degrees C, low gain (1) 500: at the end of its range a sensor says "at least". Format: DJI Cloud API properties.
import type { Thermal } from '#contracts/reading.ts'
import { at, list, num, record, type JsonObject } from '../compose.ts'
import { toWgs84 } from '../position.ts'

const RANGE_MAX_C: Readonly<Record<number, number>> = { 1: 500, 2: 150 }

export function thermalOf(
  data: JsonObject,
  payload: JsonObject,
): { thermal: Thermal; metrics: Record<string, number | undefined> } | undefined {
  const source = { ...record(data['ir_lense']), ...payload }
  const area =
    at(source, 'ir_metering_area') ??
    list(data['cameras'])
      .map(camera => at(camera, 'ir_metering_area'))
      .find(found => found !== undefined)
  const hottest = at(area, 'max_temperature_point')
  const maxC = celsius(num(source, 'thermal_global_temperature_max')) ?? celsius(num(hottest, 'temperature'))
  const minC = celsius(num(source, 'thermal_global_temperature_min')) ?? celsius(num(area, 'min_temperature_point', 'temperature'))
  if (maxC === undefined && minC === undefined) return undefined
  const rangeMaxC = RANGE_MAX_C[num(source, 'thermal_gain_mode') ?? 0]
  const x = num(hottest, 'x')
  const y = num(hottest, 'y')
  const temperatureC = celsius(num(hottest, 'temperature'))
  const thermal: Thermal = {
    ...(maxC !== undefined && { maxC }),
    ...(minC !== undefined && { minC }),
    ...(rangeMaxC !== undefined && { rangeMaxC }),
    ...(rangeMaxC !== undefined && maxC !== undefined && maxC >= rangeMaxC && { saturated: true }),
    ...(x !== undefined && y !== undefined && { point: { x, y, ...(temperatureC !== undefined && { temperatureC }) } }),
    location: targetOf({ ...record(data['measure_target']), ...payload }),
  }
  return { thermal, metrics: { thermal_max_c: maxC, thermal_min_c: minC } }
}

/** Only error state 0 is a measured target; 1 is too close, 2 too far, 3 no signal: the coordinates look real all the same. */
function targetOf(target: JsonObject): Thermal['location'] {
  const lat = num(target, 'measure_target_latitude')
  const lon = num(target, 'measure_target_longitude')
  if (num(target, 'measure_target_error_state') !== 0 || lat === undefined || lon === undefined || toWgs84({ lat, lon }) === undefined)
    return null
  const altM = num(target, 'measure_target_altitude')
  const distanceM = num(target, 'measure_target_distance')
  return { lat, lon, ...(altM !== undefined && { altM }), ...(distanceM !== undefined && { distanceM }) }
}

/** 32767 and what no sensor of this kind reads is "not measured". */
const celsius = (value: number | undefined): number | undefined =>
  value !== undefined && value >= -60 && value <= 1_000 ? value : undefined
