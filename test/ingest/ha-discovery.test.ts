// Home Assistant discovery: which templates are paths, what a changed config leaves of others, odd values.
import { expect, test } from 'vitest'
import { createCatalogue, loadDecoders } from '../../ingest/catalogue.ts'
import { decoder } from '../../ingest/decoders/ha-discovery.ts'
import { pathOf } from '../../ingest/ha-discovery/config.ts'
import { asking, mutations, NOW_MS } from './decoding.ts'

test('only plain paths are understood', () => {
  expect(pathOf('{{ value_json.a.b }}')).toEqual(['a', 'b'])
  expect(pathOf(`{{value_json['a b']["c"].d}}`)).toEqual(['a b', 'c', 'd'])
  expect(pathOf('{{ value }}')).toEqual([])
  expect(pathOf(undefined)).toEqual([])
  for (const template of [
    '{{ value_json.a | float }}',
    '{% if a %}',
    '{{ value_json.a }}{{ value_json.b }}',
    '{{ value_json[0] }}',
    'x',
    5,
  ])
    expect(pathOf(template), String(template)).toBeUndefined()
})

const config = (object: string, more: object): [string, object] => [
  `homeassistant/binary_sensor/d/${object}/config`,
  { state_topic: 'homeassistant/d/s', device: { identifiers: ['d'] }, value_template: `{{ value_json.${object} }}`, ...more },
]

test('a config that is removed or changed takes only its own entity along', () => {
  const ask = asking(decoder)
  ask(...config('smoke', { device_class: 'smoke' }))
  ask(...config('tamper', { device_class: 'tamper' }))
  ask('homeassistant/binary_sensor/d/tamper/config', '')
  expect(ask('homeassistant/d/s', { smoke: 'ON', tamper: 'ON' }).readings[0]?.alarms).toEqual({ smoke: true })
})

test('on means well for power, and low for a battery', () => {
  const ask = asking(decoder)
  ask(...config('mains', { device_class: 'power' }))
  ask(...config('battery', { device_class: 'battery' }))
  expect(ask('homeassistant/d/s', { mains: 'OFF', battery: 'ON' }).readings[0]?.alarms).toEqual({ mainPowerFault: true, lowBattery: true })
  expect(ask('homeassistant/d/s', { mains: 'perhaps', battery: null }).ignored).toBeDefined()
})

test('what a topic may teach is bounded', () => {
  const ask = asking(decoder)
  for (let i = 0; i < 60; i++)
    ask(...config(`e${i}`, { device_class: 'tamper', device: { identifiers: [`d${i}`], name: 'n'.repeat(100) } }))
  const { readings } = ask('homeassistant/d/s', Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`e${i}`, 'ON'])))
  expect(readings.length).toBeGreaterThan(3)
  expect(readings.length).toBeLessThan(40)
})

test('odd values in every place give canonical readings or a reason', () => {
  const ask = asking(decoder)
  const full = {
    '~': 'homeassistant/b',
    stat_t: '~/s',
    val_tpl: '{{ value_json.x }}',
    dev_cla: 'smoke',
    dev: { ids: ['i'], name: 'n' },
    avty: [{ t: 'homeassistant/a' }],
  }
  for (const odd of mutations(full)) ask('homeassistant/binary_sensor/x/config', odd)
  for (const odd of mutations({ cmps: { a: { p: 'sensor', stat_t: 'homeassistant/b/s', unit_of_meas: 'V' } } }))
    ask('homeassistant/device/x/config', odd)
  for (const odd of mutations({ x: 'ON' })) ask('homeassistant/b/s', odd)
})

test('what was announced on a topic of nobody is read there; what was not stays unknown', async () => {
  const catalogue = createCatalogue({ decoders: await loadDecoders() })
  const ask = (topic: string, payload: string) =>
    catalogue.decode({ topic, payload: Buffer.from(payload), receivedAtMs: NOW_MS, retain: false })
  expect(ask('zwave/hall/116/sensor', '{"value":true}').rejected?.code).toBe('unknown-topic')
  const device = { identifiers: ['zwavejs2mqtt_0x1_node2'], name: 'hall' }
  const config = {
    device_class: 'smoke',
    state_topic: 'zwave/hall/116/sensor',
    value_template: '{{ value_json.value }}',
    payload_on: true,
    payload_off: false,
    device,
  }
  ask('homeassistant/binary_sensor/hall/smoke/config', JSON.stringify(config))
  expect(ask('zwave/hall/116/sensor', '{"value":true}').readings[0]).toMatchObject({ kind: 'smoke', alarms: { smoke: true } })
  expect(ask('zwave/hall/117/sensor', '{"value":true}').rejected?.code).toBe('unknown-topic')
  ask('homeassistant/binary_sensor/hall/smoke/config', '')
  expect(ask('zwave/hall/116/sensor', '{"value":true}').rejected?.code).toBe('unknown-topic')
})

test('a device that lists its entities: base topic, shared state, lists of availability, one that was removed, one whose template is refused', () => {
  const ask = asking(decoder)
  const { control, notes } = ask('homeassistant/device/0AFF/config', {
    '~': 'homeassistant/flat-3',
    dev: { ids: ['0AFF'], mf: 'Maker', mdl: 'D1', name: 'Flat 3' },
    o: { name: 'bridge', sw: '2.1' },
    stat_t: '~/state',
    avty: [{ t: '~/lwt' }, { t: 'homeassistant/bridge/state', val_tpl: '{{ value_json.state }}' }],
    avty_mode: 'all',
    cmps: {
      smoke: {
        p: 'binary_sensor',
        dev_cla: 'smoke',
        uniq_id: 's',
        val_tpl: '{{ value_json.smoke }}',
        pl_on: true,
        pl_off: false,
        exp_aft: 3600,
      },
      temp: { p: 'sensor', dev_cla: 'temperature', unit_of_meas: '°C', uniq_id: 't', val_tpl: "{{ value_json['t'] }}" },
      sum: { p: 'sensor', dev_cla: 'humidity', uniq_id: 'h', val_tpl: '{{ value_json.h | round(1) }}' },
      old: { p: 'binary_sensor' },
      button: { p: 'button', cmd_t: '~/press' },
    },
  })
  expect(control).toMatch(/smoke of 0AFF/)
  expect(notes).toMatchObject([{ reason: expect.stringMatching(/templates are not evaluated/) as unknown }])
  expect(ask('homeassistant/flat-3/state', { smoke: true, t: 21.5, h: 40.25 }).readings).toMatchObject([
    {
      deviceId: 'ha:0AFF',
      kind: 'smoke',
      alarms: { smoke: true },
      metrics: { temperature_c: 21.5 },
      about: { model: 'D1', expectNextS: 3600 },
    },
  ])
  // there only while all topics say so
  const there = (topic: string, payload: unknown) => ask(`homeassistant/${topic}`, payload).readings[0]?.online
  expect(there('flat-3/lwt', 'offline')).toBe(false)
  expect(there('bridge/state', { state: 'online' })).toBe(false)
  expect(there('flat-3/lwt', 'online')).toBe(true)
  expect(there('bridge/state', { state: 'offline' })).toBe(false)
  // the whole device goes with an empty config
  ask('homeassistant/device/0AFF/config', '')
  expect(ask('homeassistant/flat-3/state', { smoke: true }).rejected?.code).toBe('unknown-topic')
})
