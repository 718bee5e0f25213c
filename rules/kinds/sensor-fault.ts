// A sensor that cannot be believed: values the world does not have, a value that never moves, jumps to and fro that no room makes.
// Technical, never a fire, and it withholds nothing: the rules that look for fires go on looking at the same values.
import type { Evidence } from '#contracts/alarm.ts'
import { evidenceOf } from '../evidence.ts'
import { defineKind, nothing, type Observation, type Rest, type Step } from '../kind.ts'
import { METRIC_SCHEMA, VALUE_SCHEMA } from '../measure.ts'

export type SensorFaultParameters = {
  metric: string
  /** what the sensor can measure; beyond it the value is none */
  min: number
  max: number
  /** so many impossible values in a row */
  badReadings: number
  /** exactly the same value for this long... */
  stuckS: number
  /** ...in at least so many readings; 0 = a value may stay for ever */
  stuckReadings: number
  /** a change of this much from one reading to the next... */
  jump: number
  /** ...within this time... */
  jumpWithinS: number
  /** ...so many times within an hour; 0 = jumps are allowed */
  jumps: number
  /** jumps that end above this are not judged: near a fire values jump by themselves */
  quietBelow: number
  /** good for this long ends the fault */
  offDelayS: number
}

export const JUMPS_KEPT = 12
const JUMPS_WITHIN_MS = 3_600_000
/** A silence is not a value that stays. */
const STUCK_GAP_MS = 3_600_000

/** `t`, `v` the newest value; `same` since when and how often it is the same; `bad` impossible ones in a row; `j` times of jumps. */
type State = { t: number; v: number; same: [fromMs: number, n: number]; bad: number; j?: number[]; open?: string; good?: number }
type Fault = { what: string; note: string; threshold: number }

function followed(p: SensorFaultParameters, before: State | undefined, tMs: number, value: number): State {
  const isBad = value < p.min || value > p.max
  if (before === undefined || tMs < before.t) {
    return { t: tMs, v: value, same: [tMs, 1], bad: Number(isBad), ...(before?.open !== undefined && { open: before.open }) }
  }
  const [fromMs, n] = before.same
  const goesOn = value === before.v && tMs - before.t <= STUCK_GAP_MS
  const same: State['same'] = goesOn ? [fromMs, tMs > before.t ? n + 1 : n] : [tMs, 1]
  const bad = isBad ? (tMs > before.t ? before.bad + 1 : before.bad) : 0
  const state: State = { t: tMs, v: value, same, bad }
  const j = jumpsOf(p, before, tMs, value)
  if (j !== undefined) state.j = j
  if (before.open !== undefined) state.open = before.open
  if (before.good !== undefined) state.good = before.good
  return state
}

const hasJumped = (p: SensorFaultParameters, t: number, v: number, tMs: number, value: number): boolean =>
  p.jumps > 0 && Math.abs(value - v) >= p.jump && tMs - t <= p.jumpWithinS * 1000 && Math.max(value, v) <= p.quietBelow

const isStuck = (p: SensorFaultParameters, fromMs: number, n: number, tMs: number): boolean =>
  p.stuckReadings > 0 && n >= p.stuckReadings && tMs - fromMs >= p.stuckS * 1000

function jumpsOf(p: SensorFaultParameters, before: State, tMs: number, value: number): number[] | undefined {
  if (p.jumps === 0) return undefined
  const { j } = before
  const jumped = hasJumped(p, before.t, before.v, tMs, value)
  if (j === undefined) return jumped ? [tMs] : undefined
  const kept = (jumped ? [...j, tMs] : j).filter(at => tMs - at <= JUMPS_WITHIN_MS).slice(-JUMPS_KEPT)
  return kept.length > 0 ? kept : undefined
}

function faultOf(p: SensorFaultParameters, s: State): Fault | undefined {
  if (s.bad >= p.badReadings) {
    const threshold = s.v < p.min ? p.min : p.max
    return { what: 'impossible', note: `impossible: outside ${p.min} to ${p.max} in ${s.bad} readings`, threshold }
  }
  const [fromMs, n] = s.same
  if (isStuck(p, fromMs, n, s.t)) {
    return {
      what: 'stuck',
      note: `stuck: exactly the same in ${n} readings over ${Math.round((s.t - fromMs) / 3_600_000)} h`,
      threshold: n,
    }
  }
  const jumps = s.j?.length ?? 0
  if (p.jumps > 0 && jumps >= p.jumps)
    return { what: 'jumps', note: `jumps: ${jumps} of at least ${p.jump} within an hour`, threshold: p.jumps }
  return undefined
}

function step(p: SensorFaultParameters, before: State | undefined, o: Observation): Step<State> {
  const value = o.reading.metrics[p.metric]
  if (value === undefined || o.late) return nothing(before)
  if (before === undefined && keepsNothing(p) && value >= p.min && value <= p.max) return nothing<State>(undefined)
  const state = followed(p, before, o.tMs, value)
  const fault = faultOf(p, state)
  if (fault !== undefined) {
    const { good: _, ...rest } = state
    const evidence: Evidence[] = [evidenceOf(o, { what: p.metric, value, threshold: fault.threshold, note: fault.note })]
    if (state.open === fault.what) return nothing(rest)
    return {
      state: { ...rest, open: fault.what },
      findings: [{ type: state.open === undefined ? 'raise' : 'hold', atMs: o.tMs, evidence }],
    }
  }
  if (state.open === undefined) return nothing(state.bad === 0 && keepsNothing(p) ? undefined : state)
  // one impossible value on the way back begins the wait anew
  const good = state.bad > 0 ? o.tMs : (state.good ?? o.tMs)
  if (o.tMs - good < p.offDelayS * 1000 || state.bad > 0) return nothing({ ...state, good })
  const { open: _open, good: _good, ...closed } = state
  return { state: closed, findings: [{ type: 'clear', atMs: o.tMs, evidence: [evidenceOf(o, { what: p.metric, value })] }] }
}

/** A rule that asks for impossible values only has nothing to remember of a good one. */
const keepsNothing = (p: SensorFaultParameters): boolean => p.stuckReadings === 0 && p.jumps === 0

/** A credible value of a sensor that had no jumps and no fault: newest time and value, since when and how often it is the same, bad ones. */
const rest: Rest<SensorFaultParameters, State> = {
  size: p => (keepsNothing(p) ? 0 : 5),
  settle(p, state, n, at) {
    if (keepsNothing(p)) return state === undefined
    if (state === undefined || state.open !== undefined || state.good !== undefined || state.j !== undefined) return false
    n[at] = state.t
    n[at + 1] = state.v
    n[at + 2] = state.same[0]
    n[at + 3] = state.same[1]
    n[at + 4] = state.bad
    return true
  },
  state(p, n, at) {
    if (keepsNothing(p)) return undefined
    const [t, v, fromMs, count, bad] = n.slice(at, at + 5) as [number, number, number, number, number]
    return { t, v, same: [fromMs, count], bad }
  },
  calm(p, n, at, o) {
    const value = o.reading.metrics[p.metric]
    if (value === undefined || o.late) return true
    if (value < p.min || value > p.max) return false
    if (keepsNothing(p)) return true
    const t = n[at] as number
    const v = n[at + 1] as number
    if (o.tMs < t || hasJumped(p, t, v, o.tMs, value)) return false
    const goesOn = value === v && o.tMs - t <= STUCK_GAP_MS
    const count = goesOn ? (n[at + 3] as number) + Number(o.tMs > t) : 1
    const fromMs = goesOn ? (n[at + 2] as number) : o.tMs
    if (isStuck(p, fromMs, count, o.tMs)) return false
    n[at] = o.tMs
    n[at + 1] = value
    n[at + 2] = fromMs
    n[at + 3] = count
    n[at + 4] = 0
    return true
  },
}

const positive = { type: 'number', exclusiveMinimum: 0 } as const

export const sensorFault = defineKind<SensorFaultParameters, State>({
  name: 'sensor-fault',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['metric', 'min', 'max', 'badReadings', 'stuckS', 'stuckReadings', 'jump', 'jumpWithinS', 'jumps', 'quietBelow', 'offDelayS'],
    additionalProperties: false,
    properties: {
      metric: METRIC_SCHEMA,
      min: VALUE_SCHEMA,
      max: VALUE_SCHEMA,
      badReadings: { type: 'integer', minimum: 2, maximum: 1_000 },
      stuckS: { type: 'number', minimum: 60, maximum: 31_536_000 },
      stuckReadings: { type: 'integer', minimum: 0, maximum: 1_000_000 },
      jump: positive,
      jumpWithinS: { ...positive, maximum: 3_600 },
      jumps: { type: 'integer', minimum: 0, maximum: JUMPS_KEPT },
      quietBelow: VALUE_SCHEMA,
      offDelayS: { type: 'number', minimum: 0, maximum: 604_800 },
    },
  },
  stateBytesMax: 400,
  shuffled: 'may-miss',
  byShape: true,
  wants: (p, reading) => reading.metrics[p.metric] !== undefined,
  step,
  rest,
})
