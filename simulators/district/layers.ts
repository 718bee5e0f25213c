// The GeoJSON that ships as the district: one line a feature, so that a change of seed reads as a diff.
import { toLonLat, type Point } from './geometry.ts'

export type Feature = {
  type: 'Feature'
  properties: Record<string, string | number>
  geometry:
    | { type: 'Point'; coordinates: [number, number] }
    | { type: 'LineString'; coordinates: [number, number][] }
    | { type: 'Polygon'; coordinates: [number, number][][] }
}
export const LAYERS = ['areas', 'roads', 'stations', 'buildings', 'water'] as const
export type Layers = Record<(typeof LAYERS)[number], Feature[]>

export const pointFeature = (at: Point, properties: Feature['properties']): Feature => ({
  type: 'Feature',
  properties,
  geometry: { type: 'Point', coordinates: toLonLat(at) },
})
export const lineFeature = (line: readonly Point[], properties: Feature['properties']): Feature => ({
  type: 'Feature',
  properties,
  geometry: { type: 'LineString', coordinates: line.map(toLonLat) },
})
export function polygonFeature(ring: readonly Point[], properties: Feature['properties']): Feature {
  const open = ring.map(toLonLat)
  return { type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [[...open, open[0]!]] } }
}

export const textOf = (features: readonly Feature[]): string =>
  `{"type":"FeatureCollection","features":[\n${features.map(f => JSON.stringify(f)).join(',\n')}\n]}\n`
