// Scenarios: small stories of readings that a tab must raise an alarm for, or must not. They stand in the tab's fire-backtest node, so they
// are versioned with it, and the gate runs them before every deploy. Pure: text in, readings out, verdict out.
import type { Text } from '#contracts/alarm.ts'
import type { Reading } from '#contracts/reading.ts'
import { wordOf, type FlowNode } from './link.ts'

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
  /** instead of a story: a recording by name, and a part of it */
  recording?: string
  fromS?: number
  toS?: number
}
export type Entry = (Reading & { off: number }) | { off: number; at: string }

const READINGS_MAX = 100_000
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

function sound(one: Partial<Scenario>, i: number): Scenario {
  const name = typeof one?.name === 'string' ? one.name : ''
  const refuse = (zh: string, en: string): never => {
    throw new UnsoundScenario({ zh: `${name}:${zh}`, en: `${name}: ${en}` })
  }
  if (name === '') throw new UnsoundScenario({ zh: `第 ${i + 1} 个场景没有名称`, en: `scenario ${i + 1} has no name` })
  if (one.expect !== 'alarm' && one.expect !== 'no-alarm')
    refuse('expect 必须是 "alarm" 或 "no-alarm"', 'expect must be "alarm" or "no-alarm"')
  if (one.recording === undefined && (!Array.isArray(one.readings) || one.readings.length === 0))
    refuse('需要 readings 或 recording', 'readings or a recording are needed')
  let readings = 0
  for (const told of one.readings ?? []) {
    if (typeof told?.deviceId !== 'string' || typeof told.kind !== 'string')
      refuse('每条读数都需要 deviceId 和 kind', 'each reading needs deviceId and kind')
    if ((told.times ?? 1) > 1 && !(Number(told.everyS) > 0)) refuse('有 times 就需要 everyS', 'times needs everyS')
    readings += timesOf(told)
  }
  if (readings > READINGS_MAX) refuse(`读数超过 ${READINGS_MAX} 条`, `more than ${READINGS_MAX} readings`)
  return one as Scenario
}

const timesOf = ({ times = 1 }: Told): number => Math.max(1, Math.floor(times))

/** The story as the feed would bring it, ticks of the journal's clock included, in order of time. */
export function entriesOf(scenario: Scenario): Entry[] {
  const beganMs = Date.parse(scenario.startsAt ?? STARTS_AT)
  const timed: { atMs: number; reading?: Reading }[] = []
  for (const told of scenario.readings ?? []) {
    const times = timesOf(told)
    for (let n = 0; n < times; n++) {
      const atMs = beganMs + ((told.atS ?? 0) + n * (told.everyS ?? 0)) * 1000
      timed.push({ atMs, reading: readingOf(told, atMs, times < 2 ? 0 : n / (times - 1)) })
    }
  }
  const lastMs = Math.max(beganMs + (scenario.untilS ?? 0) * 1000, ...timed.slice(-1).map(t => t.atMs), latest(timed))
  for (let atMs = beganMs; atMs <= lastMs; atMs += TICK_S * 1000) timed.push({ atMs })
  timed.sort((a, b) => a.atMs - b.atMs)
  return timed.map(({ atMs, reading }, i) =>
    reading === undefined ? { off: i + 1, at: new Date(atMs).toISOString() } : { off: i + 1, ...reading },
  )
}

const latest = (timed: { atMs: number }[]): number => timed.reduce((max, t) => Math.max(max, t.atMs), 0)

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
