// What a device sees is told when it changes, and to everybody who has to know: also to one whose snapshot was taken between two changes.
import { expect, test } from 'vitest'
import type { Device } from '#contracts/device.ts'
import { createRows } from '../../dashboard/api/rows.ts'

const camera = (bearing: number, o: Partial<Device> = {}): Device => ({
  deviceId: 'cam-1',
  kind: 'camera',
  alarms: {},
  metrics: { view_bearing_deg: bearing },
  gaps: 0,
  readings: 1,
  ...o,
})

test('the same sight is told once; another one, and the first again, each time', () => {
  const rows = createRows(Date.now)
  expect(rows.sight(camera(10))).toEqual({ deviceId: 'cam-1', bearingDeg: 10 })
  expect(rows.sight(camera(10, { readings: 2 }))).toBeNull()
  expect(rows.sight(camera(20))?.bearingDeg).toBe(20)
  expect(rows.sight(camera(10))?.bearingDeg).toBe(10)
  expect(rows.sight(camera(10, { kind: 'smoke' }))).toBeNull()
  const drone = camera(10, { deviceId: 'uav-1', kind: 'drone' })
  for (let n = 0; n < 2; n += 1) expect(rows.sight(drone), 'its way goes on').not.toBeNull()
  rows.forget('cam-1')
  expect(rows.sight(camera(10))?.bearingDeg).toBe(10)
  rows.reset()
  expect(rows.sight(camera(10))?.bearingDeg).toBe(10)
})

test('a snapshot that shows what was not told yet makes the next word go out, though it is the last one told', () => {
  const rows = createRows(Date.now)
  rows.sight(camera(10))
  // it turned, a desk came and was shown that, and it turned back before anybody was told
  expect(rows.sightNow(camera(20))?.bearingDeg).toBe(20)
  expect(rows.sight(camera(10))?.bearingDeg).toBe(10)
  expect(rows.sightNow(camera(10))?.bearingDeg).toBe(10)
  expect(rows.sight(camera(10))).toBeNull()
})
