// Finds the stage of a fire among whatever devices there are: the flat, the smoke paths from it, who can see it, who is near.
// Works for the plan of the district that ships and for any list of devices somebody hands in.
import { bearingDeg, distance, toPlane, type Point } from '../district/geometry.ts'
import type { Spot } from '../district/read.ts'
import { CORRIDOR, type Planned, type SimKind } from '../plan.ts'

export type Scene = {
  origin: Planned
  /** metres of smoke path from the room of origin, for the detectors of the building */
  paths: Map<string, number>
  cameras: { device: Planned; bearingDeg: number; distanceM: number }[]
  drone: Planned | undefined
  station: Planned | undefined
}

const CAMERA_REACH_KM = 0.4
const CAMERAS_MAX = 3
const STOREY_PATH_M = 16
const FLAT_PATH_M = 4
const AGAINST_DRAUGHT_M = 3

/** The detector of flat 1405 in the first "2 幢"; else any 1405; else the building with most detectors. */
export function findScene(planned: readonly Planned[]): Scene | null {
  const smokes = planned.filter(p => p.kind === 'smoke')
  const origin =
    smokes.find(p => p.room === '1405' && p.building.endsWith(' 2 幢')) ?? smokes.find(p => p.room === '1405') ?? fullest(smokes)
  if (origin === undefined) return null
  const inBuilding = smokes.filter(p => p.building === origin.building)
  const nearest = (kind: SimKind) => planned.filter(p => p.kind === kind).toSorted((a, b) => km(a, origin) - km(b, origin))
  const cameras = nearest('camera')
    .slice(0, CAMERAS_MAX)
    .filter(c => km(c, origin) < CAMERA_REACH_KM)
    .map(device => ({ device, bearingDeg: bearingDeg(plane(device), plane(origin)), distanceM: km(device, origin) * 1000 }))
  return {
    origin,
    paths: new Map(inBuilding.map(p => [p.deviceId, pathM(origin, p)])),
    cameras,
    drone: nearest('drone')[0],
    station: nearest('micro-station')[0],
  }
}

function fullest(smokes: readonly Planned[]): Planned | undefined {
  const groups = Map.groupBy(smokes, p => p.building)
  return [...groups.values()].toSorted((a, b) => b.length - a.length)[0]?.[0]
}

/** Out of the flat, along the corridor, up the stair; smoke does not go down. Infinity = it never arrives. */
function pathM(origin: Planned, device: Planned): number {
  if (device === origin) return 0
  const storeys = Number(device.floor) - Number(origin.floor)
  if (!(storeys >= 0)) return Infinity
  const corridor = device.room.endsWith(CORRIDOR)
  const doors = flatOf(device) - flatOf(origin)
  // the stair draws the smoke towards the higher numbers
  const along = corridor ? 2 : 6 + FLAT_PATH_M * Math.abs(doors) + (doors < 0 ? AGAINST_DRAUGHT_M : 0)
  return along + storeys * STOREY_PATH_M
}
const flatOf = (p: Planned) => Number(p.room.slice(-2)) || 0

const plane = (spot: Spot): Point => toPlane(spot.lon, spot.lat)
const km = (a: Spot, b: Spot) => distance(plane(a), plane(b))
export const metresBetween = (a: Spot, b: Spot): number => km(a, b) * 1000
export const bearingBetween = (a: Spot, b: Spot): number => bearingDeg(plane(a), plane(b))
