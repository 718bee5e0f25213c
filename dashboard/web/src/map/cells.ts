// Level of detail, pure: what of the device table is drawn at a zoom. Below z 13 devices that are as they should be become grid cells,
// and only what deserves attention is a point of its own; from z 13 on the devices in view are points. A tick is one pass over plain
// arrays: nothing is looked up, nothing is an object per device.
import { CODE, type DeviceTable } from '../live/devices.ts'

export const DETAIL_ZOOM = 13
/** So many silent devices (stale, never heard) are still drawn one by one from afar; more become hollow cells. */
export const SILENT_POINTS_MAX = 2_000
/** Points drawn at once; beyond it the least grave are left out, and `leftOut` says how many. */
export const POINTS_MAX = 30_000

export type Bounds = { west: number; south: number; east: number; north: number }
export type Cells = {
  count: number
  /** lon, lat of each cell's centre; longer than `count` cells */
  lonLat: Float64Array
  believed: Uint32Array
  silent: Uint32Array
}
export type Points = {
  count: number
  /** rows of the table, gravest last */ rows: Uint32Array
  /** so many of them, the first, are calm */ calm: number
  leftOut: number
}
export type Picture = { cells: Cells; points: Points }

/** Drawn last = on top: a grave one never hides under a calm one. */
const ORDER = [CODE.normal, CODE.unknown, CODE.stale, CODE.offline, CODE.fault, CODE['pre-alarm'], CODE.alarm]
const RANK = new Uint8Array(256)
for (const [rank, code] of ORDER.entries()) RANK[code] = rank
const CALM = RANK[CODE.normal] ?? 0

const isSilent = (code: number): boolean => code === CODE.stale || code === CODE.unknown

export const countSilent = (table: DeviceTable): number => {
  const { codes } = table
  let silent = 0
  for (let row = 0; row < table.rows.length; row += 1) if (isSilent(codes[row] ?? 0)) silent += 1
  return silent
}

/** Rows by gravity in two passes: count per rank, then put each where its rank begins. */
const collect = (table: DeviceTable, take: (row: number, code: number) => boolean): Points => {
  const { codes, cells } = table
  const length = table.rows.length
  const wanted = new Uint32Array(length)
  const ends = new Uint32Array(ORDER.length)
  let count = 0
  for (let row = 0; row < length; row += 1) {
    const code = codes[row] ?? CODE.unknown
    if ((cells[row] ?? -1) < 0 || !take(row, code)) continue
    wanted[count] = row
    count += 1
    const rank = RANK[code] ?? 0
    ends[rank] = (ends[rank] ?? 0) + 1
  }
  const calm = ends[CALM] ?? 0
  for (let rank = 1, before = calm; rank < ends.length; rank += 1) {
    const mine = ends[rank] ?? 0
    ends[rank] = before
    before += mine
  }
  ends[0] = 0
  const rows = new Uint32Array(count)
  for (let at = 0; at < count; at += 1) {
    const row = wanted[at] ?? 0
    const rank = RANK[codes[row] ?? 0] ?? 0
    const to = ends[rank] ?? 0
    rows[to] = row
    ends[rank] = to + 1
  }
  const leftOut = Math.max(0, count - POINTS_MAX)
  return { count: count - leftOut, rows: leftOut === 0 ? rows : rows.slice(leftOut), calm: Math.max(0, calm - leftOut), leftOut }
}

const gather = (table: DeviceTable, foldSilent: boolean): Cells => {
  const { codes, cells, grid } = table
  const count = grid.count()
  const believed = new Uint32Array(count)
  const silent = new Uint32Array(count)
  for (let row = 0; row < table.rows.length; row += 1) {
    const cell = cells[row] ?? -1
    if (cell < 0) continue
    const code = codes[row] ?? 0
    if (code === CODE.normal) believed[cell] = (believed[cell] ?? 0) + 1
    else if (foldSilent && isSilent(code)) silent[cell] = (silent[cell] ?? 0) + 1
  }
  return { count, lonLat: grid.lonLat(), believed, silent }
}

const NO_CELLS: Cells = { count: 0, lonLat: new Float64Array(0), believed: new Uint32Array(0), silent: new Uint32Array(0) }

export const pictureOf = (table: DeviceTable, zoom: number, bounds: Bounds): Picture => {
  const { lonLat } = table
  if (zoom >= DETAIL_ZOOM)
    return {
      cells: NO_CELLS,
      points: collect(table, row => {
        const lon = lonLat[row * 2] ?? 0
        const lat = lonLat[row * 2 + 1] ?? 0
        return lon >= bounds.west && lon <= bounds.east && lat >= bounds.south && lat <= bounds.north
      }),
    }
  const fold = countSilent(table) > SILENT_POINTS_MAX
  return { cells: gather(table, fold), points: collect(table, (_row, code) => code !== CODE.normal && !(fold && isSilent(code))) }
}
