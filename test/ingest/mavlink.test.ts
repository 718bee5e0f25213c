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
