// The district's layers cut into vector tiles, zoom by zoom. What cannot be seen at a zoom is left out of its tiles: side streets
// before z 10, houses before z 13. Beyond the last zoom the browser enlarges the tiles it has.
import GeoJSONVT from 'geojson-vt'
import vtpbf from 'vt-pbf'
import { boundsOf, type Bounds, type Collection, type Feature, type LayerName } from './geojson.ts'

export const ZOOM_MIN = 7
export const ZOOM_MAX = 14
const EXTENT = 4096
/** px of 4096 drawn beyond a tile's edge, so that thick lines do not break there */
const BUFFER = 96
const SIMPLIFY = 3
const MAJOR = new Set(['motorway', 'trunk', 'primary', 'secondary'])

export type Layers = Partial<Record<LayerName, Collection>>
export type Tile = { z: number; x: number; y: number; bytes: Uint8Array }

const FROM_ZOOM: Record<LayerName, (feature: Feature) => number> = {
  areas: ({ properties }) => ({ community: 11, grid: 13 })[String(properties?.['level'])] ?? ZOOM_MIN,
  water: () => ZOOM_MIN,
  roads: ({ properties }) => (MAJOR.has(String(properties?.['class'])) ? ZOOM_MIN : 10),
  buildings: () => 13,
  stations: () => ZOOM_MIN,
}

const columnOf = (lon: number, z: number): number => Math.floor(((lon + 180) / 360) * 2 ** z)
const rowOf = (lat: number, z: number): number => {
  const sine = Math.sin((lat * Math.PI) / 180)
  return Math.floor((0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * 2 ** z)
}

/** Every tile of the layers that is not empty, in no promised order; `zoomMax` at most 16. */
export function* cutTiles(layers: Layers, zoomMax = ZOOM_MAX): Generator<Tile> {
  const bounds: Bounds = boundsOf(Object.values(layers))
  for (let z = ZOOM_MIN; z <= zoomMax; z += 1) {
    const cut = Object.entries(layers).flatMap(([name, collection]) => {
      const features = collection.features.filter(feature => FROM_ZOOM[name as LayerName](feature) <= z)
      if (features.length === 0) return []
      const data = { type: 'FeatureCollection', features } as ConstructorParameters<typeof GeoJSONVT>[0]
      return [
        [
          name,
          new GeoJSONVT(data, { maxZoom: z, indexMaxZoom: z, indexMaxPoints: 0, extent: EXTENT, buffer: BUFFER, tolerance: SIMPLIFY }),
        ] as const,
      ]
    })
    for (let x = columnOf(bounds.west, z); x <= columnOf(bounds.east, z); x += 1)
      for (let y = rowOf(bounds.north, z); y <= rowOf(bounds.south, z); y += 1) {
        const filled = cut.flatMap(([name, index]) => {
          const tile = index.getTile(z, x, y)
          return tile === null || tile.features.length === 0 ? [] : [[name, tile] as const]
        })
        if (filled.length > 0) yield { z, x, y, bytes: vtpbf.fromGeojsonVt(Object.fromEntries(filled), { version: 2, extent: EXTENT }) }
      }
  }
}
