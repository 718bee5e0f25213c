// The signs of stations, drones, vehicles and cameras, in one row, drawn once a theme; state is shape as well as colour: full square = ready,
// half = ready with something missing, dot in a ring = on its way, crossed = not ready, dashed = not heard.
import { THEMES, type Theme } from '../tokens.ts'
import { FORCE_SIGNS, type ForceSign } from './forces.ts'

export const FORCE_BOX_PX = 44
export const forcePx = (sign: ForceSign, zoom: number): number =>
  sign === 'drone' || sign === 'drone-old' ? 30 : sign === 'camera' ? 18 : zoom >= 13 ? 22 : zoom >= 11 ? 17 : 13

type Colours = (typeof THEMES)[Theme]
type Draw = (c: CanvasRenderingContext2D, colours: Colours) => void
const MID = FORCE_BOX_PX / 2

const square = (c: CanvasRenderingContext2D): void => {
  c.beginPath()
  c.roundRect(8, 8, 28, 28, 5)
}
const rim = (c: CanvasRenderingContext2D, colour: string, px = 4): void => {
  c.lineWidth = px
  c.strokeStyle = colour
  c.stroke()
}
const ground = (c: CanvasRenderingContext2D, colours: Colours): void => {
  square(c)
  c.fillStyle = colours.mapHalo
  c.fill()
}
const arrow = (c: CanvasRenderingContext2D): void => {
  c.beginPath()
  c.moveTo(MID, 4)
  c.lineTo(36, 38)
  c.lineTo(MID, 30)
  c.lineTo(8, 38)
  c.closePath()
}
const body = (c: CanvasRenderingContext2D): void => {
  c.beginPath()
  c.roundRect(6, 12, 32, 20, 6)
}

const SIGNS: Record<ForceSign, Draw> = {
  ready(c, colours) {
    ground(c, colours)
    c.fillStyle = colours.station
    c.fill()
    rim(c, colours.mapHalo, 2)
  },
  degraded(c, colours) {
    ground(c, colours)
    c.save()
    c.clip()
    c.fillStyle = colours.station
    c.fillRect(0, MID, FORCE_BOX_PX, MID)
    c.restore()
    square(c)
    rim(c, colours.station)
  },
  busy(c, colours) {
    ground(c, colours)
    rim(c, colours.link)
    c.beginPath()
    c.arc(MID, MID, 7, 0, Math.PI * 2)
    c.fillStyle = colours.link
    c.fill()
  },
  'not-ready'(c, colours) {
    ground(c, colours)
    rim(c, colours.level3)
    c.beginPath()
    c.moveTo(14, 14)
    c.lineTo(30, 30)
    c.moveTo(30, 14)
    c.lineTo(14, 30)
    rim(c, colours.level3)
  },
  unheard(c, colours) {
    ground(c, colours)
    c.setLineDash([5, 5])
    rim(c, colours.deviceSilent, 3)
    c.setLineDash([])
  },
  drone(c, colours) {
    arrow(c)
    c.fillStyle = colours.link
    c.fill()
    rim(c, colours.mapHalo, 2)
  },
  'drone-old'(c, colours) {
    arrow(c)
    c.fillStyle = colours.mapHalo
    c.fill()
    rim(c, colours.deviceSilent)
  },
  dock(c, colours) {
    c.beginPath()
    c.arc(MID, MID, 13, 0, Math.PI * 2)
    c.fillStyle = colours.mapHalo
    c.fill()
    rim(c, colours.link, 3)
    c.beginPath()
    c.moveTo(MID, 13)
    c.lineTo(30, 29)
    c.lineTo(14, 29)
    c.closePath()
    c.fillStyle = colours.link
    c.fill()
  },
  vehicle(c, colours) {
    body(c)
    c.fillStyle = colours.station
    c.fill()
    rim(c, colours.mapHalo, 2)
  },
  'vehicle-old'(c, colours) {
    body(c)
    c.fillStyle = colours.mapHalo
    c.fill()
    rim(c, colours.deviceSilent)
  },
  camera(c, colours) {
    c.beginPath()
    c.arc(MID, 26, 9, 0, Math.PI * 2)
    c.moveTo(MID - 8, 14)
    c.lineTo(MID + 8, 14)
    c.lineTo(MID, 26)
    c.closePath()
    c.fillStyle = colours.text
    c.fill()
    rim(c, colours.mapHalo, 2)
  },
}

export const drawForceAtlas = (theme: Theme): HTMLCanvasElement => {
  const canvas = document.createElement('canvas')
  canvas.width = FORCE_BOX_PX * FORCE_SIGNS.length
  canvas.height = FORCE_BOX_PX
  const c = canvas.getContext('2d')
  if (c === null) return canvas
  for (const [at, sign] of FORCE_SIGNS.entries()) {
    c.save()
    c.translate(at * FORCE_BOX_PX, 0)
    SIGNS[sign](c, THEMES[theme])
    c.restore()
  }
  return canvas
}
