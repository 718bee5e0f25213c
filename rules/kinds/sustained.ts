// Something that holds for a time: a value beyond a limit, a flag, a state. For devices that speak when something changes and are silent
// while it stays: what was said is believed for `believedS`, and the moment at which it has lasted long enough is noticed though nothing
// arrives. A longer silence neither holds nor clears: the count stands still until the device is heard again.
import { ALARM_FLAGS, type AlarmFlag, type Reading } from '#contracts/reading.ts'
import { evidenceFrom, evidenceOf, markOf, type Mark } from '../evidence.ts'
import { defineKind, nothing, type Finding, type Moment, type Observation, type Rest, type Step, type Whose } from '../kind.ts'
import { METRIC_SCHEMA, VALUE_SCHEMA } from '../measure.ts'
import { deviceItself } from '../whose.ts'

export type SustainedParameters = {
  /** one of the three: a metric with its limit, a flag, or an entry of the state that is one of `in` */
  metric?: string
  flag?: AlarmFlag
  state?: string
  direction?: 'above' | 'below'
  limit?: number
  clearAt?: number
  in?: (string | number | boolean)[]
  forS: number
  offDelayS: number
  believedS: number
  standsDownFor?: AlarmFlag[]
}

/** `held`: how long it was believed, ms; `t`/`l` event and listening time of the newest word; `first`: the first word of the run. */
type Run = { held: number; t: number; l: number; first: Mark; whose: Whose }
type State = { on?: Run; off?: Run; open?: 1 }
/** yes, no, or neither (in the dead band) */
type Word = { is: 'on' | 'off' | 'between'; value: number | boolean | string; what: string }

function wordOf(p: SustainedParameters, reading: Reading): Word | undefined {
  if (p.flag !== undefined) {
    const flag = reading.alarms[p.flag]
    return flag === undefined ? undefined : { is: flag ? 'on' : 'off', value: flag, what: `alarms.${p.flag}` }
  }
  if (p.state !== undefined) {
    const word = reading.state?.[p.state]
    if (typeof word !== 'string' && typeof word !== 'number' && typeof word !== 'boolean') return undefined
    return { is: p.in?.includes(word) === true ? 'on' : 'off', value: word, what: `state.${p.state}` }
  }
  const value = p.metric === undefined ? undefined : reading.metrics[p.metric]
  if (value === undefined || p.limit === undefined) return undefined
  const sign = p.direction === 'below' ? -1 : 1
  const is = value * sign >= p.limit * sign ? 'on' : value * sign >= (p.clearAt ?? p.limit) * sign ? 'between' : 'off'
  return { is, value, what: p.metric as string }
}

const judgesItself = (p: SustainedParameters, reading: Reading): boolean =>
  p.standsDownFor?.some(flag => reading.alarms[flag] !== undefined) === true

function grown(p: SustainedParameters, run: Run | undefined, o: Observation, value: number): Run {
  // the clock went back: what it said before is of another count
  if (run === undefined || o.tMs < run.t)
    return { held: 0, t: o.tMs, l: o.listenedMs, first: markOf(o, value), whose: deviceItself(o.reading) }
  return { ...run, held: run.held + Math.min(o.tMs - run.t, p.believedS * 1000), t: o.tMs, l: o.listenedMs }
}

const numberOf = (value: Word['value']): number => (typeof value === 'number' ? value : Number(value === true))

function step(p: SustainedParameters, before: State | undefined, o: Observation): Step<State> {
  const word = judgesItself(p, o.reading) ? undefined : wordOf(p, o.reading)
  if (word === undefined) return nothing(before)
  const state = before ?? {}
  if (o.late) return nothing(contradicted(state, word, o.tMs))
  const evidence = [evidenceOf(o, { what: word.what, value: word.value, ...(p.limit !== undefined && { threshold: p.limit }) })]
  if (state.open === 1) return whileOpen(p, state, word, o, evidence)
  if (word.is !== 'on') return nothing<State>(undefined)
  const on = grown(p, state.on, o, numberOf(word.value))
  if (on.held < p.forS * 1000) return nothing<State>({ on })
  evidence.push(evidenceFrom(o.reading.deviceId, on.first, { what: word.what, note: `so since here, for ${Math.round(on.held / 1000)} s` }))
  return { state: { open: 1 }, findings: [{ type: 'raise', atMs: o.tMs, evidence }] }
}

/** A late word can break a run that it contradicts, and never extends or ends anything. */
function contradicted(state: State, word: Word, tMs: number): State {
  const { on, off, ...rest } = state
  if (on !== undefined && word.is !== 'on' && tMs >= Date.parse(on.first.ts)) return rest
  if (off !== undefined && word.is !== 'off' && tMs >= Date.parse(off.first.ts)) return rest
  return state
}

function whileOpen(p: SustainedParameters, state: State, word: Word, o: Observation, evidence: Finding['evidence']): Step<State> {
  const { off: _, ...still } = state
  if (word.is === 'on') return { state: still, findings: [{ type: 'hold', atMs: o.tMs, evidence }] }
  if (word.is === 'between') return nothing(still)
  const off = grown(p, state.off, o, numberOf(word.value))
  if (off.held < p.offDelayS * 1000) return nothing({ ...still, off })
  return { state: undefined, findings: [{ type: 'clear', atMs: o.tMs, evidence }] }
}

/** What is still missing, if the last word is believed for so long. */
function dueMs(p: SustainedParameters, state: State): number | undefined {
  const run = state.open === 1 ? state.off : state.on
  if (run === undefined) return undefined
  const missingMs = (state.open === 1 ? p.offDelayS : p.forS) * 1000 - run.held
  return missingMs <= p.believedS * 1000 ? run.l + Math.max(1, missingMs) : undefined
}

function woken(p: SustainedParameters, state: State, at: Moment): Step<State> {
  const run = state.open === 1 ? state.off : state.on
  if (run === undefined) return nothing(state)
  const atMs = run.t + (at.listenedMs - run.l)
  const heldS = Math.round((run.held + at.listenedMs - run.l) / 1000)
  const what = p.metric ?? p.flag ?? `state.${p.state}`
  const note = `so for ${heldS} s, last said at ${new Date(run.t).toISOString()}`
  const evidence = [evidenceFrom(run.whose.deviceId, run.first, { what, note, ...(p.limit !== undefined && { threshold: p.limit }) })]
  if (state.open === 1) return { state: undefined, findings: [{ type: 'clear', atMs, evidence }] }
  return { state: { open: 1 }, findings: [{ type: 'raise', atMs, evidence, whose: run.whose }] }
}

/** Not so, and not so before: there is nothing to keep. */
const rest: Rest<SustainedParameters, State> = {
  size: () => 0,
  settle: (_, state) => state === undefined,
  state: () => undefined,
  calm: (p, _n, _at, o) => !o.late && (judgesItself(p, o.reading) || wordOf(p, o.reading)?.is !== 'on'),
}

const flags = { type: 'array', minItems: 1, maxItems: 8, uniqueItems: true, items: { enum: ALARM_FLAGS } } as const

export const sustained = defineKind<SustainedParameters, State>({
  name: 'sustained',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['forS', 'offDelayS', 'believedS'],
    additionalProperties: false,
    oneOf: [{ required: ['metric', 'direction', 'limit', 'clearAt'] }, { required: ['flag'] }, { required: ['state', 'in'] }],
    properties: {
      metric: METRIC_SCHEMA,
      flag: { enum: ALARM_FLAGS.filter(flag => flag !== 'test') },
      state: { type: 'string', minLength: 1, maxLength: 64 },
      direction: { enum: ['above', 'below'] },
      limit: VALUE_SCHEMA,
      clearAt: VALUE_SCHEMA,
      in: { type: 'array', minItems: 1, maxItems: 20, items: { type: ['string', 'number', 'boolean'] } },
      forS: { type: 'number', minimum: 1, maximum: 2_592_000 },
      offDelayS: { type: 'number', minimum: 0, maximum: 2_592_000 },
      believedS: { type: 'number', minimum: 1, maximum: 2_592_000 },
      standsDownFor: flags,
    },
  },
  stateBytesMax: 1_200,
  shuffled: 'may-miss',
  byShape: true,
  wants: (p, reading) =>
    (p.flag !== undefined && reading.alarms[p.flag] !== undefined) ||
    (p.state !== undefined && reading.state !== undefined) ||
    (p.metric !== undefined && reading.metrics[p.metric] !== undefined),
  step,
  rest,
  dueMs,
  woken,
})
