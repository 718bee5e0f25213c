// The physics is a teaching model: what is tested is the law of growth, the order in time, and that nothing is impossible.
import { expect, test } from 'vitest'
import { growFire, heatReleaseKw } from '../../simulators/fire.ts'
import { createDrift, indoorC, outdoorC } from '../../simulators/weather.ts'
import { createRandom } from '../../simulators/random.ts'

const fire = growFire({ doorOpenS: 48, suppressedS: 330, lengthS: 1800 })
const firstAbove = (metres: number, dbPerM: number) => {
  for (let s = 0; s < 1800; s++) if (fire.air(metres, s).obscurationDbPerM > dbPerM) return s
  return Infinity
}

test('heat release grows with the square of time after the smouldering minute', () => {
  const grown = (s: number) => heatReleaseKw(60 + s, 10_000) - 3
  for (const s of [30, 60, 120]) expect(grown(2 * s) / grown(s)).toBeCloseTo(4, 5)
})

test('heat release is zero before ignition, bounded by ventilation, and dies under water', () => {
  expect(heatReleaseKw(-1, 300)).toBe(0)
  expect(heatReleaseKw(3000, 10_000)).toBe(1500)
  expect(heatReleaseKw(330 + 600, 330)).toBeLessThan(1)
})

test('smoke arrives later and thinner the longer its path', () => {
  const paths = [0, 2, 10, 18, 34]
  const arrivals = paths.map(m => firstAbove(m, 0.15))
  expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b))
  expect(new Set(arrivals).size).toBe(paths.length)
  expect(arrivals[0]).toBeLessThan(60)
  expect(fire.air(34, 300).obscurationDbPerM).toBeLessThan(fire.air(10, 300).obscurationDbPerM)
})

test('the room gets hot, the corridor warm, a far flat hardly', () => {
  const hottest = (metres: number) => Math.max(...Array.from({ length: 600 }, (_, s) => fire.air(metres, s).riseC))
  expect(hottest(0)).toBeGreaterThan(150)
  expect(hottest(0)).toBeLessThan(800)
  expect(hottest(2)).toBeLessThan(hottest(0) / 2)
  expect(hottest(34)).toBeLessThan(10)
})

test('carbon monoxide becomes dangerous in the room, and air is clean again at last', () => {
  expect(fire.air(0, 300).coPpm).toBeGreaterThan(200)
  expect(fire.air(0, 300).coPpm).toBeLessThan(20_000)
  expect(fire.air(0, 1799).obscurationDbPerM).toBeLessThan(fire.air(0, 330).obscurationDbPerM / 20)
})

test('a day is warmest in the afternoon, and indoors follows weakly', () => {
  const hours = Array.from({ length: 24 }, (_, h) => h)
  expect(hours.toSorted((a, b) => outdoorC(b) - outdoorC(a))[0]).toBe(15)
  const swing = (of: (h: number) => number) => Math.max(...hours.map(of)) - Math.min(...hours.map(of))
  expect(swing(indoorC)).toBeLessThan(swing(outdoorC) / 3)
})

test('drift keeps unit variance over any step', () => {
  const random = createRandom('drift')
  const drift = createDrift(() => random.normal(), 100)
  const values = Array.from({ length: 4000 }, (_, i) => drift(i * 50))
  const variance = values.reduce((sum, v) => sum + v * v, 0) / values.length
  expect(variance).toBeGreaterThan(0.8)
  expect(variance).toBeLessThan(1.2)
})
