// The native payloads as TypeScript sees them after the schema has passed them (contracts/schema/native-*.json is the law).
import type { AlarmFlags, DeviceKind, Detection, Place } from '#contracts/reading.ts'
import type { GivenPosition } from '../position.ts'

export type NativeReading = {
  v: 1
  msgId?: string
  deviceId: string
  kind: DeviceKind
  ts?: string | number
  seq?: number
  boot?: number
  history?: boolean
  test?: boolean
  position?: GivenPosition
  power?: { batteryPct?: number; batteryV?: number; mainsOk?: boolean; backupOk?: boolean }
  radio?: { rssiDbm?: number; rsrpDbm?: number; snrDb?: number; lqi?: number }
  alarms?: AlarmFlags
  metrics?: Record<string, number>
  smoke?: NativeSmoke
  station?: NativeStation
  camera?: NativeCamera
  drone?: NativeDrone
  source?: { family?: string; model?: string; firmware?: string; gateway?: string }
}

export type NativeSmoke = {
  obscurationDbPerM?: number
  obscurationPctPerM?: number
  ionY?: number
  alarmRatio?: number
  vendorRaw?: number
  temperatureC?: number
  rateOfRiseCPerMin?: number
  coPpm?: number
  humidityPct?: number
  state?: 'normal' | 'pre-alarm' | 'alarm' | 'silenced' | 'test' | 'fault' | 'shielded'
  chamber?: 'ok' | 'dirty' | 'fault'
  contaminationPct?: number
  standard?: string
  installedOn?: string
  replaceBy?: string
}

export type NativeStation = {
  readiness: string
  crew?: { onDuty: number; required?: number; shift?: string; leaderRef?: string }
  vehicles?: { id: string; type?: string; state: string; position?: GivenPosition; waterL?: number; energyPct?: number }[]
  waterTank?: { levelM?: number; levelPct?: number; volumeM3?: number; capacityM3?: number; temperatureC?: number }
  hydrants?: {
    id: string
    pressureKpa?: number
    flowLps?: number
    capOpen?: boolean
    tilted?: boolean
    temperatureC?: number
    position?: GivenPosition
  }[]
  extinguishers?: { agent: string; sizeKg?: number; count: number; pressureOk?: number; expired?: number; nextInspection?: string }[]
  breathingApparatus?: {
    id: string
    cylinderMpa?: number
    ratedMpa?: number
    cylinderL?: number
    ready?: boolean
    hydroTestDue?: string
  }[]
  equipment?: { item: string; count: number; required?: number }[]
  doors?: { id: string; open: boolean; sinceS?: number }[]
  task?: { dispatchId?: string; state?: string }
}

export type NativeCamera = {
  eventId?: string
  phase?: string
  detections?: (Omit<Detection, 'position'> & { position?: GivenPosition })[]
  audio?: string[]
  thermal?: { maxC?: number; minC?: number; avgC?: number; at?: [number, number]; rangeMaxC?: number }
  view?: { bearingDeg?: number; tiltDeg?: number; hfovDeg?: number; vfovDeg?: number; zoom?: number; heightM?: number }
  snapshotUrl?: string
  clipUrl?: string
  streamUrl?: string
}

export type NativeDrone = {
  headingDeg?: number
  speedMps?: number
  verticalSpeedMps?: number
  homeDistanceM?: number
  remainingFlightS?: number
  windMps?: number
  gnss?: { fix?: string; satellites?: number }
  gimbal?: { pitchDeg?: number; rollDeg?: number; yawDeg?: number }
  thermal?: { maxC?: number; minC?: number; rangeMaxC?: number; at?: [number, number]; position?: GivenPosition }
  mission?: { id?: string; state?: string; progressPct?: number; dispatchId?: string }
  armed?: boolean
  inDock?: boolean
  vendorMode?: string
  camera?: NativeCamera
}

export type NativeStatus = {
  v: 1
  online: boolean
  ts?: string
  session?: string
  reason?: 'will' | 'shutdown' | 'sleep' | 'birth'
  expectNextS?: number
}

export type NativeAbout = {
  v: 1
  deviceId: string
  kind: string
  name?: string
  manufacturer?: string
  model?: string
  firmware?: string
  serial?: string
  via?: string
  position?: unknown
  address?: string
  standards?: string[]
  telemetryEveryS?: number
  expectNextS?: number
  thresholds?: Record<string, number>
  capabilities?: string[]
  place?: Place
}
