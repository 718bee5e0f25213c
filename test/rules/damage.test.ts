// Real fires over a bad line: readings lost, doubled, out of order, sensors that drop to zero. The fire is found all the same, and the
// damage itself is never taken for one. The seed stands here; another one must hold as well.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { isHazard } from '#contracts/alarm.ts'
import type { Reading } from '#contracts/reading.ts'
import { createCatalogue, createDirectory, loadDecoders } from '../../ingest/index.ts'
import { createFold, loadRuleSet, messagesOf, truthOf, type RuleSet } from '../../rules/index.ts'
import { play, raises } from './timeline.ts'

const SEED = 20260105
const FOUND_WITHIN_S = 90
const fixtures = join(import.meta.dirname, '../fixtures/recordings')
const names = globSync('*.jsonl.gz', { cwd: fixtures })
  .filter(f => f.includes('-analog') || f.startsWith('RedAccent_Open') || f.startsWith('iot_'))
  .map(f => f.replace('.jsonl.gz', ''))
  .sort()

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
const arrivingWithin = (readings: Reading[], ms: number, random: () => number): Reading[] =>
  readings
    .map(reading => ({ reading, atMs: Date.parse(reading.receivedAt) + random() * ms }))
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ reading }) => reading)
const atZero = (r: Reading): Reading =>
  r.metrics['temperature_c'] === undefined ? r : { ...r, metrics: { ...r.metrics, temperature_c: 0 } }

const DAMAGE: Record<string, (readings: Reading[], random: () => number) => Reading[]> = {
  'every third reading lost': (readings, random) => readings.filter(() => random() > 0.33),
  'two of three lost': (readings, random) => readings.filter(() => random() > 0.67),
  'a third delivered twice': (readings, random) => readings.flatMap(r => (random() < 0.33 ? [r, r] : [r])),
  'out of order by up to 5 s': (readings, random) => arrivingWithin(readings, 5_000, random),
  'out of order by up to 30 s': (readings, random) => arrivingWithin(readings, 30_000, random),
  'a tenth with the temperature at zero': (readings, random) => readings.map(r => (random() < 0.1 ? atZero(r) : r)),
}

let ruleSet: RuleSet
const readingsOf = new Map<string, Reading[]>()
beforeAll(async () => {
  ruleSet = await loadRuleSet(join(import.meta.dirname, '../../rules/sets/default'))
  const decoders = await loadDecoders()
  for (const name of names) {
    const catalogue = createCatalogue({ decoders })
    const directory = createDirectory({})
    const lines = gunzipSync(readFileSync(join(fixtures, `${name}.jsonl.gz`)))
      .toString()
      .split('\n')
    const readings: Reading[] = []
    for await (const message of messagesOf(name, lines))
      readings.push(...catalogue.decode(message).readings.map(r => directory.apply(r).reading))
    readingsOf.set(name, readings)
  }
})

describe.each(Object.entries(DAMAGE))('%s', (_, damage) => {
  test.each(names)('%s', name => {
    const [fire] = truthOf(readFileSync(join(fixtures, `${name}.truth.json`), 'utf8'), name).fires
    const readings = damage(readingsOf.get(name) ?? [], seeded(SEED))
    const hazards = raises(play(createFold({ ruleSet }), readings)).filter(r => isHazard(r.kind))
    if (fire === undefined) return expect(hazards).toEqual([])
    const afterS = hazards.map(r => (Date.parse(r.at) - Date.parse(fire.ignitedAt)) / 1000)
    expect(Math.min(...afterS)).toBeGreaterThanOrEqual(0)
    expect(Math.min(...afterS)).toBeLessThanOrEqual(FOUND_WITHIN_S)
  })
})
