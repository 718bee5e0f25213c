// What a device says by itself: episodes, repeats, late words, tests, cameras.
import { describe, expect, test } from 'vitest'
import { createFold } from '../../rules/fold.ts'
import { REPEATS_TOLD } from '../../rules/episode.ts'
import { at, isoAt, play, raises, ruleOf, setOf, shortOf } from './timeline.ts'

const smoke = (s: number, on: boolean, arrivesAtS = s) => at(s, { alarms: { smoke: on } }, arrivesAtS)
const fold = () => createFold({ ruleSet: setOf(ruleOf('device-alarm', { flags: ['smoke', 'fire'] })) })

describe('one episode, one alarm', () => {
  test('repeats every 3 s for an hour are one alarm with bounded evidence', () => {
    const repeats = Array.from({ length: 1200 }, (_, i) => smoke(3 * i, true))
    const signals = play(fold(), repeats)
    expect(shortOf(signals)).toEqual(['+0'])
    const updates = signals.filter(s => s.type === 'update')
    expect(updates.length).toBeGreaterThan(REPEATS_TOLD)
    expect(updates.length).toBeLessThanOrEqual(REPEATS_TOLD + 60)
    expect(updates.at(-1)?.evidence[0]?.note).toMatch(/^repeat 1\d\d\d$/)
  })
  test('false ends it, and the next true is a new alarm', () => {
    const signals = play(fold(), [smoke(0, true), smoke(10, false), smoke(20, true)])
    expect(shortOf(signals)).toEqual(['+0', '-10', '+20'])
    expect(new Set(raises(signals).map(s => s.alarmId)).size).toBe(2)
  })
  test('two flags are one alarm, over when both are false', () => {
    const f = fold()
    expect(shortOf(play(f, [smoke(0, true), at(5, { alarms: { fire: true } }), smoke(10, false)]))).toEqual(['+0'])
    expect(shortOf(play(f, [at(20, { alarms: { fire: false } })]))).toEqual(['-20'])
  })
  test('the id is that of rule, version, device and time, and says nothing else', () => {
    const [a] = raises(play(fold(), [smoke(10, true)]))
    const [b] = raises(play(fold(), [smoke(0, false), smoke(10, true)]))
    const newer = createFold({ ruleSet: setOf(ruleOf('device-alarm', { flags: ['smoke', 'fire'] }, { version: 2 })) })
    const [c] = raises(play(newer, [smoke(10, true)]))
    expect(a?.alarmId).toBe(b?.alarmId)
    expect(c?.alarmId).not.toBe(a?.alarmId)
  })
})

describe('late words', () => {
  test('a false that was overtaken does not clear', () => {
    expect(shortOf(play(fold(), [smoke(30, true), smoke(20, false, 31)]))).toEqual(['+30'])
  })
  test('a true that was overtaken by a false is not lost: raised late, and over', () => {
    const signals = play(fold(), [smoke(30, false), smoke(20, true, 31)])
    expect(shortOf(signals)).toEqual(['+20', '-30'])
    expect(raises(signals)[0]).toMatchObject({ late: true, at: isoAt(20) })
  })
  test('a broker that delivers the same true again after the false raises nothing', () => {
    expect(shortOf(play(fold(), [smoke(0, true), smoke(10, false), smoke(0, true, 11)]))).toEqual(['+0', '-10'])
  })
  test('nor does one that delivers a true out of the middle of the episode again', () => {
    expect(shortOf(play(fold(), [smoke(0, true), smoke(5, true), smoke(10, false), smoke(5, true, 11)]))).toEqual(['+0', '-10'])
  })
  test('old readings flushed from a buffer do not clear a fire', () => {
    const buffered = [-600, -540, -480, -420].map(s => smoke(s, false, 20))
    expect(shortOf(play(fold(), [smoke(0, true), ...buffered]))).toEqual(['+0'])
  })
  test('a device whose clock went back can still clear its alarm', () => {
    const after = [200, 260, 320].map(s => smoke(s - 3600, false, s))
    expect(shortOf(play(fold(), [smoke(0, true), ...after])).map(s => s[0])).toEqual(['+', '-'])
  })
})

describe('cameras', () => {
  const camera = () =>
    createFold({ ruleSet: setOf(ruleOf('device-alarm', { flags: ['flame'], detections: ['smoke'], confidenceMin: 0.5 })) })
  const sees = (s: number, ...detections: { class: string; confidence?: number }[]) => at(s, { kind: 'camera', detections })
  test('a sure detection raises, an unsure one does not', () => {
    expect(shortOf(play(camera(), [sees(0, { class: 'smoke', confidence: 0.4 }), sees(1, { class: 'person', confidence: 0.9 })]))).toEqual(
      [],
    )
    const [raise] = raises(play(camera(), [sees(0, { class: 'smoke', confidence: 0.8 })]))
    expect(raise?.evidence[0]).toMatchObject({ what: 'detections.smoke', value: 0.8 })
  })
  test('looking and seeing none clears; not looking does not', () => {
    expect(shortOf(play(camera(), [sees(0, { class: 'smoke' }), at(5, { kind: 'camera' }), sees(10, { class: 'person' })]))).toEqual([
      '+0',
      '-10',
    ])
  })
})

test('wording is filled in from the evidence', () => {
  expect(raises(play(fold(), [smoke(0, true)]))[0]?.text).toEqual({ zh: '测试 true', en: 'test true of d1' })
})

test('what stands behind something graver waits for a message without it, and is over as always', () => {
  const f = createFold({ ruleSet: setOf(ruleOf('device-alarm', { flags: ['lowBattery'], behind: ['fire', 'fault'] })) })
  const said = (s: number, alarms: object) => at(s, { alarms })
  expect(shortOf(play(f, [said(0, { fire: true, lowBattery: true }), said(5, { fire: true, lowBattery: true })]))).toEqual([])
  expect(shortOf(play(f, [said(10, { fire: false, lowBattery: true })]))).toEqual(['+10'])
  expect(shortOf(play(f, [said(20, { fire: true, lowBattery: true }), said(30, { fire: true, lowBattery: false })]))).toEqual(['-30'])
})
