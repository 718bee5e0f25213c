// A sensor whose value falls away and is back at its level sooner than the world can do that: a loose wire, a bad converter.
// Technical, never a fire. Real: two of three nodes in eight hours of public telemetry fell from 19 °C to 6 °C and back, 17 times.
import { evidenceOf } from '../evidence.ts'
import { defineKind, nothing, type Observation, type Rest, type Step } from '../kind.ts'
import { METRIC_SCHEMA, VALUE_SCHEMA } from '../measure.ts'

export type DropOutParameters = {
  metric: string
  /** in the unit of the metric: how far it must fall at once */
  minDrop: number
  /** how near to the level before it must come back */
  backWithin: number
  /** longest time from the last good value to the next good one */
  maxOutS: number
  /** values above this are not judged: near a fire, temperatures jump by themselves */
  quietBelow: number
  /** good readings for this long end the fault */
  offDelayS: number
  maxGapS: number
}

/** `good`: last value at its level; `out`: the lowest since it fell away; `open`: since when all is good again. */
type DropOutState = { good?: [tMs: number, value: number]; out?: number; open?: [fromMs: number, lastMs: number] }

function step(p: DropOutParameters, before: DropOutState | undefined, o: Observation): Step<DropOutState> {
  const value = o.reading.metrics[p.metric]
  if (value === undefined || o.late) return nothing(before)
  const state = before ?? {}
  const { good, out } = state
  const at: [number, number] = [o.tMs, value]
  if (good === undefined || o.tMs < good[0] || o.tMs - good[0] > p.maxOutS * 1000 || good[1] > p.quietBelow) return settled(p, state, o, at)
  if (good[1] - value >= p.minDrop) return nothing({ ...state, out: Math.min(out ?? value, value) })
  if (out === undefined || Math.abs(value - good[1]) > p.backWithin) return settled(p, state, o, at)
  const note = `was ${good[1]}, fell to ${out}, back at ${value} after ${((o.tMs - good[0]) / 1000).toFixed(1)} s`
  const evidence = [evidenceOf(o, { what: p.metric, value: out, threshold: good[1] - p.minDrop, note })]
  const open: [number, number] = [o.tMs, o.tMs]
  return { state: { good: at, open }, findings: [{ type: state.open === undefined ? 'raise' : 'hold', atMs: o.tMs, evidence }] }
}

/** No fall, none before and no fault: the value is the new level. */
const rest: Rest<DropOutParameters, DropOutState> = {
  size: () => 2,
  settle(_, state, n, at) {
    if (state?.good === undefined || state.out !== undefined || state.open !== undefined) return false
    n[at] = state.good[0]
    n[at + 1] = state.good[1]
    return true
  },
  state: (_, n, at) => ({ good: [n[at] as number, n[at + 1] as number] }),
  calm(p, n, at, o) {
    const value = o.reading.metrics[p.metric]
    if (value === undefined || o.late) return true
    const goodMs = n[at] as number
    const good = n[at + 1] as number
    const isJudged = o.tMs >= goodMs && o.tMs - goodMs <= p.maxOutS * 1000 && good <= p.quietBelow
    if (isJudged && good - value >= p.minDrop) return false
    n[at] = o.tMs
    n[at + 1] = value
    return true
  },
}

/** An ordinary reading: it becomes the level, and counts towards the end of a fault unless a silence lies between. */
function settled(p: DropOutParameters, state: DropOutState, o: Observation, at: [number, number]): Step<DropOutState> {
  if (state.open === undefined) return nothing({ good: at })
  const [fromMs, lastMs] = state.open
  const open: [number, number] = o.tMs < lastMs || o.tMs - lastMs > p.maxGapS * 1000 ? [o.tMs, o.tMs] : [fromMs, o.tMs]
  if (open[1] - open[0] < p.offDelayS * 1000 || open[1] === open[0]) return nothing({ good: at, open })
  return { state: { good: at }, findings: [{ type: 'clear', atMs: o.tMs, evidence: [evidenceOf(o, { what: p.metric, value: at[1] })] }] }
}

const positive = { type: 'number', exclusiveMinimum: 0 } as const

export const dropOut = defineKind<DropOutParameters, DropOutState>({
  name: 'drop-out',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['metric', 'minDrop', 'backWithin', 'maxOutS', 'quietBelow', 'offDelayS', 'maxGapS'],
    additionalProperties: false,
    properties: {
      metric: METRIC_SCHEMA,
      minDrop: positive,
      backWithin: positive,
      maxOutS: { ...positive, maximum: 3_600 },
      quietBelow: VALUE_SCHEMA,
      offDelayS: { type: 'number', minimum: 0, maximum: 604_800 },
      maxGapS: { type: 'number', minimum: 1, maximum: 90_000 },
    },
  },
  stateBytesMax: 200,
  shuffled: 'may-miss',
  byShape: true,
  wants: (p, reading) => reading.metrics[p.metric] !== undefined,
  step,
  rest,
})
