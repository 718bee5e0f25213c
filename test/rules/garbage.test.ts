// What devices send when they are broken, through the real decoders and the rules that ship: nothing breaks, nothing that is no alarm
// becomes one, every message is accounted for by reason, memory stays bounded, and a real fire among it all is found.
import { join } from 'node:path'
import {
  assert,
  array,
  boolean,
  constant,
  constantFrom,
  double,
  integer,
  oneof,
  property,
  record,
  string,
  uint8Array,
  type Arbitrary,
} from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { isHazard, type AlarmSignal } from '#contracts/alarm.ts'
import type { Message } from '#contracts/message.ts'
import { createCatalogue, createDirectory, loadDecoders } from '../../ingest/index.ts'
import { createFold, loadRuleSet, type RuleSet } from '../../rules/index.ts'
import { raises, START } from './timeline.ts'

const SEED = 20260105
const YEARS_10_MS = 10 * 365 * 86_400_000
let ruleSet: RuleSet
let decoders: Awaited<ReturnType<typeof loadDecoders>>
beforeAll(async () => {
  ruleSet = await loadRuleSet(join(import.meta.dirname, '../../rules/sets/default'))
  decoders = await loadDecoders()
})

/** The way of a message without journal and queue; what came of each is counted by its reason. */
function way() {
  const catalogue = createCatalogue({ decoders })
  const directory = createDirectory({})
  const fold = createFold({ ruleSet })
  const counted: Record<string, number> = {}
  const signals: AlarmSignal[] = []
  let seq = 0
  const send = (topic: string, payload: string | Uint8Array, receivedAtMs: number): void => {
    const origin = { identity: 'x', clientId: 'x', dup: false, qos: 1 as const, retain: false, committedAtMs: receivedAtMs }
    const message: Message = { ...origin, seq: ++seq, receivedAtMs, topic, payload: Buffer.from(payload) }
    const decoded = catalogue.decode(message)
    const why = decoded.rejected?.code ?? (decoded.readings.length > 0 ? 'readings' : 'ignored')
    counted[why] = (counted[why] ?? 0) + 1
    for (const reading of decoded.readings) signals.push(...fold.apply(directory.apply(reading).reading, seq))
  }
  return { send, counted, signals, fold, sent: () => seq }
}

const sane = double({ min: 18, max: 24, noNaN: true, noDefaultInfinity: true })
/** as text, because JSON.stringify would mend it */
const notANumber = constantFrom(
  'NaN',
  'Infinity',
  '-Infinity',
  '"21.5"',
  '"NaN"',
  'null',
  'true',
  '[]',
  '{}',
  '1e999',
  '0x15',
  '""',
  '21,5',
)
const value: Arbitrary<string> = oneof(sane.map(String), sane.map(String), notANumber)
const time: Arbitrary<(nowMs: number) => string> = oneof(
  constant((ms: number) => String(ms)),
  constantFrom(-YEARS_10_MS, 600_000, -3_600_000, YEARS_10_MS).map(by => (ms: number) => String(ms + by)),
  constantFrom('"yesterday"', 'null', '-1', '0', '1e300', '"2016-01-05T22:40:00Z"').map(text => () => text),
)
const metric = constantFrom(
  'temperature_c',
  'obscuration_db_per_m',
  'co_ppm',
  'humidity_pct',
  'pressure_kpa',
  'made_up_raw',
  'temperature',
  '__proto__',
  'constructor',
)
const flags = constantFrom(
  '',
  '',
  '"alarms":{},',
  '"alarms":{"smoke":"true"},',
  '"alarms":{"smoke":1},',
  '"alarms":"fire",',
  '"alarms":{"smoke":null},',
  '"alarms":{"smoke":false},',
)
type Broken = {
  device: number
  at: (ms: number) => string
  values: { metric: string; value: string }[]
  flags: string
  cut: number
  twice: boolean
}
const broken: Arbitrary<Broken> = record({
  device: integer({ min: 0, max: 4 }),
  at: time,
  values: array(record({ metric, value }), { maxLength: 4 }),
  flags,
  /** how many bytes are lost at the end */
  cut: oneof(constant(0), constant(0), constant(0), integer({ min: 1, max: 40 })),
  twice: boolean(),
})

function payloadOf({ device, at, values, flags: said, cut }: Broken, nowMs: number): string {
  const metrics = values.map(v => `${JSON.stringify(v.metric)}:${v.value}`).join()
  const text = `{"v":1,"deviceId":"g${device}","kind":"smoke","ts":${at(nowMs)},${said}"metrics":{${metrics}}}`
  return text.slice(0, text.length - cut)
}

test('values that are none, clocks that lie, metrics that come and go, repeats: no alarm, nothing broken, all counted', () => {
  const seen: Record<string, number> = {}
  assert(
    property(array(broken, { minLength: 20, maxLength: 80 }), all => {
      const { send, counted, signals, fold, sent } = way()
      for (const [i, one] of all.entries()) {
        const nowMs = START + i * 5_000
        const payload = payloadOf(one, nowMs)
        for (let n = 0; n <= Number(one.twice); n++) send(`fire/v1/smoke/g${one.device}/telemetry`, payload, nowMs + n)
      }
      expect(raises(signals).filter(raise => isHazard(raise.kind))).toEqual([])
      expect(fold.disabled()).toEqual([])
      expect(Object.values(counted).reduce((a, b) => a + b, 0)).toBe(sent())
      expect(Object.keys(counted).filter(code => !['readings', 'ignored', 'json-invalid', 'schema-violation'].includes(code))).toEqual([])
      for (const [code, n] of Object.entries(counted)) seen[code] = (seen[code] ?? 0) + n
    }),
    { numRuns: 60, seed: SEED },
  )
  // the generator makes all sorts: otherwise this test would hold nothing
  for (const code of ['readings', 'json-invalid', 'schema-violation']) expect(seen[code]).toBeGreaterThan(100)
})

test('any bytes under any topic of any family', () => {
  const topics = constantFrom(
    'fire/v1/smoke/g1/telemetry',
    'fire/v1/smoke/g1/status',
    'fire/v1/smoke/g1/about',
    'fire/v1/camera/g1/event',
    'fire/v1/x/g1/telemetry',
    'zigbee2mqtt/kitchen',
    'zigbee2mqtt/bridge/devices',
    'zigbee2mqtt/kitchen/availability',
    'tele/x/SENSOR',
    'application/1/device/2/event/up',
    'thing/product/sn/osd',
    'spBv1.0/g/DDATA/n/d',
    'frigate/events',
    'v3/a/devices/d/up',
    '',
    '/',
    'a/b/c/d/e/f/g',
  )
  const bytes: Arbitrary<string | Uint8Array> = oneof(
    uint8Array({ maxLength: 60 }),
    string({ maxLength: 60, unit: 'binary' }),
    constantFrom(
      '{}',
      '[]',
      'null',
      '0',
      '""',
      '{"v":1}',
      '['.repeat(5000),
      `{"a":${'{"a":'.repeat(200)}1${'}'.repeat(201)}`,
      'online',
      'offline',
      '\u0000',
    ),
  )
  assert(
    property(array(record({ topic: topics, payload: bytes }), { minLength: 20, maxLength: 100 }), all => {
      const { send, signals, fold } = way()
      for (const [i, { topic, payload }] of all.entries()) send(topic, payload, START + i * 1_000)
      expect(raises(signals).filter(raise => isHazard(raise.kind))).toEqual([])
      expect(fold.disabled()).toEqual([])
    }),
    { numRuns: 60, seed: SEED },
  )
})

test('one device floods, a thousand strangers appear once: memory is by device, and bounded for each', () => {
  const { send, fold, signals } = way()
  const row = () => Math.max(...fold.dirty().map(([, json]) => json?.length ?? 0))
  const flood = (from: number, n: number) => {
    for (let i = from; i < from + n; i++)
      send(
        'fire/v1/smoke/g1/telemetry',
        `{"v":1,"deviceId":"g1","kind":"smoke","ts":${START + i * 20},"metrics":{"temperature_c":${20 + (i % 7)},"made_up_${i % 500}_raw":${i}}}`,
        START + i * 20,
      )
  }
  flood(0, 2_000)
  const before = row()
  flood(2_000, 4_000)
  expect(row()).toBeLessThanOrEqual(before * 1.2)
  expect(before).toBeLessThan(16_384)
  const { subjects } = fold.size()
  for (let i = 0; i < 1_000; i++)
    send(`fire/v1/smoke/n${i}/telemetry`, `{"v":1,"deviceId":"n${i}","kind":"smoke","metrics":{"temperature_c":21}}`, START + 200_000 + i)
  // a device and, where its place is not known, a place of its own
  expect(fold.size().subjects).toBeLessThanOrEqual(subjects + 2_100)
  expect(raises(signals).filter(raise => isHazard(raise.kind))).toEqual([])
})

test('a fire among the garbage is found, whatever its device sent before', () => {
  assert(
    property(array(broken, { minLength: 5, maxLength: 40 }), all => {
      const { send, signals } = way()
      for (const [i, one] of all.entries())
        send(`fire/v1/smoke/g${one.device}/telemetry`, payloadOf(one, START + i * 1_000), START + i * 1_000)
      const nowMs = START + 60_000
      send('fire/v1/smoke/g1/telemetry', `{"v":1,"deviceId":"g1","kind":"smoke","ts":${nowMs},"alarms":{"smoke":true}}`, nowMs)
      expect(
        raises(signals)
          .filter(raise => isHazard(raise.kind))
          .map(raise => raise.deviceId),
      ).toContain('g1')
    }),
    { numRuns: 100, seed: SEED },
  )
})
