// Alarm panel lines: several in one chunk, every damaged character refused, codes that are no alarm.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeLine } from '../../ingest/alarm-panel-dc09/line.ts'
import { siaEvents } from '../../ingest/alarm-panel-dc09/sia.ts'
import { decoder } from '../../ingest/decoders/alarm-panel-dc09.ts'
import { asking } from './decoding.ts'

const TOPIC = 'in/alarm-panel-dc09/x'
const file = (name: string): string => readFileSync(join(import.meta.dirname, '../fixtures/alarm-panel-dc09', name), 'utf8')

test('lines that arrive together are read one by one; a broken one is noted', () => {
  const { readings, notes } = asking(decoder)(TOPIC, file('fire-zone.txt') + file('bad-crc.txt') + file('heartbeat.txt'))
  expect(readings.map(r => [r.deviceId, r.alarms.fire ?? r.online])).toEqual([
    ['dc09:1234/012', true],
    ['dc09:1234', true],
  ])
  expect(notes?.[0]?.reason).toMatch(/^crc/)
})

test('no damaged character and no cut is read as an event', () => {
  const line = file('fire-zone.txt').trim()
  for (let i = 0; i < line.length; i++) {
    const damaged = `${line.slice(0, i)}${line[i] === '7' ? '8' : '7'}${line.slice(i + 1)}`
    expect(asking(decoder)(TOPIC, damaged).readings, `character ${i}`).toEqual([])
    expect(asking(decoder)(TOPIC, line.slice(0, i)).readings).toEqual([])
  }
})

test('opening, closing and users are state, not alarms', () => {
  expect(asking(decoder)(TOPIC, file('armed.txt')).readings[0]?.alarms).toEqual({})
})

test('only a chunk of nothing but NULL lines is scanned as none', () => {
  const scan = (text: string): boolean | undefined => decoder.mayCarryAlarm?.(Buffer.from(text))
  expect(scan(file('heartbeat.txt'))).toBe(false)
  expect(scan(file('heartbeat.txt') + file('fire-zone.txt'))).toBe(true)
})

test('a clock that is right in some zone is not told as wrong; one that is right in none is', () => {
  const at = (atMs: number) => asking(decoder)(TOPIC, file('fire-zone.txt'), { atMs }).readings[0]?.deviceTs
  const lineMs = Date.parse('2026-01-01T08:00:05Z')
  for (const zoneH of [0, 8, -5, 5.75]) expect(at(lineMs - zoneH * 3_600_000), String(zoneH)).toBeUndefined()
  for (const offMs of [420_000, 20 * 3_600_000, 86_400_000 * 365]) expect(at(lineMs + offMs)).toBe('08:00:05,01-01-2026')
})

const read = (body: string) => asking(decoder)(TOPIC, encodeLine(body))

test.each([
  // forms that panels in the field send: with and without account in front, with area, text, several in one
  ['"SIA-DCS"7960L0#123456[#123456|Nri1CL0^FRONT DOOR ^]', ['123456'], { event: 'CL', area: '1' }, {}, 'FRONT DOOR'],
  ['"SIA-DCS"8070L0#123456[#123456|Nri0KR1^ROOM 1 ^]', ['123456/001'], { event: 'KR' }, { heat: false, fault: false }, 'ROOM 1'],
  ['"SIA-DCS"4738R0001L0001[#006969|Nri04/OP001NM]', ['006969/001'], { event: 'OP', area: '04' }, {}, undefined],
  ['"SIA-DCS"6002L0#AAA[|Nri1/FA501][M0026B9E4268B]', ['AAA/501'], { event: 'FA', area: '1' }, { fire: true }, undefined],
  ['"SIA-DCS"9876R579BDFL789ABC#12345A[#12345A|NFA129]', ['12345A/129'], { event: 'FA' }, { fire: true }, undefined],
  ['"SIA-DCS"0001L0#AAA[#AAA|Nti10:23ri2/GA007/FT008]', ['AAA/007', 'AAA/008'], { event: 'GA', area: '2' }, { gas: true }, undefined],
  ['"SIA-DCS"0001L0#AAA[#AAA|Nri1/SA004]', ['AAA/004'], { event: 'SA' }, { fire: true }, undefined],
  ['"SIA-DCS"0001L0#AAA[#AAA|Nri1/FX004]', ['AAA/004'], { event: 'FX' }, { test: true }, undefined],
  ['"SIA-DCS"0001L0#AAA[#AAA|Nri1/FC004]', ['AAA/004'], { event: 'FC' }, { fire: false }, undefined],
  ['"SIA-DCS"0001L0#AAA[#AAA|Nri1/UA004]', ['AAA/004'], { event: 'UA' }, { preAlarm: true }, undefined],
  ['"SIA-DCS"0001L0#AAA[#AAA|Nri1/BA004]', ['AAA/004'], { event: 'BA' }, {}, undefined],
  ['"SIA-DCS"0001L0#AAA[#AAA|OFA004]', ['AAA/004'], { event: 'FA', old: true }, { fire: true }, undefined],
])('%s', (body, devices, state, alarms, text) => {
  const { readings } = read(body)
  expect(readings.map(r => r.deviceId)).toEqual(devices.map(name => `dc09:${name}`))
  expect(readings[0]).toMatchObject({ state, ...(text !== undefined && { text }) })
  expect(readings[0]?.alarms).toEqual(alarms)
})

test('an automatic test report says that the panel is there, and puts nothing under test', () => {
  expect(read('"SIA-DCS"0001L0#AAA[#AAA|Nri1/RP0000]').readings[0]).toMatchObject({
    deviceId: 'dc09:AAA',
    online: true,
    alarms: {},
    flags: {},
  })
})

test('what is shown as text is no event, whatever it spells', () => {
  expect(siaEvents("Nri1/BA015*'FAN 3/FA022'NM^/FA023^").map(e => e.code)).toEqual(['BA'])
})

test('extended data: text in the characters of the panel, where and when; no hash, no address', () => {
  const line =
    '"ADM-CID"0007R0L0#1234[#1234|1110 00 012][IK\u00fcche][L2. Stock][O\u00c3\u00a9t\u00c3\u00a9][H08:00:01,01-01-2026][M0026B9E4268B][A0123456789AB]'
  const [reading] = read(line).readings
  expect(reading).toMatchObject({ text: 'K\u00fcche', alarms: { fire: true } })
  expect(reading?.state).toEqual({
    event: '110',
    qualifier: '1',
    partition: '00',
    location: '2. Stock',
    building: '\u00e9t\u00e9',
    occurredAt: '08:00:01,01-01-2026',
  })
})

test('no text takes long to read', () => {
  const started = performance.now()
  for (const piece of ['a', 'aa1', 'ri1', 'N', "*'", '^', '/', '][', 'ri1:'])
    read(`"SIA-DCS"0001L0#AAA[#AAA|N${piece.repeat(Math.floor(500 / piece.length))}]`)
  expect(performance.now() - started).toBeLessThan(2_000)
})

test.each([
  // qualifier and code of Contact-ID, and what is to become of it: resets are no faults, tests are tests, what is over is over
  ['1140', { preAlarm: true }],
  ['3140', { preAlarm: false }],
  ['1147', { fault: true }],
  ['1159', { supervisory: true }],
  ['1305', {}],
  ['1306', {}],
  ['1313', {}],
  ['3342', { mainPowerFault: false }],
  ['1338', { lowBattery: true }],
  ['1344', { lineFault: true }],
  ['1373', { fault: true }],
  ['3373', { fault: false }],
  ['1385', { chamberDirty: true }],
  ['1391', { fault: true }],
  ['1521', { shielded: true }],
  ['3571', { shielded: false }],
  ['1605', {}],
  ['1614', { test: true }],
  ['1912', { silenced: true }],
  ['1926', { mainPowerFault: true }],
  ['1401', {}],
])('Contact-ID %s', (code, alarms) => {
  const { readings } = read(`"ADM-CID"0001L0#AAA[#AAA|${code} 01 004]`)
  expect(readings.map(r => [r.deviceId, r.alarms])).toEqual([['dc09:AAA/004', alarms]])
  expect(readings[0]?.flags.test).toBe('test' in alarms ? true : undefined)
})

test.each([
  ['ZA004', { supervisory: true }],
  ['ZR004', { supervisory: false, fault: false }],
  ['ZY004', {}],
  ['QA004', { manualCall: true }],
  ['QH004', { manualCall: false }],
  ['YM', { backupPowerFault: true }],
  ['YR', { lowBattery: false, backupPowerFault: false }],
  ['YX', { fault: true }],
  ['YZ', { fault: false }],
  ['OU003', { fault: true }],
  ['OV003', { fault: false }],
  ['XQ001', { lineFault: true }],
  ['XH001', { lineFault: false }],
  ['XJ001', { tamper: false }],
  ['UX', { preAlarm: true }],
  ['FI001', { test: true }],
  ['FK001', { test: false }],
  ['FZ001', { fault: true }],
  ['CL001', {}],
])('SIA %s', (code, alarms) => {
  expect(read(`"SIA-DCS"0001L0#AAA[#AAA|Nri1/${code}]`).readings.map(r => r.alarms)).toEqual([alarms])
})
