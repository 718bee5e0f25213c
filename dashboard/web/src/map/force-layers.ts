// Forces as deck.gl layers: what lies on the ground below the devices, signs above them.
import { IconLayer, PathLayer, PolygonLayer, ScatterplotLayer } from '@deck.gl/layers'
import type { Texture } from '@luma.gl/core'
import { THEMES, rgbOf, type Theme, type Token } from '../tokens.ts'
import { FORCE_SIGNS, type Forces, type Icon, type Ring, type Shape, type Way } from './forces.ts'
import { FORCE_BOX_PX, forcePx } from './force-glyphs.ts'

const iconMapping = Object.fromEntries(
  FORCE_SIGNS.map((sign, at) => [sign, { x: at * FORCE_BOX_PX, y: 0, width: FORCE_BOX_PX, height: FORCE_BOX_PX, mask: false }]),
)
const LEVELS = { 1: 'level1', 2: 'level2', 3: 'level3', 4: 'level4' } as const satisfies Record<number, Token>

export const groundLayersOf = (forces: Forces, o: { theme: Theme }) => {
  const colours = THEMES[o.theme]
  const tinted = (token: Token, alpha: number): [number, number, number, number] => [...rgbOf(colours[token]), alpha]
  return [
    new ScatterplotLayer<Ring>({
      id: 'rings',
      data: forces.rings,
      getPosition: ring => ring.at,
      getRadius: ring => ring.radiusM,
      radiusUnits: 'meters',
      radiusMinPixels: 16,
      getFillColor: ring => tinted(LEVELS[ring.severity], ring.radiusM >= 500 ? 10 : 26),
      getLineColor: ring => tinted(LEVELS[ring.severity], 190),
      stroked: true,
      lineWidthUnits: 'pixels',
      getLineWidth: 1.5,
    }),
    new PolygonLayer<Shape>({
      id: 'shapes',
      data: forces.shapes,
      getPolygon: shape => shape.ring,
      getFillColor: shape => tinted(shape.tone === 'drone' ? 'link' : 'deviceNormal', shape.isFilled ? 44 : 0),
      getLineColor: shape => tinted(shape.tone === 'drone' ? 'link' : 'deviceNormal', 170),
      lineWidthUnits: 'pixels',
      getLineWidth: 1,
    }),
    new PathLayer<Way>({
      id: 'ways',
      data: forces.ways,
      getPath: way => way.path,
      getColor: way => tinted(way.tone === 'track' ? 'link' : 'station', way.isFaint ? 110 : way.tone === 'offered' ? 150 : 230),
      widthUnits: 'pixels',
      getWidth: way => (way.tone === 'under-way' ? 3 : 2),
      capRounded: true,
      jointRounded: true,
    }),
  ]
}

export const signLayersOf = (forces: Forces, o: { atlas: Texture | null; zoom: number }) =>
  o.atlas === null
    ? []
    : [
        new IconLayer<Icon>({
          id: 'forces',
          data: forces.icons,
          iconAtlas: o.atlas,
          iconMapping,
          getIcon: icon => icon.sign,
          getPosition: icon => icon.at,
          getAngle: icon => icon.angleDeg,
          getSize: icon => forcePx(icon.sign, o.zoom),
          getColor: icon => [255, 255, 255, icon.isFaint ? 130 : 255],
          updateTriggers: { getSize: [o.zoom] },
          sizeUnits: 'pixels',
          alphaCutoff: 0.05,
        }),
      ]
