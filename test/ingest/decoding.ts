// One decoder under test: messages in order, its memory kept between them, and readings that must be canonical whatever comes.
import { expect } from 'vitest'
import type { Decoded } from '#contracts/reading.ts'
import type { Decoder } from '../../ingest/decoder.ts'
import { createMemory } from '../../ingest/memory.ts'
import { faultsOf } from './canonical.ts'

export const NOW_MS = Date.parse('2026-01-01T00:00:10.000Z')
export type Ask = (topic: string, payload: unknown, more?: { headers?: Record<string, string>; atMs?: number; retain?: boolean }) => Decoded

export const bytesOf = (payload: unknown): Uint8Array =>
  payload instanceof Uint8Array ? payload : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))

export function asking(decoder: Decoder): Ask {
  const memory = createMemory()
  return (topic, payload, { headers, atMs = NOW_MS, retain = false } = {}) => {
    const bytes = bytesOf(payload)
    const decoded = decoder.decode({ topic, payload: bytes, receivedAtMs: atMs, retain, ...(headers !== undefined && { headers }) }, memory)
    for (const reading of decoded.readings) {
      expect(faultsOf(reading)).toEqual([])
      if (Object.values(reading.alarms).includes(true)) expect(decoder.mayCarryAlarm?.(bytes) ?? true).toBe(true)
    }
    return decoded
  }
}

/** Every place of a JSON value replaced, one at a time, by every odd value: what a device with a bug may send. */
export function* mutations(value: unknown): Generator {
  const odd = [null, true, -1, 0, 1e308, -1e308, '', 'ON', 'NaN', '-', [], {}, [null], [[{}]], { a: null }, '9'.repeat(400)]
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) for (const other of [...odd, ...mutations(item)]) yield value.toSpliced(i, 1, other)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) for (const other of [...odd, ...mutations(item)]) yield { ...value, [key]: other }
  }
}
