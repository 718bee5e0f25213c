// Tasmota and ESPHome beyond the sample payloads: topics of other families, names that only sound like an alarm, odd values.
import { expect, test } from 'vitest'
import { createCatalogue, loadDecoders } from '../../ingest/catalogue.ts'
import { decoder } from '../../ingest/decoders/tasmota-esphome.ts'
import { asking, mutations, NOW_MS } from './decoding.ts'

test('topics of other families are left to them', async () => {
  const topics = [
    'homeassistant/status',
    'zigbee2mqtt/a/sensor/b/state',
    'shellies/a/status',
    'drone/status',
    'sys/product/x/status',
    'frigate/status',
  ]
  for (const topic of topics) expect(decoder.claims(topic), topic).toBe(false)
  const all = await loadDecoders()
  for (const topic of ['tele/a/SENSOR', 'a/binary_sensor/smoke/state', 'a/status', 'tele/a/b/LWT'])
    expect(all.filter(d => d.claims(topic)).map(d => d.family)).toEqual(['tasmota-esphome'])
})

test('names that only sound like an alarm raise none', () => {
  const ask = asking(decoder)
  for (const name of ['latest', 'fireplace', 'gas_valve', 'cold', 'contest'])
    expect(ask(`n/binary_sensor/${name}/state`, 'ON').readings[0]?.alarms, name).toEqual({})
  expect(ask('n/binary_sensor/kitchen_co/state', 'ON').readings[0]?.alarms).toEqual({ co: true })
  expect(ask('n/text_sensor/smoke/state', 'ON').readings[0]?.alarms).toEqual({})
})

test('a retained copy out of another broker is not news', () => {
  expect(asking(decoder)('n/binary_sensor/smoke/state', 'ON', { headers: { retained: 'true' } }).readings[0]?.flags).toEqual({
    retained: true,
  })
})

test('a zone whose type was learned keeps it; a name may tell it', () => {
  const ask = asking(decoder)
  const zb = (device: string, value: object) =>
    ask('tele/zb/SENSOR', { ZbReceived: { [device]: { Device: device, ...value } } }).readings[0]
  expect(zb('0x1', { ZoneStatus: 1, Name: 'smoke stairs' })?.alarms.smoke).toBe(true)
  zb('0x2', { ZoneType: 21 })
  expect(zb('0x2', { ZoneStatus: 1 })).toMatchObject({ kind: 'door', alarms: { tamper: false } })
})

test('odd values in every place give canonical readings or a reason', () => {
  const ask = asking(decoder)
  const full = {
    Time: '2026-01-01T00:00:00',
    DS18B20: { Temperature: 5 },
    ANALOG: { A0: 5 },
    Switch1: 'ON',
    ENERGY: { Power: 1, Voltage: 2 },
    TempUnit: 'F',
    ZbReceived: { '0x1': { Device: '0x1', ZoneStatus: 3, '0500<00': '0100', Temperature: 4, LinkQuality: 5, Fire: 1 } },
  }
  for (const odd of mutations(full)) ask('tele/a/SENSOR', odd)
  for (const odd of mutations({ Wifi: { Signal: -5 } })) ask('tele/a/STATE', odd)
})

test('Zigbee behind Tasmota, however it is told to publish: the address in the payload, in the topic, or the word in the topic', () => {
  const fire = { Device: '0x3D82', Name: 'Stairs', Fire: 1, ModelId: 'SMOK_V16', Endpoint: 1, LinkQuality: 99 }
  const forms: [string, object][] = [
    ['tele/zb/SENSOR', { ZbReceived: { '0x3D82': fire } }],
    ['tele/zb/3D82/SENSOR', { ZbReceived: { '0x3D82': fire } }],
    ['tele/zb/3D82/SENSOR', { ZbReceived: fire }],
    ['tele/zb/3D82/ZbReceived', { '0x3D82': fire }],
    ['tele/zb/3D82/ZbReceived', fire],
    ['tele/zb/ZbReceived', { ZbReceived: { '0x3D82': fire } }],
  ]
  for (const [topic, payload] of forms)
    expect(asking(decoder)(topic, payload).readings, topic).toMatchObject([
      { deviceId: 'tasmota:zb/0x3D82', kind: 'smoke', alarms: { smoke: true }, lqi: 99, source: { gateway: 'tasmota:zb' } },
    ])
  const { Device: _, ...nameless } = fire
  expect(asking(decoder)('tele/zb/3D82/ZbReceived', nameless).readings[0]?.deviceId).toBe('tasmota:zb/3D82')
})

test('an ESPHome prefix of several levels: its birth, will and log are known once it has spoken', async () => {
  const catalogue = createCatalogue({ decoders: await loadDecoders() })
  const ask = (topic: string, payload: string) =>
    catalogue.decode({ topic, payload: Buffer.from(payload), receivedAtMs: NOW_MS, retain: true })
  expect(ask('site/7/flat-3/status', 'offline').rejected?.code).toBe('unknown-topic')
  expect(ask('site/7/flat-3/binary_sensor/smoke/state', 'ON').readings[0]).toMatchObject({
    deviceId: 'esphome:site/7/flat-3',
    kind: 'smoke',
  })
  expect(ask('site/7/flat-3/status', 'offline').readings[0]).toMatchObject({
    deviceId: 'esphome:site/7/flat-3',
    kind: 'smoke',
    online: false,
  })
  expect(ask('site/7/flat-3/debug', '[D][sensor:094]: x').ignored).toBe('its log')
})
