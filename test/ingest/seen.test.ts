// The table behind the recognition of repeats, against the plain thing it stands for.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Seen } from '../../ingest/seen.ts'

test('a key is recent exactly as long as the window says, however the generations turn', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.record({ key: fc.integer({ min: 0, max: 40 }), step: fc.integer({ min: 0, max: 4 }) }), { maxLength: 400 }),
      (windowMessages, looks) => {
        const seen = new Seen(windowMessages)
        const plain = new Map<number, number>()
        let seq = 1
        for (const { key, step } of looks) {
          seq += step
          const before = plain.get(key)
          expect(seen.wasRecent(-key, key * 4096, seq)).toBe(before !== undefined && seq - before < windowMessages)
          plain.set(key, seq)
        }
      },
    ),
  )
})

test('a table that grows forgets nothing, and half a key is no key', () => {
  const seen = new Seen(100_000)
  for (let seq = 1; seq <= 20_000; seq++) expect(seen.wasRecent(seq, seq % 64, seq)).toBe(false)
  for (let i = 1; i <= 20_000; i++) expect(seen.wasRecent(i, i % 64, 20_000 + i)).toBe(true)
  expect(seen.wasRecent(1, 2, 40_001)).toBe(false)
  expect(seen.wasRecent(0, 1, 40_002)).toBe(false)
})
