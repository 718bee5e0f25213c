// The land: the district's outline, its streets as Voronoi cells with wavering common borders, the rivers and the lakes.
import type { Random } from '../random.ts'
import { areaKm2, between, blob, distance, inside, nearerTo, type Point } from './geometry.ts'
import { AREA_NAMES, WATER_NAMES, type Name } from './names.ts'

export type Area = { id: string; name: Name; centre: Point; ring: Point[] }
export type Water = { id: string; kind: 'river' | 'lake'; name: Name; ring: Point[] }
export type Land = { outline: Point[]; areas: Area[]; water: Water[] }

const OUTLINE_RADIUS_KM = 22.3
const CENTRE_GAP_KM = 9

export function makeLand(random: Random): Land {
  const outline = blob(
    [0, 0],
    OUTLINE_RADIUS_KM,
    0.97,
    waves(random.fork('outline'), [0.07, 0.05, 0.035, 0.03, 0.025, 0.02, 0.016, 0.014, 0.012, 0.01, 0.008, 0.007]),
    180,
  )
  const water = makeWater(random.fork('water'))
  const centres = makeCentres(random.fork('centres'), outline, water)
  return { outline, areas: makeAreas(random, outline, centres), water }
}

const waves = (random: Random, amplitudes: number[]): [number, number][] =>
  amplitudes.map(a => [a * random.between(0.7, 1.1), random.between(0, 6.28)])

/** Town centres: the first in the middle, the rest as far apart as chance allows, never in water. */
function makeCentres(random: Random, outline: Point[], water: Water[]): Point[] {
  const centres: Point[] = [[random.between(-1.5, 1.5), random.between(2, 4)]]
  const inner = outline.map(p => between(p, [0, 0], 0.2))
  for (let tries = 0, gap = CENTRE_GAP_KM; centres.length < AREA_NAMES.length; tries++) {
    if (tries % 200 === 199) gap *= 0.95
    const p: Point = [random.between(-20, 20), random.between(-20, 20)]
    if (!inside(p, inner) || water.some(w => w.ring.some(q => distance(p, q) < 2.2) || inside(p, w.ring))) continue
    if (centres.every(c => distance(c, p) > gap)) centres.push(p)
  }
  return centres
}

function makeAreas(random: Random, outline: Point[], centres: Point[]): Area[] {
  const cells = centres.map(site => centres.reduce((ring, other) => (other === site ? ring : nearerTo(ring, site, other)), outline))
  const shared = new Map<string, number>()
  for (const cell of cells) for (let i = 0; i < cell.length; i++) count(shared, edgeKey(cell[i]!, cell[(i + 1) % cell.length]!))
  return cells.map((cell, i) => ({
    id: `st-${String(i + 1).padStart(2, '0')}`,
    name: AREA_NAMES[i]!,
    centre: centres[i]!,
    ring: waver(random, cell, shared),
  }))
}

/** Both neighbours make the same curve of a common edge: its noise is seeded by the edge itself, run from the same end. */
function waver(random: Random, cell: Point[], shared: Map<string, number>): Point[] {
  const ring = cell.flatMap((a, i) => {
    const b = cell[(i + 1) % cell.length]!
    const key = edgeKey(a, b)
    if (shared.get(key) !== 2 || distance(a, b) < 0.5) return [a]
    const forward = pointKey(a) < pointKey(b)
    const curve = crooked(random.fork(key), forward ? a : b, forward ? b : a, 4)
    return (forward ? curve : curve.toReversed()).slice(0, -1)
  })
  return areaKm2(ring) < 0 ? ring.toReversed() : ring
}

/** Midpoint displacement: 2^depth pieces, each bend at most 9 % of its chord. */
export function crooked(random: Random, a: Point, b: Point, depth: number): Point[] {
  if (depth === 0) return [a, b]
  const bend = random.between(-0.09, 0.09)
  const middle = between(a, b, random.between(0.44, 0.56))
  const m: Point = [middle[0] - (b[1] - a[1]) * bend, middle[1] + (b[0] - a[0]) * bend]
  return [...crooked(random, a, m, depth - 1).slice(0, -1), ...crooked(random, m, b, depth - 1)]
}

/** One wide river along the north-west, one canal through the middle, five lakes in the south. */
function makeWater(random: Random): Water[] {
  const river = ribbon(crooked(random.fork('river'), [-24.5, -16.5], [9.5, 26], 5), 0.55, random)
  const canal = ribbon(crooked(random.fork('canal'), [-8.5, 8.5], [9, -25], 6), 0.055, random)
  const spots: [Point, number][] = [
    [[-9.5, -4], 1.25],
    [[11.5, -7], 1.5],
    [[5, 8.5], 0.7],
    [[-4, -13.5], 1.1],
    [[15.5, 5], 0.9],
  ]
  const lakes = spots.map(([at, size], i): Water => {
    const ring = blob(at, size * random.between(0.85, 1.15), random.between(0.75, 1.3), waves(random, [0.2, 0.14, 0.09, 0.06, 0.04]), 56)
    return { id: `lake-${i + 1}`, kind: 'lake', name: WATER_NAMES.lakes[i]!, ring }
  })
  return [
    { id: 'river-1', kind: 'river', name: WATER_NAMES.river, ring: river },
    { id: 'river-2', kind: 'river', name: WATER_NAMES.canal, ring: canal },
    ...lakes,
  ]
}

/** A line given a width that breathes. */
function ribbon(line: Point[], halfWidthKm: number, random: Random): Point[] {
  const phase = random.between(0, 6.28)
  const banks = line.map((p, i): [Point, Point] => {
    const before = line[Math.max(0, i - 1)]!
    const after = line[Math.min(line.length - 1, i + 1)]!
    const length = distance(before, after)
    const w = halfWidthKm * (1 + 0.3 * Math.sin(i / 2.3 + phase))
    const normal: Point = [(-(after[1] - before[1]) / length) * w, ((after[0] - before[0]) / length) * w]
    return [
      [p[0] - normal[0], p[1] - normal[1]],
      [p[0] + normal[0], p[1] + normal[1]],
    ]
  })
  return [...banks.map(b => b[0]), ...banks.map(b => b[1]).toReversed()]
}

const pointKey = (p: Point) => `${p[0].toFixed(5)},${p[1].toFixed(5)}`
const edgeKey = (a: Point, b: Point) => [pointKey(a), pointKey(b)].toSorted().join('|')
const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1)
