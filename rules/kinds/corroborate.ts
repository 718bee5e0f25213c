// Independent alarms of one place confirm a fire: GB 50116-2013 4.1.6 asks for two independent triggers. Different devices count, the same
// device twice does not; triggers of different sorts (smoke and heat, detector and camera) count more, since they fail differently.
// It withholds nothing: each alarm stands by itself, this one stands beside them.
import { ALARM_KINDS, type AlarmKind, type Evidence } from '#contracts/alarm.ts'
import { defineKind, nothing, type AlarmNotice, type Keeping, type Step } from '../kind.ts'

export type CorroborateParameters = {
  /** the place in which they must be together */
  within: Exclude<Keeping, 'device' | 'rule'>
  /** what an alarm of a kind counts */
  counts: Partial<Record<AlarmKind, number>>
  /** at least so many different devices */
  devices: number
  /** what must be reached together */
  sum: number
  /** added for each further sort of device among the triggers */
  otherSort: number
  /** triggers further apart than this are two stories */
  windowS: number
}

export const TRIGGERS_MAX = 32

/** One device's part: what it counts, its sort, from when to when it said so, and whether any of its alarms still stands. */
type Trigger = { c: number; sort: string; first: number; last: number; on: string[]; seq: number; what: string }
type State = { t: Record<string, Trigger>; open?: 1 }

/** The oldest goes when the place has more triggers than are kept. */
function bounded(triggers: State['t']): State['t'] {
  const entries = Object.entries(triggers)
  if (entries.length <= TRIGGERS_MAX) return triggers
  const oldest = entries.reduce((a, b) => (b[1].last < a[1].last || (b[1].last === a[1].last && b[0] < a[0]) ? b : a))[0]
  return Object.fromEntries(entries.filter(([id]) => id !== oldest))
}

function joined(p: CorroborateParameters, before: Trigger | undefined, a: AlarmNotice): Trigger {
  const c = Math.max(before?.c ?? 0, p.counts[a.kind] ?? 0)
  const on = [...(before?.on ?? []).filter(id => id !== a.alarmId), a.alarmId].slice(-4)
  const what = before?.what ?? `${a.kind} ${a.evidence[0]?.what ?? ''}`.trim()
  const { deviceKind: sort, seq } = a
  if (before === undefined) return { c, sort, first: a.atMs, last: a.atMs, on, seq, what }
  return { ...before, c, first: Math.min(before.first, a.atMs), last: Math.max(before.last, a.atMs), on }
}

/** Those that stood in alarm within the window around `atMs`. */
const together = (p: CorroborateParameters, all: State['t'], atMs: number): [string, Trigger][] =>
  Object.entries(all).filter(([, x]) => x.first - atMs <= p.windowS * 1000 && atMs - x.last <= p.windowS * 1000)

function weighed(p: CorroborateParameters, found: [string, Trigger][]): number {
  const sorts = new Set(found.map(([, t]) => t.sort)).size
  return found.reduce((sum, [, t]) => sum + t.c, 0) + Math.max(0, sorts - 1) * p.otherSort
}

function evidence(p: CorroborateParameters, found: [string, Trigger][], sum: number, a: AlarmNotice): Evidence[] {
  const receivedAt = new Date(a.atMs).toISOString()
  const head: Evidence = {
    seq: a.seq,
    deviceId: a.whose.deviceId,
    ts: receivedAt,
    receivedAt,
    what: 'triggers',
    value: found.length,
    threshold: p.devices,
    note: `${sum} of ${p.sum}: ${found.map(([id, t]) => `${id} ${t.c}`).join(', ')}`,
  }
  const parts = found.map(([deviceId, t]): Evidence => {
    const ts = new Date(t.first).toISOString()
    return { seq: t.seq, deviceId, ts, receivedAt: ts, what: t.what, value: t.sort }
  })
  return [head, ...parts]
}

function heard(p: CorroborateParameters, before: State | undefined, a: AlarmNotice): Step<State> {
  const state = before ?? { t: {} }
  const { deviceId } = a.whose
  const known = state.t[deviceId]
  if (a.type === 'clear') return over(p, state, known, a)
  // an alarm that was told of only when it was over (late) has no end of its own here: it counts while the window lasts
  const trigger = joined(p, known, a)
  const t = bounded({ ...state.t, [deviceId]: trigger })
  const found = together(p, t, a.atMs)
  const sum = weighed(p, found)
  if (state.open === 1) return known === undefined ? hold(p, { t, open: 1 }, found, sum, a) : nothing<State>({ t, open: 1 })
  if (found.length < p.devices || sum < p.sum) return nothing<State>({ t })
  return { state: { t, open: 1 }, findings: [{ type: 'raise', atMs: a.atMs, evidence: evidence(p, found, sum, a) }] }
}

const hold = (p: CorroborateParameters, state: State, found: [string, Trigger][], sum: number, a: AlarmNotice): Step<State> => ({
  state,
  findings: [{ type: 'hold', atMs: a.atMs, evidence: evidence(p, found, sum, a).slice(0, 1) }],
})

/** What is over still counts while the window lasts; the confirmed fire is over when none of its triggers stands any more. */
function over(p: CorroborateParameters, state: State, known: Trigger | undefined, a: AlarmNotice): Step<State> {
  if (known === undefined) return nothing<State>(state)
  const on = known.on.filter(id => id !== a.alarmId)
  const t = { ...state.t, [a.whose.deviceId]: { ...known, on, last: Math.max(known.last, a.atMs) } }
  const fresh = Object.fromEntries(Object.entries(t).filter(([, x]) => x.on.length > 0 || a.atMs - x.last <= p.windowS * 1000))
  if (Object.values(t).some(x => x.on.length > 0)) return nothing<State>({ ...state, t: fresh })
  const rest: State | undefined = Object.keys(fresh).length > 0 ? { t: fresh } : undefined
  return state.open === 1 ? { state: rest, findings: [{ type: 'clear', atMs: a.atMs, evidence: [] }] } : nothing<State>(rest)
}

export const KINDS_COUNTED = {
  type: 'object',
  minProperties: 1,
  additionalProperties: false,
  properties: Object.fromEntries(ALARM_KINDS.map(kind => [kind, { type: 'number', exclusiveMinimum: 0, maximum: 10 }])),
} as const

export const WITHIN = { enum: ['room', 'floor', 'building', 'area'] } as const

export const corroborate = defineKind<CorroborateParameters, State>({
  name: 'corroborate',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['within', 'counts', 'devices', 'sum', 'otherSort', 'windowS'],
    additionalProperties: false,
    properties: {
      within: WITHIN,
      counts: KINDS_COUNTED,
      devices: { type: 'integer', minimum: 2, maximum: TRIGGERS_MAX },
      sum: { type: 'number', exclusiveMinimum: 0, maximum: 100 },
      otherSort: { type: 'number', minimum: 0, maximum: 10 },
      windowS: { type: 'number', minimum: 1, maximum: 86_400 },
    },
  },
  stateBytesMax: 16_000,
  shuffled: 'same-subjects',
  keeps: p => p.within,
  byShape: true,
  wants: () => false,
  step: (_, state) => nothing(state),
  hears: (p, kind) => p.counts[kind] !== undefined,
  heard,
})
