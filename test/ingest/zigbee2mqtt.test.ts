// The Zigbee2MQTT decoder by the documented format: topics, coercions, last_seen forms, learned definitions, cached states.
import { beforeEach, describe, expect, test } from 'vitest'
import { createCatalogue, loadDecoders, type Catalogue } from '../../ingest/index.ts'

const decoders = await loadDecoders()
const AT = Date.parse('2026-01-01T00:00:10.000Z')
let catalogue: Catalogue
beforeEach(() => {
  catalogue = createCatalogue({ decoders })
})
const decode = (topic: string, payload: unknown, atMs = AT) =>
  catalogue.decode({
    topic,
    payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    receivedAtMs: atMs,
    retain: false,
  })
const one = (topic: string, payload: unknown, atMs = AT) => {
  const decoded = decode(topic, payload, atMs)
  expect(decoded.rejected).toBeUndefined()
  expect(decoded.readings).toHaveLength(1)
  return decoded.readings[0]
}

describe('topics', () => {
  test.each([
    ['zigbee2mqtt/Smoke', 'z2m:Smoke'],
    ['zigbee2mqtt/楼道/3 层', 'z2m:楼道/3 层'],
    ['zigbee2mqtt-b2/Smoke', 'z2m:zigbee2mqtt-b2/Smoke'],
    ['site/7/zigbee2mqtt/Smoke', 'z2m:site/7/zigbee2mqtt/Smoke'],
  ])('%s', (topic, deviceId) => expect(one(topic, { smoke: false })?.deviceId).toBe(deviceId))
  test.each([
    'Smoke/set',
    'Smoke/get',
    'Smoke/set/alarm',
    'a/b/get',
    'bridge/logging',
    'bridge/info',
    'bridge/request/restart',
    'bridge/config',
  ])('%s is ignored', rest => expect(decode(`zigbee2mqtt/${rest}`, { state: '' }).ignored).toBeDefined())
  test('a bare value on a device of no such attribute is rejected', () => {
    expect(decode('zigbee2mqtt/Smoke', 'ON').rejected?.code).toBe('json-invalid')
    expect(decode('zigbee2mqtt/hall/mood', 'calm').rejected?.code).toBe('json-invalid')
  })
})

describe('values', () => {
  test.each([true, 'true', 'ON', 'on', 1, '1', 'alarm'])('smoke: %j is an alarm', value =>
    expect(one('zigbee2mqtt/s', { smoke: value })?.alarms).toEqual({ smoke: true, fire: true }),
  )
  test.each([false, 'false', 'OFF', 0, '0', 'normal'])('smoke: %j is none', value =>
    expect(one('zigbee2mqtt/s', { smoke: value })?.alarms).toEqual({ smoke: false, fire: false }),
  )
  test('null, "" and words are not false', () => {
    expect(one('zigbee2mqtt/s', { smoke: null, tamper: '', test: 'maybe' })?.alarms).toEqual({})
    expect(decode('zigbee2mqtt/s', { test: 'maybe' }).notes?.[0]).toMatchObject({ where: '/test' })
  })
  test('flags by their documented names', () => {
    const payload = {
      carbon_monoxide: true,
      water_leak: 'ON',
      gas_alarm_2: true,
      gas_alarm_1: false,
      trouble: true,
      ac_status: true,
      silence: 'ON',
    }
    expect(one('zigbee2mqtt/x', payload)?.alarms).toEqual({
      co: true,
      leak: true,
      gas: true,
      fault: true,
      mainPowerFault: true,
      silenced: true,
    })
  })
  test('what looks like a test and is none', () => {
    const reading = one('zigbee2mqtt/s', { smoke: true, self_test_result: 'checking', test_mode: 'OFF' })
    expect(reading?.flags).toEqual({})
    expect(reading?.state).toEqual({ self_test_result: 'checking', test_mode: 'OFF' })
  })
  test('two alarms of one zone', () => expect(one('zigbee2mqtt/s', { smoke_alarm_1: false, smoke_alarm_2: true })?.alarms.smoke).toBe(true))
  test('smoke density is raw, ppm or dB/m, never mixed', () => {
    expect(one('zigbee2mqtt/s', { smoke_density: 7 })?.metrics).toEqual({ smoke_density_raw: 7 })
    expect(one('zigbee2mqtt/s', { smoke_concentration: 7 })?.metrics).toEqual({ smoke_concentration_ppm: 7 })
    expect(one('zigbee2mqtt/s', { smoke_density_dbm: 0.11 })?.metrics['obscuration_pct_per_m']).toBeCloseTo(2.5, 2)
  })
  test('voltage is mV of a battery or V of the mains', () => {
    expect(one('zigbee2mqtt/s', { voltage: 3075, battery: '100.00' })).toMatchObject({ metrics: { battery_v: 3.075 }, batteryPct: 100 })
    expect(one('zigbee2mqtt/plug', { voltage: 229, power: 12, current: 0.06 })?.metrics).toEqual({
      mains_v: 229,
      power_w: 12,
      current_a: 0.06,
    })
  })
  test('what is out of range is not a percentage', () => {
    const reading = one('zigbee2mqtt/s', { battery: 255, linkquality: 300 })
    expect(reading).not.toHaveProperty('batteryPct')
    expect(reading?.metrics).toEqual({ battery_raw: 255, linkquality_raw: 300 })
  })
  test('an SOS button is a manual call', () => expect(one('zigbee2mqtt/b', { action: 'emergency' })?.alarms).toEqual({ manualCall: true }))
})

describe('last_seen', () => {
  test.each<[string, unknown, string, string]>([
    ['ISO_8601', '2026-01-01T00:00:09.500Z', 'gateway', '2026-01-01T00:00:09.500Z'],
    ['ISO_8601_local', '2026-01-01T08:00:09+08:00', 'gateway', '2026-01-01T00:00:09.000Z'],
    ['epoch', AT - 500, 'gateway', '2026-01-01T00:00:09.500Z'],
    ['relative', '2 minutes ago', 'server', '2026-01-01T00:00:10.000Z'],
  ])('%s', (_, last_seen, tsSource, ts) => expect(one('zigbee2mqtt/s', { smoke: true, last_seen })).toMatchObject({ tsSource, ts }))
  test('a gateway with a wrong clock still alarms', () => {
    const { readings, notes } = decode('zigbee2mqtt/s', { smoke: true, last_seen: '2020-01-01T00:00:00Z' })
    expect(readings[0]).toMatchObject({ tsSource: 'server', deviceTs: '2020-01-01T00:00:00Z', flags: {} })
    expect(notes?.[0]?.code).toBe('clock-implausible')
  })
})

describe('cached states', () => {
  test('the same contact published again is stale; a new alarm in it is not', () => {
    const payload = { smoke: false, battery: 90, last_seen: AT - 3_600_000 }
    expect(one('zigbee2mqtt/s', payload)?.flags).toEqual({})
    expect(one('zigbee2mqtt/s', payload, AT + 60_000)?.flags).toEqual({ stale: true })
    expect(one('zigbee2mqtt/s', { ...payload, smoke: true }, AT + 70_000)?.flags).toEqual({})
    expect(one('zigbee2mqtt/s', { ...payload, smoke: true, last_seen: AT + 80_000 }, AT + 80_000)?.flags).toEqual({})
  })
  test('without last_seen: the same content just after the gateway came up', () => {
    expect(one('zigbee2mqtt/s', { smoke: true, linkquality: 3 })?.flags).toEqual({})
    expect(one('zigbee2mqtt/s', { smoke: true, linkquality: 9 }, AT + 3_000)?.flags).toEqual({})
    one('zigbee2mqtt/bridge/state', { state: 'online' }, AT + 60_000)
    expect(one('zigbee2mqtt/s', { smoke: true, linkquality: 5 }, AT + 61_000)?.flags).toEqual({ stale: true })
    expect(one('zigbee2mqtt/s', { smoke: true, linkquality: 5 }, AT + 120_000)?.flags).toEqual({})
  })
})

describe('learning', () => {
  const device = (definition: object) => [{ friendly_name: 'd1', definition }]
  test('a definition decides kind and units, also after a restart', () => {
    const exposes = [{ property: 'smoke' }, { property: 'gas_value', unit: 'ppm' }, { features: [{ property: 'depth', unit: 'cm' }] }]
    expect(
      decode('zigbee2mqtt/bridge/devices', device({ model: 'X1', vendor: 'V', description: 'Heat detector', exposes })).control,
    ).toMatch(/^1 /)
    const rows = catalogue.dirty().flatMap(([key, json]) => (json === null ? [] : [[key, json] as [string, string]]))
    catalogue = createCatalogue({ decoders, rows })
    const reading = one('zigbee2mqtt/d1', { smoke: true, gas_value: 5, depth: 250 })
    expect(reading).toMatchObject({ kind: 'heat', alarms: { heat: true }, metrics: { gas_value_ppm: 5, depth_m: 2.5 } })
    expect(reading?.about).toEqual({ model: 'X1', manufacturer: 'V' })
  })
  test('a rename carries it over', () => {
    decode('zigbee2mqtt/bridge/devices', device({ exposes: [{ property: 'carbon_monoxide' }] }))
    decode('zigbee2mqtt/bridge/response/device/rename', { data: { from: 'd1', to: 'd2' }, status: 'ok' })
    expect(one('zigbee2mqtt/d2/availability', 'offline')).toMatchObject({ kind: 'co', online: false })
  })
  test('the kind is what this message shows, else what earlier ones showed', () => {
    expect(one('zigbee2mqtt/x', { gas: false })?.kind).toBe('gas')
    expect(one('zigbee2mqtt/x', { temperature: 20 })?.kind).toBe('gas')
    expect(one('zigbee2mqtt/x', { water_leak: false })?.kind).toBe('water-leak')
    expect(one('zigbee2mqtt/never/availability', { state: 'online' })?.kind).toBe('other')
  })
  test('attribute output is put together by its topic', () => {
    expect(one('zigbee2mqtt/hall/smoke', 'true')).toMatchObject({ deviceId: 'z2m:hall', kind: 'smoke', alarms: { smoke: true } })
    expect(one('zigbee2mqtt/hall/temperature', '21.5')).toMatchObject({
      deviceId: 'z2m:hall',
      kind: 'smoke',
      metrics: { temperature_c: 21.5 },
    })
    expect(one('zigbee2mqtt/hall/update-state', 'idle')?.state).toEqual({ 'update-state': 'idle' })
    expect(decode('zigbee2mqtt/hall/temperature', '').ignored).toBeDefined()
  })
})
