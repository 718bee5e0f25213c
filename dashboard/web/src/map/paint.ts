// One frame of the flat map on a 2D canvas: the ground (areas, water, buildings, roads), which is painted once for as long as the camera stands
// still, and above it what lives: cells, stations, names, devices.
import { DEVICE_CONDITIONS } from '#contracts/device.ts'
import type { DeviceTable } from '../live/devices.ts'
import { THEMES, type Theme } from '../tokens.ts'
import type { Picture } from './cells.ts'
import { areaLabels, linesOf, type Collection, type District } from './district.ts'
import { paintGround, paintSigns } from './force-paint.ts'
import type { Forces } from './forces.ts'
import { BOX_PX, signPx } from './glyphs.ts'
import type { Mercator } from './mercator.ts'

const MINOR_ROADS_ZOOM = 11.5
export const BUILDINGS_ZOOM = 14
const MAJOR = new Set(['motorway', 'trunk', 'primary', 'secondary'])
const FULL_TURN = Math.PI * 2

export type BaseScene = {
  context: CanvasRenderingContext2D
  mercator: Mercator
  district: District
  theme: Theme
  width: number
  height: number
}
export type Scene = BaseScene & {
  devices: DeviceTable
  english: boolean
  atlas: ImageBitmap
  picture: Picture
  forces: Forces
  forceAtlas: ImageBitmap
}

const trace = ({ context, mercator }: BaseScene, lines: [number, number][][]): void => {
  context.beginPath()
  for (const line of lines)
    for (const [at, [lon, lat]] of line.entries()) {
      const { x, y } = mercator.project(lon, lat)
      if (at === 0) context.moveTo(x, y)
      else context.lineTo(x, y)
    }
}

const fill = (scene: BaseScene, layer: Collection, colour: string): void => {
  scene.context.fillStyle = colour
  for (const feature of layer.features) {
    trace(scene, linesOf(feature.geometry))
    scene.context.fill('evenodd')
  }
}

const outline = (scene: BaseScene, layer: Collection, colour: string): void => {
  scene.context.strokeStyle = colour
  scene.context.lineWidth = 1
  for (const feature of layer.features) {
    trace(scene, linesOf(feature.geometry))
    scene.context.stroke()
  }
}

const roads = (scene: BaseScene): void => {
  const { context, district, mercator } = scene
  const colours = THEMES[scene.theme]
  const all = mercator.zoom() >= MINOR_ROADS_ZOOM
  for (const road of district.roads.features) {
    const major = MAJOR.has(String(road.properties?.['class'] ?? ''))
    if (!major && !all) continue
    trace(scene, linesOf(road.geometry))
    context.strokeStyle = major ? colours.mapRoadMajor : colours.mapRoad
    context.lineWidth = major ? 1.6 : 0.8
    context.stroke()
  }
}

const cells = ({ context, mercator, picture, theme }: Scene): void => {
  const found = picture.cells
  const colours = THEMES[theme]
  context.fillStyle = colours.deviceNormal
  context.strokeStyle = colours.deviceSilent
  context.lineWidth = 1
  for (let at = 0; at < found.count; at += 1) {
    const [believed, silent] = [found.believed[at] ?? 0, found.silent[at] ?? 0]
    if (believed + silent === 0) continue
    const { x, y } = mercator.project(found.lonLat[at * 2] ?? 0, found.lonLat[at * 2 + 1] ?? 0)
    context.beginPath()
    context.arc(x, y, 1.5 + Math.min(3.5, Math.log2(1 + believed + silent) / 1.5), 0, FULL_TURN)
    context.globalAlpha = 0.5
    if (believed > 0) context.fill()
    context.globalAlpha = 0.8
    if (silent > 0) context.stroke()
  }
  context.globalAlpha = 1
}

const names = ({ context, mercator, district, theme, english }: Scene): void => {
  context.font = '13px system-ui, sans-serif'
  context.textAlign = 'center'
  context.lineWidth = 3
  context.strokeStyle = THEMES[theme].mapHalo
  context.fillStyle = THEMES[theme].mapLabel
  for (const { geometry, properties } of areaLabels(district.areas, english).features) {
    if (Number(properties?.['from'] ?? 0) > mercator.zoom()) continue
    const [lon, lat] = linesOf(geometry)[0]?.[0] ?? [0, 0]
    const { x, y } = mercator.project(lon, lat)
    const label = String(properties?.['label'] ?? '')
    context.strokeText(label, x, y)
    context.fillText(label, x, y)
  }
}

const points = ({ context, mercator, picture, devices, atlas }: Scene): void => {
  for (const row of picture.points.rows) {
    const { x, y } = mercator.project(devices.lonLat[row * 2] ?? 0, devices.lonLat[row * 2 + 1] ?? 0)
    const code = devices.codes[row] ?? DEVICE_CONDITIONS.length - 1
    const sizePx = signPx(code, mercator.zoom())
    context.drawImage(atlas, code * BOX_PX, 0, BOX_PX, BOX_PX, x - sizePx / 2, y - sizePx / 2, sizePx, sizePx)
  }
}

/** Thousands of lines: most of the work of a frame. */
export const paintBase = (scene: BaseScene): void => {
  const { context, district } = scene
  const colours = THEMES[scene.theme]
  context.fillStyle = colours.mapGround
  context.fillRect(0, 0, scene.width, scene.height)
  fill(scene, district.areas, colours.mapArea)
  fill(scene, district.water, colours.mapWater)
  if (scene.mercator.zoom() >= BUILDINGS_ZOOM) fill(scene, district.buildings, colours.mapBuilding)
  roads(scene)
  outline(scene, district.areas, colours.mapAreaLine)
}

export const paintLive = (scene: Scene): void => {
  const above = { ...scene, atlas: scene.forceAtlas }
  paintGround(above)
  cells(scene)
  names(scene)
  points(scene)
  paintSigns(above)
}
