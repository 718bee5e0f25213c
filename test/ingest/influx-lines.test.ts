// Lines for InfluxDB and what is remembered to make them quickly, against the plain way to make them: a replay must give the same bytes.
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Reading } from '#contracts/reading.ts'
import { fieldsOf } from '../../ingest/stores/fields.ts'
import { lineOf } from '../../ingest/stores/influx-lines.ts'
import { timeOf } from '../../ingest/stores/reading-time.ts'
import { reading } from './readings.ts'

function plainFields({ kind, position, metrics, batteryPct, online, alarms }: Reading): [string, number][] {
  const track = kind === 'drone' &&
    position !== undefined && { lat_deg: position.lat, lon_deg: position.lon, height_m: position.heightM, msl_alt_m: position.mslAltM }
  const flags = Object.entries(alarms).map(([flag, active]) => [`alarm_${flag}`, Number(active)])
  const battery = batteryPct !== undefined && { battery_pct: batteryPct }
  const all = { ...metrics, ...track, ...battery, ...(online !== undefined && { online: Number(online) }), ...Object.fromEntries(flags) }
  return Object.entries(all)
    .filter((field): field is [string, number] => Number.isFinite(field[1]))
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

function plainLine(of: Reading): string | undefined {
  const fields = plainFields(of)
  if (fields.length === 0) return undefined
  const escaped = (text: string): string =>
    text
      .replaceAll('\n', ' ')
      .replace(/\\+$/, '')
      .replaceAll(/[ ,=]/g, String.raw`\$&`)
  const content = fields.map(([name, value]) => `${escaped(name)}=${value}`).join(',')
  const within = of.seq ?? createHash('sha1').update(content).digest().readUInt32BE(0)
  return `${of.kind},device=${escaped(of.deviceId)} ${content} ${Date.parse(of.ts) * 1000 + (within % 1000)}`
}

const ODD_VALUES = [Number.NaN, Number.POSITIVE_INFINITY, -0, 0, 1e21, 5e-324, 90]
const value = fc.oneof(fc.double(), fc.constantFrom(...ODD_VALUES))
const READINGS = fc.record(
  {
    deviceId: fc.constantFrom('d1', 'd 2', 'd,3=\\', '烟感\n4'),
    kind: fc.constantFrom('smoke', 'drone', 'panel-component'),
    ts: fc.date({ min: new Date(-1e9), max: new Date(4e12), noInvalidDate: true }).map(date => date.toISOString()),
    metrics: fc.dictionary(fc.constantFrom('temperature_c', 'battery_pct', 'lat_deg', 'height_m', 'a b', '7'), value),
    alarms: fc.dictionary(fc.constantFrom('fire', 'test'), fc.boolean()),
    position: fc.record({ lat: value, lon: value, heightM: value }, { requiredKeys: ['lat', 'lon'] }),
    batteryPct: value,
    online: fc.boolean(),
    seq: fc.nat(),
  },
  { requiredKeys: ['deviceId', 'kind', 'ts', 'metrics', 'alarms'] },
)

test('a line is made of the reading alone, byte for byte, whatever lines were made before', () => {
  fc.assert(
    fc.property(fc.array(READINGS, { maxLength: 30 }), some => {
      for (const given of some) {
        const of = reading(given as Partial<Reading>)
        expect(lineOf(of, timeOf(of.ts), fieldsOf(of))).toBe(plainLine(of))
      }
    }),
    { numRuns: 300 },
  )
})

test('readings with the same names share the list of them, in whatever order they came', () => {
  const one = fieldsOf(reading({ metrics: { temperature_c: 1, humidity_pct: 2 }, alarms: { fire: true } }))
  const other = fieldsOf(reading({ metrics: { humidity_pct: 3, a_count: Number.NaN, temperature_c: 4 }, alarms: { fire: false } }))
  expect(one).toEqual({ names: ['alarm_fire', 'humidity_pct', 'temperature_c'], values: [1, 2, 1] })
  expect(other).toEqual({ names: one.names, values: [0, 3, 4] })
  expect(other.names).toBe(one.names)
})

test('times are read as Date.parse reads them, those of no calendar too', () => {
  const odd = [
    '24:00:00.000Z',
    '24:00:01.000Z',
    '23:59:60.000Z',
    '23:59:59.999Z',
    '23:59:5x.999Z',
    '23:59:59:999Z',
    '23:59:59Z',
    '23:59:59.0+01',
  ]
  const days = ['2026-01-01T', '2026-02-30T', '2024-02-29T', '0000-01-01T', 'yesterday, ']
  for (const text of days.flatMap(day => odd.map(time => day + time))) expect([text, timeOf(text)]).toEqual([text, Date.parse(text)])
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), fc.integer({ min: -120_000, max: 120_000 }), (date, ms) => {
      const near = new Date(Math.max(-8.64e15, Math.min(8.64e15, date.getTime() + ms)))
      for (const at of [date, near]) expect(timeOf(at.toISOString())).toBe(at.getTime())
    }),
  )
})
