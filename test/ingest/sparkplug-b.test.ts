// Sparkplug B over a session: missing messages, aliases of an older birth, and every prefix and single damage of a payload.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decoder } from '../../ingest/decoders/sparkplug-b.ts'
import { readPayload } from '../../ingest/sparkplug-b/payload.ts'
import { asking, NOW_MS } from './decoding.ts'

const file = (name: string): Uint8Array => readFileSync(join(import.meta.dirname, '../fixtures/sparkplug-b', name))
const node = (type: string): string => `spBv1.0/G/${type}/N`

test('a jump of seq and an unknown alias are noted with what to do', () => {
  const ask = asking(decoder)
  ask(node('NBIRTH'), file('nbirth.bin'))
  const { readings, notes } = ask('spBv1.0/G/DDATA/N/d', file('ddata-historical.bin'))
  expect(readings).toEqual([])
  expect(notes ?? []).toEqual([])
  ask('spBv1.0/G/DBIRTH/N/d', file('dbirth.bin'))
  expect(ask('spBv1.0/G/DDATA/N/d', file('ddata-null.bin')).notes?.[0]?.reason).toMatch(/seq 5 does not follow 1.*rebirth/)
})

test('aliases of an older session are not used', () => {
  const ask = asking(decoder)
  ask(node('NBIRTH'), file('nbirth.bin'))
  ask('spBv1.0/G/DBIRTH/N/d', file('dbirth.bin'))
  expect(ask('spBv1.0/G/DDATA/N/d', file('ddata-by-alias.bin')).readings[0]?.alarms.levelLow).toBe(true)
  ask(node('NBIRTH'), file('nbirth.bin'))
  expect(ask('spBv1.0/G/DDATA/N/d', file('ddata-by-alias.bin')).rejected?.reason).toMatch(/no birth of this session/)
})

test('the death of a node takes its devices along', () => {
  const ask = asking(decoder)
  ask(node('NBIRTH'), file('nbirth.bin'))
  ask('spBv1.0/G/DBIRTH/N/d', file('dbirth.bin'))
  expect(ask(node('NDEATH'), file('ndeath.bin'), { atMs: NOW_MS }).readings.map(r => [r.deviceId, r.online])).toEqual([
    ['spb:G/N', false],
    ['spb:G/N/d', false],
  ])
})

test('no prefix and no damaged byte of a payload breaks the reader', () => {
  for (const name of ['nbirth.bin', 'dbirth.bin', 'ddata-by-alias.bin']) {
    const whole = file(name)
    for (let i = 0; i < whole.length; i++) {
      expect(() => readPayload(whole.subarray(0, i))).not.toThrow()
      for (const byte of [0, 0x7f, 0xff]) {
        const damaged = Uint8Array.from(whole)
        damaged[i] = byte
        asking(decoder)(node('NBIRTH'), damaged)
      }
    }
  }
  // lengths that claim more than there is
  expect(readPayload(Uint8Array.from([0x12, 0xff, 0xff, 0xff, 0xff, 0x0f]))).toBeUndefined()
  expect(readPayload(Uint8Array.from(Array.from({ length: 64 }, () => 0xff)))).toBeUndefined()
})
