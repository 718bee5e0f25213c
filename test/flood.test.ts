// 10,000 alarms in a minute from 200 places, three of them burning: the real decoders, the rules that ship and a real queue, on a virtual
// clock. None is lost, each place is told of within a second, and the fires stand on top of the queue.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isHazard, type AlarmSignal } from '#contracts/alarm.ts'
import { noLog } from '#contracts/clock.ts'
import type { Incident } from '#contracts/incident.ts'
import { noMeter } from '#contracts/metrics.ts'
import { fold, ROWS_IN_FLOOD } from '../dashboard/web/src/queue/fold.ts'
import { arrange } from '../dashboard/web/src/queue/order.ts'
import { openDispatch, type Dispatch } from '../dispatch/index.ts'
import { createCatalogue, createDirectory, loadDecoders } from '../ingest/index.ts'
import { createFold, loadRuleSet } from '../rules/index.ts'
import { makeFlood, type FloodMessage } from './flood.ts'
import { message } from './ingest/readings.ts'

const BEGIN_MS = Date.parse('2026-03-12T14:40:00.000Z')
/** what comes in this long is committed together: a machine that is a little behind */
const SLICE_MS = 500
const SEED = 20_260_312

const flood = makeFlood({ seed: SEED, beginMs: BEGIN_MS })
const buildingOf = new Map(flood.devices.map(({ deviceId, place }) => [deviceId, place.building ?? '']))
/** of each building, when its first fire-like sign was sent, and when the outside was given the first word of it */
const signMs = new Map<string, number>()
const toldMs = new Map<string, number>()
/** device -> the first alarm that the rules raised for it */
const raised = new Map<string, string>()
let raises = 0
let dispatch: Dispatch
let nowMs = BEGIN_MS

const slices = Map.groupBy(flood.messages, one => Math.ceil((one.atMs - BEGIN_MS + 1) / SLICE_MS))

beforeAll(async () => {
  dispatch = openDispatch({ file: ':memory:', clock: { nowMs: () => nowMs }, log: noLog, meter: noMeter, channels: ['desk'] })
  const catalogue = createCatalogue({ decoders: await loadDecoders() })
  const directory = createDirectory({})
  for (const device of flood.devices) directory.register(device)
  const fold = createFold({ ruleSet: await loadRuleSet(join(import.meta.dirname, '../rules/sets/default')) })
  let seq = 0
  const judge = (one: FloodMessage): AlarmSignal[] => {
    seq += 1
    const { readings } = catalogue.decode(message(seq, one.topic, one.body, { receivedAtMs: one.atMs, committedAtMs: one.atMs }))
    const found = readings.flatMap(reading => fold.apply(directory.apply(reading).reading, seq))
    for (const signal of found) {
      if (signal.type !== 'raise') continue
      raises += 1
      if (signal.deviceId !== undefined && !raised.has(signal.deviceId)) raised.set(signal.deviceId, signal.alarmId)
      const building = buildingOf.get(one.deviceId) ?? ''
      if (isHazard(signal.kind)) signMs.set(building, Math.min(signMs.get(building) ?? Infinity, one.atMs))
    }
    return found
  }
  for (let slice = 1; slice <= Math.max(...slices.keys()); slice += 1) {
    nowMs = BEGIN_MS + slice * SLICE_MS
    const signals = (slices.get(slice) ?? []).flatMap(judge)
    const trace = { brokerAt: '', diskAt: '', ruleAt: '' }
    dispatch.commit({ position: seq, signals: signals.map(signal => ({ signal, trace })), rows: [] })
    for (const row of dispatch.outbox.due('desk', nowMs, 1_000)) {
      const building = row.notification.incident.place?.building ?? ''
      toldMs.set(building, Math.min(toldMs.get(building) ?? Infinity, nowMs))
      dispatch.outbox.delivered(row)
    }
  }
})
afterAll(() => dispatch.close())

const open = (): Incident[] => dispatch.incidents({ states: ['new'], limit: 5_000 })
const buildings = (incidents: Incident[]): (string | undefined)[] => incidents.map(one => one.place?.building)

describe(`a flood of 10,000 alarms in a minute (seed ${SEED})`, () => {
  test('loses none: every device that said something stands in the queue', () => {
    expect(flood.messages).toHaveLength(10_000)
    expect(flood.devices.filter(({ deviceId }) => !raised.has(deviceId))).toEqual([])
    expect(new Set(raised.values()).size).toBe(raised.size)
    const bars = dispatch.strip({ fromMs: BEGIN_MS, toMs: nowMs + 1, stepMs: 60_000 })
    expect(bars.flatMap(bar => bar.counts).reduce((sum, n) => sum + n, 0)).toBe(raises)
    expect(dispatch.kpis(nowMs).alarmsIn10Min).toBeGreaterThanOrEqual(10_000)
  })

  test('tells of each place within a second of its first sign', () => {
    expect(signMs.size).toBeGreaterThan(190)
    for (const [building, atMs] of signMs) expect((toldMs.get(building) ?? Infinity) - atMs, building).toBeLessThan(1_000)
  })

  test('shows the three fires on top, in the API and at the desk', () => {
    const first = open().slice(0, 5)
    for (const fire of flood.fires) expect(buildings(first)).toContain(fire)
    const all = open()
    const byId = new Map(all.map(one => [one.id, one]))
    const atDesk = arrange([], all, false).slice(0, 5)
    expect(atDesk).toEqual(first.map(one => one.id))
    for (const fire of flood.fires) expect(atDesk.map(id => byId.get(id)?.place?.building)).toContain(fire)
    expect(first[0]).toMatchObject({ severity: 1, signs: 3 })
  })

  test('leaves no more rows at the desk than one person takes in, and none of the fires behind another', () => {
    const all = [...open(), ...dispatch.incidents({ category: 'technical', limit: 5_000 })]
    const byId = new Map(all.map(one => [one.id, one]))
    const { ids } = fold(arrange([], byId.values(), false), byId, { keep: null, opened: new Set() })
    expect(ids.length).toBeLessThanOrEqual(ROWS_IN_FLOOD)
    for (const fire of flood.fires) expect(ids.map(id => byId.get(id)?.place?.building)).toContain(fire)
  })

  test('is one fire a place, and the audit trail of it holds', () => {
    const fires = dispatch.incidents({ category: 'fire', limit: 5_000 })
    expect(new Set(buildings(fires)).size).toBe(fires.length)
    expect(dispatch.verifyAudit()).toMatchObject({ ok: true })
  })
})
