// The building's picture against the table it is made of: no room is lost or doubled, only alarm floors are pulled out, nothing overlaps.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEVICE_CONDITIONS } from '#contracts/device.ts'
import { clearOf } from '../../dashboard/web/src/building/clear.ts'
import { ROOM_DEPTH, ROOM_WIDTH, sceneOf } from '../../dashboard/web/src/building/scene.ts'
import type { FloorRow, RoomCell } from '../../dashboard/web/src/incident/floors.ts'

const anyFloors = fc.tuple(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 34 })).chain(([columns, floors]) => {
  const cell = (floor: number, column: number): fc.Arbitrary<RoomCell | null> =>
    fc.option(
      fc.record({ condition: fc.constantFrom(...DEVICE_CONDITIONS, null), isAlarm: fc.boolean() }).map(({ condition, isAlarm }) => ({
        room: `${floor}-${column}`,
        condition,
        deviceIds: [`d-${floor}-${column}`],
        isAlarm,
      })),
      { freq: 4 },
    )
  const rows = Array.from({ length: floors }, (_, at) =>
    fc.record({
      floor: fc.constant(String(floors - at)),
      cells: fc.tuple(...Array.from({ length: columns }, (_empty, column) => cell(floors - at, column))),
      isAlarm: fc.boolean(),
    }),
  )
  return fc.record({
    columns: fc.constant(Array.from({ length: columns }, (_, at) => String(at))),
    floors: fc.tuple(...rows) as fc.Arbitrary<FloorRow[]>,
  })
})

test('every room with a device is drawn once, as it is; a room without one is not', () => {
  fc.assert(
    fc.property(anyFloors, floors => {
      const { rooms } = sceneOf(floors)
      const wanted = floors.floors.flatMap(({ cells }) => cells.filter(cell => cell !== null && cell.condition !== null))
      expect(
        rooms.map(({ room, condition, isAlarm }) => ({ room, condition, isAlarm })).toSorted((a, b) => a.room.localeCompare(b.room)),
      ).toEqual(
        wanted
          .map(cell => ({ room: cell!.room, condition: cell!.condition, isAlarm: cell!.isAlarm }))
          .toSorted((a, b) => a.room.localeCompare(b.room)),
      )
      for (const room of rooms) expect(room.isSilent).toBe(['offline', 'stale', 'unknown'].includes(room.condition))
    }),
    { numRuns: 40 },
  )
})

test('exactly the alarm floors are pulled out, clear of the building; floors keep their order', () => {
  fc.assert(
    fc.property(anyFloors, floors => {
      const { slabs, width, outBy } = sceneOf(floors)
      expect(slabs.filter(({ isEmpty }) => !isEmpty).map(({ floor }) => floor)).toEqual(
        floors.floors.map(({ floor }) => floor).toReversed(),
      )
      for (const [at, slab] of slabs.entries()) {
        expect(slab.x).toBe(slab.isAlarm ? outBy : 0)
        expect(slab.y).toBeGreaterThan(slabs[at - 1]?.y ?? -1)
      }
      expect(outBy).toBeGreaterThan(width / 2)
    }),
    { numRuns: 40 },
  )
})

test('no two rooms of a floor overlap, and none sticks out of its slab', () => {
  fc.assert(
    fc.property(anyFloors, floors => {
      const { rooms, slabs, width, depth } = sceneOf(floors)
      for (const slab of slabs) {
        const here = rooms.filter(room => room.floor === slab.floor)
        for (const [at, a] of here.entries()) {
          expect(Math.abs(a.x - slab.x) + ROOM_WIDTH / 2).toBeLessThanOrEqual(width / 2 + 1e-9)
          expect(Math.abs(a.z) + ROOM_DEPTH / 2).toBeLessThanOrEqual(depth / 2 + 1e-9)
          for (const b of here.slice(at + 1))
            expect(Math.abs(a.x - b.x) >= ROOM_WIDTH - 1e-9 || Math.abs(a.z - b.z) >= ROOM_DEPTH - 1e-9).toBe(true)
        }
      }
    }),
    { numRuns: 25 },
  )
})

test('storeys that nothing is known of stand in as empty ones, from the ground up; basements and names have their place', () => {
  const row = (floor: string): FloorRow => ({
    floor,
    isAlarm: floor === '5',
    cells: [{ room: `${floor}01`, condition: 'alarm', deviceIds: ['d'], isAlarm: true }],
  })
  const { slabs } = sceneOf({ columns: ['01'], floors: ['roof', '5', '3', 'B1'].map(row) })
  expect(slabs.map(({ floor, isEmpty }) => (isEmpty ? `(${floor})` : floor))).toEqual(['B1', '(1)', '(2)', '3', '(4)', '5', 'roof'])
})

test('no word lies over another, the first always stands, and one that is left out would have covered one before it', () => {
  const span = (max: number) => fc.integer({ min: 1, max })
  const box = fc.record({ x: span(200), y: span(200), width: span(60), height: span(30) })
  const over = (a: { x: number; y: number; width: number; height: number }, b: typeof a): boolean =>
    Math.abs(a.x - b.x) * 2 < a.width + b.width && Math.abs(a.y - b.y) * 2 < (a.height + b.height) * 0.8
  fc.assert(
    fc.property(fc.array(box, { minLength: 1, maxLength: 30 }), boxes => {
      const isClear = clearOf(boxes)
      expect(isClear[0]).toBe(true)
      for (const [at, one] of boxes.entries()) {
        const before = boxes.slice(0, at).filter((_, n) => isClear[n])
        expect(isClear[at]).toBe(!before.some(other => over(one, other)))
      }
    }),
  )
})
