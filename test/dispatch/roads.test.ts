// Ways along roads: where lines meet, what water and motorways cut off, what happens where there is no road, the search against a slow and
// plain one, and the district that ships.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Device } from '#contracts/device.ts'
import type { TravelMode } from '#contracts/resource.ts'
import { DEFAULT_PLAN } from '../../dispatch/plan.ts'
import { byDistance } from '../../dispatch/travel/distance.ts'
import { nearestNode, roadGraph, type RoadGraph, type RoadLine } from '../../dispatch/travel/road-graph.ts'
import { metresFrom } from '../../dispatch/travel/road-search.ts'
import { byRoads, detourOf } from '../../dispatch/travel/roads.ts'
import { openDispatch } from '../../dispatch/index.ts'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { iso, NIGHT_MS, raise, send } from './desk.ts'
import { SCENE, stationDevice } from './stations.ts'

const M_PER_LAT = 111_195
const M_PER_LON = M_PER_LAT * Math.cos((SCENE.lat * Math.PI) / 180)
/** East and north of the scene, metres. */
const at = (east: number, north: number) => ({ lat: SCENE.lat + north / M_PER_LAT, lon: SCENE.lon + east / M_PER_LON })
const road = (points: readonly [number, number][], o: Omit<RoadLine, 'coordinates'> = {}): RoadLine => ({
  coordinates: points.map(([east, north]) => [at(east, north).lon, at(east, north).lat] as const),
  ...o,
})
const graphOf = (...lines: RoadLine[]): RoadGraph => {
  const graph = roadGraph(lines)
  if (graph === null) throw new Error('no roads')
  return graph
}
const wayM = (g: RoadGraph, from: [number, number], to: [number, number], motorways = true): number => {
  const nearest = nearestNode(g, 300)
  const [a, b] = [nearest(at(...from)), nearest(at(...to))]
  return a === null || b === null ? Infinity : (metresFrom(g, a.node, { motorways, reachM: 1e6 })[b.node] ?? Infinity)
}
const near = (metres: number) => ({ min: metres * 0.98 - 5, max: metres * 1.02 + 5 })
const expectNear = (is: number, metres: number): void => {
  expect(is).toBeGreaterThan(near(metres).min)
  expect(is).toBeLessThan(near(metres).max)
}

describe('roads', () => {
  it('meet where they cross or end beside one another, drawn with a common point or without', () => {
    const g = graphOf(
      road([
        [-1000, 0],
        [1000, 0],
      ]),
      road([
        [0, -1000],
        [0, 1000],
      ]),
      road([
        [500, 12],
        [500, 900],
      ]),
    )
    expectNear(wayM(g, [-1000, 0], [0, 1000]), 2000)
    expectNear(wayM(g, [500, 900], [0, -1000]), 2400)
  })

  it('do not meet a motorway or a bridge that crosses above, but where they share a point', () => {
    const street = road([
      [0, -1000],
      [0, 1000],
    ])
    const motorway = road(
      [
        [-1000, 0],
        [1000, 0],
      ],
      { motorway: true },
    )
    expect(wayM(graphOf(street, motorway), [0, 1000], [1000, 0])).toBe(Infinity)
    expect(
      wayM(
        graphOf(
          street,
          road(
            [
              [-1000, 0],
              [1000, 0],
            ],
            { apart: true },
          ),
        ),
        [0, 1000],
        [1000, 0],
      ),
    ).toBe(Infinity)
    const junction = graphOf(
      street,
      motorway,
      road(
        [
          [0, 1000],
          [1000, 0],
        ],
        { motorway: true },
      ),
    )
    expectNear(wayM(junction, [0, 1000], [1000, 0]), 1414)
    expect(wayM(junction, [0, 1000], [1000, 0], false)).toBe(Infinity)
  })

  it('are nothing to go by where there are none', () => {
    expect(roadGraph([])).toBeNull()
    expect(roadGraph([road([[0, 0]])])).toBeNull()
  })

  it('give the shortest ways, as a plain search over all of them finds them', () => {
    const point = fc
      .tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 8 }))
      .map(([x, y]): [number, number] => [x * 100, y * 100])
    fc.assert(
      fc.property(fc.array(fc.tuple(point, point), { minLength: 1, maxLength: 14 }), pairs => {
        const g = roadGraph(pairs.filter(([a, b]) => a[0] !== b[0] || a[1] !== b[1]).map(pair => road(pair)))
        if (g === null) return
        const n = g.x.length
        const slow = Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (__, j) => (i === j ? 0 : Infinity)))
        for (let i = 0; i < n; i += 1)
          for (let e = g.first[i] ?? 0; e < (g.first[i + 1] ?? 0); e += 1) {
            const row = slow[i] as Float64Array
            row[g.to[e] ?? 0] = Math.min(row[g.to[e] ?? 0] ?? Infinity, g.metres[e] ?? Infinity)
          }
        for (let k = 0; k < n; k += 1)
          for (const row of slow)
            for (let j = 0; j < n; j += 1) row[j] = Math.min(row[j] ?? Infinity, (row[k] ?? Infinity) + (slow[k]?.[j] ?? Infinity))
        const fast = metresFrom(g, 0, { motorways: true, reachM: Infinity })
        for (let j = 0; j < n; j += 1) {
          const [is, should] = [fast[j] ?? NaN, slow[0]?.[j] ?? NaN]
          if (should === Infinity) expect(is).toBe(Infinity)
          else expect(Math.abs(is - should)).toBeLessThan(0.01)
        }
      }),
      { numRuns: 40 },
    )
  })
})

/** A river along x = 300 with one bridge, 2.5 km to the north. */
const river = [
  road([
    [0, -3000],
    [0, 3000],
  ]),
  road([
    [600, -3000],
    [600, 3000],
  ]),
  road([
    [0, 0],
    [200, 0],
  ]),
  road([
    [600, 0],
    [400, 0],
  ]),
  road([
    [0, 2500],
    [600, 2500],
  ]),
]
const figures = DEFAULT_PLAN.travel
const travelBy = (lines: RoadLine[]) => byRoads({ graph: graphOf(...lines), figures, otherwise: byDistance(figures) })
const starter = (id: string, east: number, north: number, mode: TravelMode = 'e-vehicle') => ({ id, mode, at: at(east, north) })

describe('who is sent', () => {
  it('is who has a way, not who is near beyond the water', () => {
    const travel = travelBy(river)
    const devices = new Map<string, Device>(
      (
        [
          ['beyond', 500, 0],
          ['this-side', 0, -1500],
        ] as const
      ).map(([id, east, north]) => [id, { ...stationDevice(id, 0, NIGHT_MS), position: at(east, north), lastReceivedAt: iso(NIGHT_MS) }]),
    )
    const ranked = (by: 'roads' | 'distance'): string[] => {
      const dispatch = openDispatch({
        file: ':memory:',
        clock: { nowMs: () => NIGHT_MS },
        log: noLog,
        meter: noMeter,
        device: id => devices.get(id),
        ...(by === 'roads' && { travel }),
      })
      dispatch.adoptResources(devices.values(), [])
      const made = send(dispatch, raise({ id: 'a', severity: 1, position: at(100, 0), place: { building: 'B2' } }))
      const candidates = dispatch.candidates(made.incidents[0]?.id ?? '')
      expect(new Set(candidates.map(one => one.travel))).toEqual(new Set([by]))
      return candidates.map(one => one.resourceId)
    }
    expect(ranked('distance')).toEqual(['beyond', 'this-side'])
    expect(ranked('roads')).toEqual(['this-side', 'beyond'])
  })

  it('walks and flies as before; who has no road, and a scene without one, are reckoned by distance', () => {
    const travel = travelBy(river)
    const from = [starter('car', 0, 1000), starter('foot', 0, 1000, 'foot'), starter('drone', 0, 1000, 'drone'), starter('off', -4000, 0)]
    expect(travel.legs(from, at(0, 0)).map(leg => leg.source)).toEqual(['roads', 'distance', 'distance', 'distance'])
    const nowhere = at(-20_000, 0)
    expect(travel.legs(from, nowhere)).toEqual(byDistance(figures).legs(from, nowhere))
  })

  it('gets an interval as wide as that of distance, around the way', () => {
    const [leg] = travelBy(river).legs([starter('car', 0, 2000)], at(0, 0))
    const { lowS = 0, likelyS = 0, highS = 0 } = leg?.eta ?? {}
    const f = figures['e-vehicle']
    expect([lowS, highS]).toEqual([expect.closeTo(likelyS * f.lowFactor, -1), expect.closeTo(likelyS * f.highFactor, -1)])
    expect(leg?.distanceM).toBeGreaterThan(1980)
  })
})

describe('the district that ships', () => {
  it('has ways from nearly every station to nearly every other, about a fifth longer than the straight line', () => {
    type Feature = { properties: { class?: string; type?: string }; geometry: { coordinates: unknown } }
    const layer = (name: string): Feature[] =>
      (JSON.parse(readFileSync(join(import.meta.dirname, `../../dashboard/district/${name}.geojson`), 'utf8')) as { features: Feature[] })
        .features
    const lines = layer('roads').map(({ properties, geometry }): RoadLine => ({
      coordinates: geometry.coordinates as [number, number][],
      motorway: properties.class === 'motorway',
    }))
    const graph = graphOf(...lines)
    const detour = detourOf(graph)
    expect(detour).toBeGreaterThan(1.05)
    expect(detour).toBeLessThan(1.5)
    const travel = byRoads({ graph, figures, otherwise: byDistance(figures) })
    const stations = layer('stations').map(({ geometry }, i) => {
      const [lon, lat] = geometry.coordinates as [number, number]
      return { id: String(i), mode: 'engine' as const, at: { lat, lon } }
    })
    const sources = stations.slice(0, 20).flatMap(({ at: to }) => travel.legs(stations, to).map(leg => leg.source))
    expect(sources.filter(source => source === 'roads').length / sources.length).toBeGreaterThan(0.9)
  })
})
