// GB/T 26875.3: event time never goes back, panels stay apart, and a stream in any pieces says the same or nothing.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decoder } from '../../ingest/decoders/gbt26875.ts'
import { framesIn } from '../../ingest/gbt26875/frame.ts'
import { asking } from './decoding.ts'

const TOPIC = 'in/gbt26875/10.0.0.2'
const file = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../fixtures/gbt26875', name))

test('all objects of a frame and all frames of a chunk become readings', () => {
  const chunk = Buffer.concat([file('fire-two-components.bin'), file('heartbeat.bin'), file('transmitter-line-fault.bin')])
  expect(asking(decoder)(TOPIC, chunk).readings.map(r => r.deviceId)).toEqual(['gb:5001/1/3.17', 'gb:5001/1/3.18', 'gb:5001', 'gb:5001'])
})

test('a component whose clock stands still: the second fire is told at its arrival, not at the time of the first', () => {
  const ask = asking(decoder)
  const standing = file('standing-fault-of-october.bin')
  expect(ask(TOPIC, standing).readings[0]?.tsSource).toBe('device')
  // the same frame again is the same state of the same time
  expect(ask(TOPIC, standing).readings[0]?.ts).toBe('2025-10-15T04:00:00.000Z')
  const other = asking(decoder)
  const now = Buffer.from(standing)
  now.set([5, 0, 8, 1, 1, 26], now.length - 9)
  now[now.length - 3] = now.subarray(2, -3).reduce((sum, byte) => sum + byte, 0) & 0xff
  expect(other(TOPIC, now).readings[0]?.ts).toBe('2026-01-01T00:00:05.000Z')
  const { readings, notes } = other(TOPIC, standing)
  expect(readings[0]).toMatchObject({ ts: '2026-01-01T00:00:10.000Z', tsSource: 'server', deviceTs: '2025-10-15T04:00:00.000Z' })
  expect(notes?.[0]?.code).toBe('clock-implausible')
})

test('a bad frame beside good ones is noted, the good ones are read', () => {
  const { readings, notes } = asking(decoder)(TOPIC, Buffer.concat([file('bad-sum.bin'), file('fire-two-components.bin')]))
  expect(readings.map(r => r.alarms.fire)).toEqual([true, false])
  expect(notes?.[0]?.reason).toMatch(/checksum.*nak/)
})

test('no piece of a stream and no damaged byte is read as something else', () => {
  const whole = file('fire-two-components.bin')
  for (let i = 0; i < whole.length; i++) {
    expect(framesIn(whole.subarray(0, i)).frames).toEqual([])
    const damaged = Uint8Array.from(whole)
    damaged[i] = (damaged[i] ?? 0) ^ 0x01
    expect(framesIn(damaged).frames, `byte ${i}`).toEqual([])
  }
  expect(framesIn(Buffer.alloc(100_000, 0x40)).faults.length).toBeLessThanOrEqual(64)
})
