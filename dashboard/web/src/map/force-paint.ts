// Forces on the flat map's 2D canvas: the same shapes in the same order as the WebGL layers.
import { THEMES, type Theme, type Token } from '../tokens.ts'
import { FORCE_SIGNS, type Forces, type LonLat } from './forces.ts'
import { FORCE_BOX_PX, forcePx } from './force-glyphs.ts'
import type { Mercator } from './mercator.ts'

export type ForcePaint = { context: CanvasRenderingContext2D; mercator: Mercator; forces: Forces; theme: Theme; atlas: ImageBitmap }

const LEVELS = { 1: 'level1', 2: 'level2', 3: 'level3', 4: 'level4' } as const satisfies Record<number, Token>
const METRES_PER_PIXEL_Z0 = 78_271.517
const RING_MIN_PX = 16

const trace = ({ context, mercator }: ForcePaint, path: readonly LonLat[]): void => {
  context.beginPath()
  for (const [at, [lon, lat]] of path.entries()) {
    const { x, y } = mercator.project(lon, lat)
    if (at === 0) context.moveTo(x, y)
    else context.lineTo(x, y)
  }
}

export const paintGround = (o: ForcePaint): void => {
  const { context, mercator, forces } = o
  const colours = THEMES[o.theme]
  for (const { at, radiusM, severity } of forces.rings) {
    const { x, y } = mercator.project(...at)
    const perPixel = (METRES_PER_PIXEL_Z0 * Math.cos((at[1] * Math.PI) / 180)) / 2 ** mercator.zoom()
    context.beginPath()
    context.arc(x, y, Math.max(RING_MIN_PX, radiusM / perPixel), 0, Math.PI * 2)
    context.fillStyle = colours[LEVELS[severity]]
    context.globalAlpha = radiusM >= 500 ? 0.04 : 0.1
    context.fill()
    context.globalAlpha = 0.75
    context.strokeStyle = colours[LEVELS[severity]]
    context.lineWidth = 1.5
    context.stroke()
  }
  context.lineWidth = 1
  for (const { ring, tone, isFilled } of forces.shapes) {
    trace(o, ring)
    context.fillStyle = tone === 'drone' ? colours.link : colours.deviceNormal
    context.strokeStyle = context.fillStyle
    context.globalAlpha = 0.17
    if (isFilled) context.fill()
    context.globalAlpha = 0.67
    context.stroke()
  }
  for (const { path, tone, isFaint } of forces.ways) {
    trace(o, path)
    context.strokeStyle = tone === 'track' ? colours.link : colours.station
    context.globalAlpha = isFaint ? 0.43 : 0.9
    context.lineWidth = tone === 'under-way' ? 3 : 2
    context.setLineDash(tone === 'offered' ? [6, 5] : [])
    context.stroke()
  }
  context.setLineDash([])
  context.globalAlpha = 1
}

export const paintSigns = ({ context, mercator, forces, atlas }: ForcePaint): void => {
  for (const { at, sign, angleDeg, isFaint } of forces.icons) {
    const { x, y } = mercator.project(...at)
    const sizePx = forcePx(sign, mercator.zoom())
    context.save()
    context.globalAlpha = isFaint ? 0.5 : 1
    context.translate(x, y)
    context.rotate((-angleDeg * Math.PI) / 180)
    context.drawImage(
      atlas,
      FORCE_SIGNS.indexOf(sign) * FORCE_BOX_PX,
      0,
      FORCE_BOX_PX,
      FORCE_BOX_PX,
      -sizePx / 2,
      -sizePx / 2,
      sizePx,
      sizePx,
    )
    context.restore()
  }
}
