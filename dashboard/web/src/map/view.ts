// What the page asks of a map, whatever draws it: WebGL (gl.ts) or plain Canvas2D (canvas.ts).
import type { Incident } from '#contracts/incident.ts'
import type { DeviceRow } from '#contracts/live.ts'
import type { DeviceTable } from '../live/devices.ts'
import type { Theme } from '../tokens.ts'
import type { Api } from '../api.ts'
import type { LayerName } from './district.ts'
import type { Forces, ForcesInput } from './forces.ts'

export type Hover = { device: DeviceRow; x: number; y: number } | null

export type MapOptions = {
  host: HTMLElement
  api: Api
  devices: DeviceTable
  theme: Theme
  english: boolean
  nowMs: () => number
  onIncident: (id: string) => void
  onDevice: (deviceId: string | null) => void
  onHover: (hover: Hover) => void
  onReady: () => void
  /** layers of the district that could not be had */
  onMissing: (layers: readonly LayerName[]) => void
  /** the renderer is gone for good (WebGL context lost): put another in its place */
  onLost: () => void
}

/** What the page knows of them; the view adds where it looks and the stations of the district. */
export type ForcesFeed = Omit<ForcesInput, 'zoom' | 'bounds' | 'stations'>

export type MapView = {
  /** draw the device table as it is now */
  redraw(): void
  incidents(list: readonly Incident[], selectedId: string | null): void
  /** stations, drones, cameras, orders as they are now; drawn again when the camera has moved */
  forces(feed: ForcesFeed): void
  /** bring a position into view, unless the operator is moving the map himself */
  show(lon: number, lat: number): void
  /** show the whole district again */
  home(): void
  destroy(): void
}

/** The map is the operator's for this long after he moved it: nothing pans by itself. */
export const HANDS_OFF_MS = 10_000
/** How far from a device the pointer may be, px. */
export const PICK_PX = 12

/** Closer to the edge than this is not in view. */
export const EDGE_PX = 40

export type Camera = {
  project(lon: number, lat: number): { x: number; y: number }
  width(): number
  height(): number
}

/** The device behind the sign under (x, y), topmost first: signs lie above the points of detectors. */
export const forceUnder = (forces: Forces | null, camera: Camera, x: number, y: number): string | null => {
  const found = forces?.icons.findLast(icon => {
    if (icon.deviceId === null) return false
    const at = camera.project(...icon.at)
    return Math.hypot(at.x - x, at.y - y) <= PICK_PX
  })
  return found?.deviceId ?? null
}
