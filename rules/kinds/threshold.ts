// A measured value beyond a threshold for long enough: on-delay, dead band, off-delay, all in event time.
// The delay must be carried by readings: a silence longer than maxGapS starts it anew, and neither holds nor clears an alarm.
// One reading alone never raises (a DS18B20 says 85 °C after every power-on): onReadings is at least two.
import type { AlarmFlag, Reading } from '#contracts/reading.ts'
import { ALARM_FLAGS } from '#contracts/reading.ts'
import { evidenceFrom, evidenceOf, markOf, type Mark } from '../evidence.ts'
import { defineKind, nothing, type Observation, type Rest, type Step } from '../kind.ts'
import { followed, movedOn, type Level, type LevelParameters } from '../level.ts'
import { METRIC_SCHEMA, VALUE_SCHEMA } from '../measure.ts'

export type ThresholdParameters = {
  /** a metric of the reading, or battery_pct */
  metric: string
  direction: 'above' | 'below'
  /** in the unit of the metric; relative to the usual level where `level` is given */
  threshold: number
  /** dead band: the alarm begins to clear only beyond this */
  clearAt: number
  onDelayS: number
  onReadings: number
  offDelayS: number
  maxGapS: number
  /** drift compensation: compare with the device's usual level instead of zero; `max` bounds how much that may excuse */
  level?: LevelParameters & { max: number }
  /** a device that itself reports one of these flags judges for itself, and this rule stands down */
  standsDownFor?: AlarmFlag[]
}

/** A run of readings that all say the same, without too long a silence and without the clock going back. */
type Run = { fromMs: number; lastMs: number; n: number; first: Mark }
type ThresholdState = { on?: Run; open?: 1; off?: Run; level?: Level; own?: 1 }

const valueOf = (p: ThresholdParameters, reading: Reading): number | undefined =>
  p.metric === 'battery_pct' ? reading.batteryPct : reading.metrics[p.metric]

function judgesItself({ standsDownFor = [] }: ThresholdParameters, { alarms }: Reading): boolean {
  // a device that measures mostly says no flag at all
  if (isEmpty(alarms)) return false
  for (const flag of standsDownFor) if (alarms[flag] !== undefined) return true
  return false
}

/** Until the usual level is learnt, the most that it may be is assumed: later, never falsely. */
const usual = (p: ThresholdParameters, state: ThresholdState): number => (p.level === undefined ? 0 : (state.level?.v ?? p.level.max))

const beyond = (p: ThresholdParameters, value: number, limit: number): boolean =>
  p.direction === 'above' ? value >= limit : value <= limit

function grown(run: Run | undefined, o: Observation, value: number, maxGapS: number): Run {
  const sinceMs = run === undefined ? -1 : o.tMs - run.lastMs
  if (run === undefined || sinceMs < 0 || sinceMs > maxGapS * 1000) return { fromMs: o.tMs, lastMs: o.tMs, n: 1, first: markOf(o, value) }
  // a repeat of the same moment is no second reading
  return { ...run, lastMs: o.tMs, n: sinceMs > 0 ? run.n + 1 : run.n }
}

const lasts = (run: Run, delayS: number, readings: number): boolean => run.n >= readings && run.lastMs - run.fromMs >= delayS * 1000

function without(state: ThresholdState, ...keys: (keyof ThresholdState)[]): ThresholdState {
  let rest = state
  for (const key of keys) {
    if (rest[key] === undefined) continue
    if (rest === state) rest = { ...state }
    delete rest[key]
  }
  return rest
}

/** A late reading can break a run that it contradicts, and never extends or ends anything. */
function contradicted(state: ThresholdState, exceeds: boolean, clears: boolean, tMs: number): ThresholdState {
  if (state.on !== undefined && !exceeds && tMs >= state.on.fromMs) return without(state, 'on')
  if (state.off !== undefined && !clears && tMs >= state.off.fromMs) return without(state, 'off')
  return state
}

/** Where nothing is under way and no usual level is followed, there is nothing to keep: most rules of most devices. */
export function thresholdStep(p: ThresholdParameters, before: ThresholdState | undefined, o: Observation): Step<ThresholdState> {
  const { state, findings } = judged(p, before ?? {}, o)
  return { state: state !== undefined && isEmpty(state) ? undefined : state, findings }
}

function isEmpty(state: object): boolean {
  for (const _ in state) return false
  return true
}

function judged(p: ThresholdParameters, before: ThresholdState, o: Observation): Step<ThresholdState> {
  let state = before
  if (p.standsDownFor !== undefined && state.own !== 1 && judgesItself(p, o.reading)) state = { ...without(state, 'on', 'level'), own: 1 }
  const value = valueOf(p, o.reading)
  if (value === undefined || (state.own === 1 && state.open !== 1)) return nothing(state)
  const threshold = p.threshold + usual(p, state)
  const exceeds = beyond(p, value, threshold)
  const clears = !beyond(p, value, p.clearAt + usual(p, state))
  if (o.late) return nothing(contradicted(state, exceeds, clears, o.tMs))
  if (p.level !== undefined) state = { ...state, level: followed(p.level, state.level, o.tMs, value) }
  if (state.open === 1)
    return whileOpen(p, state, o, { value, exceeds, clears, evidence: [evidenceOf(o, { what: p.metric, value, threshold })] })
  if (!exceeds) return nothing(without(state, 'on'))
  const evidence = [evidenceOf(o, { what: p.metric, value, threshold })]
  const on = grown(state.on, o, value, p.maxGapS)
  if (!lasts(on, p.onDelayS, p.onReadings)) return nothing({ ...state, on })
  if (on.n > 1)
    evidence.push(
      evidenceFrom(o.reading.deviceId, on.first, { what: p.metric, threshold, note: `first of ${on.n} readings beyond the threshold` }),
    )
  return { state: { ...without(state, 'on'), open: 1 }, findings: [{ type: 'raise', atMs: o.tMs, evidence }] }
}

/** What the numbers begin with: nothing is kept, or only that the device judges for itself, or its usual level and when that was. */
const NOTHING = 0
const OWN = 1
const LEVEL = 2

/** Within the threshold and nothing under way: only the usual level moves. */
const rest: Rest<ThresholdParameters, ThresholdState> = {
  size: p => (p.level === undefined ? 1 : 3),
  settle(p, state, n, at) {
    if (state === undefined) {
      if (p.level !== undefined) return false
      n[at] = NOTHING
      return true
    }
    const { on, open, off, level, own } = state
    if (on !== undefined || open !== undefined || off !== undefined) return false
    if (own === 1 && level === undefined) {
      n[at] = OWN
      return true
    }
    if (own === 1 || p.level === undefined || level?.v === undefined) return false
    n[at] = LEVEL
    n[at + 1] = level.v
    n[at + 2] = level.tMs
    return true
  },
  state(_, n, at) {
    if (n[at] === NOTHING) return undefined
    return n[at] === OWN ? { own: 1 } : { level: { v: n[at + 1] as number, tMs: n[at + 2] as number } }
  },
  calm(p, n, at, o) {
    if (o.late) return false
    if (n[at] === OWN) return true
    const value = valueOf(p, o.reading)
    if (value === undefined || (p.standsDownFor !== undefined && judgesItself(p, o.reading))) return false
    if (p.level === undefined) return !beyond(p, value, p.threshold)
    const v = n[at + 1] as number
    if (beyond(p, value, p.threshold + v)) return false
    n[at + 1] = movedOn(p.level, v, o.tMs - (n[at + 2] as number), value)
    n[at + 2] = o.tMs
    return true
  },
}

type Judged = { value: number; exceeds: boolean; clears: boolean; evidence: ReturnType<typeof evidenceOf>[] }

function whileOpen(p: ThresholdParameters, state: ThresholdState, o: Observation, judged: Judged): Step<ThresholdState> {
  const { value, exceeds, clears, evidence } = judged
  if (exceeds) return { state: without(state, 'off'), findings: [{ type: 'hold', atMs: o.tMs, evidence }] }
  if (!clears) return nothing(without(state, 'off'))
  const off = grown(state.off, o, value, p.maxGapS)
  if (!lasts(off, p.offDelayS, 2)) return nothing({ ...state, off })
  return { state: without(state, 'open', 'off'), findings: [{ type: 'clear', atMs: o.tMs, evidence }] }
}

const seconds = (maximum: number) => ({ type: 'number', minimum: 0, maximum })

export const LEVEL_SCHEMA = {
  type: 'object',
  required: ['learnReadings', 'risePerH', 'fallPerH'],
  additionalProperties: false,
  properties: {
    learnReadings: { type: 'integer', minimum: 1, maximum: 20 },
    risePerH: { type: 'number', minimum: 0 },
    fallPerH: { type: 'number', minimum: 0 },
    max: VALUE_SCHEMA,
  },
} as const

export const threshold = defineKind<ThresholdParameters, ThresholdState>({
  name: 'threshold',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['metric', 'direction', 'threshold', 'clearAt', 'onDelayS', 'onReadings', 'offDelayS', 'maxGapS'],
    additionalProperties: false,
    properties: {
      metric: METRIC_SCHEMA,
      direction: { enum: ['above', 'below'] },
      threshold: VALUE_SCHEMA,
      clearAt: VALUE_SCHEMA,
      onDelayS: seconds(86_400),
      onReadings: { type: 'integer', minimum: 2, maximum: 1_000 },
      offDelayS: seconds(86_400),
      maxGapS: { type: 'number', minimum: 1, maximum: 90_000 },
      level: { ...LEVEL_SCHEMA, required: [...LEVEL_SCHEMA.required, 'max'] },
      standsDownFor: { type: 'array', minItems: 1, maxItems: 8, uniqueItems: true, items: { enum: ALARM_FLAGS } },
    },
  },
  stateBytesMax: 800,
  shuffled: 'may-miss',
  byShape: true,
  wants: (p, reading) => valueOf(p, reading) !== undefined || judgesItself(p, reading),
  step: thresholdStep,
  rest,
})
