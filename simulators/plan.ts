// Which devices a simulated district has and where each stands: the same district, number and seed give the same devices.
// Smoke detectors report through gateways of at most 200; stations, cameras and drones have a connection of their own.
import { distance, toPlane } from './district/geometry.ts'
import type { District, Post, Site, Spot } from './district/read.ts'
import { createRandom, type Random } from './random.ts'

export type SimKind = 'smoke' | 'micro-station' | 'camera' | 'drone' | 'gateway'
export type Planned = Spot & {
  deviceId: string
  kind: SimKind
  via?: string
  name: string
  area: string
  grid: string
  building: string
  floor: string
  room: string
}

export const DEVICES_PER_GATEWAY = 200
export const CORRIDOR = '走廊'
const FLATS_PER_FLOOR = 8
const GRIDS_PER_AREA = 40
/** the flat of the story and how it is found again in a plan: 青禾里 2 幢 in the district that ships */
const SCENE = { building: / 2 幢$/, minFloors: 15, floor: 14 }

/** `devices` counts the four kinds; the gateways come on top. */
export function plan(o: { district: District; devices: number; seed: string }): Planned[] {
  const random = createRandom(`plan/${o.seed}`)
  const scene = o.district.buildings.find(b => SCENE.building.test(b.name) && b.floors >= SCENE.minFloors) ?? o.district.buildings[0]!
  const posts = nearestFirst(
    o.district.stations.filter(s => s.type === 'micro-station'),
    scene,
  )
  const stations = Math.min(posts.length, Math.max(2, Math.round(o.devices * 0.01)))
  const drones = Math.min(24, Math.max(2, Math.round(o.devices * 0.002)))
  const cameras = Math.min(1200, Math.max(4, Math.round(o.devices * 0.06)))
  const smokes = planSmoke(random.fork('smoke'), o.district, scene, Math.max(0, o.devices - stations - drones - cameras))
  return [
    ...planStations(posts, stations),
    ...planDrones(posts, drones),
    ...planCameras(random.fork('camera'), o.district, scene, cameras),
    ...smokes,
    ...planGateways(smokes),
  ]
}

/** The grid (网格) that looks after a building: the same for everything that stands there. */
const gridOf = (area: string, siteId: string) =>
  `${area.replace('街道', '')}-${String(createRandom(`grid/${siteId}`).integer(1, GRIDS_PER_AREA)).padStart(2, '0')}`
const nearestFirst = <T extends Spot>(spots: T[], to: Spot): T[] => {
  const target = toPlane(to.lon, to.lat)
  return spots.toSorted((a, b) => distance(toPlane(a.lon, a.lat), target) - distance(toPlane(b.lon, b.lat), target))
}

function planStations(posts: Post[], count: number): Planned[] {
  return posts.slice(0, count).map(p => ({
    deviceId: p.id,
    kind: 'micro-station',
    name: p.name,
    area: p.area,
    grid: gridOf(p.area, p.id),
    building: '',
    floor: '1',
    room: '',
    lat: p.lat,
    lon: p.lon,
  }))
}

/** Docks stand at micro stations, every third of them, so that some are near and some far. */
function planDrones(posts: Post[], count: number): Planned[] {
  return Array.from({ length: Math.min(count, posts.length) }, (_, i) => {
    const post = posts[(i * 3 + 1) % posts.length]!
    return {
      deviceId: `uav-${String(i + 1).padStart(2, '0')}`,
      kind: 'drone',
      name: `${post.area.replace('街道', '')} ${i + 1} 号无人机`,
      area: post.area,
      grid: '',
      building: '',
      floor: '',
      room: '',
      lat: round6(post.lat + 0.00012),
      lon: post.lon,
    }
  })
}

/** The first three look at the scene from its neighbourhood; the rest stand at buildings anywhere. */
function planCameras(random: Random, district: District, scene: Site, count: number): Planned[] {
  return Array.from({ length: count }, (_, i) => {
    const site = i < 3 ? scene : random.pick(district.buildings)
    const angle = i < 3 ? i * 2.1 + 0.4 : random.between(0, 6.28)
    const far = i < 3 ? 0.0007 + i * 0.0004 : 0.0004
    return {
      deviceId: `cam-${String(i + 1).padStart(4, '0')}`,
      kind: 'camera',
      name: `${site.name} 外 ${i + 1} 号摄像头`,
      area: site.area,
      grid: gridOf(site.area, site.id),
      building: site.name,
      floor: '',
      room: '',
      lat: round6(site.lat + far * Math.sin(angle)),
      lon: round6(site.lon + far * Math.cos(angle)),
    }
  })
}

function planSmoke(random: Random, district: District, scene: Site, count: number): Planned[] {
  const rooms = sceneRooms(scene).map(room => ({ site: scene, ...room }))
  const others = district.buildings
    .filter(b => b !== scene)
    .map(b => ({ b, rank: random.unit() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(x => x.b)
  const each = Math.max(1, Math.ceil((count - rooms.length) / others.length))
  for (const site of others) {
    if (rooms.length >= count) break
    const taken = new Set<string>()
    for (let k = 0; k < each; k++) {
      const floor = random.integer(1, site.floors)
      const room = flat(floor, random.integer(1, FLATS_PER_FLOOR))
      if (taken.has(room)) continue
      taken.add(room)
      rooms.push({ site, floor, room })
    }
  }
  return rooms.slice(0, count).map(({ site, floor, room }, i) => ({
    deviceId: `smk-${String(i + 1).padStart(6, '0')}`,
    kind: 'smoke',
    name: `${site.name} ${room === CORRIDOR ? `${floor} 层走廊` : `${room} 室`} 烟感`,
    area: site.area,
    grid: gridOf(site.area, site.id),
    building: site.name,
    floor: String(floor),
    room: room === CORRIDOR ? `${floor}F-${CORRIDOR}` : room,
    lat: round6(site.lat + random.between(-0.00004, 0.00004)),
    lon: round6(site.lon + random.between(-0.0001, 0.0001)),
  }))
}

/** Every flat of the floor of the fire and its corridor, then the floors above and below; the nearest come first. */
function sceneRooms(scene: Site): { floor: number; room: string }[] {
  const floor = Math.min(SCENE.floor, scene.floors)
  const onFloor = [5, 6, 4, 7, 3, 8, 2, 1].map(n => ({ floor, room: flat(floor, n) }))
  const around = [floor + 1, floor - 1, floor + 2].filter(f => f >= 1 && f <= scene.floors)
  return [
    ...onFloor.slice(0, 2),
    { floor, room: CORRIDOR },
    ...onFloor.slice(2),
    ...around.flatMap(f => [
      { floor: f, room: flat(f, 5) },
      { floor: f, room: CORRIDOR },
    ]),
  ]
}
const flat = (floor: number, n: number) => `${floor}${String(n).padStart(2, '0')}`

/** Neighbours share a gateway: detectors are taken in order of area and building. Sets `via` on the detectors. */
function planGateways(smokes: Planned[]): Planned[] {
  const ordered = smokes.toSorted((a, b) => (a.area === b.area ? compare(a.building, b.building) : compare(a.area, b.area)))
  const gateways: Planned[] = []
  for (let i = 0; i < ordered.length; i += DEVICES_PER_GATEWAY) {
    const host = ordered[i]!
    const deviceId = `gw-${String(gateways.length + 1).padStart(3, '0')}`
    gateways.push({
      deviceId,
      kind: 'gateway',
      name: `${host.area} ${gateways.length + 1} 号网关`,
      area: host.area,
      grid: host.grid,
      building: host.building,
      floor: '1',
      room: '',
      lat: host.lat,
      lon: host.lon,
    })
    for (const device of ordered.slice(i, i + DEVICES_PER_GATEWAY)) device.via = deviceId
  }
  return gateways
}
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const round6 = (degrees: number) => Math.round(degrees * 1e6) / 1e6
