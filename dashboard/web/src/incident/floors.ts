// The building of an incident as floors and rooms: which detectors stand where, and how each is. Pure: device rows in, table out. What
// is silent is a state of its own, so that silence is never read as safety.
import { DEVICE_CONDITIONS, type DeviceCondition } from '#contracts/device.ts'
import type { Incident } from '#contracts/incident.ts'
import type { DeviceRow } from '#contracts/live.ts'

export type RoomCell = {
  room: string
  /** the worst word of its devices; null = no device there */
  condition: DeviceCondition | null
  deviceIds: string[]
  isAlarm: boolean
}
export type FloorRow = { floor: string; cells: (RoomCell | null)[]; isAlarm: boolean }
export type Floors = { columns: string[]; floors: FloorRow[]; /** floors of the building that are not in the list */ left: number }

/** Rows with the same building name farther away than this are another building (houses are numbered anew in every estate). */
const SAME_BUILDING_M = 400
const M_PER_DEG = 111_320
/** Columns of one floor; what is beyond stands in the last. */
const COLUMNS_MAX = 24
/** Floors above and below the alarm that are always shown. */
const AROUND = 3
export const FLOORS_SHORT = 9

const isNear = (row: DeviceRow, incident: Incident): boolean => {
  const { position } = incident
  const [, , lat, lon] = row
  if (position === undefined || lat === null || lon === null) return true
  const northM = (lat - position.lat) * M_PER_DEG
  const eastM = (lon - position.lon) * M_PER_DEG * Math.cos((lat * Math.PI) / 180)
  return Math.hypot(northM, eastM) <= SAME_BUILDING_M
}

/** B2 below B1 below 1 below 14; names that are no number stand on top of the numbers, in their own order. */
const heightOf = (floor: string): number => {
  const basement = /^b(\d+)$/i.exec(floor)
  if (basement !== null) return -Number(basement[1])
  const n = Number.parseInt(floor, 10)
  return Number.isNaN(n) ? 1000 : n
}

/** Rooms above each other share a column: 1405 on floor 14 stands over 1305 on floor 13. */
export const columnOf = (floor: string, room: string): string =>
  room.startsWith(floor) && room.length > floor.length ? room.slice(floor.length) : room

/** DEVICE_CONDITIONS runs from worst to best. */
const worse = (a: DeviceCondition, b: DeviceCondition): DeviceCondition =>
  DEVICE_CONDITIONS.indexOf(a) <= DEVICE_CONDITIONS.indexOf(b) ? a : b

const conditionOfRow = (row: DeviceRow): DeviceCondition => DEVICE_CONDITIONS.find(one => one === row[4]) ?? 'unknown'

/** null = nothing is known of the building's floors. `all`: every floor, else those around the alarm. */
export const floorsOf = (rows: Iterable<DeviceRow>, incident: Incident, all: boolean): Floors | null => {
  const building = incident.place?.building
  if (building === undefined) return null
  const alarming = new Set(incident.deviceIds)
  const cells = new Map<string, Map<string, RoomCell>>()
  for (const row of rows) {
    if (row[7] !== building || row[8] === null || !isNear(row, incident)) continue
    const floor = row[8]
    const room = row[9] ?? ''
    const onFloor = cells.get(floor) ?? new Map<string, RoomCell>()
    cells.set(floor, onFloor)
    const column = columnOf(floor, room)
    const before = onFloor.get(column)
    const condition = conditionOfRow(row)
    onFloor.set(column, {
      room,
      condition: before?.condition == null ? condition : worse(before.condition, condition),
      deviceIds: [...(before?.deviceIds ?? []), row[0]],
      isAlarm: (before?.isAlarm ?? false) || (alarming.has(row[0]) && condition !== 'normal'),
    })
  }
  if (cells.size === 0) return null
  const columns = [...new Set([...cells.values()].flatMap(floor => [...floor.keys()]))]
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .slice(0, COLUMNS_MAX)
  const floors = [...cells]
    .toSorted(([a], [b]) => heightOf(b) - heightOf(a) || a.localeCompare(b))
    .map(([floor, onFloor]): FloorRow => {
      const row = columns.map(column => onFloor.get(column) ?? null)
      return { floor, cells: row, isAlarm: row.some(cell => cell?.isAlarm === true) || floor === incident.place?.floor }
    })
  const shown = all || floors.length <= FLOORS_SHORT ? floors : around(floors)
  return { columns, floors: shown, left: floors.length - shown.length }
}

const around = (floors: FloorRow[]): FloorRow[] => {
  const alarms = floors.flatMap((floor, i) => (floor.isAlarm ? [i] : []))
  if (alarms.length === 0) return floors.slice(0, FLOORS_SHORT)
  return floors.filter((_, i) => alarms.some(at => Math.abs(at - i) <= AROUND))
}
