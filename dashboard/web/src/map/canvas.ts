// The map without a GPU, on a plain 2D canvas. Chosen when WebGL2 is missing or was lost: thin clients in offices are that case.
import { bboxOfView, createMercator } from './mercator.ts'
import { pictureOf, type Picture } from './cells.ts'
import { boundsOf, loadDistrict, type District } from './district.ts'
import { drawForceAtlas } from './force-glyphs.ts'
import { forcesOf, type Forces } from './forces.ts'
import { drawAtlas, frozen } from './glyphs.ts'
import { createPickGrid, type PickGrid } from './grid.ts'
import { followHands } from './hands.ts'
import { createLabels } from './labels.ts'
import { createMarkers } from './markers.ts'
import { BUILDINGS_ZOOM, paintBase, paintLive } from './paint.ts'
import { EDGE_PX, HANDS_OFF_MS, PICK_PX, forceUnder, type Camera, type ForcesFeed, type MapOptions, type MapView } from './view.ts'

const PADDING_PX = 28
const PIXEL_RATIO_MAX = 2

/** Houses are most of a district's bytes and are seen only close up: they come when they are needed. */
export const openView = async (o: MapOptions): Promise<MapView> => {
  const district = await loadDistrict(o.api, ['areas', 'water', 'roads', 'stations'])
  o.onMissing(district.missing)
  return createView(o, district)
}

const createView = (o: MapOptions, district: District): MapView => {
  const canvas = document.createElement('canvas')
  canvas.className = 'flat-map'
  o.host.append(canvas)
  // the ground covers it all
  const context = canvas.getContext('2d', { alpha: false })
  if (context === null) throw new Error('this browser gives no 2D canvas')
  const atlas = frozen(drawAtlas(o.theme))
  const forceAtlas = frozen(drawForceAtlas(o.theme))
  const home = boundsOf(district.areas)
  const mercator = createMercator()
  /** read when it changes: asking the page for it makes the page lay itself out */
  let [width, height] = [o.host.clientWidth, o.host.clientHeight]
  const camera: Camera = {
    project: (lon, lat) => mercator.project(lon, lat),
    width: () => width,
    height: () => height,
  }
  const markers = createMarkers({
    host: o.host,
    camera,
    onIncident: o.onIncident,
    goTo(lon, lat) {
      mercator.centre(lon, lat)
      lookAgain()
    },
    surface: () => canvas,
  })
  const labels = createLabels(o.host, camera)
  let picture: Picture
  let feed: ForcesFeed | null = null
  let forces: Forces = { icons: [], shapes: [], ways: [], rings: [], labels: [] }
  /** made when the pointer asks for it */
  let pick: PickGrid | null = null
  let frame = 0
  let movedByHandAtMs = Number.NEGATIVE_INFINITY

  const ratio = (): number => Math.min(PIXEL_RATIO_MAX, window.devicePixelRatio || 1)
  const base = document.createElement('canvas')
  const baseContext = base.getContext('2d')
  /** what the ground was painted for */
  let baseOf = ''
  const ground = (): void => {
    const { x, y } = mercator.project(0, 0)
    const wanted = [x, y, mercator.zoom(), canvas.width, canvas.height, district.buildings.features.length].join()
    if (wanted === baseOf || baseContext === null) return
    baseOf = wanted
    base.width = canvas.width
    base.height = canvas.height
    baseContext.setTransform(ratio(), 0, 0, ratio(), 0, 0)
    paintBase({ context: baseContext, mercator, district, theme: o.theme, width: camera.width(), height: camera.height() })
  }
  const draw = (): void => {
    frame = 0
    context.setTransform(ratio(), 0, 0, ratio(), 0, 0)
    const { devices, theme, english } = o
    ground()
    context.drawImage(base, 0, 0, camera.width(), camera.height())
    paintLive({
      context,
      mercator,
      district,
      devices,
      theme,
      english,
      atlas,
      picture,
      forces,
      forceAtlas,
      width: camera.width(),
      height: camera.height(),
    })
    markers.place()
    labels.place()
  }
  const invalidate = (): void => {
    if (frame === 0) frame = requestAnimationFrame(draw)
  }
  let housesAsked = false
  const fetchHouses = (): void => {
    if (housesAsked || mercator.zoom() < BUILDINGS_ZOOM) return
    housesAsked = true
    void loadDistrict(o.api, ['buildings']).then(({ buildings, missing }) => {
      district.buildings = buildings
      o.onMissing(missing)
      invalidate()
    })
  }
  const arrange = (): void => {
    if (feed === null) return
    const bounds = bboxOfView(mercator, camera.width(), camera.height())
    forces = forcesOf({ ...feed, zoom: mercator.zoom(), bounds, stations: district.stations })
    labels.set(forces.labels)
  }
  const redraw = (): void => {
    picture = pictureOf(o.devices, mercator.zoom(), bboxOfView(mercator, camera.width(), camera.height()))
    pick = null
    invalidate()
  }
  /** The camera stands elsewhere: what is drawn depends on where it looks. */
  const lookAgain = (): void => {
    fetchHouses()
    arrange()
    redraw()
  }
  const resize = (): void => {
    width = o.host.clientWidth
    height = o.host.clientHeight
    canvas.width = Math.round(camera.width() * ratio())
    canvas.height = Math.round(camera.height() * ratio())
    mercator.resize(camera.width(), camera.height())
    lookAgain()
  }
  const fit = (): void => {
    mercator.fit(home, PADDING_PX)
    lookAgain()
  }
  const under = (x: number, y: number) => {
    const force = forceUnder(forces, camera, x, y)
    if (force !== null) return o.devices.find(force) ?? null
    const at = mercator.unproject(x, y)
    const beside = mercator.unproject(x, y + PICK_PX)
    pick ??= createPickGrid(o.devices, picture.points.rows)
    const row = pick.nearest(at.lon, at.lat, Math.abs(at.lat - beside.lat))
    return row === null ? null : (o.devices.rows[row] ?? null)
  }

  followHands({
    canvas,
    mercator,
    moved() {
      movedByHandAtMs = o.nowMs()
      o.onHover(null)
      invalidate()
    },
    settled: lookAgain,
    left: () => o.onHover(null),
    hovered(x, y) {
      const device = under(x, y)
      canvas.style.cursor = device === null ? 'grab' : 'pointer'
      o.onHover(device === null ? null : { device, x, y })
    },
    clicked: (x, y) => o.onDevice(under(x, y)?.[0] ?? null),
  })
  const watch = new ResizeObserver(resize)
  mercator.resize(camera.width(), camera.height())
  fit()
  resize()
  watch.observe(o.host)
  o.onReady()

  return {
    redraw,
    incidents: (list, selectedId) => markers.set(list, selectedId),
    forces(next) {
      feed = next
      arrange()
      invalidate()
    },
    show(lon, lat) {
      const { x, y } = camera.project(lon, lat)
      const inView = x > EDGE_PX && y > EDGE_PX && x < camera.width() - EDGE_PX && y < camera.height() - EDGE_PX
      if (inView || o.nowMs() - movedByHandAtMs < HANDS_OFF_MS) return
      mercator.centre(lon, lat)
      lookAgain()
    },
    home: fit,
    destroy() {
      cancelAnimationFrame(frame)
      watch.disconnect()
      markers.destroy()
      labels.destroy()
      canvas.remove()
    },
  }
}
