// Web Mercator for the Canvas2D map: where a position lies on the screen and back. Tiles of 512 px, as in MapLibre, so zooms agree.
import type { Bounds } from './cells.ts'

const TILE_PX = 512
const ZOOM_MIN = 7
const ZOOM_MAX = 17

const xOf = (lon: number): number => (lon + 180) / 360
const yOf = (lat: number): number => {
  const sine = Math.sin((lat * Math.PI) / 180)
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)
}
const latOf = (y: number): number => (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI
const clamp = (zoom: number): number => Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, zoom))

export type Mercator = {
  project(lon: number, lat: number): { x: number; y: number }
  unproject(x: number, y: number): { lon: number; lat: number }
  zoom(): number
  resize(width: number, height: number): void
  fit(bounds: Bounds, paddingPx: number): void
  centre(lon: number, lat: number): void
  panBy(dxPx: number, dyPx: number): void
  /** the position under (x, y) stays where it is */
  zoomAt(x: number, y: number, by: number): void
}

export const createMercator = (): Mercator => {
  let [cx, cy, zoom, width, height] = [0.5, 0.5, ZOOM_MIN, 1, 1]
  const scale = (): number => TILE_PX * 2 ** zoom
  return {
    project: (lon, lat) => ({ x: (xOf(lon) - cx) * scale() + width / 2, y: (yOf(lat) - cy) * scale() + height / 2 }),
    unproject: (x, y) => ({ lon: ((x - width / 2) / scale() + cx) * 360 - 180, lat: latOf((y - height / 2) / scale() + cy) }),
    zoom: () => zoom,
    resize(w, h) {
      width = Math.max(1, w)
      height = Math.max(1, h)
    },
    fit(bounds, paddingPx) {
      const [west, east, north, south] = [xOf(bounds.west), xOf(bounds.east), yOf(bounds.north), yOf(bounds.south)]
      const room = Math.min((width - 2 * paddingPx) / (east - west), (height - 2 * paddingPx) / (south - north))
      zoom = clamp(Math.log2(Math.max(1, room) / TILE_PX))
      cx = (west + east) / 2
      cy = (north + south) / 2
    },
    centre(lon, lat) {
      cx = xOf(lon)
      cy = yOf(lat)
    },
    panBy(dxPx, dyPx) {
      cx += dxPx / scale()
      cy += dyPx / scale()
    },
    zoomAt(x, y, by) {
      const before = scale()
      zoom = clamp(zoom + by)
      const change = 1 / before - 1 / scale()
      cx += (x - width / 2) * change
      cy += (y - height / 2) * change
    },
  }
}

export const bboxOfView = (mercator: Mercator, width: number, height: number): Bounds => {
  const [topLeft, bottomRight] = [mercator.unproject(0, 0), mercator.unproject(width, height)]
  return { west: topLeft.lon, north: topLeft.lat, east: bottomRight.lon, south: bottomRight.lat }
}
