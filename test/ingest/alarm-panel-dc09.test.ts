// Alarm panel lines: several in one chunk, every damaged character refused, codes that are no alarm.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
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
