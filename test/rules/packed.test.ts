// What goes packed from the thread that decodes to the one that judges comes out as it went in, and a backtest says the same either way.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import type { Message } from '#contracts/message.ts'
import { ALARM_FLAGS, DEVICE_KINDS, type Reading } from '#contracts/reading.ts'
import { CLOCK_IDENTITY, CLOCK_TOPIC } from '#contracts/topic.ts'
import { backtestParts, openRecording } from '../../bin/backtest-sources.ts'
import { openSources } from '../../bin/decode-ahead.ts'
import { backtest, createPacker, createUnpacker, loadRuleSet, type Packed } from '../../rules/index.ts'
import { isoAt, START } from './timeline.ts'

const root = join(import.meta.dirname, '../..')
const dir = mkdtempSync(join(tmpdir(), 'packed-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

type Told = { nowMs: number; seq: number; isClock: boolean; readings: readonly Reading[] }
type Heard = { message: Message; readings: Reading[] }

/** Packed in portions, each cloned as on its way to another thread. */
function through(portions: Heard[][]): { told: Told[]; packed: Packed[] } {
  const packer = createPacker()
  const unpack = createUnpacker()
  const told: Told[] = []
  const packed = portions.map(portion => {
    for (const { message, readings } of portion) packer.message(message, readings)
    return structuredClone(packer.take())
  })
  for (const one of packed) unpack(one)((nowMs, seq, isClock, readings) => told.push({ nowMs, seq, isClock, readings }))
  return { told, packed }
}
const toldOf = ({ message: { receivedAtMs, seq, topic, identity }, readings }: Heard): Told => ({
  nowMs: receivedAtMs,
  seq,
  isClock: topic === CLOCK_TOPIC && identity === CLOCK_IDENTITY,
  readings,
})
const message = (seq: number, isClock = false): Message => ({
  seq,
  topic: isClock ? CLOCK_TOPIC : 'x/y',
  identity: isClock ? CLOCK_IDENTITY : 'x',
  clientId: 'x',
  payload: Buffer.alloc(0),
  receivedAtMs: START + seq * 250,
  committedAtMs: START,
  qos: 1,
  retain: false,
  dup: false,
})

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const iso = fc.oneof(fc.integer({ min: 0, max: 9 }).map(isoAt), fc.constantFrom('2026-01-05T10:00:00Z', 'soon', '2026-01-05T24:00:00.000Z'))
const number = fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 }), fc.constantFrom(-0, Number.NaN, Infinity))
const some = <T>(values: fc.Arbitrary<T>, names: readonly string[]) =>
  fc.dictionary(fc.constantFrom(...names), values, { maxKeys: 3, noNullPrototype: true })
const nested = fc.oneof(number, fc.constantFrom('a', true, null), fc.array(number, { maxLength: 2 }), some(number, ['x', 'y']))

const readings: fc.Arbitrary<Reading> = fc
  .record({
    deviceId: fc.constantFrom('d1', 'd2', 'd3'),
    kind: fc.constantFrom(...DEVICE_KINDS.slice(0, 2)),
    ts: iso,
    tsSource: fc.constantFrom('device' as const, 'server' as const),
    receivedAt: iso,
    metrics: some(number, ['temperature_c', 'co_ppm', 'x']),
    alarms: some(fc.boolean(), ALARM_FLAGS.slice(0, 2)),
    flags: some(fc.constant(true), ['history', 'test']),
    source: fc.record({ family: fc.constant('native'), topic: fc.constantFrom('a', 'b') }, { noNullPrototype: true }),
    seq: optional(number),
    boot: optional(number),
    batteryPct: optional(number),
    rssiDbm: optional(number),
    rsrpDbm: optional(number),
    snrDb: optional(number),
    lqi: optional(number),
    msgId: optional(fc.string()),
    deviceTs: optional(fc.string()),
    place: optional(some(fc.constantFrom('1', '2'), ['building', 'room'])),
    position: optional(fc.record({ lat: number, lon: number }, { noNullPrototype: true })),
    state: optional(some(nested, ['s', 't'])),
    about: optional(some(fc.constantFrom('n', 'm'), ['name', 'model'])),
    online: optional(fc.boolean()),
    text: optional(fc.constant('words')),
    detections: optional(fc.constant([{ class: 'fire', bbox: [0, 0, 1, 1] as [number, number, number, number] }])),
    thermal: optional(fc.constant({ maxC: 80, location: null })),
  })
  .map(all => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as unknown as Reading)

test('whatever a reading carries, it comes out as it went in', () => {
  const seed = Date.now() % 2 ** 31
  console.log(`seed ${seed}`)
  const portions = fc.array(fc.array(fc.tuple(fc.array(readings, { maxLength: 3 }), fc.boolean()), { maxLength: 12 }), { maxLength: 4 })
  const check = (given: [Reading[], boolean][][]) => {
    let seq = 0
    const heard = given.map(portion => portion.map(([all, isClock]) => ({ message: message(++seq, isClock), readings: all })))
    expect(through(heard).told).toStrictEqual(heard.flat().map(toldOf))
  }
  fc.assert(fc.property(portions, check), { seed, numRuns: 200 })
})

const telemetry = (deviceId: string, s: number, more: Partial<Reading> = {}): Reading => ({
  deviceId,
  kind: 'smoke',
  ts: isoAt(s),
  tsSource: 'device',
  receivedAt: isoAt(s),
  metrics: { temperature_c: 20 + s },
  alarms: {},
  flags: {},
  source: { family: 'native', topic: `fire/v1/smoke/${deviceId}/telemetry` },
  ...more,
})

test('what a device says again goes as numbers only; too many forms go whole, and nothing grows', () => {
  const usual = Array.from({ length: 50 }, (_, i) => ({
    message: message(i),
    readings: [telemetry(`d${i % 5}`, i), telemetry(`d${i % 5}`, i + 0.5)],
  }))
  const { packed, told } = through([usual.slice(0, 25), usual.slice(25)])
  expect(told).toStrictEqual(usual.map(toldOf))
  expect(packed.map(({ senders, forms, whole }) => [senders.length, forms.length, whole.length])).toEqual([
    [5, 1, 0],
    [0, 0, 0],
  ])
  const strange = Array.from({ length: 500 }, (_, i) => ({ message: message(i), readings: [telemetry('d', i, { state: { n: i } })] }))
  const many = through([strange])
  expect(many.told).toStrictEqual(strange.map(toldOf))
  expect([many.packed[0]?.forms.length, many.packed[0]?.whole.length]).toEqual([200, 300])
})

test('decoded ahead in another thread, a backtest says the same, and names the same line of a broken file', async () => {
  const rules = await loadRuleSet(join(root, 'rules/sets/default'))
  const parts = { ...(await backtestParts()), stopwatchMs: () => 0 }
  const file = join(root, 'test/fixtures/recordings/SDC10-alarms.jsonl.gz')
  const broken = join(dir, 'broken.jsonl')
  writeFileSync(broken, `{"receivedAt":"${isoAt(0)}","topic":"x","payload":{}}\nnonsense\n`)
  const here = await backtest(rules, [openRecording(file)], parts)
  expect(here.recordings[0]?.alarms.length).toBeGreaterThan(0)
  await using ahead = openSources([{ file }, { file: broken }], undefined, true)
  const [whole, bad] = ahead.open()
  expect(await backtest(rules, [whole!], parts)).toEqual(here)
  await expect(backtest(rules, [bad!], parts)).rejects.toMatchObject({
    code: 'invalid-request',
    message: `${broken}:2: not a JSON object`,
  })
})
