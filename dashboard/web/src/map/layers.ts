// The live layers over the base map (deck.gl): cells of calm devices below, points of the others above them. Positions go to the GPU as
// the columns they already are; nothing is an object per device.
import { IconLayer, ScatterplotLayer } from '@deck.gl/layers'
import type { Texture } from '@luma.gl/core'
import { DEVICE_CONDITIONS } from '#contracts/device.ts'
import type { DeviceTable } from '../live/devices.ts'
import { THEMES, rgbOf, type Theme } from '../tokens.ts'
import type { Cells, Picture } from './cells.ts'
import { BOX_PX, signPx } from './glyphs.ts'

const iconMapping = Object.fromEntries(
  DEVICE_CONDITIONS.map((name, at) => [name, { x: at * BOX_PX, y: 0, width: BOX_PX, height: BOX_PX, mask: false }]),
)

/** Radius in metres from the number of devices in a cell: 1 -> 70, 40 and more -> 210. */
const radiusM = (devices: number): number => 70 + 140 * Math.min(1, Math.log2(devices) / 5.3)

const cellLayer = (o: { id: string; cells: Cells; counts: Uint32Array; colour: [number, number, number]; hollow: boolean }) => {
  const at: number[] = []
  for (let cell = 0; cell < o.cells.count; cell += 1) if ((o.counts[cell] ?? 0) > 0) at.push(cell)
  const positions = new Float64Array(at.length * 2)
  const radii = new Float32Array(at.length)
  const colours = new Uint8Array(at.length * 4)
  for (const [to, cell] of at.entries()) {
    positions.set(o.cells.lonLat.subarray(cell * 2, cell * 2 + 2), to * 2)
    const devices = o.counts[cell] ?? 0
    radii[to] = radiusM(devices)
    colours.set([...o.colour, o.hollow ? 190 : Math.min(130, 46 + devices * 4)], to * 4)
  }
  return new ScatterplotLayer({
    id: o.id,
    data: {
      length: at.length,
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

const pointLayer = (picture: Picture, table: DeviceTable, atlas: Texture | null, zoom: number) => {
  const { rows, count } = picture.points
  const positions = new Float64Array(count * 2)
  for (let at = 0; at < count; at += 1) positions.set(table.lonLat.subarray((rows[at] ?? 0) * 2, (rows[at] ?? 0) * 2 + 2), at * 2)
  return new IconLayer({
    id: 'devices',
    data: { length: count, attributes: { getPosition: { value: positions, size: 2 } } },
    iconAtlas: atlas as Texture,
    iconMapping,
    getIcon: (_: unknown, { index }: { index: number }) => DEVICE_CONDITIONS[table.codes[rows[index] ?? 0] ?? 5] ?? 'unknown',
    getSize: (_: unknown, { index }: { index: number }) => signPx(table.codes[rows[index] ?? 0] ?? 0, zoom),
    sizeUnits: 'pixels',
    alphaCutoff: 0.05,
  })
}

export const layersOf = (picture: Picture, table: DeviceTable, o: { theme: Theme; atlas: Texture | null; zoom: number }) => {
  const { cells } = picture
  const colours = THEMES[o.theme]
  return [
    cellLayer({ id: 'cells', cells, counts: cells.believed, colour: rgbOf(colours.deviceNormal), hollow: false }),
    cellLayer({ id: 'silent-cells', cells, counts: cells.silent, colour: rgbOf(colours.deviceSilent), hollow: true }),
    ...(o.atlas === null ? [] : [pointLayer(picture, table, o.atlas, o.zoom)]),
  ]
}
