// Roads: motorways across the district, primaries from town to town, a wide crooked net of secondaries in the country, and the
// towns' own streets.
import type { Random } from '../random.ts'
import { between, distance, inside, type Point } from './geometry.ts'
import { crooked, type Land } from './land.ts'
import type { Town } from './towns.ts'

export type Road = { class: 'motorway' | 'primary' | 'secondary' | 'residential'; line: Point[] }
const NET_KM = 2.2

/** The roads that were there before the blocks: no block stands on one. */
export const throughRoads = (random: Random, land: Land, towns: Town[]): Road[] => [
  ...motorways(random, land),
  ...primaries(random, towns),
  ...net(random, land, towns),
]

/** Towns without the blocks that a through road crosses. */
export function clearOf(roads: readonly Road[], towns: Town[]): Town[] {
  const trail = roads.flatMap(({ line }) => line.flatMap((p, i) => stepsBetween(line[i - 1] ?? p, p)))
  return towns.map(town => {
    const near = trail.filter(p => distance(p, town.centre) < town.radiusKm + 0.5)
    return { ...town, blocks: town.blocks.filter(block => near.every(p => distance(p, block.centre) > 0.21)) }
  })
}

const STEP_KM = 0.06
function stepsBetween(a: Point, b: Point): Point[] {
  const steps = Math.ceil(distance(a, b) / STEP_KM)
  return Array.from({ length: steps }, (_, i) => between(a, b, (i + 1) / steps))
}

/** Three long ways through and a half ring, kept inside the outline. */
function motorways(random: Random, land: Land): Road[] {
  const ends: [Point, Point][] = [
    [
      [-29, 4],
      [29, -5],
    ],
    [
      [4, -26.5],
      [-2, 26.5],
    ],
    [
      [-22, -20],
      [24, 19],
    ],
  ]
  const ways = ends.map(([a, b], i) => crooked(random.fork(`way-${i}`), a, b, 6))
  const ring = Array.from({ length: 61 }, (_, i): Point => {
    const angle = -2.4 + (i / 60) * 4.9
    const r = 10.5 + Math.sin(angle * 3) * 0.8
    return [r * Math.cos(angle), r * Math.sin(angle)]
  })
  return [...ways, ring].flatMap(line => insideRuns(line, land.outline)).map(line => ({ class: 'motorway', line }))
}

/** Each town with its three nearest, each pair once. */
function primaries(random: Random, towns: Town[]): Road[] {
  const pairs = new Set<string>()
  for (const [i, town] of towns.entries()) {
    const nearest = towns.map((t, j) => ({ j, d: distance(t.centre, town.centre) })).toSorted((a, b) => a.d - b.d)
    for (const { j } of nearest.slice(1, town.radiusKm > 1 ? 5 : 3)) pairs.add(`${Math.min(i, j)}-${Math.max(i, j)}`)
  }
  return [...pairs].map(pair => {
    const [i, j] = pair.split('-').map(Number) as [number, number]
    return { class: 'primary', line: crooked(random.fork(pair), towns[i]!.centre, towns[j]!.centre, 4) }
  })
}

/** A square net with its nodes shifted and one edge in four left out: country roads. Nothing crosses a lake or a town. */
function net(random: Random, land: Land, towns: Town[]): Road[] {
  const n = 24
  const node = (i: number, j: number): Point => {
    const r = random.fork(`node-${i}-${j}`)
    return [(i - n / 2) * NET_KM + r.between(-0.8, 0.8), (j - n / 2) * NET_KM + r.between(-0.8, 0.8)]
  }
  const lakes = land.water.filter(w => w.kind === 'lake')
  const river = land.water[0]!
  const open = (p: Point) => towns.every(t => distance(p, t.centre) > t.radiusKm * 0.9)
  const dry = (p: Point) => inside(p, land.outline) && !inside(p, river.ring) && lakes.every(l => !inside(p, l.ring)) && open(p)
  const roads: Road[] = []
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      for (const [k, other] of [node(i + 1, j), node(i, j + 1)].entries()) {
        const r = random.fork(`edge-${i}-${j}-${k}`)
        const line = crooked(r, node(i, j), other, 2)
        const steps = line.flatMap((p, s) => (s === 0 ? [p] : [between(line[s - 1]!, p, 0.5), p]))
        if (!r.chance(0.25) && steps.every(dry)) roads.push({ class: 'secondary', line })
      }
    }
  }
  return roads
}

export const townStreets = (towns: Town[]): Road[] =>
  towns.flatMap(t => t.streets.map((s): Road => ({ class: s.main && t.radiusKm > 1 ? 'secondary' : 'residential', line: s.line })))

/** The stretches of a line that lie inside a ring. */
function insideRuns(line: Point[], ring: Point[]): Point[][] {
  const runs: Point[][] = [[]]
  for (const p of line) {
    if (inside(p, ring)) runs.at(-1)!.push(p)
    else if (runs.at(-1)!.length > 0) runs.push([])
  }
  return runs.filter(run => run.length > 1)
}
