// The blocks of a native reading (smoke, station, camera, drone) as parts of the canonical reading: numbers become metrics
// whose names end in the unit, everything else stays as state. Nothing measured is dropped, nothing unmeasured is made up.
import type { AlarmFlags, Detection } from '#contracts/reading.ts'
import { toWgs84, type GivenPosition } from '../position.ts'
import type { Note } from '../time.ts'
import { obscuration } from '../units.ts'
import type { NativeCamera, NativeDrone, NativeSmoke } from './payload.ts'

/** What one block adds to a reading. */
export type Part = {
  metrics: Record<string, number>
  state: Record<string, unknown>
  /** flags the block implies; what the payload's own `alarms` says wins */
  implied?: AlarmFlags
  detections?: Detection[]
  test?: boolean
  notes?: Note[]
}

/** Each name written out: most are absent, a detector's message is the most frequent there is, and a name that varies costs more. */
export function smokePart(smoke: NativeSmoke, given: AlarmFlags): Part {
  const metrics: Part['metrics'] = {}
  if (smoke.obscurationDbPerM !== undefined || smoke.obscurationPctPerM !== undefined) takeObscuration(smoke, metrics)
  if (smoke.ionY !== undefined) metrics['ion_y_raw'] = smoke.ionY
  if (smoke.alarmRatio !== undefined) metrics['alarm_ratio_raw'] = smoke.alarmRatio
  if (smoke.vendorRaw !== undefined) metrics['smoke_vendor_raw'] = smoke.vendorRaw
  if (smoke.temperatureC !== undefined) metrics['temperature_c'] = smoke.temperatureC
  if (smoke.rateOfRiseCPerMin !== undefined) metrics['temperature_rise_c_per_min'] = smoke.rateOfRiseCPerMin
  if (smoke.coPpm !== undefined) metrics['co_ppm'] = smoke.coPpm
  if (smoke.humidityPct !== undefined) metrics['humidity_pct'] = smoke.humidityPct
  if (smoke.contaminationPct !== undefined) metrics['contamination_pct'] = smoke.contaminationPct
  const { state: smokeState, chamber, standard, installedOn, replaceBy } = smoke
  const state: Part['state'] = {}
  if (smokeState !== undefined) state['smokeState'] = smokeState
  if (chamber !== undefined) state['chamber'] = chamber
  if (standard !== undefined) state['standard'] = standard
  if (installedOn !== undefined) state['installedOn'] = installedOn
  if (replaceBy !== undefined) state['replaceBy'] = replaceBy
  const implied = impliedByState(smokeState)
  if (chamber !== undefined) {
    implied.chamberDirty = chamber === 'dirty'
    implied.chamberFault = chamber === 'fault'
  }
  const part: Part = { metrics, state, implied, test: smokeState === 'test' }
  if (smokeState === 'alarm' && given.smoke === false) part.notes = [CONTRADICTION]
  return part
}

function takeObscuration({ obscurationDbPerM: dbPerM, obscurationPctPerM: pctPerM }: NativeSmoke, metrics: Part['metrics']): void {
  const { obscuration_db_per_m: db, obscuration_pct_per_m: pct } = obscuration({ dbPerM, pctPerM })
  if (db !== undefined && Number.isFinite(db)) metrics['obscuration_db_per_m'] = db
  if (pct !== undefined && Number.isFinite(pct)) metrics['obscuration_pct_per_m'] = pct
}

/** What may be absent, or out of what numbers hold. */
export function put(metrics: Part['metrics'], name: string, value: number | undefined): void {
  if (value !== undefined && Number.isFinite(value)) metrics[name] = value
}

const CONTRADICTION: Note = {
  code: 'schema-violation',
  reason: 'alarms.smoke is false while smoke.state is "alarm": taken as an alarm',
  where: '/smoke/state',
}

function impliedByState(state: NativeSmoke['state']): AlarmFlags {
  switch (state) {
    case 'alarm':
      return { smoke: true }
    case 'normal':
      return { smoke: false }
    case 'pre-alarm':
      return { preAlarm: true }
    case 'silenced':
      return { silenced: true }
    case 'fault':
      return { fault: true }
    case 'shielded':
      return { shielded: true }
    default:
      return {}
  }
}

/** `prefix` keeps a drone's camera apart from the drone's own thermal sensor. */
export function cameraPart(camera: NativeCamera, prefix: '' | 'camera_' = ''): Part {
  const { thermal, detections, audio, eventId, phase, snapshotUrl, clipUrl, streamUrl } = camera
  const metrics = prefix === '' ? seenBy(camera) : seenFromAbove(camera)
  const state: Part['state'] = {}
  if (eventId !== undefined) state['eventId'] = eventId
  if (phase !== undefined) state['phase'] = phase
  if (audio !== undefined) state['audio'] = audio
  if (thermal?.at !== undefined) state['thermalAt'] = thermal.at
  if (snapshotUrl !== undefined) state['snapshotUrl'] = snapshotUrl
  if (clipUrl !== undefined) state['clipUrl'] = clipUrl
  if (streamUrl !== undefined) state['streamUrl'] = streamUrl
  const part: Part = { metrics, state }
  if (audio?.some(isSiren) === true) part.implied = { soundOfAlarm: true }
  if (detections !== undefined) part.detections = detections.map(detectionOf)
  return part
}

function seenBy({ thermal, view }: NativeCamera): Part['metrics'] {
  const metrics: Part['metrics'] = {}
  if (thermal?.maxC !== undefined) metrics['thermal_max_c'] = thermal.maxC
  if (thermal?.minC !== undefined) metrics['thermal_min_c'] = thermal.minC
  if (thermal?.avgC !== undefined) metrics['thermal_avg_c'] = thermal.avgC
  if (thermal?.rangeMaxC !== undefined) metrics['thermal_range_max_c'] = thermal.rangeMaxC
  if (view?.bearingDeg !== undefined) metrics['view_bearing_deg'] = view.bearingDeg
  if (view?.tiltDeg !== undefined) metrics['view_tilt_deg'] = view.tiltDeg
  if (view?.hfovDeg !== undefined) metrics['view_hfov_deg'] = view.hfovDeg
  if (view?.vfovDeg !== undefined) metrics['view_vfov_deg'] = view.vfovDeg
  if (view?.zoom !== undefined) metrics['view_zoom_raw'] = view.zoom
  if (view?.heightM !== undefined) metrics['view_height_m'] = view.heightM
  return metrics
}

/** The camera of a drone, whose own sensors have the plain names. */
function seenFromAbove(camera: NativeCamera): Part['metrics'] {
  const metrics: Part['metrics'] = {}
  const seen = seenBy(camera)
  for (const name in seen) metrics[`camera_${name}`] = seen[name] ?? 0
  return metrics
}

const isSiren = (sound: string): boolean => sound === 'fire-alarm' || sound === 'smoke-detector'

/** Of this message alone: changed in place. */
function detectionOf(given: NonNullable<NativeCamera['detections']>[number]): Detection {
  const detection = given as Detection
  if (given.position === undefined) return detection
  const wgs84 = toWgs84(given.position)
  if (wgs84 === undefined) delete detection.position
  else detection.position = wgs84
  return detection
}

export function dronePart(drone: NativeDrone): Part {
  const { gnss, gimbal, thermal, mission } = drone
  const part: Part = drone.camera === undefined ? { metrics: {}, state: {} } : cameraPart(drone.camera, 'camera_')
  const { metrics } = part
  if (drone.headingDeg !== undefined) metrics['heading_deg'] = drone.headingDeg
  if (drone.speedMps !== undefined) metrics['speed_mps'] = drone.speedMps
  if (drone.verticalSpeedMps !== undefined) metrics['vertical_speed_mps'] = drone.verticalSpeedMps
  if (drone.homeDistanceM !== undefined) metrics['home_distance_m'] = drone.homeDistanceM
  if (drone.remainingFlightS !== undefined) metrics['remaining_flight_s'] = drone.remainingFlightS
  if (drone.windMps !== undefined) metrics['wind_mps'] = drone.windMps
  if (gnss?.satellites !== undefined) metrics['gnss_satellites_count'] = gnss.satellites
  if (gimbal?.pitchDeg !== undefined) metrics['gimbal_pitch_deg'] = gimbal.pitchDeg
  if (gimbal?.rollDeg !== undefined) metrics['gimbal_roll_deg'] = gimbal.rollDeg
  if (gimbal?.yawDeg !== undefined) metrics['gimbal_yaw_deg'] = gimbal.yawDeg
  if (thermal?.maxC !== undefined) metrics['thermal_max_c'] = thermal.maxC
  if (thermal?.minC !== undefined) metrics['thermal_min_c'] = thermal.minC
  if (thermal?.rangeMaxC !== undefined) metrics['thermal_range_max_c'] = thermal.rangeMaxC
  if (mission?.progressPct !== undefined) metrics['mission_progress_pct'] = mission.progressPct
  part.state = droneState(drone, part.state)
  return part
}

function droneState({ gnss, thermal, mission, armed, inDock, vendorMode, camera }: NativeDrone, ofCamera: Part['state']): Part['state'] {
  const state: Part['state'] = {}
  if (gnss?.fix !== undefined) state['gnssFix'] = gnss.fix
  if (thermal?.at !== undefined) state['thermalAt'] = thermal.at
  const thermalPosition = wgs84OrNothing(thermal?.position)
  if (thermalPosition !== undefined) state['thermalPosition'] = thermalPosition
  if (mission !== undefined) state['mission'] = mission
  if (armed !== undefined) state['armed'] = armed
  if (inDock !== undefined) state['inDock'] = inDock
  if (vendorMode !== undefined) state['vendorMode'] = vendorMode
  if (camera !== undefined) state['camera'] = ofCamera
  return state
}

export const wgs84OrNothing = (given: GivenPosition | undefined) => (given === undefined ? undefined : toWgs84(given))
