// A layer of the district as it comes in: checked, and turned into WGS-84 once. Every position that is stored is WGS-84; a file that
// was converted says so, and is refused a second conversion: at 118.8 E that would be another half kilometre.
import commonJs from 'gcoord'
import { FengsuiError } from '#contracts/errors.ts'

// its types describe the ES module, Node loads the CommonJS one
const gcoord = commonJs as unknown as (typeof commonJs)['default']

export const LAYERS = ['areas', 'roads', 'stations', 'buildings', 'water'] as const
export type LayerName = (typeof LAYERS)[number]
export const CRSES = ['wgs84', 'gcj02', 'bd09'] as const
export type Crs = (typeof CRSES)[number]

type Position = [lon: number, lat: number, ...rest: number[]]
type Nested = Position | Nested[]
export type Geometry = { type: string; coordinates: Nested }
export type Feature = { type: 'Feature'; id?: string | number; properties: Record<string, unknown> | null; geometry: Geometry }
export type Collection = {
  type: 'FeatureCollection'
  features: Feature[]
  /** the reference the positions were given in, when not WGS-84 */ crsWas?: Crs
}

const KINDS = new Set(['Point', 'MultiPoint', 'LineString', 'MultiLineString', 'Polygon', 'MultiPolygon'])
/** Six decimals are 11 cm. */
const DECIMALS = 1e6
/** Web Mercator ends here. */
const LAT_MAX = 85.051
const FROM = { gcj02: gcoord.GCJ02, bd09: gcoord.BD09 } as const

const isPosition = (nested: Nested): nested is Position => typeof nested[0] === 'number'

const toWgs84 = ([lon, lat]: Position, crs: Crs): Position => {
  if (crs === 'wgs84') return [lon, lat]
  const [x, y] = gcoord.transform([lon, lat], FROM[crs], gcoord.WGS84)
  return [Math.round(x * DECIMALS) / DECIMALS, Math.round(y * DECIMALS) / DECIMALS]
}

const map = (nested: Nested, each: (position: Position) => Position): Nested =>
  isPosition(nested) ? each(nested) : nested.map(inner => map(inner, each))

/**
 * Reads a GeoJSON FeatureCollection and answers it in WGS-84. `name` says in errors which file it was.
 * @throws FengsuiError district-invalid
 */
export function readLayer(text: string, name: string, crs: Crs): Collection {
  const bad = (why: string): FengsuiError => new FengsuiError('district-invalid', `${name}: ${why}`)
  let raw: Partial<Collection>
  try {
    raw = JSON.parse(text) as Partial<Collection>
  } catch (cause) {
    throw new FengsuiError('district-invalid', `${name} is not JSON: ${(cause as Error).message}`, { cause })
  }
  if (raw?.type !== 'FeatureCollection' || !Array.isArray(raw.features)) throw bad('is not a GeoJSON FeatureCollection')
  if (crs !== 'wgs84' && raw.crsWas !== undefined)
    throw bad(`was converted from ${raw.crsWas} before and is WGS-84 now: leave --crs out, or give the file as it came`)
  const features = raw.features.map((feature, at): Feature => {
    const geometry = feature?.geometry
    if (geometry === null || geometry === undefined || !KINDS.has(geometry.type))
      throw bad(`feature ${at} has no geometry that can be drawn`)
    const place = (position: Position): Position => {
      const [lon, lat] = position
      if (!(Math.abs(lon) <= 180 && Math.abs(lat) <= LAT_MAX))
        throw bad(`feature ${at} lies at ${lon}, ${lat}: GeoJSON wants longitude, then latitude, in degrees`)
      return toWgs84(position, crs)
    }
    const { id } = feature
    return {
      type: 'Feature',
      ...(id === undefined ? {} : { id }),
      properties: feature.properties ?? {},
      geometry: { type: geometry.type, coordinates: map(geometry.coordinates, place) },
    }
  })
  const crsWas = crs === 'wgs84' ? raw.crsWas : crs
  return { type: 'FeatureCollection', ...(crsWas === undefined ? {} : { crsWas }), features }
}

/** One feature a line, so that a district can be kept under version control. */
export const textOf = ({ crsWas, features }: Collection): string =>
  `{"type":"FeatureCollection",${crsWas === undefined ? '' : `"crsWas":"${crsWas}",`}"features":[\n${features.map(one => JSON.stringify(one)).join(',\n')}\n]}\n`

export type Bounds = { west: number; south: number; east: number; north: number }

export const boundsOf = (collections: Iterable<Collection>): Bounds => {
  const bounds = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity }
  const widen = (position: Position): Position => {
    const [lon, lat] = position
    bounds.west = Math.min(bounds.west, lon)
    bounds.east = Math.max(bounds.east, lon)
    bounds.south = Math.min(bounds.south, lat)
    bounds.north = Math.max(bounds.north, lat)
    return position
  }
  for (const { features } of collections) for (const { geometry } of features) map(geometry.coordinates, widen)
  return bounds
}
