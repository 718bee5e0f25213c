// Shelly beyond the sample payloads: what a partial status leaves alone, clocks, and odd values.
import { expect, test } from 'vitest'
import { createCatalogue, loadDecoders } from '../../ingest/catalogue.ts'
import { decoder } from '../../ingest/decoders/shelly.ts'
import { asking, bytesOf, mutations, NOW_MS } from './decoding.ts'

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

test('flood: events with and without the component in front, a cable that is not plugged, a full status that says it is well again', () => {
  const ask = asking(decoder)
  const topic = 'shellyfloodg4-0a/events/rpc'
  const event = (name: string) =>
    ask(topic, { method: 'NotifyEvent', params: { ts: 1767225609, events: [{ component: 'flood:0', id: 0, event: name }] } })
  expect(event('alarm').readings[0]).toMatchObject({ kind: 'water-leak', alarms: { leak: true } })
  expect(event('flood.alarm_off').readings[0]?.alarms).toEqual({ leak: false })
  expect(event('flood.alarm_test').readings[0]).toMatchObject({ flags: { test: true } })
  expect(event('cable_unplugged').readings[0]?.alarms).toEqual({ fault: true })
  const full = { id: 0, alarm: false, mute: false }
  expect(ask('shellyfloodg4-0a/status/flood:0', { ...full, errors: ['cable_unplugged'] }).readings[0]?.alarms).toMatchObject({
    fault: true,
  })
  expect(ask('shellyfloodg4-0a/status/flood:0', full).readings[0]?.alarms).toEqual({ leak: false, silenced: false, fault: false })
  expect(ask(topic, { method: 'NotifyFullStatus', params: { ts: 1767225609, 'flood:0': full } }).readings[0]?.alarms.fault).toBe(false)
  // a partial one says nothing of errors
  expect(ask(topic, status({ ts: 1767225609, 'flood:0': { id: 0, mute: true } })).readings[0]?.alarms).toEqual({ silenced: true })
})

test('the will of a device whose prefix was changed is its own once it has spoken', async () => {
  const catalogue = createCatalogue({ decoders: await loadDecoders() })
  const ask = (topic: string, payload: unknown) =>
    catalogue.decode({ topic, payload: bytesOf(payload), receivedAtMs: NOW_MS, retain: false })
  expect(ask('block-2/stairs/online', 'false').rejected?.code).toBe('unknown-topic')
  expect(ask('block-2/stairs/status/smoke:0', { id: 0, alarm: true, mute: false }).readings[0]).toMatchObject({
    deviceId: 'shelly:block-2/stairs',
    alarms: { smoke: true },
  })
  expect(ask('block-2/stairs/online', 'false').readings[0]).toMatchObject({
    deviceId: 'shelly:block-2/stairs',
    kind: 'smoke',
    online: false,
  })
})
