// The tables everything else rests on: booleans and numbers as gateways write them, times as devices write them.
import { assert, double, integer, json, oneof, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { coerceBoolean, coerceNumber } from '../../ingest/coerce.ts'
import { parseJson } from '../../ingest/json.ts'
import { iso, parseRfc3339 } from '../../ingest/time.ts'
import { dbPerM, pctPerM } from '../../ingest/units.ts'

describe('coercion', () => {
  test.each([true, 'true', 'TRUE', ' on ', 'ON', 1, '1', 'yes', 'alarm', 'detected'])('%j is true', value =>
    expect(coerceBoolean(value)).toBe(true),
  )
  test.each([false, 'false', 'OFF', 0, '0', 'no', 'normal', 'clear'])('%j is false', value => expect(coerceBoolean(value)).toBe(false))
  test.each([null, undefined, '', 'maybe', 2, -1, Number.NaN, [], {}, [true], '0003'])('%j is neither', value =>
    expect(coerceBoolean(value)).toBeUndefined(),
  )
  test.each([
    ['100.00', 100],
    [' 7 ', 7],
    ['-3.5e1', -35],
    ['.5', 0.5],
    [0, 0],
  ])('%j is a number', (value, number) => expect(coerceNumber(value)).toBe(number))
  test.each([null, undefined, '', ' ', true, '0x10', '12 V', 'Infinity', Number.NaN, Number.POSITIVE_INFINITY, '1e999', [], {}])(
    '%j is none',
    value => expect(coerceNumber(value)).toBeUndefined(),
  )
})

describe('times', () => {
  test.each([
    ['2026-01-01T00:00:00Z', 0],
    ['2026-01-01T08:00:00+08:00', 0],
    ['2026-01-01 08:00:00.5+0800', 500],
    ['2025-12-31t23:59:60z', 0],
    ['2025-12-31T19:00:00.123456789-05', 123],
  ])('%s', (text, ms) => expect(parseRfc3339(text)).toBe(Date.parse('2026-01-01T00:00:00Z') + ms))
  test.each(['2026-01-01T00:00:00', '2026-01-01', '1767225600', '0001-01-01T00:00:00Z', 'yesterday', ''])('%s is no instant', text =>
    expect(parseRfc3339(text)).toBeUndefined(),
  )
})

test('the JSON reader agrees with JSON.parse and always names a place', () => {
  assert(
    property(
      oneof(
        string(),
        json(),
        json().map(text => text.slice(0, -1)),
        json().map(text => text.replace(/[:,]/, ';')),
      ),
      text => {
        let valid = true
        try {
          JSON.parse(text)
        } catch {
          valid = false
        }
        const parsed = parseJson(Buffer.from(text))
        if (parsed.ok) expect(valid).toBe(true)
        else if (Buffer.from(text).toString() === text)
          expect(parsed.reason).toMatch(valid ? /nested deeper/ : /at (position|byte) \d+|empty payload|nested deeper/)
        expect(JSON.stringify(parsed)).not.toContain('unknown error')
      },
    ),
  )
})

test('dB/m and %/m are inverse of each other', () => {
  assert(property(double({ min: 0, max: 20, noNaN: true }), db => Math.abs((dbPerM(pctPerM(db)) ?? Number.NaN) - db) < 1e-6))
})

test('iso is toISOString, also from one minute to another and back', () => {
  assert(
    property(integer({ min: -8.64e15, max: 8.64e15 }), integer({ min: 0, max: 59_999 }), (ms, later) => {
      for (const at of [ms, Math.min(8.64e15, ms + later), ms]) expect(iso(at)).toBe(new Date(at).toISOString())
    }),
  )
  expect(() => iso(Number.NaN)).toThrow(RangeError)
  expect(iso(1.9)).toBe('1970-01-01T00:00:00.001Z')
})
