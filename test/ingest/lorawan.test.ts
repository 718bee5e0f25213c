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
