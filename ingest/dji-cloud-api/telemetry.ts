// OSD and state of docks, aircraft and controllers. A dock splits its OSD over several messages: what one leaves out stays absent.
// Units by DJI's property tables: dock voltages and currents in mV and mA, mains in V, height above the ellipsoid, head -180..180.
import type { DeviceKind } from '#contracts/reading.ts'
import { at, isRecord, num, record, scaled, str, within, type Found, type JsonObject } from '../compose.ts'
import type { Given } from '../no-place.ts'
import { thermalOf } from './thermal.ts'

const DOCK_KEYS = [
  'drone_in_dock',
  'cover_state',
  'putter_state',
  'environment_temperature',
  'electric_supply_voltage',
  'backup_battery',
  'drone_charge_state',
  'sub_device',
  'air_conditioner',
  'job_number',
  'alternate_land_point',
  'flighttask_step_code',
  'media_file_detail',
  'supplement_light_state',
  'battery_store_mode',
  'drone_battery_maintenance_info',
  'air_conditioner_mode',
  'emergency_stop_state',
]
const DRONE_KEYS = [
  'attitude_head',
  'horizontal_speed',
  'home_distance',
  'gear',
  'obstacle_avoidance',
  'total_flight_sorties',
  'night_lights_state',
  'gimbal_pitch',
  // of its cameras and of what it tells when it changes: no dock and no controller has these
  'cameras',
  'elevation',
  'track_id',
  'home_latitude',
  'home_longitude',
  'mode_code_reason',
  'control_source',
  'low_battery_warning_threshold',
  'serious_low_battery_warning_threshold',
]
const PAYLOAD_KEY = /^\d{1,3}-\d{1,3}-\d{1,3}$/
/** what DJI sends for "unknown" in 16 bits */
const UNKNOWN = 32_767

const MODES: Readonly<Record<number, string>> = {
  0: 'standby',
  1: 'preparing',
  2: 'ready',
  3: 'manual',
  4: 'auto-take-off',
  5: 'wayline',
  6: 'panorama',
  7: 'tracking',
  8: 'adsb-avoidance',
  9: 'return-home',
  10: 'landing',
  11: 'forced-landing',
  12: 'three-blade-landing',
  13: 'upgrading',
  14: 'not-connected',
  15: 'apas',
  16: 'virtual-stick',
  17: 'live-control',
  18: 'rtk-fixing',
  19: 'dock-site-selecting',
}

export function kindOfData(data: JsonObject): DeviceKind | undefined {
  const has = (keys: readonly string[]): boolean => keys.some(key => Object.hasOwn(data, key))
  if (has(DOCK_KEYS)) return 'dock'
  if (has(DRONE_KEYS) || Object.keys(data).some(key => PAYLOAD_KEY.test(key)) || PAYLOAD_KEY.test(str(data, 'payload_index') ?? ''))
    return 'drone'
  return Object.hasOwn(data, 'wireless_link') || Object.hasOwn(data, 'capacity_percent') ? 'gateway' : undefined
}

/** `given`: the position as it was sent; it may be no place. */
export type Telemetry = Pick<Found, 'metrics' | 'alarms' | 'state' | 'batteryPct' | 'thermal'> & { given?: Given }

export function telemetryOf(data: JsonObject, kind: DeviceKind): Telemetry {
  const given = givenIn(data, kind)
  const place = given === undefined ? {} : { given }
  if (kind === 'dock') return { ...dockOf(data), ...place }
  const payload = record(Object.entries(data).find(([key, value]) => PAYLOAD_KEY.test(key) && isRecord(value))?.[1])
  const thermal = thermalOf(data, payload)
  const mode = num(data, 'mode_code')
  const percent = num(data, 'battery', 'capacity_percent') ?? num(data, 'capacity_percent')
  return {
    ...place,
    metrics: { ...droneMetrics(data, payload), ...thermal?.metrics },
    ...(thermal !== undefined && { thermal: thermal.thermal }),
    ...(percent !== undefined && { batteryPct: percent }),
    state: {
      missionMode: mode === undefined ? undefined : (MODES[mode] ?? `mode ${mode}`),
      positionFix: num(data, 'position_state', 'is_fixed') === undefined ? undefined : isFixed(data),
      firmware: str(data, 'firmware_version'),
      payload: str(data, 'payload_index'),
    },
  }
}

function droneMetrics(data: JsonObject, payload: JsonObject): Record<string, number | undefined> {
  const head = within(num(data, 'attitude_head'), -360, 360)
  const speedX = num(data, 'speed_x')
  const speedY = num(data, 'speed_y')
  return {
    heading_deg: head === undefined ? undefined : Number(((head + 360) % 360).toPrecision(12)),
    pitch_deg: num(data, 'attitude_pitch'),
    roll_deg: num(data, 'attitude_roll'),
    height_m: num(data, 'elevation'),
    speed_mps: num(data, 'horizontal_speed') ?? (speedX === undefined || speedY === undefined ? undefined : Math.hypot(speedX, speedY)),
    vertical_speed_mps: num(data, 'vertical_speed') ?? num(data, 'speed_z'),
    home_distance_m: num(data, 'home_distance'),
    // no unit in the documentation, and 54 was seen hovering: probably tenths
    wind_speed_raw: num(data, 'wind_speed'),
    remaining_flight_s: num(data, 'battery', 'remain_flight_time'),
    gimbal_pitch_deg: num(payload, 'gimbal_pitch') ?? num(data, 'gimbal_pitch'),
    gimbal_yaw_deg: num(payload, 'gimbal_yaw') ?? num(data, 'gimbal_yaw'),
    zoom_factor_raw: num(data, 'zoom_lense', 'zoom_factor') ?? num(payload, 'zoom_factor'),
    ir_zoom_factor_raw: num(data, 'ir_lense', 'ir_zoom_factor'),
  }
}

const known = (value: number | undefined): number | undefined => (value === UNKNOWN || value === -UNKNOWN ? undefined : value)

function dockOf(data: JsonObject): Telemetry {
  const cover = num(data, 'cover_state')
  const inDock = num(data, 'drone_in_dock')
  return {
    metrics: {
      ambient_temperature_c: known(num(data, 'environment_temperature')),
      internal_temperature_c: known(num(data, 'temperature')),
      humidity_pct: within(num(data, 'humidity'), 0, 100),
      wind_speed_mps: known(num(data, 'wind_speed')),
      rainfall_level_raw: num(data, 'rainfall'),
      mains_v: known(num(data, 'electric_supply_voltage')),
      working_v: scaled(known(num(data, 'working_voltage')), 0.001),
      working_a: scaled(known(num(data, 'working_current')), 0.001),
      // switched off it says 0
      backup_battery_v:
        num(data, 'backup_battery', 'switch') === 0 ? undefined : scaled(known(num(data, 'backup_battery', 'voltage')), 0.001),
      backup_battery_temperature_c: known(num(data, 'backup_battery', 'temperature')),
      drone_battery_pct: within(num(data, 'drone_charge_state', 'capacity_percent'), 0, 100),
    },
    // 3: the cover is neither open nor closed
    alarms: { fault: cover === 3 ? true : undefined },
    state: {
      droneInDock: inDock === undefined ? undefined : inDock === 1,
      coverOpen: cover === undefined || cover === 3 ? undefined : cover !== 0,
      dockMode: num(data, 'mode_code'),
      emergencyStop: num(data, 'emergency_stop_state') === undefined ? undefined : num(data, 'emergency_stop_state') === 1,
      alarmSounding: num(data, 'alarm_state') === undefined ? undefined : num(data, 'alarm_state') === 1,
      droneSn: str(data, 'sub_device', 'device_sn'),
    },
  }
}

const isFixed = (data: JsonObject): boolean => num(data, 'position_state', 'is_fixed') === 2

/** What was true before the fix was lost is no position; where no fix is stated at all (controllers, drc/up) the coordinates are taken. */
function givenIn(data: JsonObject, kind: DeviceKind): Given | undefined {
  const lat = num(data, 'latitude')
  const lon = num(data, 'longitude')
  const isNothing = lat === 0 && lon === 0
  if (lat === undefined || lon === undefined || (!isNothing && at(data, 'position_state') !== undefined && !isFixed(data))) return undefined
  const ellipsoidAltM = num(data, 'height')
  const heightM = kind === 'drone' ? num(data, 'elevation') : undefined
  return { lat, lon, ...(ellipsoidAltM !== undefined && { ellipsoidAltM }), ...(heightM !== undefined && { heightM }) }
}
