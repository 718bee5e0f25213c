// Plane geometry for the invented district: kilometres around one origin, WGS84 degrees only at the edge.
// Never a map projection for real surveying: over 50 km the flat approximation is off by some metres, which is fine here.

/** kilometres east and north of ORIGIN */
export type Point = [x: number, y: number]
export const ORIGIN = { lon: 118.805, lat: 31.86 }
const KM_PER_DEG_LAT = 110.95
const KM_PER_DEG_LON = 111.32 * Math.cos((ORIGIN.lat * Math.PI) / 180)

const round6 = (degrees: number) => Math.round(degrees * 1e6) / 1e6
/** [lon, lat] with six decimals (0.1 m) */
export const toLonLat = ([x, y]: Point): [number, number] => [
  round6(ORIGIN.lon + x / KM_PER_DEG_LON),
  round6(ORIGIN.lat + y / KM_PER_DEG_LAT),
]
export const toPlane = (lon: number, lat: number): Point => [(lon - ORIGIN.lon) * KM_PER_DEG_LON, (lat - ORIGIN.lat) * KM_PER_DEG_LAT]

export const distance = (a: Point, b: Point) => Math.hypot(a[0] - b[0], a[1] - b[1])
export const between = (a: Point, b: Point, share: number): Point => [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share]
/** `along` and `across` in a frame turned by `angle` round `centre` */
export const turned = (centre: Point, angle: number, along: number, across: number): Point => [
  centre[0] + along * Math.cos(angle) - across * Math.sin(angle),
  centre[1] + along * Math.sin(angle) + across * Math.cos(angle),
]

/** true north, clockwise, degrees 0 <= b < 360 */
export const bearingDeg = (from: Point, to: Point) => ((Math.atan2(to[0] - from[0], to[1] - from[1]) * 180) / Math.PI + 360) % 360

/** ray casting; `ring` may be open or closed */
export function inside(p: Point, ring: readonly Point[]): boolean {
  let odd = false
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i]!
    const [xj, yj] = ring[j]!
    if (yi > p[1] !== yj > p[1] && p[0] < ((xj - xi) * (p[1] - yi)) / (yj - yi) + xi) odd = !odd
  }
  return odd
}

/** The part of `ring` that lies nearer to `site` than to `other` (Sutherland-Hodgman against the bisector). */
export function nearerTo(ring: readonly Point[], site: Point, other: Point): Point[] {
  const middle = between(site, other, 0.5)
  const side = (p: Point) => (p[0] - middle[0]) * (site[0] - other[0]) + (p[1] - middle[1]) * (site[1] - other[1])
  const out: Point[] = []
  for (let i = 0; i < ring.length; i++) {
    const a = ring[i]!
    const b = ring[(i + 1) % ring.length]!
    const sa = side(a)
    const sb = side(b)
    if (sa >= 0) out.push(a)
    if (sa >= 0 !== sb >= 0) out.push(between(a, b, sa / (sa - sb)))
  }
  return out
}

/** km2, positive for counter-clockwise rings (GeoJSON's outer rings, RFC 7946 section 3.1.6) */
export function areaKm2(ring: readonly Point[]): number {
  let twice = 0
  for (let i = 0; i < ring.length; i++) {
    const a = ring[i]!
    const b = ring[(i + 1) % ring.length]!
    twice += a[0] * b[1] - b[0] * a[1]
  }
  return twice / 2
}

/** A wavering closed curve: `radius` km, squeezed by `aspect`, with harmonics of the given amplitudes and phases. */
export function blob(
  centre: Point,
  radius: number,
  aspect: number,
  waves: readonly [amplitude: number, phase: number][],
  steps: number,
): Point[] {
  return Array.from({ length: steps }, (_, i) => {
    const angle = (i / steps) * 2 * Math.PI
    const r = radius * (1 + waves.reduce((sum, [amplitude, phase], k) => sum + amplitude * Math.sin((k + 2) * angle + phase), 0))
    return [centre[0] + r * aspect * Math.cos(angle), centre[1] + (r / aspect) * Math.sin(angle)]
  })
}
