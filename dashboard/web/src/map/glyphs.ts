// The sign of each device condition, drawn by the same few lines on the map, on its Canvas2D stand-in and in the legend.
// Shape says it as well as colour: disc with rim, disc, triangle, cross, hollow ring, dashed ring, dot.
import { DEVICE_CONDITIONS, type DeviceCondition } from '#contracts/device.ts'
import { THEMES, type Theme } from '../tokens.ts'
import { DETAIL_ZOOM } from './cells.ts'

/** One sign's box in the atlas, px; drawn at half of that on the map. */
export const BOX_PX = 40

/** Size of a sign seen from afar: what asks for people is the largest. */
const SIZE_PX: Record<DeviceCondition, number> = { alarm: 20, 'pre-alarm': 17, fault: 14, offline: 13, stale: 12, unknown: 12, normal: 12 }
const SIZES_PX = DEVICE_CONDITIONS.map(condition => SIZE_PX[condition])

/** Size of the sign of a condition (its index in DEVICE_CONDITIONS) at a zoom, px. */
export const signPx = (code: number, zoom: number): number => (SIZES_PX[code] ?? 12) * (zoom >= 15 ? 1.6 : zoom >= DETAIL_ZOOM ? 1.3 : 1)

type Draw = (c: CanvasRenderingContext2D, colours: (typeof THEMES)[Theme]) => void

const disc = (c: CanvasRenderingContext2D, radius: number): void => {
  c.beginPath()
  c.arc(BOX_PX / 2, BOX_PX / 2, radius, 0, Math.PI * 2)
}
const filled = (c: CanvasRenderingContext2D, fill: string, rim: string, rimPx: number): void => {
  c.fillStyle = fill
  c.fill()
  c.strokeStyle = rim
  c.lineWidth = rimPx
  c.stroke()
}

const SIGNS: Record<DeviceCondition, Draw> = {
  alarm: (c, colours) => {
    disc(c, 14)
    filled(c, colours.level1, colours.text, 4)
  },
  'pre-alarm': (c, colours) => {
    disc(c, 12)
    filled(c, colours.level2, colours.mapHalo, 3)
  },
  fault: (c, colours) => {
    c.beginPath()
    c.moveTo(20, 7)
    c.lineTo(33, 30)
    c.lineTo(7, 30)
    c.closePath()
    filled(c, colours.level3, colours.mapHalo, 3)
  },
  offline: (c, colours) => {
    c.strokeStyle = colours.level4
    c.lineWidth = 5
    c.beginPath()
    c.moveTo(11, 11)
    c.lineTo(29, 29)
    c.moveTo(29, 11)
    c.lineTo(11, 29)
    c.stroke()
  },
  stale: (c, colours) => {
    disc(c, 10)
    c.strokeStyle = colours.deviceSilent
    c.lineWidth = 4
    c.stroke()
  },
  unknown: (c, colours) => {
    disc(c, 10)
    c.strokeStyle = colours.deviceSilent
    c.lineWidth = 3
    c.setLineDash([4, 5])
    c.stroke()
    c.setLineDash([])
    c.save()
    c.clip()
    c.globalAlpha = 0.55
    c.lineWidth = 2
    for (let x = -20; x < BOX_PX; x += 7) {
      c.beginPath()
      c.moveTo(x, 32)
      c.lineTo(x + 24, 8)
      c.stroke()
    }
    c.restore()
  },
  normal: (c, colours) => {
    disc(c, 7)
    c.fillStyle = colours.deviceNormal
    c.fill()
  },
}

/** All signs in a row, in the order of DEVICE_CONDITIONS. */
export const drawAtlas = (theme: Theme): HTMLCanvasElement => {
  const canvas = document.createElement('canvas')
  canvas.width = BOX_PX * DEVICE_CONDITIONS.length
  canvas.height = BOX_PX
  const c = canvas.getContext('2d')
  if (c === null) return canvas
  for (const [at, condition] of DEVICE_CONDITIONS.entries()) {
    c.save()
    c.translate(at * BOX_PX, 0)
    SIGNS[condition](c, THEMES[theme])
    c.restore()
  }
  return canvas
}

/** The same as a picture that cannot change: a canvas is looked at anew for each sign that is cut out of it. */
export const frozen = (canvas: HTMLCanvasElement): ImageBitmap => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height)
  copy.getContext('2d')?.drawImage(canvas, 0, 0)
  return copy.transferToImageBitmap()
}
