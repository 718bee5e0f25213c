// Does a position lie where this district's devices can be? Its box is that of areas.geojson, with room around it for what stands at the border.
// A position outside is withheld, never its reading: see docs/decisions/0009-a-bad-position-costs-only-the-position.md. It says what the mistake
// looks like: swapped numbers, a Chinese map's reference taken for WGS84, a conversion done twice.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import commonJs from 'gcoord'
import type { Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Decoded, Detection, Position, Reading } from '#contracts/reading.ts'
import type { DecoderMemory } from './decoder.ts'
import { toWgs84, type GivenPosition } from './position.ts'

// its types describe an ES module, what Node loads is CommonJS: the default import is the namespace itself
const gcoord = commonJs as unknown as (typeof commonJs)['default']

/** A hydrant of the next street, a crew that helps the neighbours. */
const BORDER_KM = 10
/** Drones fly farther, and what they look at is farther still. */
const FLIGHT_KM = 50
const KM_PER_DEGREE = 111.2

export type District = {
  /** why a device of that kind cannot be there, and what the mistake looks like; null = it can */
  problem(position: Position, kind?: Reading['kind']): string | null
}

type LonLat = [lon: number, lat: number]
type Box = { west: number; south: number; east: number; north: number }

/** undefined where the district has no readable areas: then every place on earth is taken, and the log says so once. */
export async function loadDistrict(dir: string, log: Log): Promise<District | undefined> {
  const file = join(dir, 'areas.geojson')
  try {
    return districtIn(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    log.warn({ err: error, file }, 'the district has no readable areas: positions of devices are not held against it')
    return undefined
  }
}

/** @throws Error when it holds no coordinates */
export function districtIn(areas: unknown): District {
  const box = boxOf(areas)
  if (!(box.west <= box.east && box.south <= box.north)) throw new Error('areas.geojson holds no coordinates')
  const isInside = ([lon, lat]: LonLat, marginKm = 0): boolean => distanceKm(box, lat, lon) <= marginKm
  return {
    problem(position, kind = 'other') {
      const { lat, lon } = position
      const awayKm = distanceKm(box, lat, lon)
      if (awayKm <= (kind === 'drone' || kind === 'dock' ? FLIGHT_KM : BORDER_KM)) return null
      const { west, east, south, north } = box
      const where = `${lat}, ${lon} (lat, lon) lies ${Math.round(awayKm)} km outside the district (${south} to ${north} N, ${west} to ${east} E)`
      const hint = hintFor(position, at => isInside(at, BORDER_KM))
      return hint === null ? where : `${where}; ${hint}`
    },
  }
}

function boxOf(value: unknown): Box {
  const box = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity }
  const widen = (nested: unknown): void => {
    if (!Array.isArray(nested)) return
    const [lon, lat] = nested as unknown[]
    if (typeof lon !== 'number' || typeof lat !== 'number') return nested.forEach(widen)
    box.west = Math.min(box.west, lon)
    box.east = Math.max(box.east, lon)
    box.south = Math.min(box.south, lat)
    box.north = Math.max(box.north, lat)
  }
  const { features } = value as { features: { geometry: { coordinates: unknown } | null }[] }
  for (const { geometry } of features) widen(geometry?.coordinates)
  return box
}

/** To the nearest edge, 0 inside. Good to a part in a hundred over a hundred kilometres, which is all that is asked. */
function distanceKm({ west, south, east, north }: Box, lat: number, lon: number): number {
  const northKm = Math.max(0, south - lat, lat - north) * KM_PER_DEGREE
  const eastKm = Math.max(0, west - lon, lon - east) * KM_PER_DEGREE * Math.cos((lat * Math.PI) / 180)
  return Math.hypot(northKm, eastKm)
}

function hintFor({ lat, lon, crsWas }: Position, isInside: (at: LonLat) => boolean): string | null {
  if (isInside([lat, lon])) return 'it looks like lat and lon are swapped'
  for (const [at, sign] of [
    [[-lon, lat], 'lon'],
    [[lon, -lat], 'lat'],
    [[-lon, -lat], 'lat and lon'],
  ] as [LonLat, string][])
    if (isInside(at)) return `it looks like the sign of ${sign} is wrong`
  for (const [name, crs] of [
    ['GCJ-02', gcoord.GCJ02],
    ['BD-09', gcoord.BD09],
  ] as const) {
    if (crsWas === undefined && isInside(gcoord.transform([lon, lat] as LonLat, crs, gcoord.WGS84)))
      return `it looks like ${name}: send "crs" with it, or WGS84`
  }
  if (crsWas === undefined || crsWas === 'CGCS2000') return null
  const asItCame = gcoord.transform([lon, lat] as LonLat, gcoord.WGS84, crsWas === 'GCJ02' ? gcoord.GCJ02 : gcoord.BD09)
  return isInside(asItCame) ? `it looks like WGS84 already: leave "crs": "${crsWas}" out` : null
}

/** What is wrong with numbers that are no place on earth at all. */
export function numbersHint(lat: number, lon: number): string | null {
  if (lat === 0 && lon === 0) return 'it looks like there was no fix yet: leave the position out until there is one'
  if (Math.abs(lat) <= 180 && Math.abs(lon) <= 90) return 'it looks like lat and lon are swapped'
  for (const [factor, name] of [
    [1e7, '10,000,000'],
    [1e6, '1,000,000'],
  ] as const)
    if (Math.abs(lat) > 1e5 && Math.abs(lat) / factor <= 90 && Math.abs(lon) / factor <= 180) return `it looks like degrees times ${name}`
  const areMinutes = [lat, lon].every(value => Math.abs(value) >= 100 && Math.abs(value) % 100 < 60)
  return areMinutes ? 'it looks like NMEA degrees and minutes (ddmm.mmmm): divide the minutes by 60' : null
}

/**
 * Where people say that a device stands, in WGS84; they are there to correct it.
 * @throws FengsuiError position-invalid, position-outside-district
 */
export function registeredPosition(given: GivenPosition, kind: Reading['kind'], district: District | undefined): Position {
  const position = toWgs84(given)
  const told = (hint: string | null): string => (hint === null ? '' : `; ${hint}`)
  if (position === undefined)
    throw new FengsuiError(
      'position-invalid',
      `${given.lat}, ${given.lon} (lat, lon) is no place${told(numbersHint(given.lat, given.lon))}`,
    )
  const problem = district?.problem(position, kind) ?? null
  if (problem !== null) throw new FengsuiError('position-outside-district', problem)
  return position
}

/**
 * The readings, without what cannot be. A device that says the same wrong place again is noted once: `memory` knows where it last was wrong,
 * to about a kilometre, and forgets when it is right again.
 */
export function withinDistrict(decoded: Decoded, district: District, memory: DecoderMemory): Decoded {
  const notes: NonNullable<Decoded['notes']> = []
  for (const reading of decoded.readings) {
    if (reading.detections?.some(({ position }) => position !== undefined) === true)
      withholdSeen(reading, reading.detections, district, notes)
    if (reading.position === undefined) continue
    const problem = district.problem(reading.position, reading.kind)
    const where = problem === null ? undefined : `${reading.position.lat.toFixed(2)},${reading.position.lon.toFixed(2)}`
    const before = memory.get(reading.deviceId)
    if (problem === null || where === undefined) {
      if (before !== undefined) memory.delete(reading.deviceId)
      continue
    }
    delete reading.position
    if (before === where) continue
    memory.set(reading.deviceId, where)
    notes.push({
      code: 'position-outside-district',
      reason: `${reading.deviceId} used without its position: ${problem}`,
      where: '/position',
    })
  }
  return notes.length === 0 ? decoded : { ...decoded, notes: [...(decoded.notes ?? []), ...notes].slice(0, NOTES_MAX) }
}

const NOTES_MAX = 16

/** What a drone or camera saw is there for each message anew: so is the note. */
function withholdSeen(reading: Reading, detections: Detection[], district: District, notes: NonNullable<Decoded['notes']>): void {
  reading.detections = detections.map(detection => {
    const problem = detection.position === undefined ? null : district.problem(detection.position, 'drone')
    if (problem === null) return detection
    const { position: _, ...rest } = detection
    notes.push({ code: 'position-outside-district', reason: `a detection used without its position: ${problem}`, where: '/detections' })
    return rest
  })
}
