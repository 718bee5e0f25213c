// Level of detail, pure: what of the device table is drawn at a zoom. Below z 13 devices that are as they should be become grid cells,
// and only what deserves attention is a point of its own; from z 13 on the devices in view are points.
import { CODE, type DeviceTable } from '../live/devices.ts'

export const DETAIL_ZOOM = 13
/** About 475 m x 475 m at 31.9 N. */
const CELL_LON = 0.005
const CELL_LAT = 0.004_25
/** So many silent devices (stale, never heard) are still drawn one by one from afar; more become hollow cells. */
export const SILENT_POINTS_MAX = 2_000
/** Points drawn at once; beyond it the least grave are left out, and `leftOut` says how many. */
export const POINTS_MAX = 30_000

export type Bounds = { west: number; south: number; east: number; north: number }
export type Cells = {
  count: number
  /** lon, lat of each cell's centre */
  lonLat: Float64Array
  believed: Uint32Array
  silent: Uint32Array
}
export type Points = { count: number; /** rows of the table, gravest last */ rows: Uint32Array; leftOut: number }
export type Picture = { cells: Cells; points: Points }

/** Drawn last = on top: a grave one never hides under a calm one. */
const ORDER = [CODE.normal, CODE.unknown, CODE.stale, CODE.offline, CODE.fault, CODE['pre-alarm'], CODE.alarm]
const RANK = new Uint8Array(ORDER.length)
for (const [rank, code] of ORDER.entries()) RANK[code] = rank

const isSilent = (code: number): boolean => code === CODE.stale || code === CODE.unknown
const placed = (table: DeviceTable, row: number): boolean => !Number.isNaN(table.lonLat[row * 2] ?? Number.NaN)

export const countSilent = (table: DeviceTable): number => {
  let silent = 0
  for (let row = 0; row < table.rows.length; row += 1) if (isSilent(table.codes[row] ?? 0)) silent += 1
  return silent
}

/** Buckets rows by gravity, so that sorting costs one pass. `take` says which rows. */
const collect = (table: DeviceTable, take: (row: number, code: number) => boolean): Points => {
  const buckets: number[][] = ORDER.map(() => [])
  for (let row = 0; row < table.rows.length; row += 1) {
    const code = table.codes[row] ?? CODE.unknown
    if (placed(table, row) && take(row, code)) buckets[RANK[code] ?? 0]?.push(row)
  }
  const all = buckets.flat()
  const kept = all.slice(-POINTS_MAX)
  return { count: kept.length, rows: Uint32Array.from(kept), leftOut: all.length - kept.length }
}

const gather = (table: DeviceTable, take: (code: number) => boolean): Cells => {
  const index = new Map<number, number>()
  const lonLat: number[] = []
  const believed: number[] = []
  const silent: number[] = []
  for (let row = 0; row < table.rows.length; row += 1) {
    const code = table.codes[row] ?? CODE.unknown
    if (!take(code) || !placed(table, row)) continue
    const x = Math.floor((table.lonLat[row * 2] ?? 0) / CELL_LON)
    const y = Math.floor((table.lonLat[row * 2 + 1] ?? 0) / CELL_LAT)
    const key = x * 1_000_003 + y
    let at = index.get(key)
    if (at === undefined) {
      at = believed.length
      index.set(key, at)
      lonLat.push((x + 0.5) * CELL_LON, (y + 0.5) * CELL_LAT)
      believed.push(0)
      silent.push(0)
    }
    if (isSilent(code)) silent[at] = (silent[at] ?? 0) + 1
    else believed[at] = (believed[at] ?? 0) + 1
  }
  return {
    count: believed.length,
    lonLat: Float64Array.from(lonLat),
    believed: Uint32Array.from(believed),
    silent: Uint32Array.from(silent),
  }
}

const NO_CELLS: Cells = { count: 0, lonLat: new Float64Array(0), believed: new Uint32Array(0), silent: new Uint32Array(0) }

const within = (table: DeviceTable, row: number, bounds: Bounds): boolean => {
  const lon = table.lonLat[row * 2] ?? 0
  const lat = table.lonLat[row * 2 + 1] ?? 0
  return lon >= bounds.west && lon <= bounds.east && lat >= bounds.south && lat <= bounds.north
}

export const pictureOf = (table: DeviceTable, zoom: number, bounds: Bounds): Picture => {
  if (zoom >= DETAIL_ZOOM) return { cells: NO_CELLS, points: collect(table, row => within(table, row, bounds)) }
  const fold = countSilent(table) > SILENT_POINTS_MAX
  const inCell = (code: number): boolean => code === CODE.normal || (fold && isSilent(code))
  return { cells: gather(table, inCell), points: collect(table, (_row, code) => !inCell(code)) }
}
