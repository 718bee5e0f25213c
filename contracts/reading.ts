// The canonical reading: what every decoder makes of a device's bytes. Units are part of the name, absent means "not
// measured" (never null, never 0), positions are WGS84. Source: docs/devices.md.

export const DEVICE_KINDS = [
  'micro-station',
  'smoke',
  'heat',
  'co',
  'gas',
  'manual-call',
  'water-leak',
  'pressure',
  'level',
  'flow',
  'door',
  'electrical-fire',
  'environment',
  'camera',
  'drone',
  'dock',
  'panel',
  'panel-component',
  'gateway',
  'other',
] as const
export type DeviceKind = (typeof DEVICE_KINDS)[number]

/** true = active now, false = known to be clear, absent = not reported. Absent never clears an alarm. */
export const ALARM_FLAGS = [
  'fire',
  'smoke',
  'heat',
  'co',
  'gas',
  'flame',
  'manualCall',
  'preAlarm',
  'leak',
  'pressureLow',
  'pressureHigh',
  'levelLow',
  'levelHigh',
  'fault',
  'chamberFault',
  'chamberDirty',
  'tamper',
  'removed',
  'lowBattery',
  'mainPowerFault',
  'backupPowerFault',
  'lineFault',
  'shielded',
  'supervisory',
  'feedback',
  'started',
  'silenced',
  'interconnect',
  'endOfLife',
  'soundOfAlarm',
  'test',
] as const
export type AlarmFlag = (typeof ALARM_FLAGS)[number]
export type AlarmFlags = Partial<Record<AlarmFlag, boolean>>

/** Where a device is, in the words people and rules use: "same room, same building?" */
export type Place = { area?: string; grid?: string; building?: string; floor?: string; room?: string }

/** WGS84 degrees. `crsWas` tells which reference the device gave when it was not WGS84. */
export type Position = {
  lat: number
  lon: number
  ellipsoidAltM?: number
  mslAltM?: number
  heightM?: number
  /** above a datum the source does not state, or states beside it (mslAltM, ellipsoidAltM) */
  altM?: number
  floor?: string
  accuracyM?: number
  crsWas?: 'GCJ02' | 'BD09' | 'CGCS2000'
}

export type Detection = {
  class: string
  label?: string
  confidence?: number
  trackId?: string
  /** x, y, width, height as parts of the image, 0..1 */
  bbox?: [number, number, number, number]
  /** left, top, right, bottom in pixels, where the size of the image is not known */
  bboxPx?: [number, number, number, number]
  temperatureC?: number
  distanceM?: number
  position?: Position
}

/** What a thermal camera measured. At `rangeMaxC` the sensor is saturated: it is at least that hot. */
export type Thermal = {
  maxC?: number
  minC?: number
  rangeMaxC?: number
  saturated?: boolean
  /** the hottest point, as parts of the image */
  point?: { x: number; y: number; temperatureC?: number }
  /** null = seen, but the range finder has no valid target: coordinates sent along mean nothing */
  location: { lat: number; lon: number; altM?: number; distanceM?: number } | null
}

/** What the name of a metric ends in, behind an underscore; `raw` = a vendor's number without a proven unit. */
export const METRIC_UNITS =
  'c c_per_min pct ppm lel_pct db_per_m pct_per_m kpa mpa m mm l lps v a ma w kwh kg s deg mps lx count db dbm raw'.split(' ')
/** as a regular expression, for schemas */
export const METRIC_NAME_PATTERN = `^[a-z][a-z0-9_]{0,63}_(${METRIC_UNITS.join('|')})$`

export type Reading = {
  deviceId: string
  kind: DeviceKind
  /** event time, RFC 3339 with ms, UTC */
  ts: string
  tsSource: 'device' | 'gateway' | 'server'
  /** the device's own time where it was not believed */
  deviceTs?: string
  receivedAt: string
  msgId?: string
  /** per-boot counter of the device: gaps are lost messages */
  seq?: number
  boot?: number
  position?: Position
  place?: Place
  metrics: Record<string, number>
  alarms: AlarmFlags
  batteryPct?: number
  rssiDbm?: number
  rsrpDbm?: number
  snrDb?: number
  lqi?: number
  /** vendor or kind-specific state that is not a number: readiness, mission, door, model names; JSON only */
  state?: Record<string, unknown>
  detections?: Detection[]
  thermal?: Thermal
  text?: string
  flags: { history?: boolean; stale?: boolean; retained?: boolean; test?: boolean }
  online?: boolean
  /** facts about the device itself (from a self-description); a reading that carries only these is not a measurement */
  about?: {
    name?: string
    manufacturer?: string
    model?: string
    firmware?: string
    via?: string
    expectNextS?: number
    thresholds?: Record<string, number>
    address?: string
  }
  source: { family: string; model?: string; topic?: string; gateway?: string }
}

/** What a decoder answers. Exactly one of the shapes; `rejected` goes to quarantine with the raw bytes. */
export type Decoded = {
  readings: Reading[]
  /** why nothing or not everything could be read: code from contracts/errors.ts, reason says what and where (JSON path) */
  rejected?: { code: string; reason: string; where?: string }
  /** a message that is fine but says nothing about a device (logs, own state) */
  ignored?: string
  /** a message that changed what the decoder knows (births, discovery, device lists) */
  control?: string
  /** readings were kept although something about the message must be looked at; goes to quarantine as a note */
  notes?: { code: string; reason: string; where?: string }[]
}

/** Readings with one of these flags are stored and shown, and never raise an alarm. */
export const isEvidence = (reading: Reading): boolean =>
  !(reading.flags.history === true || reading.flags.stale === true || reading.flags.retained === true || reading.flags.test === true)
