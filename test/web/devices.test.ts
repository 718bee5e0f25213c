// The device columns against a plain map as the model, and the level of detail over them.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEVICE_CONDITIONS } from '#contracts/device.ts'
import type { DeviceRow } from '#contracts/live.ts'
import { encodeRows, readFrame } from '#contracts/live-rows.ts'
import { CODE, createDeviceTable, type DeviceTable } from '../../dashboard/web/src/live/devices.ts'
import { DETAIL_ZOOM, POINTS_MAX, SILENT_POINTS_MAX, countSilent, pictureOf, type Bounds } from '../../dashboard/web/src/map/cells.ts'
import { createPickGrid } from '../../dashboard/web/src/map/grid.ts'
import { T0, numberOf, row } from './incidents.ts'

const DISTRICT: Bounds = { west: 118.48, south: 31.61, east: 119.13, north: 32.11 }
const anyRow: fc.Arbitrary<DeviceRow> = fc
  .record({
    n: fc.integer({ min: 0, max: 60 }),
    condition: fc.constantFrom(...DEVICE_CONDITIONS),
    place: fc.option(fc.tuple(fc.double({ min: 118.5, max: 119.1, noNaN: true }), fc.double({ min: 31.7, max: 32.1, noNaN: true })), {
      nil: null,
    }),
  })
  .map(({ n, condition, place }) => row(`d-${n}`, condition, place?.[0] ?? null, place?.[1] ?? null))
const anyRows = fc.array(anyRow, { maxLength: 80 })

const check = (table: DeviceTable, model: Map<string, DeviceRow>): void => {
  expect(table.rows.length).toBe(model.size)
  for (const [at, one] of table.rows.entries()) {
    expect(one).toEqual(model.get(one[0]))
    expect(table.find(one[0])).toBe(one)
    expect(table.codes[at]).toBe(CODE[one[4] as keyof typeof CODE])
    expect(table.lonLat[at * 2]).toBe(one[3] ?? Number.NaN)
    expect(table.lonLat[at * 2 + 1]).toBe(one[2] ?? Number.NaN)
  }
}

describe('columns', () => {
  test('hold the same as a map after any changes', () => {
    const step = fc.record({ rows: anyRows, removed: fc.array(fc.integer({ min: 0, max: 60 }).map(n => `d-${n}`)) })
    fc.assert(
      fc.property(anyRows, fc.array(step, { maxLength: 6 }), (first, steps) => {
        const table = createDeviceTable()
        table.reset(first)
        const model = new Map(first.map(one => [one[0], one]))
        for (const { rows, removed } of steps) {
          table.apply(rows, removed)
          for (const id of removed) model.delete(id)
          for (const one of rows) model.set(one[0], one)
        }
        check(table, model)
      }),
    )
  })
  test('small frames change exactly the devices they name, and a number nobody told of is seen', () => {
    const small = fc.record({
      n: fc.integer({ min: 0, max: 60 }),
      condition: fc.constantFrom(...DEVICE_CONDITIONS),
      ageMs: fc.integer({ min: 0, max: 86_400_000 }),
    })
    fc.assert(
      fc.property(anyRows, fc.array(small, { maxLength: 30 }), (rows, changes) => {
        const table = createDeviceTable()
        table.reset(rows)
        const model = new Map(table.rows.map(one => [one[0], [...one] as DeviceRow]))
        const frame = readFrame(
          new Uint8Array(
            encodeRows({
              seq: 1,
              serverTimeMs: T0,
              rows: changes.map(({ n, condition, ageMs }) => ({ number: numberOf(`d-${n}`), condition, heardAtMs: T0 - ageMs })),
            }),
          ).buffer,
        )!
        const looks = table.looks
        expect(table.applySmall(frame)).toBe(changes.every(({ n }) => model.has(`d-${n}`)))
        let seen = false
        for (const { n, condition, ageMs } of changes) {
          const one = model.get(`d-${n}`)
          if (one === undefined) continue
          seen ||= one[4] !== condition
          one[4] = condition
          one[5] = T0 - Math.round(ageMs / 100) * 100
        }
        for (const one of table.rows) expect(one).toEqual(model.get(one[0]))
        for (const [at, one] of table.rows.entries()) expect(table.codes[at]).toBe(CODE[one[4] as keyof typeof CODE])
        expect(table.looks > looks).toBe(seen)
      }),
    )
  })
  test('a picture told in parts ends as if it had been told whole, whatever stood there, and no number is a hole meanwhile', () => {
    const frameOf = (number: number) =>
      readFrame(new Uint8Array(encodeRows({ seq: 1, serverTimeMs: T0, rows: [{ number, condition: 'alarm', heardAtMs: null }] })).buffer)!
    fc.assert(
      fc.property(anyRows, fc.array(anyRows, { maxLength: 4 }), fc.integer({ min: 0, max: 99 }), (before, parts, shift) => {
        // in another life of the server the same numbers stand for other devices
        const renumbered = parts.map(part => part.map(one => [...one.slice(0, 10), (one[10] + shift) % 100] as DeviceRow))
        const table = createDeviceTable()
        table.reset(before)
        table.begin()
        expect(table.rows.length, 'what stood there stays until all is told').toBe(new Set(before.map(one => one[0])).size)
        for (const part of renumbered) {
          expect(table.applySmall(frameOf(99_999))).toBe(true)
          table.apply(part)
        }
        table.complete()
        const model = new Map(renumbered.flat().map(one => [one[0], one]))
        check(table, model)
        expect(table.applySmall(frameOf(99_999))).toBe(false)
        for (const one of model.values()) {
          expect(table.applySmall(frameOf(one[10]))).toBe(true)
          expect(table.find(one[0])?.[4]).toBe('alarm')
        }
      }),
    )
  })
  test('a removed device leaves no number behind, and a device left out for space is no hole', () => {
    const table = createDeviceTable(1)
    table.reset([row('a', 'normal'), row('b', 'normal')])
    const frameOf = (deviceId: string) =>
      readFrame(
        new Uint8Array(
          encodeRows({ seq: 1, serverTimeMs: T0, rows: [{ number: numberOf(deviceId), condition: 'alarm', heardAtMs: null }] }),
        ).buffer,
      )!
    expect(table.applySmall(frameOf('b'))).toBe(true)
    expect(table.applySmall(frameOf('a'))).toBe(true)
    expect(table.find('a')?.slice(4, 6)).toEqual(['alarm', null])
    table.apply([], ['a'])
    expect(table.applySmall(frameOf('a'))).toBe(false)
  })
  test.each([
    ['too short', new Uint8Array(15)],
    ['another kind', new Uint8Array(16).fill(9)],
    ['cut off', encodeRows({ seq: 1, serverTimeMs: T0, rows: [{ number: 1, condition: 'normal', heardAtMs: null }] }).slice(0, 20)],
  ])('bytes that are no frame are not read: %s', (_, bytes) => expect(readFrame(new Uint8Array(bytes).buffer)).toBeNull())
  test('beyond the bound devices are counted as not drawn', () => {
    const table = createDeviceTable(2)
    table.reset([row('a', 'normal'), row('b', 'normal'), row('c', 'alarm')])
    expect([table.rows.length, table.notDrawn]).toEqual([2, 1])
  })
  test('a condition this page does not know is shown as unknown, never as normal', () => {
    const table = createDeviceTable()
    table.reset([row('a', 'on-fire-in-a-new-way')])
    expect(table.codes[0]).toBe(CODE.unknown)
  })
})

describe('level of detail', () => {
  const total = (values: Uint32Array): number => values.reduce((sum, n) => sum + n, 0)

  test('from afar every placed device is in exactly one cell or one point; calm ones only in cells', () => {
    fc.assert(
      fc.property(anyRows, rows => {
        const table = createDeviceTable()
        table.reset(rows)
        const { cells, points } = pictureOf(table, DETAIL_ZOOM - 1, DISTRICT)
        const placed = table.rows.filter(one => one[2] !== null)
        expect(total(cells.believed) + total(cells.silent) + points.count).toBe(placed.length)
        for (const at of points.rows) expect(table.codes[at]).not.toBe(CODE.normal)
        expect(total(cells.believed)).toBe(placed.filter(one => one[4] === 'normal').length)
      }),
    )
  })
  test('the graver is drawn later, so an alarm never hides under a calm one', () => {
    const gravity = ['normal', 'unknown', 'stale', 'offline', 'fault', 'pre-alarm', 'alarm']
    fc.assert(
      fc.property(anyRows, fc.constantFrom(DETAIL_ZOOM - 1, DETAIL_ZOOM), (rows, zoom) => {
        const table = createDeviceTable()
        table.reset(rows)
        const ranks = [...pictureOf(table, zoom, DISTRICT).points.rows].map(at => gravity.indexOf(String(table.rows[at]?.[4])))
        expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
      }),
    )
  })
  test('close up, exactly the devices in view are points', () => {
    const view: Bounds = { west: 118.7, south: 31.8, east: 118.9, north: 31.95 }
    fc.assert(
      fc.property(anyRows, rows => {
        const table = createDeviceTable()
        table.reset(rows)
        const { cells, points } = pictureOf(table, DETAIL_ZOOM, view)
        const inView = table.rows.filter(
          ([, , lat, lon]) =>
            lat !== null && lon !== null && lon >= view.west && lon <= view.east && lat >= view.south && lat <= view.north,
        )
        expect(total(cells.believed) + total(cells.silent)).toBe(0)
        expect(new Set([...points.rows].map(at => table.rows[at]?.[0]))).toEqual(new Set(inView.map(one => one[0])))
      }),
    )
  })
  test('a district that has gone silent becomes hollow cells, and its alarms stay points', () => {
    const table = createDeviceTable()
    const silent = Array.from({ length: SILENT_POINTS_MAX + 1 }, (_, n) => row(`s-${n}`, n % 2 === 0 ? 'stale' : 'unknown'))
    table.reset([...silent, row('fire', 'alarm')])
    expect(countSilent(table)).toBe(SILENT_POINTS_MAX + 1)
    const { cells, points } = pictureOf(table, DETAIL_ZOOM - 1, DISTRICT)
    expect(total(cells.silent)).toBe(SILENT_POINTS_MAX + 1)
    expect([...points.rows].map(at => table.rows[at]?.[0])).toEqual(['fire'])
  })
  test('too many points: the calmest are left out, and counted', () => {
    const table = createDeviceTable()
    const crowd = Array.from({ length: POINTS_MAX + 5 }, (_, n) => row(`n-${n}`, 'normal'))
    table.reset([row('fire', 'alarm'), ...crowd])
    const { points } = pictureOf(table, DETAIL_ZOOM, DISTRICT)
    expect([points.count, points.leftOut]).toEqual([POINTS_MAX, 6])
    expect(table.rows[points.rows.at(-1) ?? -1]?.[0]).toBe('fire')
  })
})

test('picking on the grid finds what a look at every device finds', () => {
  const point = fc.tuple(fc.double({ min: 118.7, max: 118.75, noNaN: true }), fc.double({ min: 31.8, max: 31.85, noNaN: true }))
  fc.assert(
    fc.property(
      fc.array(point, { maxLength: 40 }),
      point,
      fc.double({ min: 0.0001, max: 0.02, noNaN: true }),
      (points, [lon, lat], within) => {
        const table = createDeviceTable()
        table.reset(points.map(([x, y], n) => row(`d-${n}`, 'fault', x, y)))
        const grid = createPickGrid(table, Uint32Array.from(points.keys()))
        const squash = Math.cos((lat * Math.PI) / 180)
        const distances = points.map(([x, y]) => Math.hypot((x - lon) * squash, y - lat))
        const nearest = Math.min(...distances)
        const found = grid.nearest(lon, lat, within)
        if (nearest > within * (1 + 1e-9)) expect(found).toBeNull()
        else if (nearest < within * (1 - 1e-9)) expect(distances[found ?? -1]).toBeCloseTo(nearest, 12)
      },
    ),
  )
})
