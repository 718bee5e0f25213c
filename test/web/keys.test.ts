// The desk's keys: what they do, and when they must do nothing.
import { describe, expect, test } from 'vitest'
import { commandOf, type KeyPress } from '../../dashboard/web/src/keys.ts'
import { barPct, ownLatencyMs, stepsOf } from '../../dashboard/web/src/incident/waterfall.ts'
import { mostTelling, subjectOf, windowOf } from '../../dashboard/web/src/incident/history.ts'
import { pageOf } from '../../dashboard/web/src/router.ts'
import { asked, isSoftware } from '../../dashboard/web/src/map/renderer.ts'
import type { Alarm, Evidence } from '#contracts/alarm.ts'
import { alarm, at, T0 } from './incidents.ts'

const press = (key: string, o: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  repeat: false,
  typing: false,
  inDialog: false,
  inQueue: false,
  ...o,
})

describe('keys', () => {
  test.each([
    ['j', 'next'],
    ['K', 'previous'],
    ['a', 'acknowledge'],
    ['n', 'note'],
    ['/', 'filter'],
    ['?', 'help'],
    ['m', 'mute'],
    ['d', 'dispatch'],
    ['S', 'shelve'],
    ['f', 'false-alarm'],
    ['l', 'live'],
  ])('%s is %s', (key, command) => {
    expect(commandOf(press(key))).toBe(command)
  })
  test('nothing while typing, in a dialog, or with a modifier', () => {
    expect(commandOf(press('a', { typing: true }))).toBeNull()
    expect(commandOf(press('a', { inDialog: true }))).toBeNull()
    for (const modifier of ['ctrlKey', 'altKey', 'metaKey'] as const) expect(commandOf(press('a', { [modifier]: true }))).toBeNull()
  })
  test('a key held down moves on, but never acknowledges a second time', () => {
    expect(commandOf(press('a', { repeat: true }))).toBeNull()
    expect(commandOf(press('j', { repeat: true }))).toBe('next')
  })
  test('arrows move only in the queue; elsewhere they scroll', () => {
    expect(commandOf(press('ArrowDown'))).toBeNull()
    expect(commandOf(press('ArrowDown', { inQueue: true }))).toBe('next')
  })
})

describe('waterfall', () => {
  const waterfall = { sensorAt: at(0), brokerAt: at(-40), diskAt: at(-35), incidentAt: at(10) }
  test('missing stages are left out, and a sensor clock ahead of ours is said as it is', () => {
    expect(stepsOf(waterfall).map(step => [step.stage, step.tookMs])).toEqual([
      ['sensor', null],
      ['broker', -40],
      ['disk', 5],
      ['incident', 45],
    ])
  })
  test('our own part runs from the door to the queue, or is not known', () => {
    expect(ownLatencyMs(waterfall)).toBe(50)
    expect(ownLatencyMs({ sensorAt: at(0) })).toBeNull()
  })
  test('bars stay inside their track', () => {
    for (const ms of [-5, 0, 1, 1e3, 1e12]) expect(barPct(ms)).toBeGreaterThanOrEqual(4)
    expect(barPct(1e12)).toBe(100)
  })
})

test('the chart begins ten minutes before the alarm and spans at most an hour', () => {
  expect(windowOf(T0, T0 + 60_000)).toEqual({ fromMs: T0 - 600_000, toMs: T0 + 60_000 })
  expect(windowOf(T0, T0 + 9e7)).toEqual({ fromMs: T0 - 600_000, toMs: T0 + 3_000_000 })
})

test('an address this page does not know is the desk', () => {
  expect(['#/health', '#/quarantine', '', '#/nowhere', '#/accounting'].map(pageOf)).toEqual([
    'health',
    'quarantine',
    'desk',
    'desk',
    'accounting',
  ])
})

test('a GPU that is only emulated counts as none, unless the address asks for it', () => {
  expect(isSoftware('ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (LLVM 10.0.0)), SwiftShader driver)')).toBe(true)
  expect(isSoftware('llvmpipe (LLVM 15.0.7, 256 bits)')).toBe(true)
  expect(isSoftware('Microsoft Basic Render Driver')).toBe(true)
  expect(isSoftware('ANGLE (Intel, Mesa Intel(R) UHD Graphics 630, OpenGL 4.6)')).toBe(false)
  expect([asked('?map=webgl'), asked('?map=canvas'), asked('?map=paper'), asked('')]).toEqual(['webgl', 'canvas', null, null])
})

describe('the chart is about', () => {
  const evidence = (what: string, value: Evidence['value'], threshold?: number): Evidence => ({
    seq: 1,
    deviceId: 'smoke-7',
    ts: at(0),
    receivedAt: at(0),
    what,
    value,
    ...(threshold === undefined ? {} : { threshold }),
  })
  const withEvidence = (...list: Evidence[]): Alarm => ({ ...alarm('x', 'a'), evidence: list, counterEvidence: [] })

  test('the newest measured value, with its threshold', () => {
    const found = subjectOf(
      withEvidence(evidence('temperature_c', 40), evidence('obscuration_db_per_m', 0.3, 0.16), evidence('alarms.smoke', true)),
    )
    expect(found).toEqual({ deviceId: 'smoke-7', metric: 'obscuration_db_per_m', threshold: 0.16 })
  })
  test('the device alone where only flags speak; a confidence is no series', () => {
    expect(subjectOf(withEvidence(evidence('detections.smoke', 0.86)))).toEqual({ deviceId: 'smoke-7' })
    expect(subjectOf(withEvidence())).toEqual({ deviceId: 'smoke-1' })
  })
  test('then what shows a fire first is drawn, and an empty series never', () => {
    const series = [
      { metric: 'battery_v', points: [[T0, 3]] as [number, number][] },
      { metric: 'obscuration_db_per_m', points: [] },
      { metric: 'temperature_c', points: [[T0, 24]] as [number, number][] },
    ]
    expect(mostTelling(series)?.metric).toBe('temperature_c')
    expect(mostTelling([])).toBeNull()
  })
})
