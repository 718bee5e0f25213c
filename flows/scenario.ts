// Scenarios: small stories of readings that a tab must raise an alarm for, or must not. They stand in the tab's fire-backtest node, so they
// are versioned with it, and the gate runs them before every deploy. Pure: text in, readings out, verdict out.
import type { Text } from '#contracts/alarm.ts'
import type { Reading } from '#contracts/reading.ts'
import { wordOf, type FlowNode } from './link.ts'
import { wrongScenario } from './scenario-shape.ts'

/** One line of a story: readings of one device, every `everyS` for `times`. A metric may run from one value to another. */
export type Told = {
  atS?: number
  everyS?: number
  times?: number
  deviceId: string
  kind: Reading['kind']
  metrics?: Record<string, number | [from: number, to: number]>
  alarms?: Reading['alarms']
  place?: Reading['place']
  state?: Reading['state']
  detections?: Reading['detections']
  flags?: Reading['flags']
  online?: boolean
  batteryPct?: number
}
export type Scenario = {
  name: string
  expect: 'alarm' | 'no-alarm'
  /** how many alarms exactly; otherwise at least one */
  count?: number
  /** the first alarm at most this long after the story began */
  withinS?: number
  startsAt?: string
  readings?: Told[]
  /** the journal's clock goes on to here, so that silence can be heard */
  untilS?: number
  /** instead of a story: a recording by name */
  recording?: string
}
export type Entry = (Reading & { off: number }) | { off: number; at: string }

const TICK_S = 10
const STARTS_AT = '2026-03-01T12:00:00.000Z'

/** Says which scenario and what is wrong with it. */
export class UnsoundScenario extends Error {
  readonly why: Text
  constructor(why: Text) {
    super(why.en)
    this.why = why
  }
}

/** @throws UnsoundScenario */
export function scenariosOf(nodes: readonly FlowNode[]): Scenario[] {
  return nodes.filter(node => node.type === 'fire-backtest').flatMap(node => parsed(wordOf(node, 'scenarios')))
}

function parsed(text: string): Scenario[] {
  if (text.trim() === '') return []
  let all: unknown
  try {
    all = JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UnsoundScenario({ zh: `不是有效的 JSON:${why}`, en: `the scenarios are not JSON: ${why}` })
  }
  if (!Array.isArray(all)) throw new UnsoundScenario({ zh: '场景必须是一个列表', en: 'scenarios must be a list' })
  return all.map((one, i) => sound(one as Partial<Scenario>, i))
}

function sound(one: unknown, i: number): Scenario {
  const { name } = (one ?? {}) as Partial<Scenario>
  if (typeof name !== 'string' || name === '')
    throw new UnsoundScenario({ zh: `第 ${i + 1} 个场景没有名称`, en: `scenario ${i + 1} has no name` })
  const why = wrongScenario(one as Record<string, unknown>)
  if (why !== null) throw new UnsoundScenario({ zh: `${name}:${why.zh}`, en: `${name}: ${why.en}` })
  return one as Scenario
}

/** The story as the feed would bring it, ticks of the journal's clock included, in order of time; each made when it is asked for. */
export function* entriesOf(scenario: Scenario): Generator<Entry> {
  const beganMs = Date.parse(scenario.startsAt ?? STARTS_AT)
  const timed = (scenario.readings ?? []).flatMap(told => timesOf(told, beganMs)).sort((a, b) => a.atMs - b.atMs)
  const lastMs = Math.max(beganMs + (scenario.untilS ?? 0) * 1000, timed.at(-1)?.atMs ?? beganMs)
  let off = 0
  let tickMs = beganMs
  const ticksBefore = function* (beforeMs: number): Generator<Entry> {
    for (; tickMs < beforeMs; tickMs += TICK_S * 1000) yield { off: ++off, at: new Date(tickMs).toISOString() }
  }
  for (const { atMs, told, part } of timed) {
    yield* ticksBefore(atMs)
    yield { off: ++off, ...readingOf(told, atMs, part) }
  }
  yield* ticksBefore(lastMs + 1)
}

function timesOf(told: Told, beganMs: number): { atMs: number; told: Told; part: number }[] {
  const { times = 1, atS = 0, everyS = 0 } = told
  return Array.from({ length: times }, (_, n) => ({
    atMs: beganMs + (atS + n * everyS) * 1000,
    told,
    part: times < 2 ? 0 : n / (times - 1),
  }))
}

function readingOf(told: Told, atMs: number, part: number): Reading {
  const at = new Date(atMs).toISOString()
  const metrics = Object.entries(told.metrics ?? {}).map(([name, value]) => [
    name,
    Array.isArray(value) ? value[0] + (value[1] - value[0]) * part : value,
  ])
  const { deviceId, kind, alarms = {}, place, state, detections, flags = {}, online, batteryPct } = told
  return {
    deviceId,
    kind,
    ts: at,
    tsSource: 'device',
    receivedAt: at,
    metrics: Object.fromEntries(metrics) as Record<string, number>,
    alarms,
    flags,
    ...(place !== undefined && { place }),
    ...(state !== undefined && { state }),
    ...(detections !== undefined && { detections }),
    ...(online !== undefined && { online }),
    ...(batteryPct !== undefined && { batteryPct }),
    source: { family: 'scenario' },
  }
}

/** null = as it must be; otherwise what it did instead. */
export function verdictOn(scenario: Scenario, alarms: readonly { at: string }[]): Text | null {
  const n = alarms.length
  if (scenario.expect === 'no-alarm') return n === 0 ? null : { zh: `不应报警,却报了 ${n} 次`, en: `must not alarm, and raised ${n}` }
  if (n === 0) return { zh: '应当报警,却没有报', en: 'must alarm, and raised nothing' }
  if (scenario.count !== undefined && n !== scenario.count)
    return { zh: `应报 ${scenario.count} 次,报了 ${n} 次`, en: `must raise ${scenario.count}, and raised ${n}` }
  if (scenario.withinS !== undefined && scenario.recording === undefined) {
    const afterS = (Date.parse(alarms[0]?.at ?? '') - Date.parse(scenario.startsAt ?? STARTS_AT)) / 1000
    if (afterS > scenario.withinS)
      return {
        zh: `应在 ${scenario.withinS} 秒内报警,用了 ${afterS} 秒`,
        en: `must alarm within ${scenario.withinS} s, and took ${afterS} s`,
      }
  }
  return null
}
