// What the room remembers: decoder memory and the device directory. Bounds, order, and the same state after a restart.
import { describe, expect, test } from 'vitest'
import { conditionOf } from '#contracts/device.ts'
import { createDirectory } from '../../ingest/index.ts'
import { createMemory, MEMORY_VALUE_CHARS_MAX } from '../../ingest/memory.ts'
import { reading, T0 } from './readings.ts'

type Rows = [string, string | null][]
const kept = (rows: Rows): [string, string][] => rows.flatMap(([key, json]) => (json === null ? [] : [[key, json] as [string, string]]))

describe('decoder memory', () => {
  test('forgets what was learned longest ago, the same after a restart', () => {
    const memory = createMemory({ entriesMax: 3 })
    for (const key of ['a', 'b', 'c']) memory.set(key, key)
    memory.set('a', 'changed')
    memory.set('b', 'b') // no change, no new place
    const rows = memory.dirty()
    const restarted = createMemory({ rows: kept(rows).toReversed(), entriesMax: 3 })
    for (const each of [memory, restarted]) {
      each.set('d', 1)
      expect(['a', 'b', 'c', 'd'].map(key => each.get(key))).toEqual(['changed', undefined, 'c', 1])
      expect(each.dirty().map(([key, json]) => [key, json === null])).toEqual([
        ['d', false],
        ['b', true],
      ])
      expect(each.size()).toBe(3)
    }
  })
  test('a value that is too long is not half remembered', () => {
    const memory = createMemory()
    memory.set('a', 1)
    memory.set('a', 'x'.repeat(MEMORY_VALUE_CHARS_MAX))
    expect(memory.get('a')).toBeUndefined()
  })
  test('what is handed out cannot change what is remembered', () => {
    const memory = createMemory()
    const value = { list: [1] }
    memory.set('a', value)
    value.list.push(2)
    expect(() => (memory.get('a') as typeof value).list.push(3)).toThrow(TypeError)
    expect(memory.get('a')).toEqual({ list: [1] })
  })
})

describe('directory', () => {
  test('a registered device is of the kind that it was registered as, whatever it calls itself; one registered as other says it once', () => {
    const directory = createDirectory({})
    directory.register({ deviceId: 'd1', kind: 'smoke' })
    const { reading: said } = directory.apply(reading({ kind: 'micro-station', metrics: { temperature_c: 20 } }))
    expect(directory.get('d1')?.kind).toBe('smoke')
    expect(said.kind).toBe('micro-station')

    directory.register({ deviceId: 'd2', kind: 'other' })
    for (const kind of ['smoke', 'micro-station'] as const)
      directory.apply({ ...reading({ kind, metrics: { temperature_c: 20 } }), deviceId: 'd2' })
    expect(directory.get('d2')?.kind).toBe('smoke')

    // nor does anybody become something that is sent to fires by his own word
    directory.register({ deviceId: 'd4', kind: 'other' })
    for (const kind of ['micro-station', 'drone', 'dock'] as const) {
      directory.apply({ ...reading({ kind, metrics: { temperature_c: 20 } }), deviceId: 'd4' })
      expect(directory.get('d4')?.kind).toBe('other')
    }
    directory.register({ deviceId: 'd4', kind: 'micro-station' })
    directory.apply({ ...reading({ kind: 'smoke', metrics: { temperature_c: 20 } }), deviceId: 'd4' })
    expect(directory.get('d4')?.kind).toBe('micro-station')

    for (const kind of ['environment', 'smoke'] as const)
      directory.apply({ ...reading({ kind, metrics: { temperature_c: 20 } }), deviceId: 'd3' })
    expect(directory.get('d3')?.kind).toBe('smoke')
  })

  test('folds readings and gives them back with what is known of the device', () => {
    const directory = createDirectory({})
    directory.register({
      deviceId: 'd1',
      kind: 'smoke',
      place: { building: '2', room: '1405' },
      position: { lat: 31.9, lon: 118.8 },
      expectNextS: 60,
    })
    const { reading: enriched } = directory.apply(
      reading({ kind: 'other', metrics: { temperature_c: 20 }, batteryPct: 9, alarms: { lowBattery: true } }),
    )
    expect(enriched).toMatchObject({ kind: 'smoke', place: { room: '1405' }, position: { lat: 31.9 }, about: { expectNextS: 60 } })
    const before = directory.get('d1')
    expect(before).toMatchObject({ readings: 1, batteryPct: 9, metrics: { temperature_c: 20 }, alarms: { lowBattery: true }, online: true })
    directory.apply(reading({ atMs: T0 + 1, metrics: { humidity_pct: 50 } }))
    expect(directory.get('d1')).toMatchObject({
      metrics: { temperature_c: 20, humidity_pct: 50 },
      alarms: { lowBattery: true },
      readings: 2,
    })
    // whoever was handed the device of before keeps it as it was
    expect(before).toMatchObject({ readings: 1, metrics: { temperature_c: 20 } })
    expect(before?.metrics).not.toHaveProperty('humidity_pct')
  })

  test('a self-description is facts, not a measurement', () => {
    const directory = createDirectory({})
    const about = { name: 'Lobby', model: 'S1', via: 'gw', expectNextS: 600, thresholds: { temperature_c: 60 } }
    directory.apply(reading({ about, place: { floor: '14' }, position: { lat: 31.9, lon: 118.8 } }))
    const device = directory.get('d1')
    expect(device).toMatchObject({
      name: 'Lobby',
      model: 'S1',
      via: 'gw',
      expectNextS: 600,
      place: { floor: '14' },
      position: { lat: 31.9 },
    })
    expect(device).not.toHaveProperty('online')
    expect(device).not.toHaveProperty('thresholds')
  })

  test('stored, cached and older readings do not overwrite the state of now', () => {
    const directory = createDirectory({})
    directory.apply(reading({ atMs: T0 + 10_000, metrics: { temperature_c: 30 }, alarms: { smoke: true } }))
    for (const flags of [{ history: true }, { stale: true }, { retained: true }])
      directory.apply(reading({ atMs: T0 + 20_000, metrics: { temperature_c: 1 }, alarms: { smoke: false }, flags }))
    directory.apply(reading({ atMs: T0, metrics: { temperature_c: 2 }, alarms: { smoke: false } }))
    expect(directory.get('d1')).toMatchObject({ metrics: { temperature_c: 30 }, alarms: { smoke: true }, readings: 5 })
  })

  test('a test shows as a test, leaves no alarm behind, and never covers a real one', () => {
    const directory = createDirectory({})
    const condition = () => conditionOf(directory.get('d1') ?? expect.fail('no device'), T0 + 1_000)
    const test = { alarms: { smoke: true, test: true }, flags: { test: true } }
    directory.apply(reading(test))
    expect(directory.get('d1')?.alarms).toEqual({ test: true })
    directory.apply(reading({ metrics: { temperature_c: 20 } }))
    expect(directory.get('d1')?.alarms).toEqual({})
    directory.apply(reading({ alarms: { smoke: true } }))
    directory.apply(reading(test))
    expect(condition()).toBe('alarm')
  })

  test('gaps of the counter are counted per boot', () => {
    const directory = createDirectory({})
    const seen = [
      [0, 1],
      [0, 2],
      [0, 5],
      [0, 5],
      [0, 4],
      [1, 0],
      [1, 900_000],
      [1, 900_002],
    ] as const
    for (const [boot, seq] of seen) directory.apply(reading({ boot, seq }))
    // 3 of boot 0 (4 came late), 900,001 of boot 1
    expect(directory.get('d1')?.gaps).toBe(1 + 1)
  })

  test('the same after a restart; removed stays removed; touched tells each change once', () => {
    const first = createDirectory({})
    first.register({ deviceId: 'r', kind: 'heat' })
    for (const seq of [1, 2]) first.apply(reading({ seq, metrics: { temperature_c: seq } }))
    expect(first.touched().map(d => d.deviceId)).toEqual(['r', 'd1'])
    expect(first.touched()).toEqual([])
    const second = createDirectory({ rows: kept(first.dirty()) })
    expect([...second.all()]).toEqual([...first.all()])
    second.apply(reading({ seq: 4 }))
    expect(second.get('d1')?.gaps).toBe(1)
    expect(second.remove('r')).toBe(true)
    expect(second.remove('r')).toBe(false)
    expect(second.dirty()).toEqual(expect.arrayContaining([['r', null]]))
    expect(second.size()).toBe(1)
  })

  test('full: the stranger heard longest ago makes room, the registered stay', () => {
    const directory = createDirectory({ devicesMax: 3 })
    directory.register({ deviceId: 'r', kind: 'smoke' })
    for (const deviceId of ['a', 'b', 'a', 'c']) directory.apply(reading({ deviceId }))
    expect([...directory.all()].map(d => d.deviceId)).toEqual(['r', 'a', 'c'])
    directory.register({ deviceId: 'r2', kind: 'smoke' })
    directory.register({ deviceId: 'r3', kind: 'smoke' })
    expect(() => directory.register({ deviceId: 'r4', kind: 'smoke' })).toThrow(/3 registered devices/)
    const { reading: passed } = directory.apply(reading({ deviceId: 'stranger', alarms: { smoke: true } }))
    expect(passed.alarms.smoke).toBe(true)
    expect(directory.size()).toBe(3)
  })
})
