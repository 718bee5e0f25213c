// The grid that calm devices are gathered in when seen from afar. A cell gets a number when the first device falls into it, so that
// a tick counts devices by cell in plain arrays, without looking anything up.

/** About 475 m x 475 m at 31.9 N. */
const CELL_LON = 0.005
const CELL_LAT = 0.004_25
export const NO_CELL = -1

export type CellGrid = {
  /** the number of the cell around a position; NO_CELL where there is none */
  idOf(lon: number, lat: number): number
  count(): number
  /** lon, lat of the centre of each cell, by number */
  lonLat(): Float64Array
  reset(): void
}

export const createCellGrid = (): CellGrid => {
  const index = new Map<number, number>()
  let centres = new Float64Array(2048)
  return {
    idOf(lon, lat) {
      if (Number.isNaN(lon) || Number.isNaN(lat)) return NO_CELL
      const x = Math.floor(lon / CELL_LON)
      const y = Math.floor(lat / CELL_LAT)
      const key = x * 1_000_003 + y
      const known = index.get(key)
      if (known !== undefined) return known
      const id = index.size
      index.set(key, id)
      if (id * 2 >= centres.length) {
        const more = new Float64Array(centres.length * 2)
        more.set(centres)
        centres = more
      }
      centres[id * 2] = (x + 0.5) * CELL_LON
      centres[id * 2 + 1] = (y + 0.5) * CELL_LAT
      return id
    },
    count: () => index.size,
    lonLat: () => centres,
    reset: () => index.clear(),
  }
}
