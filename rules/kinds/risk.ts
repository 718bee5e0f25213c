// How bad it could become: an alarm of a place together with what makes a fire there worse - night, when people sleep, a hydrant without
// pressure, a station that cannot turn out, a device that is out. Each term stands in the evidence with what it counted. It only adds: no
// alarm waits for it, none is lowered by it.
import { isHazard, type AlarmKind, type Evidence } from '#contracts/alarm.ts'
import { DEFAULT_TIME_ZONE, openZone } from '#contracts/zone.ts'
import { defineKind, nothing, type AlarmNotice, type Keeping, type Step } from '../kind.ts'
import { KINDS_COUNTED, WITHIN } from './corroborate.ts'

export type RiskParameters = {
  within: Exclude<Keeping, 'device' | 'rule'>
  /** what an open alarm of a kind counts; of one kind the first counts, others do not add */
  counts: Partial<Record<AlarmKind, number>>
  /** what the night counts, from and to which hour of local time it lasts */
  night: number
  nightFromH: number
  nightToH: number
  /** one of the two; neither = the district's */
  timeZone?: string
  utcOffsetMinutes?: number
  /** reached with at least one alarm of fire among the terms: raised */
  raiseAt: number
}

export const OPEN_MAX = 40
const MS_PER_H = 3_600_000

/** open alarms of the place: kind, device, since when, message */
type Open = { k: AlarmKind; d: string; t: number; seq: number }
type State = { a: Record<string, Open>; open?: 1 }

const isNight = (p: RiskParameters, atMs: number): boolean => {
  const h =
    p.utcOffsetMinutes === undefined
      ? openZone(p.timeZone ?? DEFAULT_TIME_ZONE).minuteOfDay(atMs) / 60
      : (((atMs / MS_PER_H + p.utcOffsetMinutes / 60) % 24) + 24) % 24
  return p.nightFromH <= p.nightToH ? h >= p.nightFromH && h < p.nightToH : h >= p.nightFromH || h < p.nightToH
}

type Term = { what: string; counts: number; deviceId: string; t: number; seq: number }

function terms(p: RiskParameters, state: State, a: AlarmNotice): Term[] {
  const first = new Map<AlarmKind, Open>()
  for (const alarm of Object.values(state.a)) {
    const other = first.get(alarm.k)
    if (other === undefined || alarm.t < other.t || (alarm.t === other.t && alarm.d < other.d)) first.set(alarm.k, alarm)
  }
  const found = [...first].map(([k, { d, t, seq }]): Term => ({ what: k, counts: p.counts[k] ?? 0, deviceId: d, t, seq }))
  if (isNight(p, a.atMs) && p.night > 0) found.push({ what: 'night', counts: p.night, deviceId: a.whose.deviceId, t: a.atMs, seq: a.seq })
  return found.sort((x, y) => y.counts - x.counts || (x.what < y.what ? -1 : 1))
}

function evidence(p: RiskParameters, found: Term[], sum: number, a: AlarmNotice): Evidence[] {
  const at = new Date(a.atMs).toISOString()
  const note = found.map(({ what, counts }) => `${what} ${counts}`).join(' + ')
  const parts = found.map(({ what, counts, deviceId, t, seq }): Evidence => {
    const ts = new Date(t).toISOString()
    return { seq, deviceId, ts, receivedAt: ts, what, value: counts }
  })
  return [
    { seq: a.seq, deviceId: a.whose.deviceId, ts: at, receivedAt: at, what: 'risk', value: sum, threshold: p.raiseAt, note },
    ...parts,
  ]
}

function bounded(a: State['a']): State['a'] {
  const entries = Object.entries(a)
  if (entries.length <= OPEN_MAX) return a
  const oldest = entries.reduce((x, y) => (y[1].t < x[1].t || (y[1].t === x[1].t && y[0] < x[0]) ? y : x))[0]
  return Object.fromEntries(entries.filter(([id]) => id !== oldest))
}

function heard(p: RiskParameters, before: State | undefined, a: AlarmNotice): Step<State> {
  const state = before ?? { a: {} }
  if (a.type === 'clear') return over(state, a)
  if (state.a[a.alarmId] !== undefined) return nothing<State>(state)
  const next: State = { ...state, a: bounded({ ...state.a, [a.alarmId]: { k: a.kind, d: a.whose.deviceId, t: a.atMs, seq: a.seq } }) }
  const found = terms(p, next, a)
  const sum = Math.round(found.reduce((total, { counts }) => total + counts, 0) * 100) / 100
  const burns = Object.values(next.a).some(({ k }) => isHazard(k))
  if (state.open === 1) {
    const isNew = !Object.values(state.a).some(({ k }) => k === a.kind)
    return isNew
      ? { state: next, findings: [{ type: 'hold', atMs: a.atMs, evidence: evidence(p, found, sum, a).slice(0, 1) }] }
      : nothing<State>(next)
  }
  if (!burns || sum < p.raiseAt) return nothing<State>(next)
  return { state: { ...next, open: 1 }, findings: [{ type: 'raise', atMs: a.atMs, evidence: evidence(p, found, sum, a) }] }
}

/** Over with the last fire of the place, whatever is still broken there. */
function over(state: State, a: AlarmNotice): Step<State> {
  const { [a.alarmId]: known, ...rest } = state.a
  if (known === undefined) return nothing<State>(state)
  const left: State | undefined = Object.keys(rest).length > 0 ? { a: rest } : undefined
  if (state.open !== 1) return nothing<State>(left)
  if (Object.values(rest).some(({ k }) => isHazard(k))) return nothing<State>({ a: rest, open: 1 })
  return { state: left, findings: [{ type: 'clear', atMs: a.atMs, evidence: [] }] }
}

export const risk = defineKind<RiskParameters, State>({
  name: 'risk',
  admits: 'live',
  localTime: true,
  parameters: {
    type: 'object',
    required: ['within', 'counts', 'night', 'nightFromH', 'nightToH', 'raiseAt'],
    additionalProperties: false,
    not: { required: ['timeZone', 'utcOffsetMinutes'] },
    properties: {
      within: WITHIN,
      counts: KINDS_COUNTED,
      night: { type: 'number', minimum: 0, maximum: 10 },
      nightFromH: { type: 'number', minimum: 0, maximum: 24 },
      nightToH: { type: 'number', minimum: 0, maximum: 24 },
      timeZone: { type: 'string', minLength: 1, maxLength: 60 },
      utcOffsetMinutes: { type: 'integer', minimum: -840, maximum: 840 },
      raiseAt: { type: 'number', exclusiveMinimum: 0, maximum: 100 },
    },
  },
  stateBytesMax: 300 * OPEN_MAX,
  shuffled: 'may-miss',
  keeps: p => p.within,
  byShape: true,
  wants: () => false,
  step: (_, state) => nothing(state),
  hears: (p, kind) => p.counts[kind] !== undefined,
  heard,
})
