// The map in WebGL2: MapLibre draws the base, deck.gl the devices on a canvas of its own above it, incidents are DOM on top.
// A live tick redraws only the devices. When the context is lost this view says so once and is replaced.
import type { DeckProps } from '@deck.gl/core'
import { MapLibreOverlay } from '@deck.gl/maplibre'
import { Map as BaseMap, setWorkerUrl } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url'
import 'maplibre-gl/dist/maplibre-gl.css'
import { findTiles } from './basemap.ts'
import { pictureOf, type Bounds } from './cells.ts'
import { boundsOf, LAYERS, loadDistrict, type District } from './district.ts'
import { drawForceAtlas } from './force-glyphs.ts'
import { groundLayersOf, signLayersOf } from './force-layers.ts'
import { forcesOf, type Forces } from './forces.ts'
import { drawAtlas } from './glyphs.ts'
import { createPickGrid, type PickGrid } from './grid.ts'
import { layersOf } from './layers.ts'
import { createLabels } from './labels.ts'
import { createMarkers } from './markers.ts'
import { styleOf } from './style.ts'
import { EDGE_PX, HANDS_OFF_MS, PICK_PX, forceUnder, type Camera, type ForcesFeed, type MapOptions, type MapView } from './view.ts'

type Gpu = Parameters<NonNullable<DeckProps['onDeviceInitialized']>>[0]
type Texture = ReturnType<Gpu['createTexture']>

// MapLibre 6 does not find its worker once bundled; it is told where ours lies (same origin).
setWorkerUrl(workerUrl)

const FIT = { padding: 28, animate: false } as const
const corners = (bounds: Bounds): [number, number, number, number] => [bounds.west, bounds.south, bounds.east, bounds.north]

const textureOf = (gpu: Gpu, canvas: HTMLCanvasElement): Texture => {
  const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? new Uint8ClampedArray()
  return gpu.createTexture({
    format: 'rgba8unorm',
    width: canvas.width,
    height: canvas.height,
    data: new Uint8Array(pixels.buffer),
    sampler: { minFilter: 'linear', magFilter: 'linear' },
  })
}

export const openView = async (o: MapOptions): Promise<MapView> => {
  const tiles = await findTiles()
  // what lies in the tiles is not fetched a second time
  const district = await loadDistrict(o.api, tiles === null ? LAYERS : ['areas', 'stations'])
  o.onMissing(district.missing)
  return createView(o, district, tiles)
}

const createView = (o: MapOptions, district: District, tiles: string | null): MapView => {
  const home = boundsOf(district.areas)
  const map = new BaseMap({
    container: o.host,
    style: styleOf({ district, theme: o.theme, english: o.english, tiles }),
    bounds: corners(home),
    fitBoundsOptions: FIT,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    keyboard: false,
    minZoom: 7,
    maxZoom: 17,
    fadeDuration: 0,
    canvasContextAttributes: { antialias: false, contextType: 'webgl2' },
  })
  map.touchZoomRotate.disableRotation()

  let atlas: Texture | null = null
  let forceAtlas: Texture | null = null
  let feed: ForcesFeed | null = null
  let forces: Forces | null = null
  let pick: PickGrid | null = null
  let drawn: Uint32Array = new Uint32Array(0)
  let movedByHandAtMs = Number.NEGATIVE_INFINITY
  let gone = false
  const lose = (): void => {
    if (gone) return
    gone = true
    o.onLost()
  }

  /** read when it changes: asking the page for it makes the page lay itself out */
  let [width, height] = [o.host.clientWidth, o.host.clientHeight]
  const camera: Camera = {
    project: (lon, lat) => map.project([lon, lat]),
    width: () => width,
    height: () => height,
  }
  const overlay = new MapLibreOverlay({
    interleaved: false,
    useDevicePixels: false,
    layers: [],
    onDeviceInitialized: gpu => {
      atlas = textureOf(gpu, drawAtlas(o.theme))
      forceAtlas = textureOf(gpu, drawForceAtlas(o.theme))
      gpu.lost.then(
        () => lose(),
        () => lose(),
      )
      redrawAll()
    },
  })
  map.addControl(overlay)
  const markers = createMarkers({
    host: o.host,
    camera,
    onIncident: o.onIncident,
    goTo: (lon, lat) => void map.easeTo({ center: [lon, lat], duration: 400 }),
    surface: () => map.getCanvas(),
  })

  const labels = createLabels(o.host, camera)

  const boundsNow = (): Bounds => {
    const box = map.getBounds()
    return { west: box.getWest(), south: box.getSouth(), east: box.getEast(), north: box.getNorth() }
  }
  let deviceLayers: ReturnType<typeof layersOf> = []
  let groundLayers: ReturnType<typeof groundLayersOf> | never[] = []
  let signLayers: ReturnType<typeof signLayersOf> = []
  const submit = (): void => overlay.setProps({ layers: [...groundLayers, ...deviceLayers, ...signLayers] })
  const drawDevices = (): void => {
    const picture = pictureOf(o.devices, map.getZoom(), boundsNow())
    // made when the pointer asks for it
    pick = null
    drawn = picture.points.rows
    deviceLayers = layersOf(picture, o.devices, { theme: o.theme, atlas, zoom: map.getZoom() })
  }
  const drawForces = (): void => {
    if (feed === null) return
    forces = forcesOf({ ...feed, zoom: map.getZoom(), bounds: boundsNow(), stations: district.stations })
    groundLayers = groundLayersOf(forces, { theme: o.theme })
    signLayers = signLayersOf(forces, { atlas: forceAtlas, zoom: map.getZoom() })
    labels.set(forces.labels)
  }
  /** A live tick: only what detectors say has changed. */
  const redraw = (): void => {
    if (gone) return
    drawDevices()
    submit()
  }
  const redrawAll = (): void => {
    if (gone) return
    drawDevices()
    drawForces()
    submit()
  }

  const under = (point: { x: number; y: number }) => {
    const force = forceUnder(forces, camera, point.x, point.y)
    if (force !== null) return o.devices.find(force) ?? null
    const at = map.unproject([point.x, point.y])
    const beside = map.unproject([point.x, point.y + PICK_PX])
    pick ??= createPickGrid(o.devices, drawn)
    const row = pick.nearest(at.lng, at.lat, Math.abs(at.lat - beside.lat))
    return row === null ? null : (o.devices.rows[row] ?? null)
  }
  map.on('move', () => {
    markers.place()
    labels.place()
  })
  map.on('movestart', () => o.onHover(null))
  map.on('moveend', redrawAll)
  map.on('resize', () => {
    width = o.host.clientWidth
    height = o.host.clientHeight
    markers.place()
    labels.place()
  })
  for (const kind of ['dragstart', 'wheel', 'touchstart', 'dblclick'] as const)
    map.on(kind, () => {
      movedByHandAtMs = o.nowMs()
    })
  map.on('mousemove', event => {
    const device = under(event.point)
    map.getCanvas().style.cursor = device === null ? '' : 'pointer'
    o.onHover(device === null ? null : { device, x: event.point.x, y: event.point.y })
  })
  map.on('mouseout', () => o.onHover(null))
  map.on('click', event => o.onDevice(under(event.point)?.[0] ?? null))
  map.once('load', () => o.onReady())
  map.getCanvas().addEventListener('webglcontextlost', lose)

  return {
    redraw,
    incidents: (list, selectedId) => markers.set(list, selectedId),
    forces(next) {
      feed = next
      if (gone) return
      drawForces()
      submit()
    },
    show(lon, lat) {
      const { x, y } = camera.project(lon, lat)
      const inView = x > EDGE_PX && y > EDGE_PX && x < camera.width() - EDGE_PX && y < camera.height() - EDGE_PX
      if (inView || o.nowMs() - movedByHandAtMs < HANDS_OFF_MS) return
      map.easeTo({ center: [lon, lat], duration: 400 })
    },
    home: () => map.fitBounds(corners(home), FIT),
    destroy() {
      gone = true
      markers.destroy()
      labels.destroy()
      atlas?.destroy()
      forceAtlas?.destroy()
      map.remove()
    },
  }
}
