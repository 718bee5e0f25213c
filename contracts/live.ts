// The live socket (GET /api/v1/live): one snapshot, then deltas with a gapless sequence, a heartbeat every second.
import type { Alarm } from './alarm.ts'
import type { Device } from './device.ts'
import type { Incident } from './incident.ts'
import type { Order } from './order.ts'
import type { Posture } from './posture.ts'
import type { Resource } from './resource.ts'

/** What a map needs of a device, ten times smaller than Device: [deviceId, kind, lat, lon, condition, lastReceivedAtMs, name, building, floor, room,
 *  number]; the number stands for the device in small frames (live-rows.ts) as long as the epoch lasts. */
export type DeviceRow = [
  string,
  string,
  number | null,
  number | null,
  string,
  number | null,
  string | null,
  string | null,
  string | null,
  string | null,
  number,
]

/** What a drone, a camera or a station shows beyond its condition; absent = not told. Angles from true north clockwise, tilt below the horizon is negative. */
export type Sight = {
  deviceId: string
  headingDeg?: number
  speedMps?: number
  heightM?: number
  /** where its camera looks */
  bearingDeg?: number
  tiltDeg?: number
  hfovDeg?: number
  batteryPct?: number
  remainingFlightS?: number
  inDock?: boolean
  mission?: string
  /** of a station: ready, degraded, responding, not-ready as it says itself */
  readiness?: string
  crewOnDuty?: number
  crewRequired?: number
}

export type QueueAlarm = Omit<Alarm, 'evidence' | 'counterEvidence'>

/** How the system itself is: a line per room, shown so that an empty queue can prove it is alive. */
export type RoomHealth = { room: string; ok: boolean; detail: string; troubles?: Trouble[] }

/**
 * What is wrong in a word: the alarms of the system about itself go by it, never by the detail.
 * silent: does not answer; failing: a store takes nothing and is asked again; disk-reserve: bulk messages are refused; set-aside: a store was begun anew and is filled out of the journal;
 * passed-over: messages that nobody could read were left out; unbalanced: the account does not add up; stuck: something in the queue that nothing moves any more
 */
export const TROUBLES = [
  'silent',
  'failing',
  'disk-reserve',
  'set-aside',
  'passed-over',
  'unbalanced',
  'late',
  'rule-off',
  'tail-lost',
  'stuck',
] as const
export type Trouble = (typeof TROUBLES)[number]

export type Kpis = {
  unacknowledged: number
  alarmsIn10Min: number
  /** acknowledged - queued, seconds, over today's incidents; null = none yet */
  mttaP50S: number | null
  mttaP90S: number | null
  openIncidents: number
  devicesTotal: number
  devicesOnline: number
  devicesStale: number
  devicesUnknown: number
}

export type LiveMessage =
  | {
      type: 'snapshot'
      seq: number
      epoch: string
      serverTime: string
      incidents: Incident[]
      alarms: QueueAlarm[]
      devices: DeviceRow[]
      /** open orders; the finished ones of an incident come with its detail */
      orders: Order[]
      resources: Resource[]
      sights: Sight[]
      posture: Posture
      kpis: Kpis
      rooms: RoomHealth[]
      /** devices and sights are empty and follow in `devices` messages (live-rows.ts: who takes small frames): the queue does not wait for them */
      devicesFollow?: true
    }
  /** belongs to the snapshot before it and has no seq; deltas may come in between, and what they say of a device is never newer than the part that names it */
  | { type: 'devices'; devices: DeviceRow[]; sights: Sight[]; last: boolean }
  | {
      type: 'delta'
      seq: number
      serverTime: string
      incidents?: Incident[]
      alarms?: QueueAlarm[]
      devices?: DeviceRow[]
      /** also those that have just ended, in their last state */
      orders?: Order[]
      resources?: Resource[]
      sights?: Sight[]
      posture?: Posture
      removed?: { incidents?: string[]; alarms?: string[]; devices?: string[]; resources?: string[] }
    }
  | { type: 'heartbeat'; seq: number; serverTime: string; kpis: Kpis; rooms: RoomHealth[] }

export type LiveDevice = Device
