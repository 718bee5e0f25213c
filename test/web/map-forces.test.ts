// What stands and moves on the map: geometry as laws over any place and any lens, and the promise that nothing old, silent or untold is drawn
// as if it were known now.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DeviceRow, Sight } from '#contracts/live.ts'
import type { Order } from '#contracts/order.ts'
import type { Resource } from '#contracts/resource.ts'
import { createSights } from '../../dashboard/web/src/live/sights.ts'
import {
  CAMERAS_ZOOM,
  footprint,
  forcesOf,
  LOST_MS,
  moved,
  OLD_MS,
  type ForcesInput,
  type LonLat,
} from '../../dashboard/web/src/map/forces.ts'
import { covers } from '../../dashboard/web/src/map/label-box.ts'
import { at, incident, T0 } from './incidents.ts'

const EARTH_M = 6_371_000
const metresBetween = ([lonA, latA]: LonLat, [lonB, latB]: LonLat): number => {
  const rad = Math.PI / 180
  const half =
    Math.sin(((latB - latA) * rad) / 2) ** 2 + Math.cos(latA * rad) * Math.cos(latB * rad) * Math.sin(((lonB - lonA) * rad) / 2) ** 2
  return 2 * EARTH_M * Math.asin(Math.sqrt(half))
}
const HERE: LonLat = [118.8, 31.9]
const anyPlace = fc.tuple(fc.double({ min: 118.48, max: 119.13, noNaN: true }), fc.double({ min: 31.61, max: 32.11, noNaN: true }))
const anyBearing = fc.double({ min: 0, max: 360, noNaN: true })

const row = (deviceId: string, kind: string, o: { condition?: string; heardAtMs?: number | null; at?: LonLat } = {}): DeviceRow => [
  deviceId,
  kind,
  (o.at ?? HERE)[1],
  (o.at ?? HERE)[0],
  o.condition ?? 'normal',
  o.heardAtMs === undefined ? T0 : o.heardAtMs,
  null,
  null,
  null,
  null,
  1,
]
const map = (o: { sights?: Sight[]; rows?: DeviceRow[] } & Partial<Omit<ForcesInput, 'sights' | 'find'>> = {}) => {
  const sights = createSights()
  sights.reset(o.sights ?? [])
  const rows = o.rows ?? []
  return forcesOf({
    nowMs: T0,
    zoom: 15,
    bounds: { west: 118.7, south: 31.8, east: 118.9, north: 32 },
    resources: [],
    orders: [],
    incidents: new Map(),
    selectedId: null,
    stations: { type: 'FeatureCollection', features: [] },
    english: true,
    ...o,
    sights,
    find: deviceId => rows.find(([id]) => id === deviceId),
  })
}
const resource = (id: string, o: Partial<Resource> = {}): Resource => ({
  id,
  kind: 'micro-station',
  name: { zh: id, en: id },
  mode: 'e-vehicle',
  capabilities: ['extinguish'],
  accounts: [],
  position: { lon: 118.81, lat: 31.91 },
  state: 'ready',
  reasons: [],
  ...o,
})
const order = (o: Partial<Order> = {}): Order => ({
  id: 'i-1',
  incidentId: 'i',
  resourceId: 's1',
  resourceName: { zh: '一站', en: 'Station 1' },
  state: 'en-route',
  offeredAt: at(0),
  offeredBy: 'li',
  answerBy: at(60_000),
  eta: { lowS: 80, likelyS: 130, highS: 245 },
  passesOn: true,
  steps: [],
  ...o,
})

test('a step of so many metres is so many metres, whatever the bearing', () => {
  fc.assert(
    fc.property(anyPlace, anyBearing, fc.double({ min: 1, max: 2_000, noNaN: true }), (from, bearing, metres) => {
      expect(metresBetween(from, moved(from, bearing, metres)) / metres).toBeCloseTo(1, 1)
    }),
  )
  expect(moved(HERE, 90, 100)[0]).toBeGreaterThan(HERE[0])
  expect(moved(HERE, 0, 100)[1]).toBeGreaterThan(HERE[1])
})

test('what a drone sees is a closed shape ahead of it, wider far than near, and cut off where it would reach the horizon', () => {
  const sight = fc.record({
    deviceId: fc.constant('u'),
    heightM: fc.double({ min: 5, max: 120, noNaN: true }),
    tiltDeg: fc.double({ min: -80, max: -9, noNaN: true }),
    bearingDeg: anyBearing,
    hfovDeg: fc.double({ min: 20, max: 90, noNaN: true }),
  })
  fc.assert(
    fc.property(anyPlace, sight, (place, one) => {
      const ring = footprint(place, one)
      expect(ring).toHaveLength(5)
      const [nearLeft, farLeft, farRight, nearRight, end] = ring as [LonLat, LonLat, LonLat, LonLat, LonLat]
      expect(end).toEqual(nearLeft)
      expect(metresBetween(farLeft, farRight)).toBeGreaterThanOrEqual(metresBetween(nearLeft, nearRight) * 0.99)
      // 400 m along the ground, and at most as much again to the side of the widest lens
      for (const corner of ring!) expect(metresBetween(place, corner)).toBeLessThan(600)
    }),
  )
})

test('no footprint from what was not told, from the ground, or towards the sky', () => {
  const told = { deviceId: 'u', heightM: 60, tiltDeg: -40, bearingDeg: 10 }
  expect(footprint(HERE, told)).not.toBeNull()
  const { heightM: _h, ...noHeight } = told
  const { tiltDeg: _t, ...noTilt } = told
  const { bearingDeg: _b, ...noBearing } = told
  for (const sight of [noHeight, noTilt, noBearing, { ...told, heightM: 1 }, { ...told, tiltDeg: 5 }])
    expect(footprint(HERE, sight)).toBeNull()
})

test('a drone heard now is full with its picture; after a minute hollow and with its age; after five faint; in its dock it is a dock', () => {
  const sights: Sight[] = [{ deviceId: 'u', heightM: 60, tiltDeg: -40, bearingDeg: 90, headingDeg: 90 }]
  const heard = (agoMs: number | null) => map({ sights, rows: [row('u', 'drone', { heardAtMs: agoMs === null ? null : T0 - agoMs })] })
  expect(heard(0)).toMatchObject({ icons: [{ sign: 'drone', isFaint: false, angleDeg: -90 }], labels: [] })
  expect(heard(0).shapes, 'a lens that does not say its width is an outline').toMatchObject([{ isFilled: false }])
  expect(heard(OLD_MS + 1)).toMatchObject({ icons: [{ sign: 'drone-old', isFaint: false }], shapes: [], labels: [{ ageMs: OLD_MS + 1 }] })
  expect(heard(LOST_MS + 1)).toMatchObject({ icons: [{ sign: 'drone-old', isFaint: true }], shapes: [] })
  expect(heard(null).labels[0]).not.toHaveProperty('ageMs')
  expect(map({ sights: [{ ...sights[0]!, inDock: true }], rows: [row('u', 'drone')] })).toMatchObject({
    icons: [{ sign: 'dock' }],
    shapes: [],
  })
})

test('the way a drone came is drawn, and forgotten when it is home', () => {
  const sights = createSights()
  sights.apply([{ deviceId: 'u' }])
  for (const step of [0, 1, 1, 2]) sights.at('u', 118.8 + step / 1000, 31.9)
  expect(sights.track('u')?.lonLat).toHaveLength(6)
  for (let n = 0; n < 1_000; n += 1) sights.at('u', 118.8 + n / 1000, 31.9)
  expect(sights.track('u')?.lonLat.length).toBe(600)
  sights.apply([{ deviceId: 'u', inDock: true }])
  expect(sights.track('u')).toBeUndefined()
})

test('a camera shows what it sees close up, within the view, and nothing while it is silent', () => {
  const sights: Sight[] = [{ deviceId: 'c', bearingDeg: 0, hfovDeg: 90 }]
  const rows = [row('c', 'camera')]
  const shown = map({ sights, rows })
  expect(shown.icons).toMatchObject([{ sign: 'camera' }])
  expect(shown.shapes).toMatchObject([{ tone: 'camera', isFilled: true }])
  for (const [lon, lat] of shown.shapes[0]!.ring.slice(1, -1)) {
    expect(lat, 'it looks north').toBeGreaterThan(31.9)
    expect(metresBetween(HERE, [lon, lat])).toBeCloseTo(110, -1)
  }
  expect(map({ sights, rows, zoom: CAMERAS_ZOOM - 0.1 }).icons).toEqual([])
  expect(map({ sights, rows: [row('c', 'camera', { at: [119, 31.9] })] }).icons).toEqual([])
  expect(map({ sights, rows: [row('c', 'camera', { condition: 'offline' })] })).toMatchObject({ icons: [{ isFaint: true }], shapes: [] })
})

test('a station is drawn once, as what is known of it: ready, lacking, busy, not ready, or not heard', () => {
  const reason = (code: Resource['reasons'][number]['code']) => ({ code, text: { zh: '', en: '' } })
  const signs = (one: Resource) => map({ resources: [one] }).icons.map(({ sign }) => sign)
  expect(signs(resource('s1'))).toEqual(['ready'])
  expect(signs(resource('s1', { reasons: [reason('degraded')] }))).toEqual(['degraded'])
  expect(signs(resource('s1', { state: 'busy' }))).toEqual(['busy'])
  expect(signs(resource('s1', { state: 'not-ready', reasons: [reason('crew-short')] }))).toEqual(['not-ready'])
  expect(signs(resource('s1', { state: 'not-ready', reasons: [reason('silent')] }))).toEqual(['unheard'])
  const stations = {
    type: 'FeatureCollection' as const,
    features: ['s1', 's2'].map(id => ({
      type: 'Feature' as const,
      properties: { id },
      geometry: { type: 'Point' as const, coordinates: HERE },
    })),
  }
  const both = map({ resources: [resource('s1')], stations })
  expect(
    both.icons.map(({ id, sign }) => `${id} ${sign}`),
    'one that nobody heard of is not ready',
  ).toEqual(['s1 ready', 's2 unheard'])
  const heard = { stations, rows: [row('s2', 'micro-station')] }
  expect(map({ ...heard, sights: [{ deviceId: 's2', readiness: 'ready' }] }).icons.at(-1)).toMatchObject({ sign: 'ready', deviceId: 's2' })
  expect(map(heard).icons.at(-1), 'it speaks, but not of its readiness').toMatchObject({ sign: 'unheard' })
})

test('a line with the time it still needs for each order under way, late once that has passed, none from the scene', () => {
  const place = { position: { lon: 118.8, lat: 31.9 } }
  const incidents = new Map([['i', incident('i', place)]])
  const one = (o: Partial<Order>, nowMs = T0) => map({ nowMs, incidents, orders: [order(o)], resources: [resource('s1')] })
  expect(one({})).toMatchObject({
    ways: [{ path: [[118.81, 31.91], HERE], tone: 'under-way' }],
    labels: [{ tone: 'eta', etaS: 130, name: 'Station 1' }],
  })
  expect(one({ state: 'offered' }).ways).toMatchObject([{ tone: 'offered' }])
  expect(one({}, T0 + 140_000).labels).toMatchObject([{ tone: 'late', etaS: -10 }])
  const { eta: _eta, ...unknown } = order()
  expect(map({ incidents, orders: [unknown], resources: [resource('s1')] })).toMatchObject({ ways: [{}], labels: [] })
  expect(one({ state: 'on-scene' })).toMatchObject({ ways: [], labels: [] })
  expect(map({ incidents, orders: [order()] }).ways, 'nobody knows where it is').toEqual([])
})

test('rings stand around what is grave and what is selected, never around what is closed', () => {
  const place = { position: { lon: 118.8, lat: 31.9 } }
  const list = [
    incident('a', { ...place, severity: 1 }),
    incident('b', { ...place, severity: 3 }),
    incident('c', { ...place, severity: 1, state: 'closed' }),
  ]
  const incidents = new Map(list.map(one => [one.id, one]))
  expect(map({ incidents }).rings.map(({ severity }) => severity)).toEqual([1])
  expect(map({ incidents, selectedId: 'b' }).rings.map(({ radiusM }) => radiusM)).toEqual([150, 500])
})

test('of two labels that would cover each other one gives way; two that do not both stay', () => {
  const box = { x: 100, y: 100, width: 80 }
  expect(covers(box, { x: 150, y: 110, width: 80 })).toBe(true)
  expect(covers(box, { x: 181, y: 110, width: 80 })).toBe(false)
  expect(covers(box, { x: 150, y: 121, width: 80 })).toBe(false)
})
