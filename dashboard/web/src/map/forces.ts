// What stands and moves on the map besides detectors, pure: stations with their readiness, drones with track and camera, cameras with what
// they see, lines of orders under way with the time they still need, rings around incidents. Every moving thing carries its age: what was
// not heard for a minute is drawn hollow, for five minutes grey, with the age in words. Nothing is drawn from a value nobody told, except
// the width of a lens that does not say it, which is then an outline only.
import type { Incident } from '#contracts/incident.ts'
import type { DeviceRow, Sight } from '#contracts/live.ts'
import { isOpenOrder, type Order } from '#contracts/order.ts'
import type { Resource } from '#contracts/resource.ts'
import { isOpen } from '../live/reduce.ts'
import type { Sights } from '../live/sights.ts'
import type { Collection } from './district.ts'

export type LonLat = [lon: number, lat: number]
export const FORCE_SIGNS = [
  'ready',
  'degraded',
  'busy',
  'not-ready',
  'unheard',
  'drone',
  'drone-old',
  'dock',
  'vehicle',
  'vehicle-old',
  'camera',
] as const
export type ForceSign = (typeof FORCE_SIGNS)[number]

export type Icon = {
  id: string
  at: LonLat
  sign: ForceSign
  angleDeg: number
  /** a click selects it */ deviceId: string | null
  isFaint: boolean
}
export type Shape = { ring: LonLat[]; tone: 'drone' | 'camera'; isFilled: boolean }
export type Way = { path: LonLat[]; tone: 'track' | 'offered' | 'under-way'; isFaint: boolean }
export type Ring = { at: LonLat; radiusM: number; severity: 1 | 2 | 3 | 4 }
/** `words` says what; `ageMs` or `etaS` are put into the page's language by who draws it */
export type Label = { id: string; at: LonLat; tone: 'eta' | 'late' | 'old'; name: string; ageMs?: number; etaS?: number }
export type Forces = { icons: Icon[]; shapes: Shape[]; ways: Way[]; rings: Ring[]; labels: Label[] }

export const OLD_MS = 60_000
export const LOST_MS = 300_000
/** Cameras drawn with what they see, only this close. */
export const CAMERAS_ZOOM = 14
const CAMERAS_MAX = 400
const LABELS_MAX = 60
const CAMERA_REACH_M = 110
const FOOTPRINT_MAX_M = 400
/** of a lens that does not say it; drawn as an outline only */
const NOMINAL_HFOV_DEG = 56
const ASPECT = 9 / 16
const M_PER_DEG = 111_320
const RINGS_M = { 1: 150, 2: 120 } as const

export type ForcesInput = {
  nowMs: number
  zoom: number
  bounds: { west: number; south: number; east: number; north: number }
  sights: Sights
  find: (deviceId: string) => DeviceRow | undefined
  resources: Iterable<Resource>
  orders: Iterable<Order>
  incidents: ReadonlyMap<string, Incident>
  selectedId: string | null
  stations: Collection
  english: boolean
}

/** The point `metres` away from `at` towards `bearingDeg`. */
export const moved = ([lon, lat]: LonLat, bearingDeg: number, metres: number): LonLat => {
  const angle = (bearingDeg * Math.PI) / 180
  return [lon + (metres * Math.sin(angle)) / (M_PER_DEG * Math.cos((lat * Math.PI) / 180)), lat + (metres * Math.cos(angle)) / M_PER_DEG]
}

const wedge = (at: LonLat, bearingDeg: number, hfovDeg: number, metres: number): LonLat[] => {
  const steps = Math.max(2, Math.ceil(hfovDeg / 12))
  const arc = Array.from({ length: steps + 1 }, (_, n) => moved(at, bearingDeg - hfovDeg / 2 + (hfovDeg * n) / steps, metres))
  return [at, ...arc, at]
}

/** Where a drone's picture meets the ground: a trapezoid, cut off at FOOTPRINT_MAX_M; null when it looks at the sky or says too little. */
export const footprint = (at: LonLat, { heightM, tiltDeg, bearingDeg, hfovDeg = NOMINAL_HFOV_DEG }: Sight): LonLat[] | null => {
  if (heightM === undefined || heightM < 3 || tiltDeg === undefined || bearingDeg === undefined || tiltDeg > -8) return null
  const half = ((hfovDeg / 2) * Math.PI) / 180
  const halfV = Math.atan(Math.tan(half) * ASPECT)
  const down = (-tiltDeg * Math.PI) / 180
  const reach = (angle: number): number => (angle <= 0.02 ? FOOTPRINT_MAX_M : Math.min(FOOTPRINT_MAX_M, heightM / Math.tan(angle)))
  const [near, far] = [reach(Math.min(down + halfV, Math.PI * 0.95)), reach(down - halfV)]
  const corner = (metres: number, side: -1 | 1): LonLat =>
    moved(moved(at, bearingDeg, metres), bearingDeg + 90 * side, Math.hypot(metres, heightM) * Math.tan(half))
  return [corner(near, -1), corner(far, -1), corner(far, 1), corner(near, 1), corner(near, -1)]
}

const freshness = (ageMs: number | null): 'fresh' | 'old' | 'lost' =>
  ageMs === null || ageMs > LOST_MS ? 'lost' : ageMs > OLD_MS ? 'old' : 'fresh'
const nameOf = (row: DeviceRow): string => row[6] ?? row[0]

const drones = (o: ForcesInput, out: Forces): void => {
  for (const sight of o.sights.all()) {
    const row = o.find(sight.deviceId)
    if (row?.[1] !== 'drone' || row[2] === null || row[3] === null) continue
    const at: LonLat = [row[3], row[2]]
    if (sight.inDock === true) {
      out.icons.push({ id: sight.deviceId, at, sign: 'dock', angleDeg: 0, deviceId: sight.deviceId, isFaint: row[4] !== 'normal' })
      continue
    }
    const ageMs = row[5] === null ? null : o.nowMs - row[5]
    const fresh = freshness(ageMs)
    const heading = sight.headingDeg ?? sight.bearingDeg ?? 0
    out.icons.push({
      id: sight.deviceId,
      at,
      sign: fresh === 'fresh' ? 'drone' : 'drone-old',
      angleDeg: -heading,
      deviceId: sight.deviceId,
      isFaint: fresh === 'lost',
    })
    const track = o.sights.track(sight.deviceId)?.lonLat ?? []
    const path = Array.from({ length: track.length / 2 }, (_, n): LonLat => [track[n * 2] ?? 0, track[n * 2 + 1] ?? 0])
    if (path.length > 1) out.ways.push({ path, tone: 'track', isFaint: fresh !== 'fresh' })
    // where it looked a minute ago is not where it looks
    const ground = fresh === 'fresh' ? footprint(at, sight) : null
    if (ground !== null) {
      out.shapes.push({ ring: ground, tone: 'drone', isFilled: sight.hfovDeg !== undefined })
      out.ways.push(
        { path: [at, ground[1] ?? at], tone: 'track', isFaint: true },
        { path: [at, ground[2] ?? at], tone: 'track', isFaint: true },
      )
    }
    if (fresh !== 'fresh') out.labels.push({ id: sight.deviceId, at, tone: 'old', name: nameOf(row), ...(ageMs === null ? {} : { ageMs }) })
  }
}

const cameras = (o: ForcesInput, out: Forces): void => {
  if (o.zoom < CAMERAS_ZOOM) return
  let drawn = 0
  for (const sight of o.sights.all()) {
    const row = o.find(sight.deviceId)
    if (row?.[1] !== 'camera' || row[2] === null || row[3] === null || sight.bearingDeg === undefined) continue
    const at: LonLat = [row[3], row[2]]
    const { west, south, east, north } = o.bounds
    if (at[0] < west || at[0] > east || at[1] < south || at[1] > north || drawn >= CAMERAS_MAX) continue
    drawn += 1
    const isDead = row[4] === 'offline' || row[4] === 'stale' || row[4] === 'fault'
    out.icons.push({ id: sight.deviceId, at, sign: 'camera', angleDeg: -sight.bearingDeg, deviceId: sight.deviceId, isFaint: isDead })
    // one that is silent sees nothing
    if (!isDead)
      out.shapes.push({
        ring: wedge(at, sight.bearingDeg, sight.hfovDeg ?? NOMINAL_HFOV_DEG, CAMERA_REACH_M),
        tone: 'camera',
        isFilled: sight.hfovDeg !== undefined,
      })
  }
}

const placeOf = ({ at, position }: Resource): LonLat | null => {
  const where = at ?? position
  return where === undefined ? null : [where.lon, where.lat]
}

const READINESS: Record<string, ForceSign> = { ready: 'ready', degraded: 'degraded', responding: 'busy' }
const signOf = ({ state, reasons }: Resource): ForceSign => {
  if (state === 'ready') return reasons.some(({ code }) => code === 'degraded') ? 'degraded' : 'ready'
  if (state === 'busy') return 'busy'
  return reasons.some(({ code }) => code === 'never-heard' || code === 'silent') ? 'unheard' : 'not-ready'
}

const stations = (o: ForcesInput, out: Forces): void => {
  const taken = new Set<string>()
  for (const resource of o.resources) {
    taken.add(resource.id)
    if (resource.deviceId !== undefined) taken.add(resource.deviceId)
    const { position } = resource
    if (resource.kind === 'micro-station' && position !== undefined)
      out.icons.push({
        id: resource.id,
        at: [position.lon, position.lat],
        sign: signOf(resource),
        angleDeg: 0,
        deviceId: resource.deviceId ?? null,
        isFaint: false,
      })
    vehicle(o, resource, out)
  }
  for (const { geometry, properties } of o.stations.features) {
    const id = String(properties?.['id'] ?? '')
    if (geometry.type !== 'Point' || taken.has(id)) continue
    const readiness = o.sights.find(id)?.readiness
    const heard = o.find(id)
    const sign =
      heard === undefined || heard[4] === 'stale' || heard[4] === 'offline'
        ? 'unheard'
        : (READINESS[readiness ?? ''] ?? (readiness === undefined ? 'unheard' : 'not-ready'))
    out.icons.push({ id, at: geometry.coordinates, sign, angleDeg: 0, deviceId: heard === undefined ? null : id, isFaint: false })
  }
}

/** An engine or officer that has left where it waits; a station's building does not move. */
const vehicle = (o: ForcesInput, resource: Resource, out: Forces): void => {
  const { at, kind, lastHeardAt } = resource
  if (at === undefined || kind === 'drone' || kind === 'camera' || kind === 'micro-station') return
  const ageMs = lastHeardAt === undefined ? null : o.nowMs - Date.parse(lastHeardAt)
  const fresh = freshness(ageMs)
  const place: LonLat = [at.lon, at.lat]
  out.icons.push({
    id: resource.id,
    at: place,
    sign: fresh === 'fresh' ? 'vehicle' : 'vehicle-old',
    angleDeg: 0,
    deviceId: resource.deviceId ?? null,
    isFaint: fresh === 'lost',
  })
  const name = o.english ? resource.name.en : resource.name.zh
  if (fresh !== 'fresh') out.labels.push({ id: resource.id, at: place, tone: 'old', name, ...(ageMs === null ? {} : { ageMs }) })
}

const orders = (o: ForcesInput, out: Forces): void => {
  const byId = new Map(Array.from(o.resources, one => [one.id, one]))
  for (const order of o.orders) {
    if (!isOpenOrder(order.state) || order.state === 'on-scene') continue
    const target = o.incidents.get(order.incidentId)?.position
    const resource = byId.get(order.resourceId)
    const from = resource === undefined ? null : placeOf(resource)
    if (target === undefined || from === null) continue
    const to: LonLat = [target.lon, target.lat]
    out.ways.push({ path: [from, to], tone: order.state === 'offered' ? 'offered' : 'under-way', isFaint: false })
    if (order.eta === undefined) continue
    const etaS = (Date.parse(order.offeredAt) - o.nowMs) / 1000 + order.eta.likelyS
    const name = o.english ? order.resourceName.en : order.resourceName.zh
    const middle: LonLat = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]
    out.labels.push({ id: order.id, at: middle, tone: etaS < 0 ? 'late' : 'eta', name, etaS })
  }
}

const rings = (o: ForcesInput, out: Forces): void => {
  for (const incident of o.incidents.values()) {
    const { position, severity } = incident
    if (position === undefined || !isOpen(incident)) continue
    const at: LonLat = [position.lon, position.lat]
    if (severity <= 2) out.rings.push({ at, radiusM: RINGS_M[severity as 1 | 2], severity })
    if (incident.id === o.selectedId) out.rings.push({ at, radiusM: 500, severity })
  }
}

export const forcesOf = (o: ForcesInput): Forces => {
  const out: Forces = { icons: [], shapes: [], ways: [], rings: [], labels: [] }
  rings(o, out)
  orders(o, out)
  cameras(o, out)
  stations(o, out)
  drones(o, out)
  out.labels.length = Math.min(out.labels.length, LABELS_MAX)
  return out
}
