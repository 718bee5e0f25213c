// MEOKON frames: the cache in order, and every damaged byte refused.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decoder } from '../../ingest/decoders/meokon.ts'
import { asking } from './decoding.ts'

const file = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../fixtures/meokon', name))

test('cached records are history, only the last is of now and may alarm', () => {
  const { readings } = asking(decoder)('GIOT-GW/UL/x', file('pressure-low-with-cache.hex'))
  expect(readings.map(r => [r.ts, r.metrics['pressure_kpa'], r.flags.history ?? false, r.alarms.pressureLow])).toEqual([
    ['2025-12-31T23:40:00.000Z', 310, true, undefined],
    ['2025-12-31T23:50:00.000Z', 305, true, undefined],
    ['2026-01-01T00:00:00.000Z', 90, false, true],
  ])
})

test('no damaged byte and no cut gets through the sum', () => {
  const whole = Buffer.from(file('pressure-normal.hex').toString(), 'hex')
  for (let i = 0; i < whole.length; i++) {
    const damaged = Uint8Array.from(whole)
    damaged[i] = (damaged[i] ?? 0) ^ 0x10
    expect(asking(decoder)('in/meokon/a', damaged).rejected, `byte ${i}`).toBeDefined()
    expect(asking(decoder)('in/meokon/a', whole.subarray(0, i)).readings).toEqual([])
  }
})
