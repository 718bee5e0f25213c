// How old the picture is, when commands are refused, and how the desk comes back.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ageMs, backOffMs, mayAct, phaseOf, type Link } from '../../dashboard/web/src/live/connection.ts'

const link = (o: Partial<Link> = {}): Link => ({ open: true, heardAtMs: 0, sinceMs: 0, attempt: 0, retryAtMs: null, ...o })

describe('phase', () => {
  test.each([
    [link(), 0, 'live'],
    [link(), 2_999, 'live'],
    [link(), 3_000, 'late'],
    [link(), 9_999, 'late'],
    [link(), 10_000, 'lost'],
    [link({ open: false }), 500, 'late'],
    [link({ open: false, heardAtMs: null }), 500, 'connecting'],
    [link({ heardAtMs: null }), 10_000, 'lost'],
  ] as const)('%j after %i ms is %s', (state, nowMs, phase) => {
    expect(phaseOf(state, nowMs)).toBe(phase)
  })
  test('before the first message the age is the time waited for it', () => {
    expect(ageMs(link({ heardAtMs: null, sinceMs: 1_000 }), 5_000)).toBe(4_000)
  })
})

test('commands need an open link that has spoken within ten seconds', () => {
  expect(mayAct(link(), 5_000)).toBe(true)
  expect(mayAct(link(), 10_000)).toBe(false)
  expect(mayAct(link({ open: false }), 100)).toBe(false)
  expect(mayAct(link({ heardAtMs: null }), 100)).toBe(false)
})

test('back-off doubles to a bound, and half of it is random', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000 }), fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (attempt, random) => {
      const wait = backOffMs(attempt, () => random)
      const full = Math.min(8_000, 500 * 2 ** attempt)
      expect(wait).toBeGreaterThanOrEqual(full / 2)
      expect(wait).toBeLessThanOrEqual(full)
    }),
  )
})
