// The live layers over the base map (deck.gl): cells of calm devices below, calm points, points of the others above them. Positions,
// sizes and colours go to the GPU as the columns they already are; only what deserves attention costs an accessor.
import { IconLayer, ScatterplotLayer } from '@deck.gl/layers'
import type { Texture } from '@luma.gl/core'
import { DEVICE_CONDITIONS } from '#contracts/device.ts'
import { CODE, type DeviceTable } from '../live/devices.ts'
import { THEMES, rgbOf, type Theme } from '../tokens.ts'
import type { Cells, Picture } from './cells.ts'
import { BOX_PX, signPx } from './glyphs.ts'

const iconMapping = Object.fromEntries(
  DEVICE_CONDITIONS.map((name, at) => [name, { x: at * BOX_PX, y: 0, width: BOX_PX, height: BOX_PX, mask: false }]),
)
/** The disc of a calm device is 7 of 40 px of its sign's box. */
const CALM_SHARE = 7 / BOX_PX

/** Radius in metres from the number of devices in a cell: 1 -> 70, 40 and more -> 210. */
const RADII_M = Float32Array.from({ length: 41 }, (_, devices) => 70 + 140 * Math.min(1, Math.log2(Math.max(1, devices)) / 5.3))

const cellLayer = (o: { id: string; cells: Cells; counts: Uint32Array; colour: [number, number, number]; hollow: boolean }) => {
  const { counts, cells } = o
  let length = 0
  for (let cell = 0; cell < cells.count; cell += 1) if ((counts[cell] ?? 0) > 0) length += 1
  const positions = new Float64Array(length * 2)
  const radii = new Float32Array(length)
  const colours = new Uint8Array(length * 4)
  const [r, g, b] = o.colour
  for (let cell = 0, to = 0; cell < cells.count; cell += 1) {
    const devices = counts[cell] ?? 0
    if (devices === 0) continue
    positions[to * 2] = cells.lonLat[cell * 2] ?? 0
    positions[to * 2 + 1] = cells.lonLat[cell * 2 + 1] ?? 0
    radii[to] = RADII_M[Math.min(40, devices)] ?? 70
    colours[to * 4] = r
    colours[to * 4 + 1] = g
    colours[to * 4 + 2] = b
    colours[to * 4 + 3] = o.hollow ? 190 : Math.min(130, 46 + devices * 4)
    to += 1
  }
  return new ScatterplotLayer({
    id: o.id,
    data: {
      length,
      attributes: {
        getPosition: { value: positions, size: 2 },
        getRadius: { value: radii, size: 1 },
        getFillColor: { value: colours, size: 4, normalized: true },
        getLineColor: { value: colours, size: 4, normalized: true },
      },
    },
    radiusUnits: 'meters',
    radiusMinPixels: 1.5,
    radiusMaxPixels: 12,
    filled: !o.hollow,
    stroked: o.hollow,
    lineWidthUnits: 'pixels',
    getLineWidth: 1.2,
    antialiasing: true,
  })
}

/** lon, lat of the points from `from` to `to`. */
const positionsOf = (picture: Picture, table: DeviceTable, from: number, to: number): Float64Array => {
  const { rows } = picture.points
  const positions = new Float64Array((to - from) * 2)
  for (let at = from; at < to; at += 1) {
    const row = rows[at] ?? 0
    positions[(at - from) * 2] = table.lonLat[row * 2] ?? 0
    positions[(at - from) * 2 + 1] = table.lonLat[row * 2 + 1] ?? 0
  }
  return positions
}

const calmLayer = (picture: Picture, table: DeviceTable, colour: [number, number, number], zoom: number) => {
  const { calm } = picture.points
  return new ScatterplotLayer({
    id: 'calm',
    data: { length: calm, attributes: { getPosition: { value: positionsOf(picture, table, 0, calm), size: 2 } } },
    radiusUnits: 'pixels',
    getRadius: signPx(CODE.normal, zoom) * CALM_SHARE,
    updateTriggers: { getRadius: signPx(CODE.normal, zoom) },
    getFillColor: colour,
    antialiasing: true,
  })
}

const pointLayer = (picture: Picture, table: DeviceTable, atlas: Texture | null, zoom: number) => {
  const { rows, count, calm } = picture.points
  const codeAt = (index: number): number => table.codes[rows[calm + index] ?? 0] ?? CODE.unknown
  return new IconLayer({
    id: 'devices',
    data: { length: count - calm, attributes: { getPosition: { value: positionsOf(picture, table, calm, count), size: 2 } } },
    iconAtlas: atlas as Texture,
    iconMapping,
    getIcon: (_: unknown, { index }: { index: number }) => DEVICE_CONDITIONS[codeAt(index)] ?? 'unknown',
    getSize: (_: unknown, { index }: { index: number }) => signPx(codeAt(index), zoom),
    sizeUnits: 'pixels',
    alphaCutoff: 0.05,
  })
}

export const layersOf = (picture: Picture, table: DeviceTable, o: { theme: Theme; atlas: Texture | null; zoom: number }) => {
  const { cells } = picture
  const colours = THEMES[o.theme]
  const calm = rgbOf(colours.deviceNormal)
  return [
    cellLayer({ id: 'cells', cells, counts: cells.believed, colour: calm, hollow: false }),
    cellLayer({ id: 'silent-cells', cells, counts: cells.silent, colour: rgbOf(colours.deviceSilent), hollow: true }),
    calmLayer(picture, table, calm, o.zoom),
    ...(o.atlas === null ? [] : [pointLayer(picture, table, o.atlas, o.zoom)]),
  ]
}
