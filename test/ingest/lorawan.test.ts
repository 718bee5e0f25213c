// LoRaWAN beyond the sample payloads: which codec is chosen, what is refused, and that stored, simulated and retained is no news.
import { expect, test } from 'vitest'
import { decoder } from '../../ingest/decoders/lorawan.ts'
import { asking, bytesOf, mutations } from './decoding.ts'

const topic = (eui: string): string => `application/a/device/${eui}/event/up`
const EUI = '24e1240000000001'
const up = (hex: string, fPort: number, more: object = {}): object => ({
  time: '2026-01-01T00:00:09Z',
  deviceInfo: { devEui: EUI, deviceProfileName: 'p' },
  fPort,
  fCnt: 1,
  data: Buffer.from(hex, 'hex').toString('base64'),
  ...more,
})
const named = (deviceProfileName: string): object => ({ deviceInfo: { devEui: EUI, deviceProfileName } })

test('a named model that sends broken bytes is refused, and not read as something else', () => {
  const ask = asking(decoder)
  expect(ask(topic(EUI), up('2211503c3001', 2, named('GS524N'))).rejected?.reason).toMatch(/checksum/)
  expect(ask(topic(EUI), up('017564', 6, named('Netvox RA02A'))).rejected?.reason).toMatch(/Netvox/)
  expect(ask(topic(EUI), up('', 85)).readings[0]?.metrics).toEqual({})
})

test('what the device showed before tells what an ambiguous channel means', () => {
  const ask = asking(decoder)
  expect(ask(topic(EUI), up('030000040000', 85)).readings[0]).toMatchObject({ kind: 'door', alarms: { tamper: false } })
  expect(ask(topic(EUI), up('030001', 85)).readings[0]).toMatchObject({ kind: 'door', alarms: {}, state: { door: 'open' } })
  const other = asking(decoder)
  other(topic(EUI), up('0175640377c800', 85))
  const [old] = other(topic(EUI), up('20ce00e6546864000175 64'.replace(' ', ''), 85)).readings
  expect(old).toMatchObject({ kind: 'level', flags: { history: true }, metrics: { level_m: 1 } })
})

test('several records become several readings, and only the newest is live', () => {
  const { readings } = asking(decoder)(
    topic(EUI),
    up('20ce00e65468d20050 01 20ce10e65468d2005000 01755c 03670101 050000'.replaceAll(' ', ''), 85),
  )
  expect(readings.map(r => [r.flags.history ?? false, r.alarms.leak])).toEqual([
    [true, true],
    [true, false],
    [false, false],
  ])
})

test('the rest of a payload with an unknown channel is noted, what stands before it is kept', () => {
  const { readings, notes } = asking(decoder)(topic(EUI), up('017564 050001 0599ff'.replaceAll(' ', ''), 85, named('EM300-SLD')))
  expect(readings[0]?.alarms.leak).toBe(true)
  expect(notes?.[0]?.reason).toMatch(/bytes from 6 on/)
})

test('an implausible network clock is not believed', () => {
  const { readings, notes } = asking(decoder)(topic(EUI), up('ff2e01', 85, { time: '2020-01-01T00:00:00Z' }))
  expect(readings[0]).toMatchObject({ ts: '2026-01-01T00:00:10.000Z', tsSource: 'server', deviceTs: '2020-01-01T00:00:00Z' })
  expect(notes?.[0]?.code).toBe('clock-implausible')
})

test('a copy out of a broker’s store is not news; the retain bit of a publish does not make it one', () => {
  const ask = asking(decoder)
  expect(ask(topic(EUI), up('ff2e01', 85), { headers: { retained: 'true' } }).readings[0]?.flags).toEqual({ retained: true })
  expect(ask(topic(EUI), up('ff2e01', 85), { retain: true }).readings[0]?.flags).toEqual({})
})

test('the cheap scan rules out only what carries no payload', () => {
  expect(decoder.mayCarryAlarm?.(bytesOf({ deviceInfo: { devEui: EUI }, batteryLevel: 5 }))).toBe(false)
  expect(decoder.mayCarryAlarm?.(bytesOf('{"d\\u0061ta":"/y4B"}'))).toBe(true)
  expect(decoder.mayCarryAlarm?.(Buffer.from([0x0a, 1, 2]))).toBe(true)
})

test('odd values in every place give canonical readings or a reason', () => {
  const ask = asking(decoder)
  const full = up('017564050001', 85, { object: { smoke: true, deep: { temperature: 2 } }, rxInfo: [{ gatewayId: 'g', rssi: -5, snr: 1 }] })
  const tts = {
    end_device_ids: { device_id: 'd', dev_eui: EUI },
    uplink_message: { f_port: 85, frm_payload: '/y4B', rx_metadata: [{ rssi: 1 }], received_at: '2026-01-01T00:00:09Z', locations: {} },
  }
  for (const odd of mutations(full)) ask(topic(EUI), odd)
  for (const odd of mutations(tts)) ask('v3/a/devices/d/up', odd)
})

const hexOf = (text: string): string => text.replaceAll(' ', '')

test.each([
  // what Milesight's own decoders read, by channel and type
  ['EM500-SWL', '0175 64 0377 c800', 'level', { level_m: 2 }, { fault: false }],
  ['EM500-SWL', '0377 ffff', 'level', {}, { fault: true }],
  ['EM500-SWL', '0377 fdff', 'level', {}, { fault: true }],
  ['EM500-PP', '037b f6ff', 'pressure', { pressure_kpa: -10 }, {}],
  ['EM500-UDL', '0382 3c05', 'level', { distance_m: 1.34 }, {}],
  ['EM500-LGT', '0394 50000000', 'environment', { illuminance_lx: 80 }, {}],
  ['EM500-CO2', '0367 e700 0468 6a 057d 6704 0673 6827', 'environment', { co2_ppm: 1127, pressure_kpa: 100.88, temperature_c: 23.1 }, {}],
  ['EM500-CO2', '83d7 1c01 1e00 02', 'environment', { temperature_c: 28.4 }, {}],
  ['EM400-TLD', '8482 1e00 01 050001', 'level', { distance_m: 0.03 }, { tamper: true }],
  ['EM400-TLD', '880001', 'level', {}, { tamper: true }],
  ['EM300-MCS', '060001', 'door', {}, {}],
  ['EM300-ZLD', '050001 0367 1001', 'water-leak', { temperature_c: 27.2 }, { leak: true }],
  ['GS101', '058e01 060100 070100 0890 00093d00', 'gas', { life_remaining_s: 4000000 }, { gas: true }],
  ['GS101', 'ff3f02', 'gas', {}, { fault: true }],
  ['WS101', 'ff2e03 017564', 'manual-call', {}, { manualCall: true }],
])('%s: %s', (name, hex, kind, metrics, alarms) => {
  const { readings, notes } = asking(decoder)(topic(EUI), up(hexOf(hex), 85, named(`Milesight ${name}`)))
  expect(readings).toHaveLength(1)
  expect(readings[0]).toMatchObject({ kind, metrics })
  expect(readings[0]?.alarms).toEqual(alarms)
  expect(notes).toBeUndefined()
})

test('an answer to a setting is no measurement, alone or beside one', () => {
  const ask = asking(decoder)
  const { readings, notes } = ask(
    topic(EUI),
    up(hexOf('fe77 d007 ff03 b004 017564 fe06 9000000000000000 00 050000'), 85, named('EM300-SLD')),
  )
  expect(readings.map(r => [r.metrics, r.alarms, r.batteryPct])).toEqual([[{}, { leak: false }, 100]])
  expect(notes).toBeUndefined()
  expect(ask(topic(EUI), up(hexOf('fe03 b004'), 85, named('WS101'))).readings[0]).toMatchObject({
    kind: 'manual-call',
    alarms: {},
    metrics: {},
  })
})

test('stored records by model: climate with a last byte is no leak, a distance no level, light no climate', () => {
  const stored = (name: string, hex: string, first?: string) => {
    const ask = asking(decoder)
    if (first !== undefined) ask(topic(EUI), up(hexOf(first), 85, named(name)))
    return ask(topic(EUI), up(hexOf(hex), 85, named(name))).readings[0]
  }
  const climate = '20ce 00e65468 d200 50 ff 20ce 10e65468 d200 50 ff'
  for (const [name, first] of [['EM300-TH'], ['a profile', '0367 d200 0468 50']] as const)
    expect(stored(name, climate, first)).toMatchObject({
      kind: 'environment',
      alarms: {},
      metrics: { temperature_c: 21, humidity_pct: 40 },
      flags: { history: true },
    })
  for (const [name, first] of [['EM500-UDL'], ['a profile', '0382 3c05']] as const)
    expect(stored(name, '20ce 00e65468 3c05', first)?.metrics).toEqual({ distance_m: 1.34 })
  for (const [name, first] of [['EM500-LGT'], ['a profile', '0394 50000000']] as const)
    expect(stored(name, '20ce 00e65468 50000000', first)?.metrics).toEqual({ illuminance_lx: 80 })
  expect(stored('EM500-SWL', '20ce 00e65468 ffff')).toMatchObject({ metrics: {}, alarms: { fault: true } })
  expect(stored('EM500-PP', '20ce 00e65468 f6ff')?.metrics).toEqual({ pressure_kpa: -10 })
  expect(stored('EM300-MCS', '20ce 00e65468 d200 50 01')).toMatchObject({ kind: 'door', state: { door: 'open' } })
})

test('a time whose bytes look like a channel does not make a leak of stored pressures', () => {
  const two = '20ce 9e744663 1001 20ce 9e754663 1101'
  const { readings, notes } = asking(decoder)(topic(EUI), up(hexOf(two), 85, named('EM500-PP')))
  expect(readings.map(r => [r.kind, r.ts, r.metrics, r.alarms, r.flags])).toEqual([
    ['pressure', '2022-10-12T08:02:38.000Z', { pressure_kpa: 272 }, {}, { history: true }],
    ['pressure', '2022-10-12T08:06:54.000Z', { pressure_kpa: 273 }, {}, { history: true }],
  ])
  expect(notes).toBeUndefined()
})

test('Netvox: CO beside smoke; Yobiiq: mains power told on the port of its facts', () => {
  const ask = asking(decoder)
  expect(ask(topic(EUI), up('01110124010000000000 00'.replace(' ', ''), 6)).readings[0]).toMatchObject({
    kind: 'co',
    metrics: { battery_v: 3.6 },
    alarms: { co: true, heat: false, lowBattery: false },
    source: { model: 'Netvox RA02C' },
  })
  const yobiiq = (hex: string) => ask(topic(EUI), up(hexOf(hex), 50, named('SD1001'))).readings[0]
  expect(yobiiq('ff09 0101 ff0b 00')?.alarms).toEqual({ mainPowerFault: true })
  expect(yobiiq('ff0b01')?.alarms).toEqual({ mainPowerFault: false })
  expect(yobiiq('01')?.alarms).toEqual({})
})

test('names with underscores, and a server of version 3 without deviceInfo', () => {
  const ask = asking(decoder)
  const snaked = {
    deduplication_id: 'd1',
    time: '2026-01-01T00:00:09Z',
    device_info: { dev_eui: EUI, device_profile_name: 'EM300-SLD' },
    f_port: 85,
    f_cnt: 7,
    data: 'BQAB',
    rx_info: [{ gateway_id: 'g1', rssi: -90, snr: 3 }],
  }
  expect(ask(topic(EUI), snaked).readings[0]).toMatchObject({
    deviceId: `lora:${EUI}`,
    alarms: { leak: true },
    seq: 7,
    rssiDbm: -90,
    msgId: 'd1',
    source: { gateway: 'lora:gw:g1' },
  })
  const old = {
    deviceName: 'EM300-SLD',
    fPort: 85,
    fCnt: 8,
    data: 'BQAA',
    publishedAt: '2026-01-01T00:00:09Z',
    rxInfo: [{ rssi: -80, loRaSNR: 2 }],
  }
  expect(ask(topic(EUI), old).readings[0]).toMatchObject({ alarms: { leak: false }, snrDb: 2, tsSource: 'gateway' })
})

test('The Things Stack: its own words where no decoder gave any, volts are no percent', () => {
  const uplink = {
    end_device_ids: { device_id: 'd', dev_eui: EUI },
    uplink_message: {
      f_port: 3,
      frm_payload: 'AQI=',
      received_at: '2026-01-01T00:00:09Z',
      normalized_payload: [{ air: { temperature: 21.3, relativeHumidity: 44 }, water: { leak: true }, battery: 3.1 }],
      locations: { user: { latitude: 32.01, longitude: 118.9 }, 'frm-payload': { latitude: 31.9, longitude: 118.8, source: 'SOURCE_GPS' } },
    },
  }
  expect(asking(decoder)('v3/a/devices/d/up', uplink).readings[0]).toMatchObject({
    kind: 'water-leak',
    metrics: { temperature_c: 21.3, humidity_pct: 44, battery_v: 3.1 },
    alarms: { leak: true },
    position: { lat: 31.9, lon: 118.8 },
  })
  expect(asking(decoder)('v3/a/devices/d/up/normalized', uplink).ignored).toMatch(/normalized/)
})

test('a position that is no place is withheld and told once, until it is one again', () => {
  const ask = asking(decoder)
  const located = (latitude: number, longitude: number) =>
    ask(`application/a/device/${EUI}/event/location`, {
      time: '2026-01-01T00:00:09Z',
      deviceInfo: { devEui: EUI },
      location: { latitude, longitude },
    })
  const { readings, notes } = located(0, 0)
  expect(readings[0]?.position).toBeUndefined()
  expect(notes).toMatchObject([{ code: 'position-invalid', reason: expect.stringMatching(/no fix yet/) as unknown, where: '/location' }])
  expect(located(0, 0).notes).toBeUndefined()
  expect(located(32, 118.9)).toMatchObject({ readings: [{ position: { lat: 32, lon: 118.9 } }] })
  expect(located(0, 0).notes).toHaveLength(1)
  expect(located(118.9, 32).notes?.[0]?.reason).toMatch(/swapped/)
  // the same of what a payload carries
  expect(asking(decoder)(topic(EUI), up(hexOf('0488 00000000 00000000 00 050001'), 85, named('EM300-SLD')))).toMatchObject({
    readings: [{ alarms: { leak: true } }],
    notes: [{ code: 'position-invalid' }],
  })
})
