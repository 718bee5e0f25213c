// The rules that ship, over real fires and a real fire-free night, through the real decoders and the real queue. The scores are kept
// in scores.json and compared exactly: whoever changes a rule sees what it costs. After a wanted change: UPDATE_SCORES=1.
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { isHazard } from '#contracts/alarm.ts'
import type { Message } from '#contracts/message.ts'
import { backtestParts, openRecording } from '../../bin/backtest.ts'
import { backtest, loadRuleSet, type Backtest, type Recording } from '../../rules/index.ts'

const fixtures = join(import.meta.dirname, '../fixtures/recordings')
const scoresFile = join(import.meta.dirname, 'scores.json')
const files = globSync('*.jsonl.gz', { cwd: fixtures }).sort()
const open = (some = files): Recording[] => some.map(file => openRecording(join(fixtures, file)))
const run = async (recordings: Recording[]) =>
  backtest(await loadRuleSet(join(import.meta.dirname, '../../rules/sets/default')), recordings, await backtestParts())

let result: Backtest
const recordings = open()
beforeAll(async () => {
  result = await run(open())
})
const pairs = () => result.recordings.map((score, i) => ({ score, truth: recordings[i]?.truth ?? { fires: [] } }))

/** What is compared: times, counts and the hash of the log; never speed. */
function scores() {
  const each = pairs().map(({ score }) => {
    const alarms: Record<string, number> = {}
    for (const { rule } of score.alarms) alarms[rule] = (alarms[rule] ?? 0) + 1
    const fires = score.fires.map(({ what, detectedAfterS: afterS, confirmedAfterS }) => ({ what, afterS, confirmedAfterS }))
    const { name, messages, incidents, missed, falseAlarms, sensorFaults } = score
    return {
      name,
      messages,
      fires,
      incidents: incidents.length,
      missed: missed.length,
      falseAlarms: falseAlarms.length,
      sensorFaults: sensorFaults.length,
      alarms,
    }
  })
  return { recordings: each, logHash: result.logHash }
}

/** Every message up to 5 s later, by a number made of its place: what belonged together comes in another order. */
const overtaken = (recording: Recording): Recording => ({
  ...recording,
  batches: (async function* () {
    const messages: Message[] = []
    for await (const batch of recording.batches) messages.push(...batch)
    const delayed = messages.map(m => ({ ...m, receivedAtMs: m.receivedAtMs + (m.retain ? 0 : (m.seq * 2_654_435_761) % 5_000) }))
    const arrived = delayed.sort((a, b) => a.receivedAtMs - b.receivedAtMs)
    yield arrived.map((m, i) => ({ ...m, seq: i + 1, committedAtMs: m.receivedAtMs }))
  })(),
})

/** When the first sensor of the recording has risen by 8.3 °C (15 °F) within a minute; no level, no floor, one reading is enough. */
function plainRise(file: string): number {
  const lines = gunzipSync(readFileSync(join(fixtures, file)))
    .toString()
    .trim()
    .split('\n')
  const sensors = new Map<string, [ts: number, temperature: number][]>()
  for (const { payload } of lines.map(
    line => JSON.parse(line) as { payload: { deviceId: string; ts?: number; smoke?: { temperatureC?: number } } },
  )) {
    const { deviceId, ts, smoke } = payload
    if (ts === undefined || smoke?.temperatureC === undefined) continue
    const known = sensors.get(deviceId) ?? []
    known.push([ts, smoke.temperatureC])
    sensors.set(deviceId, known)
  }
  const rose = [...sensors.values()].map(samples => {
    const byTime = samples.toSorted(([a], [b]) => a - b)
    const found = byTime.find(([ts, value]) => byTime.some(([before, low]) => ts - before === 60_000 && value - low >= 8.3))
    return found?.[0] ?? Infinity
  })
  return Math.min(...rose)
}

test('the recordings are there: real alarms, measured fires, a night without fire', () => {
  expect(files.filter(f => f.includes('-alarms'))).toHaveLength(4)
  expect(files.filter(f => f.includes('-analog'))).toHaveLength(4)
  expect(pairs().filter(p => p.truth.fires.length === 0).length).toBeGreaterThan(0)
})

test('the scores are those that were kept', () => {
  if (process.env['UPDATE_SCORES'] === '1') writeFileSync(scoresFile, `${JSON.stringify(scores(), null, 1)}\n`)
  expect(scores()).toEqual(JSON.parse(readFileSync(scoresFile, 'utf8')))
})

describe('whatever the scores', () => {
  test('no fire is missed, and each is one incident', () => {
    for (const { score, truth } of pairs()) {
      expect(score.missed, score.name).toEqual([])
      expect(score.incidents, score.name).toHaveLength(truth.fires.length)
    }
  })
  test('nothing is taken for a fire before one was lit, and nothing where none was', () => {
    for (const { score, truth } of pairs()) {
      expect(score.falseAlarms, score.name).toEqual([])
      if (truth.fires.length === 0)
        expect(
          score.alarms.filter(a => isHazard(a.kind)),
          score.name,
        ).toEqual([])
    }
  })
  test('every real detector that sounded has its alarm, once', () => {
    for (const { score, truth } of pairs().filter(p => p.score.name.endsWith('-alarms'))) {
      const devices = score.alarms.filter(a => a.rule === 'device-fire').flatMap(a => a.deviceIds)
      expect(new Set(devices).size, score.name).toBe(devices.length)
      expect(devices.length, score.name).toBe((truth as { devices?: number }).devices ?? devices.length)
      expect(devices.length, score.name).toBeGreaterThanOrEqual(17)
    }
  })
  test('real alarms are confirmed within 10 s of the first', () => {
    for (const { score, truth } of pairs().filter(p => p.score.name.endsWith('-alarms'))) {
      expect(truth.fires.length, score.name).toBe(score.fires.length)
      for (const { detectedAfterS, confirmedAfterS } of score.fires)
        expect((confirmedAfterS ?? Infinity) - (detectedAfterS ?? 0), score.name).toBeLessThanOrEqual(10)
      expect(score.alarms.filter(a => a.rule === 'fire-confirmed')).toHaveLength(1)
    }
  })
  test('measured values find a fire about as soon as the real alarms did', () => {
    const behindS = pairs()
      .filter(p => p.score.name.endsWith('-analog'))
      .map(({ score, truth }) => {
        const [fire] = truth.fires as { firstAlarmAt?: string }[]
        return (Date.parse(score.incidents[0]?.openedAt ?? '') - Date.parse(fire?.firstAlarmAt ?? '')) / 1000
      })
      .sort((a, b) => a - b)
    expect(behindS.at(-1)).toBeLessThanOrEqual(60)
    expect(behindS[Math.floor(behindS.length / 2)]).toBeLessThanOrEqual(15)
  })
  test('a climb of temperature is told within 10 s of the plainest rule there is', () => {
    const furniture = files.filter(f => /RedAccent|Overstuffed/.test(f))
    expect(furniture).toHaveLength(3)
    for (const file of furniture) {
      const score = result.recordings.find(({ name }) => file.startsWith(name))
      const plainMs = plainRise(file)
      const [fire] = score?.fires ?? []
      expect(plainMs, file).toBeGreaterThan(Date.parse(fire?.ignitedAt ?? ''))
      expect((fire?.detectedAfterS ?? Infinity) - (plainMs - Date.parse(fire?.ignitedAt ?? '')) / 1000, file).toBeLessThanOrEqual(10)
    }
  })
  test('sensors that drop out are told, not taken for a fire', () => {
    expect(new Set(pairs().flatMap(p => (p.truth.fires.length === 0 ? p.score.sensorFaults.map(f => f.deviceId) : []))).size).toBe(2)
  })
  test('a second run makes the same log, also where devices overtake each other by up to 5 s', async () => {
    const some = files.filter(f => /^SDC.*-alarms/.test(f))
    const { logHash } = await run(open(some))
    expect((await run(open(some))).logHash).toBe(logHash)
    expect((await run(open(some).map(overtaken))).logHash).toBe(logHash)
  })
})
