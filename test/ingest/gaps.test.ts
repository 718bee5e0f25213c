// The device's own counter: what is missing by number, what late arrivals fill, and what must not be taken for a loss.
import { describe, expect, test } from 'vitest'
import type { Reading } from '#contracts/reading.ts'
import { createDirectory } from '../../ingest/directory.ts'
import { counted, missingIn, RANGES_MAX, type Counter } from '../../ingest/gaps.ts'
import { reading, T0 } from './readings.ts'

type Said = [seq: number, o?: Partial<Reading> & { atMs?: number }]
let clock = 0
const next = () => T0 + 1000 * ++clock
const after = (said: Said[], start: Counter = {}) =>
  said.reduce((counter, [seq, o = {}]) => counted(counter, reading({ seq, atMs: next(), ...o })), start)
const ranges = ({ missing = [] }: Counter) => missing.map(({ boot, from, to }) => [...(boot === undefined ? [] : [boot]), from, to])
const late = { atMs: T0 - 3_600_000 }
const clockless = { tsSource: 'server' as const }

describe('what is missing', () => {
  test('is named from and to, with the time at which it was noticed', () => {
    const counter = after([[1], [2], [5], [9]])
    expect(ranges(counter)).toEqual([
      [3, 4],
      [6, 8],
    ])
    expect(missingIn(counter)).toBe(5)
    expect(Date.parse(counter.missing?.[0]?.at ?? '')).toBeGreaterThan(T0)
  })
  test('is filled by what comes late, also out of the store of a device, in any order', () => {
    expect(ranges(after([[1], [9], [5, late], [2, { ...late, flags: { history: true } }], [8, late]]))).toEqual([
      [3, 4],
      [6, 7],
    ])
    const filled = after([[1], [4], [3, late], [2, late]])
    expect(missingIn(filled)).toBe(0)
    expect(filled.seq).toBe(4)
  })
  test('is not what a device that was cut off hands over out of its store before it goes on', () => {
    const stored = { flags: { history: true } }
    expect(missingIn(after([[1], [2, stored], [3, stored], [4]]))).toBe(0)
    const b = { boot: 1 }
    expect(
      ranges(
        after([
          [1, b],
          [2, { ...b, ...stored }],
          [4, { ...b, ...stored }],
          [5, b],
        ]),
      ),
    ).toEqual([[1, 3, 3]])
    // of an earlier time, of another boot, or from who knows where: it says nothing about the counter
    expect(
      ranges(
        after([
          [1, b],
          [9, { ...b, ...stored, ...late }],
          [2, b],
        ]),
      ),
    ).toEqual([])
    expect(
      ranges(
        after([
          [1, b],
          [2, { boot: 0, ...stored }],
          [3, b],
        ]),
      ),
    ).toEqual([[1, 2, 2]])
  })
  test('belongs to a boot: an old boot is filled late, a new one counts anew', () => {
    const b = (boot: number, o: object = {}) => ({ boot, ...o })
    const counter = after([
      [1, b(0)],
      [4, b(0)],
      [7, b(1)],
      [2, b(0, late)],
      [9, b(1)],
    ])
    expect(ranges(counter)).toEqual([
      [0, 3, 3],
      [1, 8, 8],
    ])
    expect(counter).toMatchObject({ boot: 1, seq: 9 })
    expect(
      after([
        [5, b(7)],
        [2, b(3)],
        [3, b(3)],
      ]),
    ).toMatchObject({ boot: 3, seq: 3 })
  })
})

describe('what is no loss', () => {
  test.each<[string, Said[]]>([
    ['the first number heard', [[500]]],
    ['a repeat', [[1], [2], [2]]],
    ['a late repeat of what came', [[1], [2], [3], [1, late], [4]]],
    ['a restart to zero', [[1000], [0], [1]]],
    [
      'a restart without a clock',
      [
        [1000, clockless],
        [0, clockless],
        [1, clockless],
      ],
    ],
    ['a leap far ahead', [[1], [4_000_000_000], [4_000_000_001]]],
    ['the end of the counter', [[2 ** 32 - 2], [2 ** 32 - 1], [0], [1]]],
    [
      'a new boot',
      [
        [50, { boot: 1 }],
        [0, { boot: 2 }],
      ],
    ],
    ['history alone', [[10], [900, { flags: { history: true } }], [11]]],
    [
      'small disorder without a clock',
      [
        [1, clockless],
        [3, clockless],
        [2, clockless],
        [1, clockless],
        [4, clockless],
      ],
    ],
  ])('%s', (_what, said) => expect(missingIn(after(said))).toBe(0))

  test('a loss across the end of the counter is counted on both sides of it', () => {
    expect(ranges(after([[2 ** 32 - 3], [2]]))).toEqual([
      [2 ** 32 - 2, 2 ** 32 - 1],
      [0, 1],
    ])
  })
})

test('ranges are bounded: the oldest are counted and cannot be filled any more', () => {
  const many = after(Array.from({ length: RANGES_MAX + 8 }, (_, i): Said => [2 * i]))
  expect(many.missing).toHaveLength(RANGES_MAX)
  expect(many.forgotten).toBe(7)
  expect(missingIn(many)).toBe(RANGES_MAX + 7)
  expect(missingIn(after([[1, late]], many))).toBe(RANGES_MAX + 7)
  // filling every second number of one long range must not make more of them
  const torn = after(
    Array.from({ length: 200 }, (_, i): Said => [2 + 2 * i, late]),
    after([[0], [1000]]),
  )
  expect(torn.missing?.length).toBeLessThanOrEqual(RANGES_MAX)
  expect(missingIn(torn)).toBeLessThanOrEqual(999)
})

test('the directory names the devices that miss most, the same after a restart, and forgets who is removed', () => {
  const first = createDirectory({})
  const say = (deviceId: string, ...seqs: number[]) => {
    for (const seq of seqs) first.apply(reading({ deviceId, seq, atMs: next() }))
  }
  first.register({ deviceId: 'a', kind: 'smoke', name: 'Kitchen' })
  say('a', 1, 3)
  say('b', 1, 10)
  say('c', 1, 2)
  const gaps = first.gaps(1)
  expect(gaps).toMatchObject({ missing: 9, forgotten: 0, devices: 2, top: [{ deviceId: 'b', missing: 8, ranges: [{ from: 2, to: 9 }] }] })
  expect(first.gaps(9).top[1]).toMatchObject({ deviceId: 'a', name: 'Kitchen', missing: 1 })
  const rows = first.dirty().flatMap(([key, json]): [string, string][] => (json === null ? [] : [[key, json]]))
  const second = createDirectory({ rows })
  expect(second.gaps(9)).toEqual(first.gaps(9))
  second.apply(reading({ deviceId: 'a', seq: 2, ...late }))
  expect(second.gaps(9)).toMatchObject({ missing: 8, devices: 1 })
  second.remove('b')
  expect(second.gaps(9)).toEqual({ missing: 0, forgotten: 0, devices: 0, top: [] })
})

test('what an older version counted without numbers stays counted', () => {
  const first = createDirectory({})
  first.apply(reading({ seq: 5 }))
  const device = first.get('d1')
  const directory = createDirectory({ rows: [['d1', JSON.stringify({ device: { ...device, gaps: 3 }, seq: 5 })]] })
  directory.apply(reading({ seq: 7, atMs: next() }))
  expect(directory.get('d1')?.gaps).toBe(4)
})

test('the devices that miss most come first, however many there are', () => {
  const directory = createDirectory({})
  const lost = [3, 9, 1, 7, 5, 9, 2]
  for (const [i, n] of lost.entries()) for (const seq of [0, n + 1]) directory.apply(reading({ deviceId: `d${i}`, seq, atMs: next() }))
  expect(directory.gaps(3).top.map(({ missing }) => missing)).toEqual([9, 9, 7])
  expect(directory.gaps(99).top.map(({ missing }) => missing)).toEqual(lost.toSorted((a, b) => b - a))
  expect(directory.gaps(0)).toMatchObject({ devices: 7, missing: 36, top: [] })
})
