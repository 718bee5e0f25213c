// Which cameras show the place of an incident: those that say so themselves, those in its building, those near by. Decides nothing else.
import type { Alarm } from '#contracts/alarm.ts'
import type { Device } from '#contracts/device.ts'
import type { Incident } from '#contracts/incident.ts'
import type { Position } from '#contracts/reading.ts'
import { CAMERA_REASONS, type CameraBeside, type Video } from '#contracts/video.ts'

/** A camera on a mast or a roof still shows a house. */
const NEAR_M = 400
const SHOWN_MAX = 6
const M_PER_DEG = 111_320

const metres = (a: Position, b: Position): number => {
  const north = (a.lat - b.lat) * M_PER_DEG
  const east = (a.lon - b.lon) * M_PER_DEG * Math.cos((a.lat * Math.PI) / 180)
  return Math.hypot(north, east)
}

type Scene = { incident: Incident; alarms: readonly Pick<Alarm, 'deviceId' | 'subject' | 'evidence'>[] }

const reasonOf = (device: Device, distanceM: number | null, scene: Scene, evidence: ReadonlySet<string>): CameraBeside['reason'] | null => {
  if (evidence.has(device.deviceId)) return 'evidence'
  const building = scene.incident.place?.building
  if (building !== undefined && device.place?.building === building) return 'same-building'
  return distanceM !== null && distanceM <= NEAR_M ? 'near' : null
}

/** The surest first, then the nearest; at most six. */
export function camerasBeside(
  videos: readonly Video[],
  device: (deviceId: string) => Device | undefined,
  { incident, alarms }: Scene,
): CameraBeside[] {
  const evidence = new Set(alarms.flatMap(alarm => [alarm.deviceId ?? '', ...alarm.evidence.map(one => one.deviceId)]))
  const { position } = incident
  return videos
    .flatMap(({ deviceId, kind }): CameraBeside[] => {
      const known = device(deviceId)
      if (known === undefined) return []
      const distanceM = position === undefined || known.position === undefined ? null : Math.round(metres(position, known.position))
      const reason = reasonOf(known, distanceM, { incident, alarms }, evidence)
      if (reason === null) return []
      return [{ deviceId, kind, reason, ...(known.name !== undefined && { name: known.name }), ...(distanceM !== null && { distanceM }) }]
    })
    .sort(
      (a, b) =>
        CAMERA_REASONS.indexOf(a.reason) - CAMERA_REASONS.indexOf(b.reason) || (a.distanceM ?? Infinity) - (b.distanceM ?? Infinity),
    )
    .slice(0, SHOWN_MAX)
}
