// Sparkplug B over a session: missing messages, aliases of an older birth, and every prefix and single damage of a payload.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decoder } from '../../ingest/decoders/sparkplug-b.ts'
import { readPayload } from '../../ingest/sparkplug-b/payload.ts'
import { asking, NOW_MS } from './decoding.ts'
import { bytes, int, long, metric, number, payload, words, yes, type Given } from './sparkplug-payload.ts'

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

test('numbers below nothing, whether the data says of which type they are or the birth did', () => {
  const ask = asking(decoder)
  const born: Given[] = [
    { name: 'Outside', alias: 1, type: 3, unit: '°C', value: int(-7) },
    { name: 'Inside', alias: 2, type: 4, unit: '°C', value: long(-12) },
    { name: 'Roof', type: 1, unit: '°C', value: number(10, 0xfb) },
    { name: 'Offset', type: 2, value: number(10, 0xfff0) },
  ]
  expect(ask(node('NBIRTH'), payload(0, ...born)).readings[0]?.metrics).toEqual({
    outside_c: -7,
    inside_c: -12,
    roof_c: -5,
    offset_raw: -16,
  })
  const data: Given[] = [
    { alias: 1, value: int(-8) },
    { alias: 2, value: long(-13) },
    { name: 'Roof', value: number(10, 0xfa) },
    { name: 'Offset', value: number(10, 0xffef) },
  ]
  expect(ask(node('NDATA'), payload(1, ...data)).readings[0]?.metrics).toEqual({
    outside_c: -8,
    inside_c: -13,
    roof_c: -6,
    offset_raw: -17,
  })
})

test('metrics without alias, null, historical and live ones in one message', () => {
  const ask = asking(decoder)
  ask(
    node('NBIRTH'),
    payload(0, { name: 'Level', type: 10, unit: 'm', isNull: true }, { name: 'Fire Alarm', type: 11, value: number(14, 0) }),
  )
  const { readings } = ask(
    node('NDATA'),
    payload(
      1,
      { name: 'Level', isNull: true },
      { name: 'Fire Alarm', value: yes, historical: true, at: NOW_MS - 3_600_000 },
      { name: 'Level', value: number(10, 3) },
    ),
  )
  expect(readings.map(r => [r.flags.history ?? false, r.alarms, r.metrics])).toEqual([
    [false, {}, { level_m: 3 }],
    [true, { fire: true }, {}],
  ])
})

test('seq goes round at 255; a death by the will of this session, and none by an older one', () => {
  const ask = asking(decoder)
  ask(
    node('NBIRTH'),
    payload(0, { name: 'bdSeq', type: 8, value: long(4) }, { name: 'Pump Trip', alias: 9, type: 11, value: number(14, 0) }),
  )
  for (let seq = 1; seq <= 256; seq++) expect(ask(node('NDATA'), payload(seq % 256, { alias: 9, value: yes })).notes).toBeUndefined()
  expect(ask(node('NDEATH'), payload(undefined, { name: 'bdSeq', value: long(3) })).ignored).toMatch(/older session/)
  expect(ask(node('NDEATH'), payload(undefined, { name: 'bdSeq', value: long(4) })).readings).toMatchObject([
    { deviceId: 'spb:G/N', online: false },
  ])
})

test('data sets, templates and bytes are named as not read; what stands beside them is', () => {
  const ask = asking(decoder)
  const { readings, notes } = ask(
    node('NBIRTH'),
    payload(
      0,
      { name: 'Alarm log', type: 16, value: bytes(17, [8, 1]) },
      { name: 'Pump 1', type: 19, value: bytes(18, [8, 1]) },
      { name: 'Blob', type: 17, value: bytes(16, [1, 2]) },
      { name: 'Smoke Alarm', type: 11, value: yes },
    ),
  )
  expect(readings[0]?.alarms).toEqual({ smoke: true })
  expect(notes?.[0]?.reason).toBe(
    'not read: Alarm log (data set), Pump 1 (template), Blob (bytes); publish what is in them as metrics of their own',
  )
  expect(ask(node('NDATA'), payload(1, { name: 'Pump 1', value: bytes(18, [8, 1]) })).rejected?.reason).toMatch(/^not read: Pump 1/)
})

test('hundreds of metrics of one birth are all there', () => {
  const many = Array.from({ length: 300 }, (_, i): Given => ({ name: `Tag ${i}`, type: 10, unit: 'm', value: number(10, i) }))
  const { readings, notes } = asking(decoder)(node('NBIRTH'), payload(0, ...many))
  expect(readings.flatMap(r => Object.keys(r.metrics))).toHaveLength(300)
  expect(readings.filter(r => r.online === true)).toHaveLength(1)
  expect(notes).toBeUndefined()
})

test('compressed payloads are read; what would become too large or is broken is refused', () => {
  const plain = payload(0, { name: 'Fire Alarm', type: 11, value: yes })
  const packed = (body: Uint8Array, algorithm?: string): Uint8Array =>
    Uint8Array.from([
      ...words(4, 'SPBV1.0_COMPRESSED'),
      ...bytes(5, body),
      ...(algorithm === undefined ? [] : metric({ name: 'algorithm', type: 12, value: words(15, algorithm) })),
    ])
  for (const one of [packed(gzipSync(plain), 'GZIP'), packed(deflateSync(plain), 'DEFLATE'), packed(deflateSync(plain))])
    expect(asking(decoder)(node('NBIRTH'), one).readings[0]?.alarms).toEqual({ fire: true })
  for (const one of [packed(gzipSync(plain).subarray(0, 9), 'GZIP'), packed(gzipSync(Buffer.alloc(8 * 1024 * 1024)), 'GZIP')])
    expect(asking(decoder)(node('NBIRTH'), one).rejected?.code).toBe('decoder-failed')
})
