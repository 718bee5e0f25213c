// Several weak signs of one room add up: a little smoke, a little warmth, a little CO, none of which is an alarm by itself. Each sign is
// measured against the device's own usual level, counts from nothing to its weight, and stands in the evidence with what it counted.
// Different signs are asked for: one sensor that drifts is one sign, however far it drifts. A calm device tells its room nothing.
import type { Evidence } from '#contracts/alarm.ts'
import { defineKind, nothing, type Finding, type Keeping, type Moment, type Observation, type Rest, type Step, type Tale } from '../kind.ts'
import { followed, movedOn, type Level, type LevelParameters } from '../level.ts'
import { deviceItself, whoseIs } from '../whose.ts'
import { LEVEL_SCHEMA } from './threshold.ts'

type Term = {
  metric: string
  /** counts nothing here, above the usual level */
  from: number
  /** counts all of `weight` here */
  to: number
  weight: number
  level: LevelParameters
}

export type FuseParameters = {
  within: Exclude<Keeping, 'device' | 'rule'>
  terms: Term[]
  /** sum of what the signs count at which the alarm begins */
  raiseAt: number
  /** dead band */
  clearAt: number
  /** at least so many different signs must count something */
  signs: number
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

/** What a device keeps: its usual level for each term by number, and of which terms its room holds a sign (bits). */
type DeviceState = { l: (Level | null)[]; told?: number }
/** One sign of one device: how far above the usual, the usual, what it counts, event and listening time, message. */
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
  const l = before === undefined ? p.terms.map(() => null as Level | null) : before.l.slice()
  let signs: Record<string, Sign | null> | undefined
  let told = before?.told ?? 0
  for (let i = 0; i < p.terms.length; i++) {
    const term = p.terms[i] as Term
    const value = o.reading.metrics[term.metric]
    if (value === undefined) continue
    const level = followed(term.level, l[i] ?? undefined, o.tMs, value)
    l[i] = level
    const x = value - (level.v ?? value)
    const isWeak = x > term.from
    // most devices are calm nearly always
    if (!isWeak && (told & (1 << i)) === 0) continue
    told = isWeak ? told | (1 << i) : told & ~(1 << i)
    signs = { ...signs, [i]: isWeak ? signOf(term, x, level.v ?? 0, o) : null }
  }
  const state: DeviceState = told === 0 ? { l } : { l, told }
  if (signs === undefined) return nothing<State>(state)
  const about = deviceItself(o.reading)
  const tale: Tale = { to: whoseIs(p.within, o.reading), about, what: JSON.stringify(signs), atMs: o.tMs, receivedMs: o.receivedMs }
  return { state, findings: [], tales: [tale] }
}

/** Where the usual levels go, term by number, while it is not known yet that all of them are calm; NaN = no value. Here, since a list for each reading costs. */
const moved: number[] = []

/** No sign in any of its values and none told before: only the usual levels move. Of each term its level, NaN where none is known, and when that was. */
const rest: Rest<FuseParameters, State> = {
  size: p => 2 * p.terms.length,
  settle(p, state, n, at) {
    if (state === undefined || isRoom(state) || state.told !== undefined || state.l.length !== p.terms.length) return false
    for (let i = 0; i < state.l.length; i++) {
      const level = state.l[i] ?? undefined
      if (level !== undefined && level.v === undefined) return false
      n[at + 2 * i] = level?.v ?? Number.NaN
      n[at + 2 * i + 1] = level?.tMs ?? 0
    }
    return true
  },
  state: (p, n, at) => ({
    l: p.terms.map((_, i) => {
      const v = n[at + 2 * i] as number
      return Number.isNaN(v) ? null : { v, tMs: n[at + 2 * i + 1] as number }
    }),
  }),
  calm(p, n, at, o) {
    if (o.late) return false
    const { metrics } = o.reading
    const { terms } = p
    for (let i = 0; i < terms.length; i++) {
      const { metric, level, from } = terms[i] as Term
      const value = metrics[metric]
      moved[i] = Number.NaN
      if (value === undefined) continue
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

/** The strongest device of each sign: several of one sign are still one sign. */
function weighed(p: FuseParameters, s: RoomState['s'], sinceMs: number): { counted: Counted[]; sum: number } {
  const counted = p.terms.flatMap((term, i): Counted[] => {
    const fresh = Object.entries(s[i] ?? {}).filter(([, sign]) => sign.l >= sinceMs)
    const best = fresh.sort((a, b) => b[1].counts - a[1].counts || (a[0] < b[0] ? -1 : 1))[0]
    return best === undefined ? [] : [{ term, deviceId: best[0], sign: best[1] }]
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
    const note = `counts ${sign.counts.toFixed(2)} of ${term.weight}; usual ${sign.usual}`
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
        minItems: 2,
        maxItems: TERMS_MAX,
        items: {
          type: 'object',
          required: ['metric', 'from', 'to', 'weight', 'level'],
          additionalProperties: false,
          properties: {
            metric: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,60}$' },
            from: { type: 'number', minimum: 0 },
            to: positive,
            weight: positive,
            level: LEVEL_SCHEMA,
          },
        },
      },
      raiseAt: positive,
      clearAt: positive,
      signs: { type: 'integer', minimum: 2, maximum: TERMS_MAX },
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
