// Commands in each family's own words, and what its devices answer; nothing that a parameter holds can lead to another topic.
import { afterEach, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import type { InboundMessage } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { OutgoingCommand } from '../../ingest/command-encoder.ts'
import { encodeCommand, ENCODERS, vendorAckOf } from '../../ingest/commands/index.ts'
import { replyTo } from '../../ingest/dji-cloud-api/replies.ts'
import { startGateway } from '../../ingest/gbt26875/gateway.ts'
import { createIntake } from '../../ingest/intake.ts'
import { Transmitter } from '../../simulators/transmitter.ts'
import { until } from '../system/running.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})
const ID = '7d2f1c3a-0000-4000-8000-000000000001'
const command = (
  deviceId: string,
  name: string,
  parameters?: Record<string, unknown>,
  more: Partial<OutgoingCommand> = {},
): OutgoingCommand => ({
  id: ID,
  deviceId,
  kind: 'other',
  command: name,
  at: '2026-01-01T00:00:10.000Z',
  expiresAt: '2026-01-01T00:01:10.000Z',
  by: 'user:chen',
  ...(parameters !== undefined && { parameters }),
  ...more,
})
function said(family: string, given: OutgoingCommand): [topic: string, payload: unknown] | string {
  const encoded = encodeCommand(family, given)
  if ('problem' in encoded) return encoded.problem
  const [{ topic, payload }] = encoded.messages
  return [topic, JSON.parse(payload)]
}
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))

test('Zigbee2MQTT: set, get, and the usual names', () => {
  expect(said('zigbee2mqtt', command('z2m:楼道/3层', 'silence'))).toEqual(['zigbee2mqtt/楼道/3层/set', { silence: true }])
  expect(said('zigbee2mqtt', command('z2m:site/zigbee2mqtt-2/hall', 'siren-off'))[0]).toBe('site/zigbee2mqtt-2/hall/set')
  expect(said('zigbee2mqtt', command('z2m:a', 'configure', { properties: { sensitivity: 'high' } }))).toEqual([
    'zigbee2mqtt/a/set',
    { sensitivity: 'high' },
  ])
  expect(said('zigbee2mqtt', command('z2m:a', 'read', { properties: { battery: 1 } }))).toEqual(['zigbee2mqtt/a/get', { battery: '' }])
  expect(said('zigbee2mqtt', command('z2m:bridge/request/restart', 'silence'))).toMatch(/gateway itself/)
  expect(said('zigbee2mqtt', command('z2m:a/#', 'silence'))).toMatch(/cannot stand in a topic/)
  expect(said('zigbee2mqtt', command('z2m:a', 'land'))).toMatch(/does not understand land; it understands silence/)
})

test('DJI: services of the gateway, places checked, answers told apart by whose they are', () => {
  const toPoint = command('dji:AIR1', 'go-to', { lat: 31.9, lon: 118.8, ellipsoidHeightM: 120 }, { via: 'dji:DOCK1' })
  const answer = said('dji-cloud-api', toPoint)
  expect(answer).toEqual([
    'thing/product/DOCK1/services',
    {
      tid: ID,
      bid: `${ID} AIR1`,
      timestamp: Date.parse('2026-01-01T00:00:10Z'),
      gateway: 'DOCK1',
      method: 'fly_to_point',
      data: { fly_to_id: ID, max_speed: 10, points: [{ latitude: 31.9, longitude: 118.8, height: 120 }] },
    },
  ])
  expect(said('dji-cloud-api', command('dji:DOCK1', 'return-home'))).toMatchObject([
    'thing/product/DOCK1/services',
    { method: 'return_home', data: {} },
  ])
  expect(said('dji-cloud-api', command('dji:A', 'go-to', { lat: 0, lon: 0, ellipsoidHeightM: 1 }))).toMatch(/no place/)
  expect(said('dji-cloud-api', command('dji:A', 'go-to', { lat: 91, lon: 0, ellipsoidHeightM: 1 }))).toMatch(/parameters.lat must be/)
  expect(said('dji-cloud-api', command('dji:A/b/+', 'hover'))).toMatch(/cannot stand in a topic/)
  const topic = 'thing/product/DOCK1/services_reply'
  const reply = (data: object) => bytes({ tid: ID, bid: `${ID} AIR1`, data })
  expect(vendorAckOf(topic, reply({ result: 0 }))).toEqual({ id: ID, deviceId: 'dji:AIR1', status: 'done' })
  expect(vendorAckOf(topic, reply({ result: 0, output: { status: 'in_progress' } }))?.status).toBe('received')
  expect(vendorAckOf(topic, reply({ result: 316_026 }))).toMatchObject({ status: 'failed', reason: 'result 316026' })
  expect(vendorAckOf(topic, Buffer.from('{'))).toBeNull()
})

test('DJI: update_topo and events that ask for it are answered, nothing else', () => {
  const status = { tid: 't', bid: 'b', method: 'update_topo', data: { sub_devices: [], device_secret: 'secret' } }
  const reply = replyTo('sys/product/DOCK1/status', bytes(status), 5)
  expect(reply?.topic).toBe('sys/product/DOCK1/status_reply')
  expect(JSON.parse(reply?.payload ?? '')).toEqual({ tid: 't', bid: 'b', timestamp: 5, method: 'update_topo', data: { result: 0 } })
  const event = { tid: 't', bid: 'b', method: 'hms', need_reply: 1, data: {} }
  expect(replyTo('thing/product/DOCK1/events', bytes(event), 5)?.topic).toBe('thing/product/DOCK1/events_reply')
  expect(replyTo('thing/product/DOCK1/events', bytes({ ...event, need_reply: 0 }), 5)).toBeUndefined()
  expect(replyTo('thing/product/DOCK1/osd', bytes({ ...event }), 5)).toBeUndefined()
  expect(replyTo('thing/product/DOCK1/events', Buffer.from('['), 5)).toBeUndefined()
})

test('Shelly: a call that is answered under its own prefix', () => {
  expect(said('shelly', command('shelly:shellyplussmoke-a1', 'silence'))).toEqual([
    'shellyplussmoke-a1/rpc',
    { id: ID, src: 'shellyplussmoke-a1/fengsui', method: 'Smoke.Mute', params: { id: 0 } },
  ])
  const topic = 'shellyplussmoke-a1/fengsui/rpc'
  expect(vendorAckOf(topic, bytes({ id: ID, src: 'x', result: null }))).toEqual({
    id: ID,
    deviceId: 'shelly:shellyplussmoke-a1',
    status: 'done',
  })
  expect(vendorAckOf(topic, bytes({ id: ID, error: { code: 404, message: 'no handler' } }))).toMatchObject({
    status: 'failed',
    reason: 'no handler',
  })
})

test('LoRaWAN: downlinks of both network servers, and what ChirpStack tells of them', () => {
  const eui = '24e124136b502217'
  const down = { hex: '04ffff', fPort: 85, confirmed: true, applicationId: '7d2f' }
  expect(said('lorawan', command(`lora:${eui}`, 'configure', down))).toEqual([
    `application/7d2f/device/${eui}/command/down`,
    { id: ID, devEui: eui, confirmed: true, fPort: 85, data: 'BP//' },
  ])
  const tts = { hex: '01', fPort: 2, applicationId: 'fire@tenant', deviceName: 'leak-1' }
  expect(said('lorawan', command(`lora:${eui}`, 'configure', tts))).toEqual([
    'v3/fire@tenant/devices/leak-1/down/push',
    { downlinks: [{ f_port: 2, frm_payload: 'AQ==', priority: 'HIGH', confirmed: false }] },
  ])
  expect(said('lorawan', command(`lora:${eui}`, 'configure', { ...down, applicationId: 'a/b' }))).toMatch(/applicationId/)
  expect(said('lorawan', command(`lora:${eui}`, 'configure', { ...down, hex: 'xyz' }))).toMatch(/parameters.hex/)
  const topic = (event: string) => `application/7d2f/device/${eui.toUpperCase()}/event/${event}`
  expect(vendorAckOf(topic('txack'), bytes({ queueItemId: ID }))).toEqual({ id: ID, deviceId: `lora:${eui}`, status: 'received' })
  expect(vendorAckOf(topic('ack'), bytes({ queueItemId: ID, acknowledged: true }))?.status).toBe('done')
  expect(vendorAckOf(topic('ack'), bytes({ queueItemId: ID, acknowledged: false }))?.status).toBe('failed')
})

test('GB/T 26875: an order goes through the gateway to the transmitter, and what became of it comes back', async () => {
  const messages: InboundMessage[] = []
  const append = async (m: InboundMessage) => void messages.push(m)
  const intake = createIntake({ append, refused: () => {}, clock: systemClock, meter: noMeter, maxPayloadBytes: 65_536, ratePerS: 0 })
  const gateway = await startGateway({ host: '127.0.0.1', port: 0, intake, clock: systemClock, log: noLog, meter: noMeter })
  opened.push(gateway)
  const [topic, order] = said('gbt26875', command('gb:5001', 'duty-check', { minutes: 5 }))
  expect(topic).toBe('out/gbt26875/5001')
  expect(() => gateway.obey('5001', JSON.stringify(order))).toThrow(/not connected/)
  const ordered: number[] = []
  const device = await Transmitter.connect({
    host: '127.0.0.1',
    port: gateway.port,
    address: 5001,
    answerMs: 500,
    ordered: type => ordered.push(type),
  })
  opened.push(device)
  await device.heartbeat()
  for (const given of [
    command('gb:5001', 'duty-check', { minutes: 5 }),
    command('gb:5001/1-2/3.17', 'read'),
    command('gb:5001/1', 'read'),
    command('gb:5001', 'read'),
    command('gb:5001', 'reboot'),
  ])
    gateway.obey('5001', JSON.stringify((said('gbt26875', given) as [string, unknown])[1]))
  const acks = () => messages.flatMap(m => vendorAckOf(m.topic, m.payload) ?? [])
  await until(() => acks().length === 5, 60_000, 'five answers')
  expect(acks()).toContainEqual({ id: ID, deviceId: 'gb:5001/1-2/3.17', status: 'done' })
  expect(ordered.toSorted()).toEqual([61, 62, 81, 89, 90, 91])
  expect(() => gateway.obey('5001', '{"order":"explode"}')).toThrow(/knows no order/)
  expect(said('gbt26875', command('gb:x', 'read'))).toMatch(/names no transmitter/)
})

test('whatever the parameters are, an encoder answers and does not throw', () => {
  const odd = [
    undefined,
    {},
    { properties: null },
    { hex: 7 },
    { lat: '31', lon: null },
    { method: {} },
    { minutes: Number.NaN },
    JSON.parse('{"__proto__":{"a":1}}'),
  ]
  for (const { family } of ENCODERS)
    for (const name of ['silence', 'configure', 'read', 'go-to', 'duty-check', 'constructor', '__proto__', ''])
      for (const deviceId of ['', ':', 'z2m:', 'dji:', 'gb:', 'shelly:', 'lora:', 'z2m:x', 'dji:x', 'gb:1', 'shelly:x', 'lora:x', 's1'])
        for (const parameters of odd) {
          const encoded = encodeCommand(family, command(deviceId, name, parameters as Record<string, unknown>))
          if ('problem' in encoded) expect(encoded.problem.length).toBeGreaterThan(3)
          else for (const { topic } of encoded.messages) expect(topic).not.toMatch(/[#+]|^\$|^\//)
        }
})
