// What is known of one device: who it is, where it is, what it last said, and how far that may be believed now.
import type { AlarmFlags, DeviceKind, Place, Position } from './reading.ts'

export type Device = {
  deviceId: string
  kind: DeviceKind
  name?: string
  manufacturer?: string
  model?: string
  firmware?: string
  via?: string
  place?: Place
  position?: Position
  /** the longest silence that is still normal, seconds */
  expectNextS?: number
  /** event and arrival time of the newest reading; absent = never heard */
  lastTs?: string
  lastReceivedAt?: string
  online?: boolean
  alarms: AlarmFlags
  metrics: Record<string, number>
  batteryPct?: number
  state?: Record<string, unknown>
  /** messages the device counted and that have not come (yet): a late one makes it smaller */
  gaps: number
  readings: number
  family?: string
}

export const DEVICE_CONDITIONS = ['alarm', 'pre-alarm', 'fault', 'offline', 'stale', 'unknown', 'normal'] as const
export type DeviceCondition = (typeof DEVICE_CONDITIONS)[number]

/** Silence that is still normal when a device does not say: 25 h, Zigbee2MQTT's default for battery devices. */
export const DEFAULT_EXPECT_NEXT_S = 90_000
const GRACE = 2

/**
 * The one honest word for a device at `nowMs`. Never heard = unknown; silent for longer than twice what it promised = stale;
 * both win over "normal", an active alarm wins over both (an alarm never expires by itself).
 */
export function conditionOf(device: Device, nowMs: number): DeviceCondition {
  const a = device.alarms
  if (a.fire || a.smoke || a.heat || a.co || a.gas || a.flame || a.manualCall) return a.test === true ? 'normal' : 'alarm'
  if (a.preAlarm || a.soundOfAlarm) return 'pre-alarm'
  // one that said it goes to sleep is judged by its silence, below
  if (device.online === false && device.state?.['statusReason'] !== 'sleep') return 'offline'
  if (device.lastReceivedAt === undefined) return 'unknown'
  const silentS = (nowMs - Date.parse(device.lastReceivedAt)) / 1000
  if (silentS > (device.expectNextS ?? DEFAULT_EXPECT_NEXT_S) * GRACE) return 'stale'
  if (
    a.fault ||
    a.chamberFault ||
    a.tamper ||
    a.removed ||
    a.lowBattery ||
    a.mainPowerFault ||
    a.backupPowerFault ||
    a.lineFault ||
    a.leak ||
    a.pressureLow ||
    a.pressureHigh ||
    a.levelLow ||
    a.endOfLife
  )
    return 'fault'
  return 'normal'
}
