// MAVLink beyond the sample packets: damage, runs of packets, values that mean "unknown", odd JSON.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decoder } from '../../ingest/decoders/mavlink.ts'
import { packetsIn } from '../../ingest/mavlink/packets.ts'
import { asking, mutations } from './decoding.ts'

const file = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../fixtures/mavlink', name))

test('packets in a run are read one by one, garbage between them is passed over', () => {
  const { readings } = asking(decoder)('in/mavlink/x', Buffer.from(file('position-two-packets.bin').subarray(2)))
  expect(readings).toHaveLength(2)
  expect(packetsIn(file('position-two-packets.bin')).packets.map(p => p.message)).toEqual(['GLOBAL_POSITION_INT', 'SYS_STATUS'])
})

test('"unknown" is not a value', () => {
  const { readings } = asking(decoder)('in/mavlink/x', file('battery-unknown.bin'))
  expect(readings[0]?.batteryPct).toBeUndefined()
  expect(readings[0]?.metrics).toEqual({ battery_v: 15.8 })
})

test('a damaged byte is never read as a packet', () => {
  const whole = file('heartbeat-critical.bin')
  for (let i = 1; i < whole.length; i++) {
    const damaged = Uint8Array.from(whole)
    damaged[i] = (damaged[i] ?? 0) ^ 0x40
    expect(packetsIn(damaged).packets, `byte ${i}`).toEqual([])
    expect(packetsIn(whole.subarray(0, i)).packets).toEqual([])
  }
})

test('odd values in every place give canonical readings or a reason', () => {
  const ask = asking(decoder)
  const rest = {
    header: { system_id: 1, component_id: 1 },
    message: {
      type: 'HEARTBEAT',
      base_mode: { bits: 128 },
      system_status: { type: 'MAV_STATE_ACTIVE' },
      mavtype: { type: 'MAV_TYPE_GCS' },
    },
  }
  for (const odd of mutations(rest)) ask('mavlink/x', odd)
  for (const odd of mutations({
    header: { system_id: 1 },
    message: { type: 'GLOBAL_POSITION_INT', lat: 1, lon: 1, alt: 1, vx: 1, vy: 1, vz: 1, hdg: 1 },
  }))
    ask('mavlink/x', odd)
  for (const odd of mutations({ lat: 1, lon: 2, alt: 3, heading: 4, battery: 5, base_mode: 1 })) ask('drone/telemetry', odd)
  for (const odd of mutations({ aircraft_id: 'a', position: [1, 2, 3, 4], aircraft_yaw: 1, battery_percent: 0.5, aircraft_speed: [1, 2] }))
    ask('nest/a/b/messages', odd)
})

/** MAVLink 2 by its documentation: magic, length, flags, seq, system, component, id, payload without the zeros at its end, X.25 with the message's byte. */
function packet(o: {
  id: number
  extra: number
  payload: Buffer
  system?: number
  component?: number
  flags?: number
  signature?: Buffer
}): Buffer {
  let end = o.payload.length
  while (end > 1 && o.payload[end - 1] === 0) end -= 1
  const payload = o.payload.subarray(0, end)
  const head = Buffer.from([payload.length, o.flags ?? 0, 0, 7, o.system ?? 1, o.component ?? 1, o.id & 0xff, o.id >> 8, 0])
  let crc = 0xffff
  for (const byte of [...head, ...payload, o.extra]) {
    let t = (byte ^ crc) & 0xff
    t = (t ^ (t << 4)) & 0xff
    crc = ((crc >> 8) ^ (t << 8) ^ (t << 3) ^ (t >> 4)) & 0xffff
  }
  return Buffer.concat([Buffer.from([0xfd]), head, payload, Buffer.from([crc & 0xff, crc >> 8]), o.signature ?? Buffer.alloc(0)])
}
const heartbeat = (
  o: { type?: number; status?: number; system?: number; component?: number; flags?: number; signature?: Buffer } = {},
): Buffer => packet({ id: 0, extra: 50, payload: Buffer.from([0, 0, 0, 0, o.type ?? 2, 3, 0x81, o.status ?? 4, 3]), ...o })
const position = (lat: number, lon: number, system = 1): Buffer => {
  const payload = Buffer.alloc(28)
  payload.writeInt32LE(Math.round(lat * 1e7), 4)
  payload.writeInt32LE(Math.round(lon * 1e7), 8)
  payload.writeInt32LE(52_000, 12)
  payload.writeUInt16LE(65_535, 26)
  return packet({ id: 33, extra: 104, payload, system })
}
const read = (...packets: Buffer[]) => asking(decoder)('in/mavlink/x', Buffer.concat(packets))

test('signed packets are read and passed over whole; a flag that is not known is not guessed at', () => {
  const signature = Buffer.concat([Buffer.from([0, 1, 2, 3, 4, 5, 6]), Buffer.from([0xfd, 9, 0, 0xfe, 1, 2])])
  const { readings } = read(heartbeat({ flags: 1, signature }), heartbeat({ system: 2 }))
  expect(readings.map(r => r.deviceId)).toEqual(['mav:1/1', 'mav:2/1'])
  expect(read(heartbeat({ flags: 2 }))).toMatchObject({ readings: [], ignored: expect.stringMatching(/not read here/) as unknown })
})

test('several systems, and what is no vehicle among them', () => {
  const all = [
    heartbeat(),
    heartbeat({ system: 2, type: 13 }),
    heartbeat({ system: 255, component: 190, type: 6 }),
    heartbeat({ component: 154, type: 26 }),
  ]
  expect(read(...all).readings.map(r => [r.deviceId, r.kind])).toEqual([
    ['mav:1/1', 'drone'],
    ['mav:2/1', 'drone'],
    ['mav:255/190', 'other'],
    ['mav:1/154', 'other'],
  ])
})

test('batteries: cells, charge state of the extension, a second one by its number; none of it where an older vehicle sends none', () => {
  const battery = (id: number, charge: number, bytes = 54): Buffer => {
    const payload = Buffer.alloc(54)
    payload.writeInt16LE(2_350, 8)
    for (let i = 0; i < 10; i++) payload.writeUInt16LE(i < 4 ? 3_900 : 65_535, 10 + 2 * i)
    payload.writeInt16LE(1_250, 30)
    payload[32] = id
    payload.writeInt8(61, 35)
    payload.writeInt32LE(840, 36)
    payload[40] = charge
    return packet({ id: 147, extra: 154, payload: payload.subarray(0, bytes) })
  }
  const [first, second, old] = read(battery(0, 2), battery(1, 5), battery(0, 0, 36)).readings
  expect(first).toMatchObject({
    batteryPct: 61,
    metrics: { battery_v: 15.6, battery_a: 12.5, battery_temperature_c: 23.5, battery_remaining_s: 840 },
    alarms: { lowBattery: true },
    state: { batteryCharge: 'low' },
  })
  expect(second?.batteryPct).toBeUndefined()
  expect(second).toMatchObject({ metrics: { battery_1_v: 15.6, battery_1_pct: 61 }, alarms: { lowBattery: false, fault: true } })
  expect(old?.alarms).toEqual({})
  expect(old?.metrics).not.toHaveProperty('battery_remaining_s')
})

test('0/0 before the fix is withheld and told once for each vehicle, until there is a place', () => {
  const ask = asking(decoder)
  const at = (lat: number, lon: number, system = 1) => ask('in/mavlink/x', position(lat, lon, system))
  expect(at(0, 0)).toMatchObject({ notes: [{ code: 'position-invalid', reason: expect.stringMatching(/^mav:1\/1 .*no fix/) as unknown }] })
  expect(at(0, 0).notes).toBeUndefined()
  expect(at(0, 0, 2).notes).toHaveLength(1)
  expect(at(31.9, 118.8)).toMatchObject({ readings: [{ position: { lat: 31.9, lon: 118.8, mslAltM: 52 } }] })
  expect(at(0, 0).notes).toHaveLength(1)
  expect(ask('drone/telemetry', { device_id: 'd', lat: 0, lon: 0, battery: 50 })).toMatchObject({
    readings: [{ batteryPct: 50 }],
    notes: [{}],
  })
})
