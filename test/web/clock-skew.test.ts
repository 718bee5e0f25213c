// The server's clock as a page knows it: true to a quarter of a second, and not moved by messages that come late.
import { expect, test } from 'vitest'
import { createSkew } from '../../dashboard/web/src/live/clock-skew.ts'

test('what comes late changes nothing; the least late one is believed', () => {
  const skew = createSkew()
  expect(skew(1_000_900, 1_000_000)).toBe(900)
  // the page is behind: each message later than the one before
  for (let n = 1; n <= 90; n += 1) expect(skew(1_000_900 + n * 50, 1_000_000 + n * 100)).toBe(900)
  // one that was quicker than all
  expect(skew(1_011_300, 1_010_000)).toBe(1_300)
  expect(skew(1_012_000, 1_010_900)).toBe(1_300)
})

test('a clock that goes another way is followed within ten seconds, one that was set at once', () => {
  const skew = createSkew()
  skew(1_000_000, 1_000_000)
  const seen = Array.from({ length: 120 }, (_, n) => skew(1_000_000 + n * 100 - 600, 1_000_000 + n * 100))
  expect(seen[50]).toBe(0)
  expect(seen.at(-1)).toBe(-600)
  expect(new Set(seen).size).toBe(2)
  expect(skew(1_012_000, 4_612_000)).toBe(-3_600_000)
  expect(skew(1_012_100, 1_012_100)).toBe(0)
})
