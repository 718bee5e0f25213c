// The travel model where the district has roads: engines and e-vehicles by the way along them, the others by distance. It knows no traffic, no
// one-way street and no gate, so it says who is cut off by water or rails, and its interval is as wide as that of distance.
import type { TravelMode } from '#contracts/resource.ts'
import type { TravelFigures } from '../plan.ts'
import { intervalOf } from './distance.ts'
import { nearestNode, type RoadGraph } from './road-graph.ts'
import { metresFrom } from './road-search.ts'
import { planeFrom, type LatLon, type Leg, type Starter, type Travel } from './travel.ts'

/** Further from any road than this, the way is not known, and distance is used. */
const OFF_ROAD_M = 600
/** Longer ways are not looked for. */
const WAY_M = 80_000
/** Ways to the newest scenes are kept, and where resources meet the roads: the same fire is looked at again and again. */
const SCENES_KEPT = 8
const STARTS_KEPT = 10_000
/** To measure the detour: so many places, and only ways that are long enough to be one. */
const SAMPLES = 12
const SAMPLE_M = 1_000

/** By what part a way along these roads is usually longer than the straight line; the plan's speeds are along the straight line. */
export const detourOf = (g: RoadGraph): number => {
  const ratios: number[] = []
  for (let i = 0; i < SAMPLES; i += 1) {
    const from = Math.floor(((i + 0.5) / SAMPLES) * g.x.length)
    const metres = metresFrom(g, from, { motorways: false, reachM: 10_000 })
    for (let n = i; n < g.x.length; n += SAMPLES) {
      const straightM = Math.hypot((g.x[n] ?? 0) - (g.x[from] ?? 0), (g.y[n] ?? 0) - (g.y[from] ?? 0))
      if (straightM >= SAMPLE_M && Number.isFinite(metres[n])) ratios.push((metres[n] ?? 0) / straightM)
    }
  }
  return ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? 1
}

type Way = { car: Float64Array; withoutMotorways: Float64Array; offM: number }

export const byRoads = (o: { graph: RoadGraph; figures: Record<TravelMode, TravelFigures>; otherwise: Travel }): Travel => {
  const { graph, figures, otherwise } = o
  const detour = detourOf(graph)
  const nearest = nearestNode(graph, OFF_ROAD_M)
  const starts = new Map<string, ReturnType<typeof nearest>>()
  const scenes = new Map<string, Way | null>()

  const startAt = (at: LatLon): ReturnType<typeof nearest> => {
    const key = `${at.lat},${at.lon}`
    const known = starts.get(key)
    if (known !== undefined) return known
    if (starts.size >= STARTS_KEPT) starts.clear()
    const found = nearest(at)
    starts.set(key, found)
    return found
  }
  const wayTo = (to: LatLon): Way | null => {
    const key = `${to.lat},${to.lon}`
    let way = scenes.get(key)
    if (way === undefined) {
      const scene = nearest(to)
      const search = (motorways: boolean, node: number) => metresFrom(graph, node, { motorways, reachM: WAY_M })
      way = scene === null ? null : { car: search(true, scene.node), withoutMotorways: search(false, scene.node), offM: scene.metres }
    }
    scenes.delete(key)
    scenes.set(key, way)
    const [oldest] = scenes.keys()
    if (scenes.size > SCENES_KEPT && oldest !== undefined) scenes.delete(oldest)
    return way
  }
  const roadM = (way: Way, { mode, at }: Starter): number | null => {
    const start = startAt(at)
    if (start === null) return null
    const metres = (mode === 'engine' ? way.car : way.withoutMotorways)[start.node] ?? Infinity
    return Number.isFinite(metres) ? start.metres + metres + way.offM : null
  }

  return {
    legs(from, to) {
      const legs = otherwise.legs(from, to)
      const way = from.some(({ mode }) => mode === 'engine' || mode === 'e-vehicle') ? wayTo(to) : null
      if (way === null) return legs
      const metresTo = planeFrom(to)
      return from.map((starter, i): Leg => {
        const leg = legs[i] as Leg
        if (starter.mode !== 'engine' && starter.mode !== 'e-vehicle') return leg
        const metres = roadM(way, starter)
        if (metres === null) return leg
        const f = figures[starter.mode]
        const along = Math.max(metres, metresTo(starter.at))
        return { eta: intervalOf(f, along / (f.speedMps * detour)), distanceM: leg.distanceM, source: 'roads' }
      })
    },
    status: () => `${graph.x.length} points of roads, ways ${detour.toFixed(2)} times the straight line`,
  }
}
