// A value that climbs faster than anything but a fire makes it climb (EN 54-5 class R: from 10 K/min).
// The climb must be carried by enough readings over enough time, in both halves, above the device's usual level:
// two readings three seconds apart, one wild value, or a sensor that drops to zero and comes back are no climb.
import { msOf } from '#contracts/instant.ts'
import { evidenceFrom, evidenceOf, markOf, type Mark } from '../evidence.ts'
import { defineKind, nothing, type Observation, type Rest, type Step } from '../kind.ts'
import { followed, movedOn, type Level, type LevelParameters } from '../level.ts'
import { METRIC_SCHEMA, VALUE_SCHEMA } from '../measure.ts'
import { eachHalfRises, slopePerMin, type Sample } from '../slope.ts'
import { LEVEL_SCHEMA } from './threshold.ts'

export type RateOfRiseParameters = {
  metric: string
  /** in units of the metric per minute */
  risePerMin: number
  windowS: number
  minSpanS: number
  minSamples: number
  /** how far above the usual level the value must be */
  minRise: number
  /** below this value there is no alarm, however fast the climb */
  floor: number
  maxGapS: number
  /** dead band: the alarm clears when the value stayed within this above its usual level for offDelayS */
  clearWithin: number
  offDelayS: number
  level: LevelParameters
}

/** Samples kept of one window: one a slot of windowS / SAMPLES_MAX. */
const SAMPLES_MAX = 24
/** Nothing is kept while the value is nearer to its usual level than this part of minRise. */
const CALM_PART = 0.1
const CALM_SAMPLES = 3
/** Each half must rise at this part of risePerMin. */
const HALF_PART = 0.4

type RiseState = { w: Sample[]; first?: Mark; level?: Level; open?: 1; off?: [fromMs: number, lastMs: number] }

/** Sorted by time; of two in one slot the newer stays, so that the order of arrival does not matter. */
function inserted(p: RateOfRiseParameters, samples: readonly Sample[], sample: Sample): Sample[] {
  const slotMs = (p.windowS * 1000) / SAMPLES_MAX
  const slotOf = (tMs: number): number => Math.floor(tMs / slotMs)
  const slot = slotOf(sample[0])
  const last = samples.at(-1)
  // nearly always it is the newest and has a slot of its own
  if (last === undefined || slotOf(last[0]) < slot) return within(p, [...samples, sample])
  const rest = samples.filter(([t]) => slotOf(t) !== slot || t > sample[0])
  if (rest.some(([t]) => slotOf(t) === slot)) return rest
  return within(
    p,
    [...rest, sample].sort((a, b) => a[0] - b[0]),
  )
}

function within(p: RateOfRiseParameters, samples: readonly Sample[]): Sample[] {
  const newestMs = samples.at(-1)?.[0] ?? 0
  return samples.filter(sample => newestMs - sample[0] <= p.windowS * 1000).slice(-SAMPLES_MAX)
}

/** What follows the last silence that was too long. */
function afterGap(p: RateOfRiseParameters, samples: Sample[]): Sample[] {
  const from = samples.findLastIndex((sample, i) => sample[0] - (samples[i - 1] ?? sample)[0] > p.maxGapS * 1000)
  return from > 0 ? samples.slice(from) : samples
}

function climbs(p: RateOfRiseParameters, samples: readonly Sample[], usual: number): number | undefined {
  const first = samples[0]
  const last = samples.at(-1)
  if (first === undefined || last === undefined || samples.length < p.minSamples || last[0] - first[0] < p.minSpanS * 1000) return undefined
  if (last[1] < p.floor || last[1] - usual < p.minRise) return undefined
  const slope = slopePerMin(samples)
  return slope >= p.risePerMin && eachHalfRises(samples, p.risePerMin * HALF_PART) ? slope : undefined
}

const isCalm = (p: RateOfRiseParameters, value: number, usual: number): boolean => value - usual < p.minRise * CALM_PART

export function rateOfRiseStep(p: RateOfRiseParameters, before: RiseState | undefined, o: Observation): Step<RiseState> {
  const value = o.reading.metrics[p.metric]
  if (value === undefined) return nothing(before)
  // not late, and yet older than what is known: the clock went back, and the window begins anew
  const known: RiseState =
    before === undefined
      ? { w: [] }
      : o.late || (before.w.at(-1)?.[0] ?? 0) <= o.tMs
        ? before
        : { ...before, w: before.w.filter(([t]) => t <= o.tMs) }
  const level = o.late ? known.level : followed(p.level, known.level, o.tMs, value)
  const usual = level?.v
  const state: RiseState = level === undefined ? known : { ...known, level }
  if (state.open === 1) return whileOpen(p, state, o, value)
  // before the usual level is known nothing is a climb
  if (usual === undefined || (state.w.length === 0 && isCalm(p, value, usual))) return nothing(state)
  const w = afterGap(p, inserted(p, state.w, [o.tMs, value]))
  if (w.length >= CALM_SAMPLES && w.slice(-CALM_SAMPLES).every(sample => isCalm(p, sample[1], usual))) return nothing(fresh(state))
  const first = state.first !== undefined && msOf(state.first.ts) >= (w[0]?.[0] ?? 0) ? state.first : markOf(o, value)
  const slope = o.late ? undefined : climbs(p, w, usual)
  if (slope === undefined) return nothing({ ...state, w, first })
  const evidence = [
    evidenceOf(o, {
      what: p.metric,
      value,
      threshold: p.floor,
      note: `${slope.toFixed(1)} per minute over ${w.length} samples; usual level ${usual.toFixed(1)}`,
    }),
    evidenceFrom(o.reading.deviceId, first, { what: p.metric, note: 'the climb began about here' }),
  ]
  return { state: { ...fresh(state), open: 1 }, findings: [{ type: 'raise', atMs: o.tMs, evidence }] }
}

/** Near its usual level and no climb under way: only the level moves, and when that was. */
const rest: Rest<RateOfRiseParameters, RiseState> = {
  size: () => 2,
  settle(_, state, n, at) {
    if (state?.level?.v === undefined || state.w.length > 0) return false
    if (state.first !== undefined || state.open !== undefined || state.off !== undefined) return false
    n[at] = state.level.v
    n[at + 1] = state.level.tMs
    return true
  },
  state: (_, n, at) => ({ w: [], level: { v: n[at] as number, tMs: n[at + 1] as number } }),
  calm(p, n, at, o) {
    const value = o.reading.metrics[p.metric]
    if (value === undefined) return true
    if (o.late) return false
    const usual = movedOn(p.level, n[at] as number, o.tMs - (n[at + 1] as number), value)
    if (!isCalm(p, value, usual)) return false
    n[at] = usual
    n[at + 1] = o.tMs
    return true
  },
}

function fresh({ level, open }: RiseState): RiseState {
  const state: RiseState = { w: [] }
  if (level !== undefined) state.level = level
  if (open !== undefined) state.open = open
  return state
}

function whileOpen(p: RateOfRiseParameters, { off, ...state }: RiseState, o: Observation, value: number): Step<RiseState> {
  const clearAt = (state.level?.v ?? p.floor) + p.clearWithin
  if (o.late)
    return nothing(value >= clearAt && off !== undefined && o.tMs >= off[0] ? state : { ...state, ...(off !== undefined && { off }) })
  if (value >= clearAt) {
    return { state, findings: [{ type: 'hold', atMs: o.tMs, evidence: [evidenceOf(o, { what: p.metric, value, threshold: clearAt })] }] }
  }
  const joined = off !== undefined && o.tMs >= off[1] && o.tMs - off[1] <= p.maxGapS * 1000
  const run: [number, number] = joined ? [off[0], o.tMs] : [o.tMs, o.tMs]
  if (run[1] - run[0] < p.offDelayS * 1000 || run[1] === run[0]) return nothing({ ...state, off: run })
  const { open: _open, ...closed } = state
  return {
    state: closed,
    findings: [{ type: 'clear', atMs: o.tMs, evidence: [evidenceOf(o, { what: p.metric, value, threshold: clearAt })] }],
  }
}

const positive = { type: 'number', exclusiveMinimum: 0 } as const

export const rateOfRise = defineKind<RateOfRiseParameters, RiseState>({
  name: 'rate-of-rise',
  admits: 'live',
  parameters: {
    type: 'object',
    required: [
      'metric',
      'risePerMin',
      'windowS',
      'minSpanS',
      'minSamples',
      'minRise',
      'floor',
      'maxGapS',
      'clearWithin',
      'offDelayS',
      'level',
    ],
    additionalProperties: false,
    properties: {
      metric: METRIC_SCHEMA,
      risePerMin: positive,
      windowS: { type: 'number', minimum: 10, maximum: 3_600 },
      minSpanS: { type: 'number', minimum: 10, maximum: 3_600 },
      minSamples: { type: 'integer', minimum: 4, maximum: SAMPLES_MAX },
      minRise: positive,
      floor: VALUE_SCHEMA,
      maxGapS: { type: 'number', minimum: 1, maximum: 3_600 },
      clearWithin: positive,
      offDelayS: { type: 'number', minimum: 0, maximum: 86_400 },
      level: LEVEL_SCHEMA,
    },
  },
  stateBytesMax: 1_600,
  shuffled: 'may-miss',
  byShape: true,
  wants: (p, reading) => reading.metrics[p.metric] !== undefined,
  step: rateOfRiseStep,
  rest,
})
