// Tasmota and ESPHome beyond the sample payloads: topics of other families, names that only sound like an alarm, odd values.
import { expect, test } from 'vitest'
import { loadDecoders } from '../../ingest/catalogue.ts'
import { decoder } from '../../ingest/decoders/tasmota-esphome.ts'
import { asking, mutations } from './decoding.ts'

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
