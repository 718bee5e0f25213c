// The district that ships: made by the generator, tiled without gaps, inside its bounds, and small enough for a browser.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { areaKm2, inside, toPlane, type Point } from '../../simulators/district/geometry.ts'
import { LAYERS, textOf, type Feature } from '../../simulators/district/layers.ts'
import { makeDistrict } from '../../simulators/district/make.ts'
import { districtDir } from './setup.ts'

const made = makeDistrict('chenglan')
const ringOf = (f: Feature): Point[] =>
  f.geometry.type === 'Polygon' ? f.geometry.coordinates[0]!.slice(0, -1).map(([lon, lat]) => toPlane(lon, lat)) : []
const pairs = (f: Feature): [number, number][] =>
  f.geometry.type === 'Point'
    ? [f.geometry.coordinates]
    : f.geometry.type === 'LineString'
      ? f.geometry.coordinates
      : f.geometry.coordinates.flat()
const streets = made.areas.filter(f => f.properties['level'] === 'street')
const outline = made.areas.find(f => f.properties['level'] === 'district')!

describe('the invented district', () => {
  test('what ships is what the generator makes', () => {
    for (const layer of LAYERS)
      expect(readFileSync(join(districtDir, `${layer}.geojson`), 'utf8') === textOf(made[layer]), layer).toBe(true)
  })

  test('another seed makes another district', () => {
    expect(textOf(makeDistrict('other').areas)).not.toBe(textOf(made.areas))
  })

  test('lies inside its bounds, with six decimals, in at most 2.5 MB', () => {
    for (const layer of LAYERS) {
      for (const [lon, lat] of made[layer].flatMap(pairs)) {
        expect(lon >= 118.48 && lon <= 119.13 && lat >= 31.61 && lat <= 32.11, `${layer} ${lon},${lat}`).toBe(true)
        expect(Number(lon.toFixed(6))).toBe(lon)
      }
    }
    expect(LAYERS.reduce((sum, layer) => sum + Buffer.byteLength(textOf(made[layer])), 0)).toBeLessThan(2_500_000)
  })

  test('ten streets tile it: areas add up and no point lies in two', () => {
    expect(streets).toHaveLength(10)
    const whole = areaKm2(ringOf(outline))
    const parts = streets.reduce((sum, f) => sum + areaKm2(ringOf(f)), 0)
    expect(Math.abs(parts - whole)).toBeLessThan(whole * 1e-5)
    for (let i = 0; i < 4000; i++) {
      const p: Point = [-25 + 50 * ((i * 0.618_034) % 1), -25 + (50 * i) / 4000]
      const owners = streets.filter(f => inside(p, ringOf(f))).length
      expect(owners, String(p)).toBe(inside(p, ringOf(outline)) ? 1 : 0)
    }
  })

  test('has the numbers a district has', () => {
    expect(made.buildings.length).toBeGreaterThan(2900)
    expect(made.roads.length).toBeGreaterThan(800)
    expect(new Set(made.roads.map(r => r.properties['class']))).toEqual(new Set(['motorway', 'primary', 'secondary', 'residential']))
    expect(made.stations).toHaveLength(90)
    expect(made.stations.filter(s => s.properties['type'] === 'fire-station')).toHaveLength(10)
  })

  test('buildings and stations have unique ids and names, and stand in the street they name', () => {
    for (const layer of [made.buildings, made.stations]) {
      expect(new Set(layer.map(f => f.properties['id'])).size).toBe(layer.length)
      for (const f of layer) {
        const home = streets.find(s => s.properties['name'] === f.properties['area'])!
        expect(inside(toPlane(...pairs(f)[0]!), ringOf(home)), String(f.properties['id'])).toBe(true)
      }
    }
    expect(new Set(made.buildings.map(f => f.properties['name'])).size).toBe(made.buildings.length)
  })

  test('has the building of the story', () => {
    const scene = made.buildings.find(b => b.properties['name'] === '青禾里 2 幢')
    expect(scene?.properties['floors']).toBeGreaterThanOrEqual(15)
  })
})
