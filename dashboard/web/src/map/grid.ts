// Which device is under the pointer, answered on the CPU from a grid over the points that are drawn. A GPU pick costs 100 ms and
// more in software GL, so none is ever made.
import type { DeviceTable } from '../live/devices.ts'

const CELL_DEG = 0.005

export type PickGrid = { nearest(lon: number, lat: number, withinDeg: number): number | null }

export const createPickGrid = (table: DeviceTable, rows: Uint32Array): PickGrid => {
  const cells = new Map<number, number[]>()
  const keyOf = (x: number, y: number): number => x * 1_000_003 + y
  for (const row of rows) {
    const key = keyOf(Math.floor((table.lonLat[row * 2] ?? 0) / CELL_DEG), Math.floor((table.lonLat[row * 2 + 1] ?? 0) / CELL_DEG))
    const cell = cells.get(key)
    if (cell === undefined) cells.set(key, [row])
    else cell.push(row)
  }
  return {
    /** Row nearest to the position, at most `withinDeg` of latitude away; of equals the one drawn on top. */
    nearest(lon, lat, withinDeg) {
      const squash = Math.cos((lat * Math.PI) / 180)
      const reach = Math.min(20, Math.ceil(withinDeg / squash / CELL_DEG))
      const [x, y] = [Math.floor(lon / CELL_DEG), Math.floor(lat / CELL_DEG)]
      let best: number | null = null
      let bestDistance = withinDeg * withinDeg
      for (let dx = -reach; dx <= reach; dx += 1)
        for (let dy = -reach; dy <= reach; dy += 1)
          for (const row of cells.get(keyOf(x + dx, y + dy)) ?? []) {
            const east = ((table.lonLat[row * 2] ?? 0) - lon) * squash
            const north = (table.lonLat[row * 2 + 1] ?? 0) - lat
            const distance = east * east + north * north
            if (distance > bestDistance) continue
            best = row
            bestDistance = distance
          }
      return best
    },
  }
}
