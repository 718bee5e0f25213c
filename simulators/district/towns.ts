// Towns: a turned and gently warped grid of blocks round each centre. Streets run between the blocks and buildings stand
// inside them, so a building never stands on a street.
import type { Random } from '../random.ts'
import { distance, inside, turned, type Point } from './geometry.ts'
import type { Land } from './land.ts'

export type Use = 'residential' | 'industrial' | 'school' | 'mall'
export type Block = {
  centre: Point
  areaIndex: number
  use: Use
  at(alongKm: number, acrossKm: number): Point
  halfKm: [number, number]
  centrality: number
}
export type Town = { areaIndex: number; centre: Point; radiusKm: number; blocks: Block[]; streets: { line: Point[]; main: boolean }[] }

/** km: along x across, the usual size of a residential block */
const BLOCK: [number, number] = [0.34, 0.25]
const GAP_KM = 0.018

export function makeTowns(random: Random, land: Land): Town[] {
  return land.areas.flatMap((area, areaIndex) => {
    const r = random.fork(area.id)
    const main = makeTown(
      r,
      land,
      areaIndex,
      area.centre,
      areaIndex === 0 ? 3.6 : areaIndex < 4 ? r.between(2.2, 2.8) : r.between(1.3, 1.8),
    )
    const villages = Array.from({ length: 3 }, () => villageSpot(r, area.ring, area.centre)).map(at =>
      makeTown(r, land, areaIndex, at, r.between(0.5, 0.8)),
    )
    return [main, ...villages]
  })
}

function villageSpot(random: Random, ring: Point[], centre: Point): Point {
  for (let tries = 0; tries < 400; tries++) {
    const p = turned(centre, random.between(0, 6.28), random.between(3, 7.5), 0)
    if (inside(p, ring) && ring.every(q => distance(p, q) > 0.9)) return p
  }
  return turned(centre, random.between(0, 6.28), 2.2, 0)
}

function makeTown(random: Random, land: Land, areaIndex: number, centre: Point, radiusKm: number): Town {
  const angle = random.between(-0.6, 0.6)
  const warp = makeWarp(random)
  const at = (along: number, across: number) => warp(turned(centre, angle, along, across))
  const [w, h] = BLOCK
  const columns = Math.ceil(radiusKm / w)
  const rows = Math.ceil(radiusKm / h)
  const dry = (p: Point) => inside(p, land.areas[areaIndex]!.ring) && land.water.every(water => !inside(p, water.ring))
  const blocks: Block[] = []
  for (let i = -columns; i < columns; i++) {
    for (let j = -rows; j < rows; j++) {
      const [x, y] = [(i + 0.5) * w, (j + 0.5) * h]
      const far = Math.hypot(x, y) / radiusKm
      if (far > 1 || random.chance(0.18 + 0.5 * far)) continue
      const corners: [number, number][] = [
        [-1, -1],
        [1, -1],
        [1, 1],
        [-1, 1],
        [0, 0],
      ]
      if (!corners.every(([u, v]) => dry(at(x + (u * w) / 2, y + (v * h) / 2)))) continue
      const use = useOf(random, far)
      blocks.push({
        centre: at(x, y),
        areaIndex,
        use,
        at: (u, v) => at(x + u, y + v),
        halfKm: [w / 2 - GAP_KM, h / 2 - GAP_KM],
        centrality: 1 - far,
      })
    }
  }
  return { areaIndex, centre, radiusKm, blocks, streets: makeStreets(random, at, radiusKm, dry) }
}

function useOf(random: Random, far: number): Use {
  const x = random.unit()
  if (far < 0.35 && x < 0.1) return 'mall'
  if (x < 0.16) return 'school'
  return far > 0.6 && x < 0.5 ? 'industrial' : 'residential'
}

/** A smooth bend of the whole grid; amplitude and wavelength keep it free of folds. */
function makeWarp(random: Random): (p: Point) => Point {
  const [a, b, c, d] = [random.between(0, 6.28), random.between(0, 6.28), random.between(0.03, 0.06), random.between(0.03, 0.06)]
  return ([x, y]) => [x + c * Math.sin(y * 3.1 + a) + d * Math.sin(y * 1.3 + b), y + d * Math.sin(x * 2.7 + b) + c * Math.sin(x * 1.1 + a)]
}

/** Every grid line as far as the town reaches, ragged at its ends, cut where it meets water or another street's ground. */
function makeStreets(
  random: Random,
  at: (along: number, across: number) => Point,
  radiusKm: number,
  dry: (p: Point) => boolean,
): Town['streets'] {
  const streets: Town['streets'] = []
  const add = (step: number, spacing: number, other: number, place: (t: number, s: number) => Point) => {
    const s = step * spacing
    const main = step % 4 === 0
    const reach = Math.sqrt(Math.max(0, radiusKm ** 2 - s ** 2)) * (main ? 1 : random.between(0.7, 1))
    const steps = Math.floor(reach / other)
    let line: Point[] = []
    for (let k = -steps; k <= steps + 1; k++) {
      const p = place(k * other, s)
      if (k <= steps && dry(p) && (main || !random.chance(0.06))) line.push(p)
      else {
        if (line.length > 2) streets.push({ line, main })
        line = []
      }
    }
  }
  const [w, h] = BLOCK
  for (let i = -Math.floor(radiusKm / w); i <= radiusKm / w; i++) add(i, w, h, (t, s) => at(s, t))
  for (let j = -Math.floor(radiusKm / h); j <= radiusKm / h; j++) add(j, h, w, (t, s) => at(t, s))
  return streets
}
