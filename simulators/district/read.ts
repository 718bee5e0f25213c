// Reads the district that ships (or the operator's own folder) as places where simulated devices can stand.
// Only stations and buildings are needed; other properties are ignored, so any folder with these two layers will do.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'

export type Spot = { lat: number; lon: number }
export type Site = Spot & { id: string; name: string; area: string; floors: number; use: string }
export type Post = Spot & { id: string; name: string; area: string; type: string }
export type District = { buildings: Site[]; stations: Post[] }

type Raw = { properties: Record<string, unknown>; geometry: { type: string; coordinates: unknown } }

/** @throws FengsuiError district-invalid naming the file */
export function readDistrict(dir: string): District {
  const buildings = layer(dir, 'buildings').map(({ properties: p, geometry }): Site => {
    const ring = (geometry.coordinates as [number, number][][])[0] ?? []
    return {
      ...middle(ring),
      id: text(p['id']),
      name: text(p['name']),
      area: text(p['area']),
      floors: Number(p['floors'] ?? 1),
      use: text(p['use']),
    }
  })
  const stations = layer(dir, 'stations').map(({ properties: p, geometry }): Post => {
    const [lon, lat] = geometry.coordinates as [number, number]
    return { lat, lon, id: text(p['id']), name: text(p['name']), area: text(p['area']), type: text(p['type']) }
  })
  if (buildings.length === 0) throw new FengsuiError('district-invalid', `${join(dir, 'buildings.geojson')} holds no building`)
  return { buildings, stations }
}

function layer(dir: string, name: string): Raw[] {
  const file = join(dir, `${name}.geojson`)
  try {
    const { features } = JSON.parse(readFileSync(file, 'utf8')) as { features?: Raw[] }
    if (!Array.isArray(features)) throw new TypeError('no features')
    return features
  } catch (cause) {
    throw new FengsuiError('district-invalid', `${file}: ${cause instanceof Error ? cause.message : 'unreadable'}`, { cause })
  }
}

const text = (value: unknown) => (typeof value === 'string' ? value : '')
const round6 = (degrees: number) => Math.round(degrees * 1e6) / 1e6

/** The last point of a GeoJSON ring repeats the first. */
function middle(ring: [number, number][]): Spot {
  const points = ring.slice(0, -1)
  const mean = (axis: 0 | 1) => round6(points.reduce((sum, p) => sum + p[axis], 0) / points.length)
  return { lon: mean(0), lat: mean(1) }
}
