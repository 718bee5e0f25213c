// The district's own map layers, plain GeoJSON from our own server. A layer that cannot be had is left out; the map stands without it.
import type { Api } from '../api.ts'
import type { Bounds } from './cells.ts'

export const LAYERS = ['areas', 'water', 'roads', 'buildings', 'stations'] as const
export type LayerName = (typeof LAYERS)[number]

export type Geometry =
  | { type: 'Point'; coordinates: [number, number] }
  | { type: 'LineString'; coordinates: [number, number][] }
  | { type: 'MultiLineString'; coordinates: [number, number][][] }
  | { type: 'Polygon'; coordinates: [number, number][][] }
  | { type: 'MultiPolygon'; coordinates: [number, number][][][] }
export type Feature = { type: 'Feature'; geometry: Geometry; properties: Record<string, string | number | null> | null }
export type Collection = { type: 'FeatureCollection'; features: Feature[] }
export type District = Record<LayerName, Collection> & { missing: LayerName[] }
/** What a district's area may be; a finer one is named only closer up. */
const NAMED_FROM_ZOOM: Record<string, number> = { street: 0, community: 12, grid: 14 }

const empty = (): Collection => ({ type: 'FeatureCollection', features: [] })

/** Asks for `names`; the others stay empty. */
export const loadDistrict = async (api: Api, names: readonly LayerName[]): Promise<District> => {
  const answers = await Promise.allSettled(names.map(name => api.get<Collection>(`district/${name}`)))
  const district: District = { areas: empty(), water: empty(), roads: empty(), buildings: empty(), stations: empty(), missing: [] }
  for (const [at, name] of names.entries()) {
    const answer = answers[at]
    if (answer?.status === 'fulfilled' && Array.isArray(answer.value.features)) district[name] = answer.value
    else district.missing.push(name)
  }
  return district
}

/** Every ring or line of a geometry as a list of positions. */
export const linesOf = (geometry: Geometry): [number, number][][] => {
  if (geometry.type === 'Point') return [[geometry.coordinates]]
  if (geometry.type === 'LineString') return [geometry.coordinates]
  return geometry.type === 'MultiPolygon' ? geometry.coordinates.flat() : geometry.coordinates
}

/** Where Jiangning lies; used until areas say better. */
const DEFAULT_BOUNDS: Bounds = { west: 118.48, south: 31.61, east: 119.13, north: 32.11 }

export const boundsOf = (collection: Collection): Bounds => {
  const bounds = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity }
  for (const feature of collection.features)
    for (const [lon, lat] of linesOf(feature.geometry).flat()) {
      bounds.west = Math.min(bounds.west, lon)
      bounds.east = Math.max(bounds.east, lon)
      bounds.south = Math.min(bounds.south, lat)
      bounds.north = Math.max(bounds.north, lat)
    }
  return bounds.west < bounds.east && bounds.south < bounds.north ? bounds : DEFAULT_BOUNDS
}

/** Centre of area of the outer ring (shoelace): where an area's name stands. */
export const centreOf = (geometry: Geometry): [number, number] => {
  const ring = linesOf(geometry)[0] ?? []
  let [area, x, y] = [0, 0, 0]
  for (const [at, [lon, lat]] of ring.entries()) {
    const [nextLon, nextLat] = ring[(at + 1) % ring.length] ?? [lon, lat]
    const cross = lon * nextLat - nextLon * lat
    area += cross
    x += (lon + nextLon) * cross
    y += (lat + nextLat) * cross
  }
  return area === 0 ? (ring[0] ?? [0, 0]) : [x / (3 * area), y / (3 * area)]
}

/** The name of a feature in the language of the page. */
export const labelOf = (feature: Feature, english: boolean): string => {
  const properties = feature.properties ?? {}
  return String((english ? (properties['name_en'] ?? properties['name']) : properties['name']) ?? '')
}

export const areaLabels = (areas: Collection, english: boolean): Collection => ({
  type: 'FeatureCollection',
  features: areas.features
    .filter(area => area.properties?.['level'] !== 'district')
    .map(area => ({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: centreOf(area.geometry) },
      properties: { label: labelOf(area, english), from: NAMED_FROM_ZOOM[String(area.properties?.['level'])] ?? 0 },
    })),
})
