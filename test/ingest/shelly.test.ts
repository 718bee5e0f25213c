// Shelly beyond the sample payloads: what a partial status leaves alone, clocks, and odd values.
import { expect, test } from 'vitest'
import { decoder } from '../../ingest/decoders/shelly.ts'
import { asking, bytesOf, mutations } from './decoding.ts'

const TOPIC = 'shellyplussmoke-0a/events/rpc'
const status = (params: object): object => ({ src: 'x', method: 'NotifyStatus', params })

test('a status that names only what changed neither raises nor clears the rest', () => {
  expect(asking(decoder)(TOPIC, status({ ts: 1767225609, 'smoke:0': { id: 0, mute: true } })).readings[0]?.alarms).toEqual({
    silenced: true,
  })
  expect(asking(decoder)(TOPIC, status({ ts: 1767225609, 'smoke:0': { id: 0, alarm: null } })).readings[0]?.alarms).toEqual({})
})

test('only a device that wakes by a period is said to sleep', () => {
  const ask = asking(decoder)
  expect(ask('shelly1-0a/online', 'false').readings[0]).toMatchObject({ online: false })
  expect(ask('shelly1-0a/online', 'false').readings[0]?.state).toBeUndefined()
  expect(ask('shelly1-0a/online', 'true').readings[0]?.online).toBe(true)
  expect(ask('shelly1-0a/online', 'perhaps').rejected).toBeDefined()
})

test('the sender in the payload does not speak for another device', () => {
  expect(
    asking(decoder)(TOPIC, { src: 'shellyplussmoke-other', method: 'NotifyStatus', params: { 'smoke:0': { alarm: true } } }).readings[0]
      ?.deviceId,
  ).toBe('shelly:shellyplussmoke-0a')
})

test('the scan rules out power meters, nothing that may be a detector', () => {
  expect(decoder.mayCarryAlarm?.(bytesOf(status({ 'switch:0': { apower: 1 } })))).toBe(false)
  expect(decoder.mayCarryAlarm?.(bytesOf('true'))).toBe(true)
})

test('odd values in every place give canonical readings or a reason', () => {
  const ask = asking(decoder)
  const full = status({
    ts: 1767225609.5,
    'smoke:0': { alarm: true, mute: false, errors: ['a'] },
    'devicepower:0': { battery: { V: 3, percent: 5 } },
    'temperature:0': { tC: 5 },
    'temperature:101': { tC: 6 },
    'switch:0': { apower: 1, output: true },
    sys: { wakeup_period: 60, unixtime: 5 },
    wifi: { rssi: -5 },
    events: [{ component: 'smoke:0', event: 'alarm' }],
  })
  for (const odd of mutations(full)) ask(TOPIC, odd)
  for (const text of ['', 'ON', '1e400', 'none', 'heavy']) ask('shellies/shellygas-1/sensor/gas', text)
})
