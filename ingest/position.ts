// Positions as devices give them, turned into WGS84. GCJ-02 and BD-09 (Chinese maps) are 50-500 m off and are converted;
// CGCS2000 is WGS84 within centimetres. What it was is kept in `crsWas`. 0/0 is a missing fix, never a place.
import commonJs from 'gcoord'
import type { Position } from '#contracts/reading.ts'

export const CRSES = ['WGS84', 'CGCS2000', 'GCJ02', 'BD09'] as const
export type GivenPosition = Omit<Position, 'crsWas'> & { crs?: (typeof CRSES)[number] }

// its types describe an ES module, what Node loads is CommonJS: the default import is the namespace itself
const gcoord = commonJs as unknown as (typeof commonJs)['default']

/** undefined for 0/0 and for anything outside the globe. Digits beyond 1e-7 degrees (1 cm) are noise of the conversion. */
export function toWgs84(given: GivenPosition): Position | undefined {
  const { crs, lat, lon, ...rest } = given
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180) || (lat === 0 && lon === 0)) return undefined
  if (crs === undefined || crs === 'WGS84') return { lat, lon, ...rest }
  if (crs === 'CGCS2000') return { lat, lon, ...rest, crsWas: crs }
  const [wgsLon, wgsLat] = gcoord.transform([lon, lat], crs === 'GCJ02' ? gcoord.GCJ02 : gcoord.BD09, gcoord.WGS84)
  return { lat: round7(wgsLat), lon: round7(wgsLon), ...rest, crsWas: crs }
}

const round7 = (degrees: number): number => Math.round(degrees * 1e7) / 1e7
