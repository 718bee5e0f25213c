// Where floors and rooms of a building stand in the picture, pure: the same table that the matrix shows goes in, boxes come out.
// Rooms lie on both sides of a corridor; a floor with an alarm is pulled out, and what is above it is lifted so that it can be seen.
import { DEVICE_CONDITIONS, type DeviceCondition } from '#contracts/device.ts'
import type { FloorRow, Floors } from '../incident/floors.ts'

export type Slab = {
  floor: string
  x: number
  y: number
  isAlarm: boolean
  /** a storey without a device: drawn as an outline, so that the building has its height */ isEmpty: boolean
}
export type RoomBox = {
  floor: string
  room: string
  deviceIds: string[]
  condition: DeviceCondition
  isAlarm: boolean
  /** says nothing or is not believed: hatched, so that silence is not read as safety */
  isSilent: boolean
  /** of an alarm floor: taller, and named */
  isOut: boolean
  /** centre of the box's foot */
  x: number
  y: number
  z: number
  height: number
}
export type Scene = {
  slabs: Slab[]
  rooms: RoomBox[]
  width: number
  depth: number
  height: number
  /** how far an alarm floor is pulled out */ outBy: number
}

/** One room is 1.6 x 2.2 units, a storey 1 unit high. */
export const ROOM_WIDTH = 1.6
export const ROOM_DEPTH = 2.2
const CORRIDOR = 0.9
const STOREY = 1
const LIFT = 1.5
const FLAT = 0.16
const TALL = 0.7
const SILENT: ReadonlySet<DeviceCondition> = new Set(['offline', 'stale', 'unknown'])

const isCondition = (word: string | null): word is DeviceCondition => DEVICE_CONDITIONS.some(one => one === word)

/** A plain storey number; basements and names are none. */
const numberOf = (floor: string): number | null => (/^\d{1,3}$/.test(floor) ? Number(floor) : null)
const FILLED_MAX = 120

/** Floors from the ground up; storeys between the ground and the highest that nothing is known of stand in as empty ones. */
const storeysOf = (floors: readonly FloorRow[]): { floor: string; row: FloorRow | null }[] => {
  const known = floors.toReversed()
  const top = Math.max(0, ...known.map(({ floor }) => numberOf(floor) ?? 0))
  const numbers = new Set(known.map(({ floor }) => numberOf(floor)))
  const storeys: { floor: string; row: FloorRow | null }[] = []
  let next = 1
  for (const row of known) {
    const number = numberOf(row.floor)
    for (; number !== null && top <= FILLED_MAX && next < number; next += 1)
      if (!numbers.has(next)) storeys.push({ floor: String(next), row: null })
    if (number !== null) next = number + 1
    storeys.push({ floor: row.floor, row })
  }
  return storeys
}

export const sceneOf = ({ columns, floors }: Pick<Floors, 'columns' | 'floors'>): Scene => {
  const perSide = Math.max(1, Math.ceil(columns.length / 2))
  const width = perSide * ROOM_WIDTH
  const depth = 2 * ROOM_DEPTH + CORRIDOR
  const outBy = width * 0.8 + 1
  const slabs: Slab[] = []
  const rooms: RoomBox[] = []
  let y = 0
  for (const { floor, row } of storeysOf(floors)) {
    const { cells, isAlarm } = row ?? { cells: [], isAlarm: false }
    const x = isAlarm ? outBy : 0
    if (isAlarm) y += LIFT / 2
    slabs.push({ floor, x, y, isAlarm, isEmpty: row === null })
    for (const [at, cell] of cells.entries()) {
      if (cell === null || !isCondition(cell.condition)) continue
      const side = at < perSide ? -1 : 1
      rooms.push({
        floor,
        room: cell.room,
        deviceIds: cell.deviceIds,
        condition: cell.condition,
        isAlarm: cell.isAlarm,
        isSilent: SILENT.has(cell.condition),
        isOut: isAlarm,
        x: x - width / 2 + ((at % perSide) + 0.5) * ROOM_WIDTH,
        y,
        z: (side * (CORRIDOR + ROOM_DEPTH)) / 2,
        height: isAlarm ? TALL : FLAT,
      })
    }
    y += isAlarm ? LIFT : STOREY
  }
  return { slabs, rooms, width, depth, height: y, outBy }
}
