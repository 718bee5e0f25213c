// What the fields of a MAVLink message mean, whether they came as a packet or as mavlink2rest's JSON; and the JSON of small bridges and of
// Codev nests. Units by common.xml: degrees * 1e7, mm, cm/s, centidegrees; 65535 and -1 are "unknown". Times count from boot: never a date.
import { at, list, num, record, scaled, str, within, type Found, type JsonObject } from '../compose.ts'
import type { Given } from '../no-place.ts'

const SYSTEM_STATUS = [
  'uninitialised',
  'boot',
  'calibrating',
  'standby',
  'active',
  'critical',
  'emergency',
  'power-off',
  'flight-termination',
]
const ARMED = 0x80
const GROUND_STATION = 6
/** MAV_TYPE of what flies or drives; the rest is antennas, cameras, gimbals, chargers and the like, which speak for themselves. */
const isVehicle = (type: number | undefined): boolean =>
  type === undefined ||
  type <= 4 ||
  (type >= 7 && type <= 17) ||
  (type >= 19 && type <= 25) ||
  type === 28 ||
  type === 29 ||
  type === 35 ||
  type === 43

/** `given`: the position as it was sent; it may be no place. */
export type Part = Omit<Found, 'deviceId' | 'position'> & { given?: Given }

/** undefined = a message that says nothing here. */
export function vehiclePart(message: string, fields: JsonObject): Part | undefined {
  if (message === 'HEARTBEAT') return heartbeat(fields)
  if (message === 'GLOBAL_POSITION_INT') return globalPosition(fields)
  if (message === 'GPS_RAW_INT') return rawGps(fields)
  if (message === 'SYS_STATUS') return systemStatus(fields)
  if (message === 'BATTERY_STATUS') return batteryStatus(fields)
  if (message === 'VFR_HUD')
    return {
      kind: 'drone',
      metrics: {
        heading_deg: within(num(fields, 'heading'), 0, 360),
        speed_mps: num(fields, 'groundspeed'),
        vertical_speed_mps: num(fields, 'climb'),
      },
    }
  return message === 'STATUSTEXT'
    ? { kind: 'drone', text: str(fields, 'text') ?? '', state: { severity: num(fields, 'severity') } }
    : undefined
}

export function heartbeat(fields: JsonObject): Part {
  const mode = fields['base_mode']
  const status = num(fields, 'system_status')
  const named = str(at(fields, 'system_status', 'type')) ?? str(fields, 'system_status')
  const systemStatus = (status === undefined ? undefined : SYSTEM_STATUS[status]) ?? named?.replace('MAV_STATE_', '').toLowerCase()
  const bits = num(mode) ?? num(mode, 'bits')
  const armed = bits === undefined ? (typeof mode === 'string' ? mode.includes('SAFETY_ARMED') : undefined) : (bits & ARMED) !== 0
  return {
    kind: isVehicle(num(fields, 'type')) ? 'drone' : 'other',
    alarms: { fault: systemStatus === undefined ? undefined : systemStatus === 'critical' || systemStatus === 'emergency' },
    state: { armed, systemStatus },
  }
}

function globalPosition(fields: JsonObject): Part {
  const heading = num(fields, 'hdg')
  const [vx, vy, vz] = [num(fields, 'vx'), num(fields, 'vy'), num(fields, 'vz')]
  const altM = scaled(num(fields, 'alt'), 0.001)
  const heightM = scaled(num(fields, 'relative_alt'), 0.001)
  return {
    kind: 'drone',
    ...placed(scaled(num(fields, 'lat'), 1e-7), scaled(num(fields, 'lon'), 1e-7), {
      ...(altM !== undefined && { altM, mslAltM: altM }),
      ...(heightM !== undefined && { heightM }),
    }),
    metrics: {
      heading_deg: heading === undefined || heading > 36_000 ? undefined : heading / 100,
      speed_mps: vx === undefined || vy === undefined ? undefined : Math.hypot(vx / 100, vy / 100),
      vertical_speed_mps: vz === undefined ? undefined : -vz / 100 + 0,
      height_m: heightM,
    },
  }
}

/** fix type 3 and above is a position in three dimensions */
function rawGps(fields: JsonObject): Part {
  const fix = num(fields, 'fix_type') ?? fixNamed(str(at(fields, 'fix_type', 'type')))
  const altM = scaled(num(fields, 'alt'), 0.001)
  const place =
    fix !== undefined && fix >= 3
      ? placed(scaled(num(fields, 'lat'), 1e-7), scaled(num(fields, 'lon'), 1e-7), { ...(altM !== undefined && { altM, mslAltM: altM }) })
      : {}
  return {
    kind: 'drone',
    ...place,
    metrics: { satellites_count: within(num(fields, 'satellites_visible'), 0, 254) },
    state: { fixType: fix },
  }
}
const fixNamed = (name: string | undefined): number | undefined =>
  name === undefined ? undefined : /3D|DGPS|RTK|STATIC|PPP/.test(name) ? 3 : 0

const systemStatus = (fields: JsonObject): Part => ({
  kind: 'drone',
  ...battery(fields),
  metrics: {
    battery_v: num(fields, 'voltage_battery') === 65_535 ? undefined : scaled(num(fields, 'voltage_battery'), 0.001),
    battery_a: current(fields),
  },
})
const current = (fields: JsonObject): number | undefined =>
  num(fields, 'current_battery') === -1 ? undefined : scaled(num(fields, 'current_battery'), 0.01)
function battery(fields: JsonObject): Pick<Found, 'batteryPct'> {
  const percent = within(num(fields, 'battery_remaining'), 0, 100)
  return percent === undefined ? {} : { batteryPct: percent }
}

const placed = (lat: number | undefined, lon: number | undefined, rest: Omit<Given, 'lat' | 'lon'>): { given?: Given } =>
  lat === undefined || lon === undefined ? {} : { given: { lat, lon, ...rest } }

/** MAV_BATTERY_CHARGE_STATE by number, and what of it is an alarm. 0 is not told, 7 charging. */
const CHARGES = ['undefined', 'ok', 'low', 'critical', 'emergency', 'failed', 'unhealthy', 'charging']

/** A vehicle with several batteries tells of each: the first is its battery, the others are numbered. */
function batteryStatus(fields: JsonObject): Part {
  const id = num(fields, 'id') ?? 0
  const named = id === 0 ? 'battery' : `battery_${within(id, 1, 99) ?? 99}`
  const percent = within(num(fields, 'battery_remaining'), 0, 100)
  const cells = list(fields['voltages']).flatMap(cell => within(num(cell), 1, 65_534) ?? [])
  const remainingS = num(fields, 'time_remaining')
  const state = num(fields, 'charge_state')
  const charge =
    (state === undefined ? undefined : CHARGES[state]) ??
    str(at(fields, 'charge_state', 'type'))
      ?.replace('MAV_BATTERY_CHARGE_STATE_', '')
      .toLowerCase()
  const isTold = charge !== undefined && charge !== 'undefined' && CHARGES.includes(charge)
  return {
    kind: 'drone',
    ...(percent !== undefined && id === 0 && { batteryPct: percent }),
    metrics: {
      [`${named}_temperature_c`]: num(fields, 'temperature') === 32_767 ? undefined : scaled(num(fields, 'temperature'), 0.01),
      [`${named}_a`]: current(fields),
      [`${named}_v`]:
        cells.length === 0
          ? undefined
          : scaled(
              cells.reduce((sum, cell) => sum + cell, 0),
              0.001,
            ),
      [`${named}_pct`]: id === 0 ? undefined : percent,
      [`${named}_remaining_s`]: remainingS === 0 ? undefined : remainingS,
    },
    ...(isTold && {
      alarms: {
        lowBattery: charge === 'low' || charge === 'critical' || charge === 'emergency',
        ...((charge === 'failed' || charge === 'unhealthy') && { fault: true }),
      },
      state: { [`${named === 'battery' ? 'battery' : `battery${id}`}Charge`]: charge },
    }),
  }
}

/** Bridges write degrees, or degrees * 1e7 as the message has them. */
const degrees = (value: number | undefined): number | undefined =>
  value !== undefined && Math.abs(value) > 180 ? scaled(value, 1e-7) : value

export function bridgePart(body: JsonObject): Part | undefined {
  if (body['base_mode'] !== undefined || body['system_status'] !== undefined) return heartbeat(body)
  const lat = degrees(num(body, 'lat') ?? num(body, 'latitude'))
  const lon = degrees(num(body, 'lon') ?? num(body, 'lng') ?? num(body, 'longitude'))
  const alt = num(body, 'alt') ?? num(body, 'altitude')
  const height = num(body, 'relative_alt')
  const percent = within(num(body, 'battery_remaining') ?? num(body, 'battery'), 0, 100)
  const heading = within(num(body, 'heading') ?? num(body, 'yaw'), 0, 360)
  if (lat === undefined && percent === undefined && alt === undefined && heading === undefined) return undefined
  return {
    kind: 'drone',
    ...placed(lat, lon, { ...(alt !== undefined && { altM: alt, mslAltM: alt }), ...(height !== undefined && { heightM: height }) }),
    metrics: { altitude_msl_m: alt, height_m: height, heading_deg: heading, speed_mps: num(body, 'groundspeed') },
    ...(percent !== undefined && { batteryPct: percent }),
  }
}

/** A Codev nest's telemetry. Its battery is documented 0 to 1 and sent as percent: above 1 it is percent. */
export function codevPart(body: JsonObject): Part {
  const [lat, lon, altM, heightM] = list(body['position']).map(value => num(value))
  const hasFix = /3D|RTK|DGPS/i.test(str(body, 'gps_fix_type') ?? '3D')
  const share = num(body, 'battery_percent')
  const yaw = within(num(body, 'aircraft_yaw'), -360, 360)
  const [vx, vy] = list(body['aircraft_speed']).map(value => num(value))
  const percent = share === undefined ? undefined : within(share > 1 ? share : share * 100, 0, 100)
  return {
    kind: 'drone',
    ...(hasFix && placed(lat, lon, { ...(altM !== undefined && { altM }), ...(heightM !== undefined && { heightM }) })),
    metrics: {
      heading_deg: yaw === undefined ? undefined : Number(((yaw + 360) % 360).toPrecision(12)),
      speed_mps: vx === undefined || vy === undefined ? undefined : Math.hypot(vx, vy),
      satellites_count: num(body, 'satellite_number'),
    },
    ...(percent !== undefined && { batteryPct: percent }),
    state: {
      landed: str(body, 'landed_state') === undefined ? undefined : /ground/i.test(str(body, 'landed_state') ?? ''),
      flightMode: str(body, 'flight_mode'),
    },
  }
}

export const messageOf = (body: JsonObject): { message: string; fields: JsonObject; system: number; component: number } | undefined => {
  const message = str(body, 'message', 'type')
  const system = within(num(body, 'header', 'system_id'), 0, 255)
  if (message === undefined || system === undefined) return undefined
  const { type: _, ...fields } = record(body['message'])
  const vehicle = str(at(fields, 'mavtype', 'type'))
  return {
    message,
    fields: { ...fields, ...(vehicle === 'MAV_TYPE_GCS' && { type: GROUND_STATION }) },
    system,
    component: within(num(body, 'header', 'component_id'), 0, 255) ?? 0,
  }
}
