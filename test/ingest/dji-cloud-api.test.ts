// DJI Cloud API beyond the sample payloads: secrets, who carries whom, and positions and temperatures that are none.
import { expect, test } from 'vitest'
import { decoder } from '../../ingest/decoders/dji-cloud-api.ts'
import { asking, mutations } from './decoding.ts'

const osd = (data: object): object => ({ timestamp: Date.parse('2026-01-01T00:00:09Z'), data })

test('secrets of a topology are in nothing that leaves the decoder', () => {
  const topo = {
    method: 'update_topo',
    timestamp: 1,
    data: { device_secret: 'S3CRET', nonce: 'N0NCE', sub_devices: [{ sn: 'A', device_secret: 'S3CRET' }] },
  }
  const text = JSON.stringify(asking(decoder)('sys/product/G/status', topo))
  expect(text).not.toMatch(/S3CRET|N0NCE/)
})

test('an aircraft that a gateway no longer lists is offline, another gateway’s stays', () => {
  const ask = asking(decoder)
  const topo = (...sns: string[]): object => ({ method: 'update_topo', timestamp: 1, data: { sub_devices: sns.map(sn => ({ sn })) } })
  ask('sys/product/G1/status', topo('A'))
  ask('sys/product/G2/status', topo('B'))
  const online = ask('sys/product/G1/status', topo()).readings.map(r => [r.deviceId, r.online])
  expect(online).toEqual([
    ['dji:A', false],
    ['dji:G1', true],
  ])
})

test('a coordinate that is missing, not fixed or 0/0 is no position', () => {
  const ask = asking(decoder)
  const place = (more: object) =>
    ask('thing/product/A/osd', osd({ attitude_head: 1, latitude: 31, longitude: 118, ...more })).readings[0]?.position
  expect(place({ position_state: { is_fixed: 2 } })).toEqual({ lat: 31, lon: 118 })
  expect(place({ position_state: { is_fixed: 1 } })).toBeUndefined()
  expect(place({ latitude: undefined, position_state: { is_fixed: 2 } })).toBeUndefined()
  expect(place({ latitude: 0, longitude: 0, position_state: { is_fixed: 2 } })).toBeUndefined()
})

test('0/0 is told once, until there is a place; a dock without a fix goes on', () => {
  const ask = asking(decoder)
  const at = (latitude: number, longitude: number, more: object = {}) =>
    ask('thing/product/A/osd', osd({ attitude_head: 1, latitude, longitude, position_state: { is_fixed: 2 }, ...more }))
  const first = at(0, 0, { position_state: { is_fixed: 0 }, battery: { capacity_percent: 80 } })
  expect(first).toMatchObject({ readings: [{ batteryPct: 80 }], notes: [{ code: 'position-invalid', where: '/data/latitude' }] })
  expect(first.readings[0]?.position).toBeUndefined()
  expect(at(0, 0).notes).toBeUndefined()
  expect(at(31.9, 118.8).notes).toBeUndefined()
  expect(at(0, 0).notes?.[0]?.reason).toMatch(/^dji:A used without its position/)
  // what was true before the fix was lost is nobody's mistake
  expect(
    ask('thing/product/B/osd', osd({ attitude_head: 1, latitude: 31, longitude: 118, position_state: { is_fixed: 3 } })).notes,
  ).toBeUndefined()
})

test('a dock tells its state in parts: none of them makes it another kind of device', () => {
  const ask = asking(decoder)
  const part = (data: object) => ask('thing/product/D/osd', osd(data)).readings[0]
  expect(part({ flighttask_step_code: 5, media_file_detail: { remain_upload: 0 } })?.kind).toBe('dock')
  expect(part({ wireless_link: { sdr_quality: 5 } })?.kind).toBe('dock')
  expect(part({ backup_battery: { switch: 0, voltage: 0, temperature: 21.5 }, electric_supply_voltage: 231 })).toMatchObject({
    kind: 'dock',
    metrics: { mains_v: 231, backup_battery_temperature_c: 21.5 },
  })
  expect(part({ backup_battery: { switch: 0, voltage: 0 } })?.metrics).toEqual({})
  expect(ask('thing/product/RC/osd', osd({ wireless_link: { sdr_quality: 5 }, capacity_percent: 80 })).readings[0]?.kind).toBe('gateway')
})

test('what only an aircraft tells makes it one before its first OSD', () => {
  const kindOf = (data: object) => asking(decoder)('thing/product/A/state', osd(data)).readings[0]?.kind
  expect(kindOf({ home_latitude: 31.9, home_longitude: 118.8 })).toBe('drone')
  expect(kindOf({ low_battery_warning_threshold: 30, serious_low_battery_warning_threshold: 10 })).toBe('drone')
  expect(kindOf({ cameras: [{ payload_index: '81-0-0', ir_metering_area: { max_temperature_point: { temperature: 240 } } }] })).toBe(
    'drone',
  )
  expect(kindOf({ firmware_version: '01.00.0001' })).toBe('other')
  expect(asking(decoder)('thing/product/A/osd', osd({ track_id: '', mode_code: 19 })).readings[0]?.state).toMatchObject({
    missionMode: 'dock-site-selecting',
  })
})

test('thermal: the metering area counts where no global value is sent; unknown is not a temperature', () => {
  const ask = asking(decoder)
  const area = { cameras: [{ ir_metering_area: { max_temperature_point: { x: 0.4, y: 0.6, temperature: 88.5 } } }], attitude_head: 0 }
  expect(ask('thing/product/A/state', osd(area)).readings[0]).toMatchObject({
    metrics: { thermal_max_c: 88.5 },
    thermal: { point: { x: 0.4, y: 0.6, temperatureC: 88.5 }, location: null },
  })
  const odd = { '53-0-0': { thermal_global_temperature_max: 32767 } }
  expect(ask('thing/product/A/osd', osd(odd)).readings[0]?.thermal).toBeUndefined()
})

test('a clock of 14 digits is not believed', () => {
  const { readings, notes } = asking(decoder)('thing/product/A/osd', { timestamp: 16_541_126_472_510, data: { attitude_head: 1 } })
  expect(readings[0]?.tsSource).toBe('server')
  expect(notes?.[0]?.code).toBe('clock-implausible')
})

test('odd values in every place give canonical readings or a reason', () => {
  const ask = asking(decoder)
  const full = osd({
    '81-0-0': {
      gimbal_pitch: 1,
      thermal_global_temperature_max: 20,
      measure_target_error_state: 0,
      measure_target_latitude: 1,
      measure_target_longitude: 2,
    },
    attitude_head: 1,
    latitude: 31,
    longitude: 118,
    height: 2,
    position_state: { is_fixed: 2 },
    battery: { capacity_percent: 5 },
    cameras: [{ ir_metering_area: { max_temperature_point: { x: 1, y: 1, temperature: 5 } } }],
  })
  for (const odd of mutations(full)) ask('thing/product/A/osd', odd)
  for (const odd of mutations(osd({ cover_state: 1, backup_battery: { voltage: 1 }, sub_device: { device_sn: 'x' } })))
    ask('thing/product/D/osd', odd)
  for (const odd of mutations({ method: 'hms', data: { list: [{ code: 'a', level: 2, device_type: '0-1-2' }] } }))
    ask('thing/product/D/events', odd)
  for (const odd of mutations({ data: { output: { progress: { percent: 1 }, ext: { flight_id: 'f' } }, result: 0 } }))
    ask('thing/product/D/events', odd)
  for (const odd of mutations({ data: { sub_devices: [{ sn: 'A', domain: 0 }] } })) ask('sys/product/D/status', odd)
})
