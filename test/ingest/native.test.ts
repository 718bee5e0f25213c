// The native decoder where samples do not reach: clocks, contradictions, both forms of obscuration, sessions, words of errors.
import { describe, expect, test } from 'vitest'
import type { Reading } from '#contracts/reading.ts'
import { createCatalogue, loadDecoders } from '../../ingest/index.ts'

const decoders = await loadDecoders()
const AT = Date.parse('2026-01-01T00:00:10.000Z')

function decode(
  payload: object,
  o: { channel?: string; kind?: string; id?: string; at?: number; catalogue?: ReturnType<typeof createCatalogue> } = {},
) {
  const { channel = 'telemetry', kind = 'smoke', id = 's1', at = AT } = o
  const body = channel === 'status' ? payload : { v: 1, deviceId: 's1', kind: 'smoke', ...payload }
  const catalogue = o.catalogue ?? createCatalogue({ decoders })
  return catalogue.decode({
    topic: `fire/v1/${kind}/${id}/${channel}`,
    payload: Buffer.from(JSON.stringify(body)),
    receivedAtMs: at,
    retain: false,
  })
}
const one = (payload: object, o: Parameters<typeof decode>[1] = {}): Reading => {
  const { readings, rejected } = decode(payload, o)
  expect(rejected).toBeUndefined()
  expect(readings).toHaveLength(1)
  return readings[0] as Reading
}

describe('clocks', () => {
  test.each([
    ['24 h before arrival', AT - 86_400_000, 'device'],
    ['a ms more', AT - 86_400_001, 'server'],
    ['2 min after arrival', AT + 120_000, 'device'],
    ['a ms more after', AT + 120_001, 'server'],
  ])('%s', (_, ts, source) => {
    const reading = one({ ts })
    expect(reading.tsSource).toBe(source)
    expect(reading.ts).toBe(new Date(source === 'device' ? ts : AT).toISOString())
    expect(reading.deviceTs).toBe(source === 'device' ? undefined : new Date(ts).toISOString())
  })

  test('an alarm with a lying clock is kept, under server time, and seen', () => {
    const { readings, notes, rejected } = decode({ ts: '2012-06-01T08:00:00+08:00', alarms: { smoke: true } })
    expect(rejected).toBeUndefined()
    expect(readings[0]).toMatchObject({ ts: '2026-01-01T00:00:10.000Z', tsSource: 'server', deviceTs: '2012-06-01T08:00:00+08:00' })
    expect(readings[0]?.alarms.smoke).toBe(true)
    expect(notes).toEqual([{ code: 'clock-implausible', reason: expect.stringContaining('before arrival') as string, where: '/ts' }])
  })

  test('history may be old, never of the future', () => {
    expect(one({ ts: '2022-10-12T08:02:38Z', history: true })).toMatchObject({ tsSource: 'device', flags: { history: true } })
    expect(one({ ts: AT + 3_600_000, history: true }).tsSource).toBe('server')
  })

  test('no clock is no fault', () => {
    const { readings, notes } = decode({})
    expect(readings[0]?.tsSource).toBe('server')
    expect(readings[0]).not.toHaveProperty('deviceTs')
    expect(notes).toBeUndefined()
  })

  test('a leap second and lower case are times', () => {
    const at = Date.parse('2017-01-01T00:00:05Z')
    expect(one({ ts: '2016-12-31t23:59:60z' }, { at }).ts).toBe('2017-01-01T00:00:00.000Z')
  })

  test('epoch seconds are rejected, and an active alarm in them is cried out', () => {
    const { rejected } = decode({ ts: 1_338_508_800, alarms: { fire: true } })
    expect(rejected?.code).toBe('schema-violation')
    expect(rejected?.where).toBe('/ts')
    expect(rejected?.reason).toContain('1500000000000')
    expect(rejected?.reason).toContain('ACTIVE ALARM')
    expect(decode({ ts: 1_338_508_800, alarms: { fire: false } }).rejected?.reason).not.toContain('ACTIVE ALARM')
  })
})

describe('smoke', () => {
  test('either form of obscuration gives the other', () => {
    const table = [
      [0.05, 1.14],
      [0.15, 3.39],
      [0.11, 2.5],
    ]
    for (const [db = 0, pct = 0] of table) {
      expect(one({ smoke: { obscurationDbPerM: db } }).metrics['obscuration_pct_per_m']).toBeCloseTo(pct, 2)
      const back = one({ smoke: { obscurationPctPerM: 100 * (1 - 10 ** (-db / 10)) } })
      expect(back.metrics['obscuration_db_per_m']).toBeCloseTo(db, 9)
    }
  })
  test('100 %/m has no dB/m', () => {
    expect(one({ smoke: { obscurationPctPerM: 100 } }).metrics).toEqual({ obscuration_pct_per_m: 100 })
  })
  test.each([
    ['alarm', { smoke: true }],
    ['pre-alarm', { preAlarm: true }],
    ['normal', { smoke: false }],
    ['fault', { fault: true }],
    ['silenced', { silenced: true }],
    ['shielded', { shielded: true }],
    ['test', { test: true }],
  ])('state %s', (state, alarms) => expect(one({ smoke: { state } }).alarms).toEqual(alarms))
  test('state test marks the reading a test', () => expect(one({ smoke: { state: 'test' } }).flags).toEqual({ test: true }))
  test('a contradiction is an alarm and a note', () => {
    const { readings, notes } = decode({ alarms: { smoke: false }, smoke: { state: 'alarm' } })
    expect(readings[0]?.alarms.smoke).toBe(true)
    expect(notes?.[0]?.where).toBe('/smoke/state')
  })
  test('flags that were not given stay absent', () =>
    expect(one({ smoke: { temperatureC: 0 } })).toMatchObject({ metrics: { temperature_c: 0 }, alarms: {} }))
})

describe('refusals name the place', () => {
  test.each<[string, object, string, RegExp]>([
    ['unknown key', { fire: true }, '/', /no property "fire"; allowed: v, msgId/],
    ['unknown key inside', { smoke: { ppm: 1 } }, '/smoke', /\/smoke has no property "ppm"; allowed: obscurationDbPerM/],
    ['unit', { metrics: { temperature: 21 } }, '/metrics', /name "temperature" must match/],
    ['range', { smoke: { humidityPct: 120 } }, '/smoke/humidityPct', /must be <= 100, is 120/],
    ['enum', { smoke: { state: 'burning' } }, '/smoke/state', /one of \["normal","pre-alarm"/],
  ])('%s', (_, payload, where, reason) => {
    const { rejected } = decode(payload)
    expect(rejected).toMatchObject({ code: 'schema-violation', where })
    expect(rejected?.reason).toMatch(reason)
  })
  test('no password in any reason', () => {
    const payload = { kind: 'camera', camera: { streamUrl: 'rtsp://admin:hunter2@10.0.0.1/1' } }
    expect(JSON.stringify(decode(payload, { kind: 'camera' }))).not.toContain('hunter2')
  })
  test('another id, another kind, another topic', () => {
    expect(decode({}, { id: 's2' }).rejected).toMatchObject({ code: 'device-id-mismatch', where: '/deviceId' })
    expect(decode({}, { kind: 'heat' }).rejected).toMatchObject({ code: 'kind-mismatch', where: '/kind' })
    expect(decode({}, { kind: 'dragon' }).rejected?.code).toBe('unknown-topic')
    expect(decode({}, { channel: 'cmd' }).ignored).toBeDefined()
    expect(decode({}, { channel: 'ack' }).ignored).toBeDefined()
  })
  test('broken JSON says where', () => {
    const catalogue = createCatalogue({ decoders })
    const reason = (text: string) =>
      catalogue.decode({ topic: 'fire/v1/smoke/s1/telemetry', payload: Buffer.from(text), receivedAtMs: AT, retain: false }).rejected
    expect(reason('{"v":1,"kind":smoke}')).toMatchObject({ code: 'json-invalid', reason: expect.stringContaining('position 14') as string })
    expect(reason('{"v":1,\n "kind":}')?.reason).toContain('(line 2 column 9)')
    expect(reason('{"v":1')?.reason).toMatch(/ends too early at position 6/)
    expect(reason('hello')?.reason).toContain('position 0')
    expect(reason('{} x')?.reason).toMatch(/follows the end .* position 3/)
  })
  test('0/0 is a position-invalid', () =>
    expect(decode({ position: { lat: 0, lon: 0 } }).rejected).toMatchObject({ code: 'position-invalid', where: '/position' }))
})

describe('presence', () => {
  test('a late will of an old session is ignored, its own counts, and memory survives a restart', () => {
    const first = createCatalogue({ decoders })
    const status = (payload: object, catalogue: typeof first) => decode({ v: 1, ...payload }, { channel: 'status', catalogue })
    expect(status({ online: true, session: 'b' }, first).readings[0]).toMatchObject({ online: true, metrics: {}, alarms: {} })
    const rows = first.dirty().flatMap(([key, json]) => (json === null ? [] : [[key, json] as [string, string]]))
    const second = createCatalogue({ decoders, rows })
    expect(status({ online: false, session: 'a', reason: 'will' }, second).ignored).toMatch(/older session/)
    expect(status({ online: false, session: 'b', reason: 'will', ts: '2025-06-01T00:00:00Z' }, second)).toMatchObject({
      readings: [{ online: false, tsSource: 'server', deviceTs: '2025-06-01T00:00:00Z' }],
    })
  })
  test('a cleared retained message says nothing', () => {
    const catalogue = createCatalogue({ decoders })
    const cleared = catalogue.decode({ topic: 'fire/v1/smoke/s1/status', payload: new Uint8Array(), receivedAtMs: AT, retain: true })
    expect(cleared).toMatchObject({ readings: [], ignored: expect.any(String) as string })
  })
  test('about with a bad position keeps the rest', () => {
    const { readings, notes } = decode({ name: 'Lobby', position: { lat: 0, lon: 0 } }, { channel: 'about' })
    expect(readings[0]).toMatchObject({ about: { name: 'Lobby' } })
    expect(readings[0]).not.toHaveProperty('position')
    expect(notes?.[0]).toMatchObject({ code: 'position-invalid', where: '/position' })
  })
  test('retain on a publish does not make a reading old', () => {
    const payload = Buffer.from(JSON.stringify({ v: 1, deviceId: 's1', kind: 'smoke', alarms: { smoke: true } }))
    const { readings } = createCatalogue({ decoders }).decode({ topic: 'fire/v1/smoke/s1/event', payload, receivedAtMs: AT, retain: true })
    expect(readings[0]?.flags).toEqual({})
  })
})

test('GCJ-02 and BD-09 become WGS84, CGCS2000 stays', () => {
  const at = (crs: string) => one({ position: { lat: 31.9537, lon: 118.8483, crs } }).position
  expect(at('CGCS2000')).toMatchObject({ lat: 31.9537, lon: 118.8483, crsWas: 'CGCS2000' })
  expect(at('GCJ02')?.lat).toBeCloseTo(31.95583, 4)
  expect(at('BD09')?.crsWas).toBe('BD09')
  expect(Math.abs((at('BD09')?.lon ?? 0) - 118.8483)).toBeGreaterThan(0.005)
})

test('a siren that a camera hears is the sound of an alarm, not an alarm of its own', () => {
  const reading = one(
    { kind: 'camera', camera: { audio: ['smoke-detector'], detections: [{ class: 'fire', confidence: 0.9 }] } },
    { kind: 'camera' },
  )
  expect(reading.alarms).toEqual({ soundOfAlarm: true })
  expect(reading.detections).toHaveLength(1)
})
