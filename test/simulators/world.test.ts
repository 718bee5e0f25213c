// The stories themselves: repeatable, at the asked rate, in the right order, and quiet where nothing burns.
import { describe, expect, test } from 'vitest'
import { ALARM_KINDS } from '#contracts/alarm.ts'
import { findScene } from '../../simulators/scenarios/scene.ts'
import type { SimMessage } from '../../simulators/world.ts'
import { START_MS, tellStory, worldOf } from './setup.ts'

const HAZARD_FLAGS = ['fire', 'smoke', 'heat', 'co', 'gas', 'flame', 'manualCall', 'preAlarm']
const hazards = (m: SimMessage) => {
  const alarms = (m.body['alarms'] ?? {}) as Record<string, boolean>
  return HAZARD_FLAGS.filter(flag => alarms[flag] === true)
}
const withoutTime = ({ body: { ts: _ts, boot: _boot, msgId: _msgId, ...body }, topic, atMs }: SimMessage, startMs: number) => ({
  topic,
  at: atMs - startMs,
  body,
})

describe('determinism', () => {
  test('the same seed tells the same story, byte for byte', () => {
    const tell = () => JSON.stringify(tellStory(worldOf({ devices: 120, scenario: 'night-fire' }).world, 400))
    expect(tell()).toBe(tell())
  })
  test('at another hour the story differs in its times only', () => {
    const later = START_MS + 86_400_000 * 3
    const a = tellStory(worldOf({ devices: 120, scenario: 'night-fire' }).world, 400).map(m => withoutTime(m, START_MS))
    const b = [...worldOf({ devices: 120, scenario: 'night-fire', startMs: later }).world.until(later + 400_000)].map(m =>
      withoutTime(m, later),
    )
    expect(b).toEqual(a)
  })
  test('another seed tells another', () => {
    const tell = (seed: string) => JSON.stringify(tellStory(worldOf({ devices: 60, scenario: 'quiet-night', seed }).world, 60))
    expect(tell('1')).not.toBe(tell('2'))
  })
  test('asking in small steps or at once makes no difference', () => {
    const steps = worldOf({ devices: 60, scenario: 'night-fire' }).world
    const bits: SimMessage[] = []
    for (let ms = 0; ms <= 200_000; ms += 50) bits.push(...steps.until(START_MS + ms))
    expect(bits).toEqual(tellStory(worldOf({ devices: 60, scenario: 'night-fire' }).world, 200))
  })
})

describe('rate', () => {
  test.each([1, 5])('is the asked one on the wall clock at speed %i', speed => {
    const { world } = worldOf({ devices: 400, scenario: 'quiet-night', rate: 80, speed })
    const messages = [...world.until(START_MS + 100_000)].length
    expect(messages).toBeGreaterThan(80 * 100 * 0.9)
    expect(messages).toBeLessThan(80 * 100 * 1.12)
  })
  test('message times never run ahead of the clock that asks', () => {
    const { world } = worldOf({ devices: 60, scenario: 'night-fire', speed: 20 })
    for (const m of world.until(START_MS + 60_000)) expect(m.atMs).toBeLessThanOrEqual(START_MS + 60_000)
  })
  test('per device, sequence numbers count without gaps', () => {
    const next = new Map<string, number>()
    for (const m of tellStory(worldOf({ devices: 100, scenario: 'night-fire' }).world, 300)) {
      expect(m.body['seq']).toBe(next.get(m.deviceId) ?? 0)
      next.set(m.deviceId, (next.get(m.deviceId) ?? 0) + 1)
    }
  })
})

describe('quiet-night', () => {
  const { world, planned } = worldOf({ devices: 1500, scenario: 'quiet-night', rate: 60 })
  const messages = tellStory(world, 1300)
  const troubled = (what: string) =>
    world
      .summary()
      .troubles.filter(t => t.what === what)
      .map(t => t.deviceId)

  test('never sets a hazard flag', () => {
    expect(ALARM_KINDS).toContain('pre-alarm')
    expect(messages.filter(m => hazards(m).length > 0)).toEqual([])
  })
  test('has cooking that can be seen and stays below half of the alarm point', () => {
    const cooks = new Set(troubled('cooking'))
    const peak = Math.max(
      ...messages.filter(m => cooks.has(m.deviceId)).map(m => (m.body['smoke'] as { obscurationDbPerM: number }).obscurationDbPerM),
    )
    expect(peak).toBeGreaterThan(0.03)
    expect(peak).toBeLessThan(0.065)
  })
  test('has low batteries that say so', () => {
    const low = new Set(troubled('low-battery'))
    const said = new Set(
      messages.filter(m => (m.body['alarms'] as Record<string, boolean> | undefined)?.['lowBattery']).map(m => m.deviceId),
    )
    expect(low.size).toBeGreaterThan(0)
    expect(said).toEqual(low)
  })
  test('has a device that falls silent, and only that one', () => {
    const silent = troubled('silent')
    expect(silent).toHaveLength(1)
    const lastAt = Map.groupBy(messages, m => m.deviceId)
    const quiet = planned.filter(p => (lastAt.get(p.deviceId)?.at(-1)?.atMs ?? 0) < START_MS + 1000 * 1000).map(p => p.deviceId)
    expect(quiet).toEqual(silent)
  })
})

describe('night-fire', () => {
  const { world, planned } = worldOf({ devices: 400, scenario: 'night-fire', rate: 20 })
  const messages = tellStory(world, 1700)
  const scene = findScene(planned)!
  const summary = world.summary()
  const sounded = messages.filter(m => hazards(m).includes('smoke'))

  test('burns in flat 1405 of building 2, ten seconds in', () => {
    expect(summary).toMatchObject({ building: '青禾里 2 幢', room: '1405', ignitedS: 10 })
  })
  test('the flat of origin sounds first, within a minute of ignition', () => {
    expect(sounded[0]!.deviceId).toBe(scene.origin.deviceId)
    expect((sounded[0]!.atMs - START_MS) / 1000 - 10).toBeLessThan(60)
  })
  test('detectors sound in the order of their smoke path, neighbours 1404 and 1406 before 1401', () => {
    const order = summary.detectors.map(d => scene.paths.get(d.deviceId)!)
    expect(order.length).toBeGreaterThan(6)
    for (const [i, path] of order.entries()) {
      // alarm points differ by a third between detectors: near paths may swap, far ones may not
      for (const later of order.slice(i + 1)) expect(later).toBeGreaterThan(path - 9)
    }
  })
  test('smoke never goes down, and no other building sounds', () => {
    for (const m of sounded) {
      expect(scene.paths.has(m.deviceId), m.deviceId).toBe(true)
      expect(Number(planned.find(p => p.deviceId === m.deviceId)!.floor)).toBeGreaterThanOrEqual(14)
    }
  })
  test('a sounding detector says so at once on its event topic and repeats every ten seconds', () => {
    const corridor = sounded.filter(m => m.deviceId === summary.detectors[1]!.deviceId)
    expect(corridor[0]!.topic).toMatch(/\/event$/)
    const gaps = corridor.slice(1, 20).map((m, i) => (m.atMs - corridor[i]!.atMs) / 1000)
    expect(Math.max(...gaps)).toBeLessThan(12)
  })
  test('the detector in the burning flat is destroyed and falls silent while in alarm', () => {
    const own = messages.filter(m => m.deviceId === scene.origin.deviceId)
    expect(own.at(-1)!.atMs).toBeLessThan(START_MS + 330_000)
    expect(hazards(own.at(-1)!)).toContain('smoke')
  })
  test('a camera sees smoke, then flame, with confidence, and ends its event', () => {
    const of = messages
      .filter(m => m.deviceId === scene.cameras[0]!.device.deviceId && m.topic.endsWith('/event'))
      .map(m => m.body['camera'] as { phase: string; eventId: string; detections: { class: string; confidence: number }[] })
    expect(of[0]!.phase).toBe('new')
    expect(of[0]!.detections[0]!.class).toBe('smoke')
    expect(of.some(c => c.detections.some(d => d.class === 'flame' && d.confidence > 0.5))).toBe(true)
    expect(of.at(-1)!.phase).toBe('end')
  })
  test('the drone flies its mission in order, towards the fire, and finds the hot spot where it is', () => {
    const flight = messages
      .filter(m => m.deviceId === scene.drone!.deviceId)
      .map(
        m =>
          m.body as {
            position: { lat: number; lon: number }
            drone: { mission: { state: string }; headingDeg: number; thermal?: { maxC: number; position?: { lat: number; lon: number } } }
          },
      )
    const states = flight.map(f => f.drone.mission.state).filter((s, i, all) => s !== all[i - 1])
    expect(states).toEqual(['none', 'preparing', 'taking-off', 'en-route', 'on-scene', 'returning', 'landing', 'landed', 'none'])
    const found = flight.find(f => f.drone.thermal?.position !== undefined)!
    expect(found.drone.mission.state).toBe('on-scene')
    expect(found.drone.thermal!.position!.lat).toBeCloseTo(scene.origin.lat, 4)
    expect(found.position).not.toEqual(found.drone.thermal!.position)
  })
  test('the micro station takes the task through its states', () => {
    const states = messages
      .filter(m => m.deviceId === scene.station!.deviceId)
      .map(m => (m.body['station'] as { task?: { state: string } }).task?.state ?? 'none')
      .filter((s, i, all) => s !== all[i - 1])
    expect(states).toEqual(['none', 'received', 'acknowledged', 'departed', 'arrived', 'controlled', 'returned'])
  })
})
