// Positions as devices give them, turned into WGS84. GCJ-02 and BD-09 (Chinese maps) are 50-500 m off and are converted;
// CGCS2000 is WGS84 within centimetres. What it was is kept in `crsWas`. 0/0 is a missing fix, never a place.
import commonJs from 'gcoord'
import type { Position } from '#contracts/reading.ts'

export const CRSES = ['WGS84', 'CGCS2000', 'GCJ02', 'BD09'] as const
/** `crsWas` where it was converted before: one that was registered comes here again when it is corrected. */
export type GivenPosition = Position & { crs?: (typeof CRSES)[number] }

// its types describe an ES module, what Node loads is CommonJS: the default import is the namespace itself
const gcoord = commonJs as unknown as (typeof commonJs)['default']

/** undefined for 0/0 and for anything outside the globe. Digits beyond 1e-7 degrees (1 cm) are noise of the conversion. */
export function toWgs84(given: GivenPosition): Position | undefined {
  const { crs, crsWas, lat, lon } = given
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180) || (lat === 0 && lon === 0)) return undefined
  if (crs === undefined || crs === 'WGS84') return withRest(crsWas === undefined ? { lat, lon } : { lat, lon, crsWas }, given)
  if (crs === 'CGCS2000') return { ...withRest({ lat, lon }, given), crsWas: crs }
  const [wgsLon, wgsLat] = gcoord.transform([lon, lat], crs === 'GCJ02' ? gcoord.GCJ02 : gcoord.BD09, gcoord.WGS84)
  return { ...withRest({ lat: round7(wgsLat), lon: round7(wgsLon) }, given), crsWas: crs }
}

/** One by one: rest and spread cost more than reading the message. */
function withRest(position: Position, { ellipsoidAltM, mslAltM, heightM, altM, floor, accuracyM }: GivenPosition): Position {
  if (ellipsoidAltM !== undefined) position.ellipsoidAltM = ellipsoidAltM
  if (mslAltM !== undefined) position.mslAltM = mslAltM
  if (heightM !== undefined) position.heightM = heightM
  if (altM !== undefined) position.altM = altM
  if (floor !== undefined) position.floor = floor
  if (accuracyM !== undefined) position.accuracyM = accuracyM
  return position
}

const round7 = (degrees: number): number => Math.round(degrees * 1e7) / 1e7
