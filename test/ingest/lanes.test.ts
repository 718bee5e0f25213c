// Which lane the bytes take: an alarm of a family is never taken for bulk, and telemetry that raises nothing never for an alarm.
import { expect, test } from 'vitest'
import { loadDecoders } from '../../ingest/catalogue.ts'
import { createLanes } from '../../ingest/lanes.ts'
import { mulberry32 } from './mulberry32.ts'

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

test('hundreds in one read: each is judged as if it had come alone, in whatever order they are asked about', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const random = mulberry32(seed)
  const below = (bound: number): number => Math.floor(random() * bound)
  const pieces = [
    '"alarms"',
    ':',
    ' ',
    '{',
    '"smoke":true',
    '"test"',
    'true',
    '"state"',
    '"alarm"',
    '[',
    'x',
    '\\',
    '"',
    '21.5',
    '}',
    '\u00a0',
    't',
  ]
  const scan = laneOf('fire/v1/smoke/d1/telemetry')
  const found = new Set<string>()
  for (let round = 0; round < 60; round++) {
    const payloads = Array.from({ length: 1 + below(30) }, () =>
      Buffer.from(Array.from({ length: below(8) }, () => pieces[below(pieces.length)]).join(''), 'latin1'),
    )
    const alone = payloads.map(payload => scan(Buffer.from(payload), 0, payload.length))
    for (const one of alone) found.add(one)
    const all = Buffer.concat(payloads)
    const ends = payloads.map((_, i) => payloads.slice(0, i + 1).reduce((sum, p) => sum + p.length, 0))
    for (const pass of ['in order', 'anyhow']) {
      for (let n = 0; n < payloads.length; n++) {
        const i = pass === 'in order' ? n : below(payloads.length)
        const payload = payloads[i]!
        const together = scan(all, ends[i]! - payload.length, ends[i]!)
        expect(together, `SEED=${seed}, round ${round}, ${pass}, ${i}: ${payload.toString('latin1')}`).toBe(alone[i])
      }
    }
  }
  expect([...found].toSorted()).toEqual(['alarm', 'bulk'])
})

test('what no family claims may carry one', () => {
  expect(laneOf('nobody/knows')(Buffer.from('21.5'), 0, 4)).toBe('alarm')
  expect(laneOf('nobody/knows')(Buffer.from('21.5'), 0, 4)).toBe('alarm')
})
