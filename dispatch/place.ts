// Are two alarms in one place? Buildings by name, positions by distance, else the device itself. Pure: the numbers here are
// those of docs/alarms.md.
import type { Place, Position } from '#contracts/reading.ts'

/** Alarms that know no building are of one place within this distance. */
export const SAME_PLACE_M = 60
/** Further apart than this is never one place: two buildings that share a name. */
export const OTHER_PLACE_M = 300

/** Where an alarm is, as far as grouping looks. Absent (null) = not known. */
export type Spot = {
  building: string | null
  area: string | null
  grid: string | null
  lat: number | null
  lon: number | null
  device: string
}

const normal = (words: string | undefined): string | null => {
  const plain = words?.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase()
  return plain === undefined || plain === '' ? null : plain
}

export const spotOf = (at: { place?: Place | undefined; position?: Position | undefined; device: string }): Spot => ({
  building: normal(at.place?.building),
  area: normal(at.place?.area),
  grid: normal(at.place?.grid),
  lat: at.position?.lat ?? null,
  lon: at.position?.lon ?? null,
  device: at.device,
})

const EARTH_M = 6_371_008.8
const rad = (degrees: number): number => (degrees * Math.PI) / 180

/** Great-circle distance, metres; null when one position is unknown. */
export const distanceM = (a: Spot, b: Spot): number | null => {
  if (a.lat === null || a.lon === null || b.lat === null || b.lon === null) return null
  const h = Math.sin(rad(b.lat - a.lat) / 2) ** 2 + Math.cos(rad(a.lat)) * Math.cos(rad(b.lat)) * Math.sin(rad(b.lon - a.lon) / 2) ** 2
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(h)))
}

const contradict = (a: string | null, b: string | null): boolean => a !== null && b !== null && a !== b

/** 'different' = something known speaks against one place; 'unrelated' = nothing speaks for it. */
export type Relation = 'same' | 'different' | 'unrelated'

export const relate = (a: Spot, b: Spot): Relation => {
  const apartM = distanceM(a, b)
  if (apartM !== null && apartM > OTHER_PLACE_M) return 'different'
  if (a.building !== null && b.building !== null)
    return a.building !== b.building || contradict(a.area, b.area) || contradict(a.grid, b.grid) ? 'different' : 'same'
  if (a.device === b.device) return 'same'
  return apartM !== null && apartM <= SAME_PLACE_M ? 'same' : 'unrelated'
}

/** One place with a whole incident, of which `places` are known: somewhere the same and nowhere contradicted. */
export const belongs = (spot: Spot, places: readonly Spot[]): boolean => {
  const relations = places.map(place => relate(spot, place))
  return relations.includes('same') && !relations.includes('different')
}

/** A box of degrees that holds everything within `withinM`, for the index; the distance decides. */
export const boxAround = (
  lat: number,
  lon: number,
  withinM = SAME_PLACE_M,
): { south: number; north: number; west: number; east: number } => {
  const dLat = (withinM / EARTH_M) * (180 / Math.PI) * 1.01
  const dLon = dLat / Math.max(0.01, Math.cos(rad(lat)))
  return { south: lat - dLat, north: lat + dLat, west: lon - dLon, east: lon + dLon }
}
