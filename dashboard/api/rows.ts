// What the live socket says of devices: a full row when somebody must learn who and where a device is, else only its number, condition
// and time of hearing. Remembers what was said of each device, one row each: bounded by the directory.
import { conditionOf, type Device, type DeviceCondition } from '#contracts/device.ts'
import type { DeviceRow, Sight } from '#contracts/live.ts'
import { NUMBER_MAX, type SmallRow } from '#contracts/live-rows.ts'

export type Rows = {
  /** the row for a snapshot; only when nobody else is there (`alone`) does it count as said to all */
  full(device: Device, alone: boolean): DeviceRow
  /** the row, and whether those who had the last one can do with the small one */
  next(device: Device): { row: DeviceRow; small: boolean }
  /** what it sees or how it stands, where that is not what was said last */
  sight(device: Device): Sight | null
  /** the same for a snapshot: one who has it must be told of the next change, whatever the others know */
  sightNow(device: Device): Sight | null
  forget(deviceId: string): void
  /** true when no number is left: what was said has to be said anew, under a new epoch */
  exhausted(): boolean
  reset(): void
}

/** lat, lon, kind, name, building, floor, room: what only a full row tells */
const LASTING = [1, 2, 3, 6, 7, 8, 9] as const

export function createRows(nowMs: () => number, numbersMax = NUMBER_MAX): Rows {
  const said = new Map<string, DeviceRow>()
  const sights = new Map<string, string>()
  const numbers = new Map<string, number>()
  let nextNumber = 0
  const rowOf = (device: Device, number: number): DeviceRow => {
    const { position, place } = device
    return [
      device.deviceId,
      device.kind,
      position?.lat ?? null,
      position?.lon ?? null,
      conditionOf(device, nowMs()),
      device.lastReceivedAt === undefined ? null : Date.parse(device.lastReceivedAt),
      device.name ?? null,
      place?.building ?? null,
      place?.floor ?? null,
      place?.room ?? null,
      number,
    ]
  }
  const numberOf = (deviceId: string): number => {
    const known = numbers.get(deviceId)
    if (known !== undefined) return known
    numbers.set(deviceId, nextNumber)
    return nextNumber++
  }
  return {
    full(device, alone) {
      const row = rowOf(device, numberOf(device.deviceId))
      if (alone && !said.has(device.deviceId)) said.set(device.deviceId, row)
      return row
    },
    next(device) {
      const before = said.get(device.deviceId)
      const row = rowOf(device, numberOf(device.deviceId))
      said.set(device.deviceId, row)
      return { row, small: before !== undefined && LASTING.every(at => before[at] === row[at]) }
    },
    sight(device) {
      const sight = sightOf(device)
      if (sight === null) return null
      const words = JSON.stringify(sight)
      // a drone that flies straight on says the same, and its way goes on
      if (device.kind !== 'drone' && sights.get(device.deviceId) === words) return null
      sights.set(device.deviceId, words)
      return sight
    },
    sightNow(device) {
      const sight = sightOf(device)
      if (sight !== null && sights.get(device.deviceId) !== JSON.stringify(sight)) sights.delete(device.deviceId)
      return sight
    },
    forget(deviceId) {
      said.delete(deviceId)
      sights.delete(deviceId)
      numbers.delete(deviceId)
    },
    exhausted: () => nextNumber >= numbersMax,
    reset() {
      said.clear()
      sights.clear()
      numbers.clear()
      nextNumber = 0
    },
  }
}

export const smallOf = (row: DeviceRow): SmallRow => ({ number: row[10], condition: row[4] as DeviceCondition, heardAtMs: row[5] })

const given = (o: { [K in keyof Sight]: Sight[K] | undefined }): Sight =>
  Object.fromEntries(Object.entries(o).filter(([, value]) => value !== undefined)) as Sight
const isFlag = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)
const wordOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const stateIn = (value: unknown): string | undefined =>
  wordOf(typeof value === 'object' && value !== null ? (value as Record<string, unknown>)['state'] : value)

/** How a drone flies, where a camera looks, whether a station could turn out; null for every other device. */
export function sightOf(device: Device): Sight | null {
  const { deviceId, kind, metrics: m, state = {}, batteryPct } = device
  if (kind === 'camera')
    return given({
      deviceId,
      bearingDeg: m['view_bearing_deg'],
      tiltDeg: m['view_tilt_deg'],
      hfovDeg: m['view_hfov_deg'],
      heightM: m['view_height_m'],
    })
  if (kind === 'drone')
    return given({
      deviceId,
      headingDeg: m['heading_deg'],
      speedMps: m['speed_mps'],
      heightM: device.position?.heightM ?? device.position?.altM,
      bearingDeg: m['gimbal_yaw_deg'] ?? m['heading_deg'],
      tiltDeg: m['gimbal_pitch_deg'],
      hfovDeg: m['camera_view_hfov_deg'],
      batteryPct,
      remainingFlightS: m['remaining_flight_s'],
      inDock: isFlag(state['inDock']),
      mission: stateIn(state['mission']),
    })
  if (kind === 'micro-station')
    return given({
      deviceId,
      readiness: wordOf(state['readiness']),
      crewOnDuty: m['crew_on_duty_count'],
      crewRequired: m['crew_required_count'],
    })
  return null
}
