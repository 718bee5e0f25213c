// Several weak signs of one room add up: a little smoke, a little warmth, a little CO, none of which is an alarm by itself. Each sign is
// measured against the device's own usual level, or as its climb, counts from nothing to its weight, and stands in the evidence with what it
// counted. Different signs are asked for, or different devices: one sensor that drifts is one sign, however far. A calm device tells nothing.
import type { Evidence } from '#contracts/alarm.ts'
import { defineKind, nothing, type Finding, type Keeping, type Moment, type Observation, type Rest, type Step, type Tale } from '../kind.ts'
import { followed, movedOn, type Level, type LevelParameters } from '../level.ts'
import { METRIC_SCHEMA } from '../measure.ts'
import { linePerMin, slopePerMin, type Sample } from '../slope.ts'
import { deviceItself, whoseIs } from '../whose.ts'
import { LEVEL_SCHEMA } from './threshold.ts'

type Term = {
  metric: string
  /** counts nothing here, above the usual level */
  from: number
  /** counts all of `weight` here */
  to: number
  weight: number
  /** it is measured above this; or */
  level?: LevelParameters
  /** it is the climb of the metric, a minute, over this time */
  climbOverS?: number
}

export type FuseParameters = {
  within: Exclude<Keeping, 'device' | 'rule'>
  terms: Term[]
  /** sum of what the signs count at which the alarm begins */
  raiseAt: number
  /** dead band */
  clearAt: number
  /** at least so many different signs must count something; of one sign each device that counts is one */
  signs: number
  /** so many devices of one sign count, the strongest; 1 where it is not said */
  devices?: number
  /** so many readings in a row must say so */
  onReadings: number
  /** a value older than this does not help to raise */
  freshS: number
  /** below `clearAt` for this long ends it */
  offDelayS: number
}

export const TERMS_MAX = 6
/** Devices remembered for one sign of one place; the one that counts least goes. */
export const FUSED_MAX = 8

/** Samples of a climb that are kept: one in climbOverS / SAMPLES_MAX, and the one before them. A climb is none before nearly all of its time is seen. */
const SAMPLES_MAX = 24
const SAMPLES_MIN = 5
const SPAN_PART = 0.95
/** A line may be so many times as steep as the median of its pairs: where a climb begins, most of them are still flat. */
const LINE_AHEAD_MAX = 3
/** No longer silence within a climb than this part of its time. */
const GAP_PART = 0.5

type Climb = { w: Sample[] }
/** What a device keeps: its usual level or its climb for each term by number, and of which terms its room holds a sign (bits). */
type DeviceState = { l: (Level | Climb | null)[]; told?: number }
/** One sign of one device: how far above the usual, the usual (of a climb: how steep, the value), what it counts, event and listening time, message. */
type Sign = { x: number; usual: number; counts: number; t: number; l: number; seq: number }
/** `s`: term by number -> device -> sign */
type RoomState = { s: Record<string, Record<string, Sign>>; on?: number; open?: 1; off?: number }
type State = DeviceState | RoomState

const isRoom = (state: State): state is RoomState => (state as RoomState).s !== undefined
const rounded = (value: number): number => Math.round(value * 1e4) / 1e4

const signOf = (term: Term, x: number, usual: number, o: Observation): Sign => {
  const counts = Math.min(1, (x - term.from) / (term.to - term.from)) * term.weight
  return { x: rounded(x), usual: rounded(usual), counts: rounded(counts), t: o.tMs, l: o.listenedMs, seq: o.seq }
}

function step(p: FuseParameters, before: State | undefined, o: Observation): Step<State> {
  if (o.late || (before !== undefined && isRoom(before))) return nothing(before)
  const l = before === undefined ? p.terms.map((): DeviceState['l'][number] => null) : before.l.slice()
  let signs: Record<string, Sign | null> | undefined
  let told = before?.told ?? 0
  for (let i = 0; i < p.terms.length; i++) {
    const term = p.terms[i] as Term
    const value = o.reading.metrics[term.metric]
    if (value === undefined) continue
    const known = l[i] ?? undefined
    const next = term.level === undefined ? climbed(term, climbOf(known), o.tMs, value) : followed(term.level, levelOf(known), o.tMs, value)
    // another reading of the same moment of a climb
    if (next === undefined) continue
    l[i] = next
    const [x, usual] = 'w' in next ? [climbPerMin(term, next), value] : [value - (next.v ?? value), next.v ?? 0]
    const isWeak = x > term.from
    // most devices are calm nearly always
    if (!isWeak && (told & (1 << i)) === 0) continue
    told = isWeak ? told | (1 << i) : told & ~(1 << i)
    signs = { ...signs, [i]: isWeak ? signOf(term, x, usual, o) : null }
  }
  const state: DeviceState = told === 0 ? { l } : { l, told }
  if (signs === undefined) return nothing<State>(state)
  const about = deviceItself(o.reading)
  const tale: Tale = { to: whoseIs(p.within, o.reading), about, what: JSON.stringify(signs), atMs: o.tMs, receivedMs: o.receivedMs }
  return { state, findings: [], tales: [tale] }
}

const climbOf = (known: Level | Climb | undefined): Climb | undefined => (known !== undefined && 'w' in known ? known : undefined)
const levelOf = (known: Level | Climb | undefined): Level | undefined => (known !== undefined && 'w' in known ? undefined : known)
const overMs = ({ climbOverS = 0 }: Term): number => climbOverS * 1000

function climbed(term: Term, before: Climb | undefined, tMs: number, value: number): Climb | undefined {
  const newestMs = before?.w.at(-1)?.[0]
  if (before === undefined || newestMs === undefined || tMs < newestMs || tMs - newestMs > overMs(term) * GAP_PART)
    return { w: [[tMs, value]] }
  if (tMs - newestMs < overMs(term) / SAMPLES_MAX) return undefined
  const from = before.w.findIndex((_, i) => tMs - (before.w[i + 1]?.[0] ?? tMs) < overMs(term))
  return { w: [...before.w.slice(from), [tMs, value]] }
}

/** The line is quick to see a climb, and a single value that drops out makes it one: what most pairs of samples say bounds it. */
function climbPerMin(term: Term, { w }: Climb): number {
  const spanMs = (w.at(-1)?.[0] ?? 0) - (w[0]?.[0] ?? 0)
  if (w.length < SAMPLES_MIN || spanMs < overMs(term) * SPAN_PART) return 0
  const line = linePerMin(w)
  return line > term.from ? Math.min(line, LINE_AHEAD_MAX * slopePerMin(w)) : line
}

/** Where the usual levels go, term by number, while it is not known yet that all of them are calm; NaN = no value. Here, since a list for each reading costs. */
const moved: number[] = []

/** No sign in any of its values and none told before: only the usual levels move. Of each term its level, NaN where none is known, and when that was. */
const rest: Rest<FuseParameters, State> = {
  size: p => 2 * p.terms.length,
  settle(p, state, n, at) {
    if (state === undefined || isRoom(state) || state.told !== undefined || state.l.length !== p.terms.length) return false
    for (let i = 0; i < state.l.length; i++) {
      const known = state.l[i] ?? undefined
      const climb = climbOf(known)
      const level = levelOf(known)
      if ((climb?.w.length ?? 0) > 1 || (level !== undefined && level.v === undefined)) return false
      n[at + 2 * i] = climb?.w[0]?.[1] ?? level?.v ?? Number.NaN
      n[at + 2 * i + 1] = climb?.w[0]?.[0] ?? level?.tMs ?? 0
    }
    return true
  },
  state: (p, n, at) => ({
    l: p.terms.map(({ level }, i) => {
      const v = n[at + 2 * i] as number
      const tMs = n[at + 2 * i + 1] as number
      if (Number.isNaN(v)) return null
      return level === undefined ? { w: [[tMs, v]] } : { v, tMs }
    }),
  }),
  calm(p, n, at, o) {
    if (o.late) return false
    const { metrics } = o.reading
    const { terms } = p
    for (let i = 0; i < terms.length; i++) {
      const term = terms[i] as Term
      const { metric, level, from } = term
      const value = metrics[metric]
      moved[i] = Number.NaN
      if (value === undefined) continue
      if (level === undefined) {
        // heard seldom: each sample stands alone
        if (!(o.tMs - (n[at + 2 * i + 1] as number) > overMs(term) * GAP_PART)) return false
        moved[i] = value
        continue
      }
      const v = movedOn(level, n[at + 2 * i] as number, o.tMs - (n[at + 2 * i + 1] as number), value)
      // also where none is known
      if (!(value - v <= from)) return false
      moved[i] = v
    }
    for (let i = 0; i < terms.length; i++) {
      const v = moved[i] as number
      if (Number.isNaN(v)) continue
      n[at + 2 * i] = v
      n[at + 2 * i + 1] = o.tMs
    }
    return true
  },
}

function bounded(signs: Record<string, Sign>): Record<string, Sign> {
  const entries = Object.entries(signs)
  if (entries.length <= FUSED_MAX) return signs
  const least = entries.reduce((a, b) => (b[1].counts < a[1].counts || (b[1].counts === a[1].counts && b[0] < a[0]) ? b : a))[0]
  return Object.fromEntries(entries.filter(([id]) => id !== least))
}

type Counted = { term: Term; deviceId: string; sign: Sign }

/** The strongest devices of each sign; where one counts, several of one sign are still one sign. */
function weighed(p: FuseParameters, s: RoomState['s'], sinceMs: number): { counted: Counted[]; sum: number } {
  const counted = p.terms.flatMap((term, i): Counted[] => {
    const fresh = Object.entries(s[i] ?? {}).filter(([, sign]) => sign.l >= sinceMs)
    const best = fresh.sort((a, b) => b[1].counts - a[1].counts || (a[0] < b[0] ? -1 : 1)).slice(0, p.devices ?? 1)
    return best.map(([deviceId, sign]) => ({ term, deviceId, sign }))
  })
  return { counted, sum: counted.reduce((total, { sign }) => total + sign.counts, 0) }
}

function gathered(p: FuseParameters, before: State | undefined, tale: Tale, at: Moment): Step<State> {
  const known: RoomState = before !== undefined && isRoom(before) ? before : { s: {} }
  const s = { ...known.s }
  for (const [i, sign] of Object.entries(JSON.parse(tale.what) as Record<string, Sign | null>)) {
    const { [tale.about.deviceId]: _, ...others } = s[i] ?? {}
    s[i] = sign === null ? others : bounded({ ...others, [tale.about.deviceId]: sign })
    if (Object.keys(s[i]).length === 0) delete s[i]
  }
  // what went silent helps to raise nothing, and clears nothing either
  if (known.open === 1) return whileOpen(p, known, s, tale, at)
  const { counted, sum } = weighed(p, s, at.listenedMs - p.freshS * 1000)
  if (counted.length < p.signs || sum < p.raiseAt) return nothing<State>(Object.keys(s).length > 0 ? { s } : undefined)
  const on = (known.on ?? 0) + 1
  if (on < p.onReadings) return nothing<State>({ s, on })
  const whose = { ...tale.to, ...(tale.about.position !== undefined && { position: tale.about.position }) }
  return { state: { s, open: 1 }, findings: [{ type: 'raise', atMs: tale.atMs, evidence: evidence(p, counted, sum, tale), whose }] }
}

function whileOpen(p: FuseParameters, known: RoomState, s: RoomState['s'], tale: Tale, at: Moment): Step<State> {
  const { counted, sum } = weighed(p, s, -Infinity)
  if (sum < p.clearAt) return nothing<State>({ s, open: 1, off: known.off ?? at.listenedMs })
  const hold: Finding = { type: 'hold', atMs: tale.atMs, evidence: evidence(p, counted, sum, tale).slice(0, 1) }
  return { state: { s, open: 1 }, findings: [hold] }
}

function woken({ off: _off, open: _open, ...state }: RoomState, at: Moment): Step<State> {
  return { state: Object.keys(state.s).length > 0 ? state : undefined, findings: [{ type: 'clear', atMs: at.arrivalMs, evidence: [] }] }
}

function evidence(p: FuseParameters, counted: Counted[], sum: number, tale: Tale): Evidence[] {
  const terms = counted.map(({ term, deviceId, sign }): Evidence => {
    const ts = new Date(sign.t).toISOString()
    const beside = term.climbOverS === undefined ? `usual ${sign.usual}` : `a minute, over ${term.climbOverS} s; now ${sign.usual}`
    const note = `counts ${sign.counts.toFixed(2)} of ${term.weight}; ${beside}`
    return { seq: sign.seq, deviceId, ts, receivedAt: ts, what: term.metric, value: sign.x, threshold: term.from, note }
  })
  const ts = new Date(tale.atMs).toISOString()
  const value = Math.round(sum * 100) / 100
  const seq = Math.max(...counted.map(({ sign }) => sign.seq))
  const note = `${counted.length} different signs`
  const head = { seq, deviceId: tale.about.deviceId, ts, receivedAt: new Date(tale.receivedMs).toISOString(), what: 'signs', value, note }
  return [{ ...head, threshold: p.raiseAt }, ...terms]
}

const positive = { type: 'number', exclusiveMinimum: 0 } as const

export const fuse = defineKind<FuseParameters, State>({
  name: 'fuse',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['within', 'terms', 'raiseAt', 'clearAt', 'signs', 'onReadings', 'freshS', 'offDelayS'],
    additionalProperties: false,
    properties: {
      within: { enum: ['room', 'floor', 'building', 'area'] },
      terms: {
        type: 'array',
        minItems: 1,
        maxItems: TERMS_MAX,
        items: {
          type: 'object',
          required: ['metric', 'from', 'to', 'weight'],
          oneOf: [{ required: ['level'] }, { required: ['climbOverS'] }],
          additionalProperties: false,
          properties: {
            metric: METRIC_SCHEMA,
            from: { type: 'number', minimum: 0 },
            to: positive,
            weight: positive,
            level: LEVEL_SCHEMA,
            climbOverS: { type: 'number', minimum: 20, maximum: 3_600 },
          },
        },
      },
      raiseAt: positive,
      clearAt: positive,
      signs: { type: 'integer', minimum: 2, maximum: TERMS_MAX },
      devices: { type: 'integer', minimum: 1, maximum: FUSED_MAX },
      onReadings: { type: 'integer', minimum: 2, maximum: 100 },
      freshS: { type: 'number', minimum: 1, maximum: 86_400 },
      offDelayS: { type: 'number', minimum: 0, maximum: 86_400 },
    },
  },
  stateBytesMax: TERMS_MAX * FUSED_MAX * 260,
  shuffled: 'may-miss',
  byShape: true,
  wants: (p, reading) => p.terms.some(term => reading.metrics[term.metric] !== undefined),
  step,
  rest,
  dueMs: (p, state) => (isRoom(state) && state.off !== undefined ? state.off + p.offDelayS * 1000 : undefined),
  woken: (_, state, at) => (isRoom(state) ? woken(state, at) : nothing<State>(state)),
  gathered,
})
