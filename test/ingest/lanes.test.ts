// Which lane the bytes take: an alarm of a family is never taken for bulk, and telemetry that raises nothing never for an alarm.
import { expect, test } from 'vitest'
import { loadDecoders } from '../../ingest/catalogue.ts'
import { createLanes } from '../../ingest/lanes.ts'

const laneOf = createLanes(await loadDecoders())
/** As at the door: the payload lies between other bytes, which say the opposite of "bulk". */
function native(payload: object | string): string {
  const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
  const others = Buffer.from('"alarms":{"smoke":true},"state":"alarm"\\')
  const all = Buffer.concat([others, bytes, others])
  const found = laneOf('fire/v1/smoke/d1/telemetry')(all, others.length, others.length + bytes.length)
  expect(laneOf('fire/v1/smoke/d1/telemetry')(Uint8Array.from(bytes), 0, bytes.length)).toBe(found)
  return found
}

const QUIET = { v: 1, deviceId: 'd1', kind: 'smoke', ts: '2026-01-01T10:30:00Z', seq: 3, power: { batteryPct: 91 } }

test.each([
  ['nothing but numbers', { ...QUIET, metrics: { temperature_c: 21.5 } }],
  ['all flags false', { ...QUIET, alarms: { smoke: false, heat: false }, smoke: { state: 'normal', chamber: 'ok' } }],
  ['what is true is no alarm', { ...QUIET, power: { mainsOk: true }, history: true, alarms: { smoke: false } }],
  ['nothing seen, nothing heard', { ...QUIET, camera: { detections: [], audio: [] } }],
])('bulk: %s', (_, payload) => {
  expect(native(payload)).toBe('bulk')
  expect(native(JSON.stringify(payload, null, 2))).toBe('bulk')
})

test.each([
  ['a flag', { ...QUIET, alarms: { heat: false, smoke: true } }],
  ['a flag behind others that are true', { ...QUIET, power: { mainsOk: true }, alarms: { fault: true } }],
  ['a state', { ...QUIET, smoke: { state: 'pre-alarm' } }],
  ['a dirty chamber', { ...QUIET, smoke: { chamber: 'dirty' } }],
  ['a test', { ...QUIET, test: true }],
  ['something seen', { ...QUIET, drone: { camera: { detections: [{ class: 'fire' }] } } }],
  ['something heard', { ...QUIET, camera: { audio: ['smoke-detector'] } }],
])('alarm: %s', (_, payload) => {
  expect(native(payload)).toBe('alarm')
  expect(native(JSON.stringify(payload, null, 2))).toBe('alarm')
})

test('an escape could spell anything', () => {
  expect(native('{"kind":"smoke","\\u0061larms":{"smoke":true}}')).toBe('alarm')
  expect(native('{"smoke":{"state":"\\u0061larm"}}')).toBe('alarm')
})

test('what no family claims may carry one', () => {
  expect(laneOf('nobody/knows')(Buffer.from('21.5'), 0, 4)).toBe('alarm')
  expect(laneOf('nobody/knows')(Buffer.from('21.5'), 0, 4)).toBe('alarm')
})
