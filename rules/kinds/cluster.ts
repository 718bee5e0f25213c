// Several devices near each other within a short time, whatever buildings they are registered to: a fire in the open, in a market, on a
// street front, or smoke that drifts. By position alone, so it also holds where nobody wrote down a place.
import { isHazard, type AlarmKind, type Evidence } from '#contracts/alarm.ts'
import { defineKind, nothing, type AlarmNotice, type Finding, type Step } from '../kind.ts'
import { whoseIs } from '../whose.ts'
import { KINDS_COUNTED } from './corroborate.ts'

export type ClusterParameters = {
  /** what an alarm of a kind counts */
  counts: Partial<Record<AlarmKind, number>>
  /** at least so many different devices */
  devices: number
  /** what must be reached together */
  sum: number
  /** at least so many different buildings; a device without one counts as one. 1 = also within a building, where `corroborate` speaks */
  buildings: number
  /** none further than this from the newest, metres */
  withinM: number
  /** none longer ago than this */
  windowS: number
}

/** Alarms remembered, of the whole district; the oldest goes. */
export const POINTS_MAX = 400
const CLUSTERS_MAX = 20
const METRES_PER_DEGREE = 111_195

type Point = { id: string; c: number; lat: number; lon: number; t: number; seq: number; on: string[]; at: string; of?: string }
/** `g`: points by grid cell, so that a flood is not compared pair by pair; `open`: clusters, by the alarm that completed them. */
type State = { g: Record<string, Point[]>; n: number; open?: Record<string, number> }

const rad = Math.PI / 180

function metresBetween(a: Point, b: Point): number {
  const x = (b.lon - a.lon) * Math.cos(((a.lat + b.lat) / 2) * rad)
  return Math.hypot(x, b.lat - a.lat) * METRES_PER_DEGREE
}

/** Cells are at least as wide as the radius, so that whatever is near lies in the cell or one beside it. */
function cellOf(p: ClusterParameters, lat: number, lon: number): [number, number] {
  const high = p.withinM / METRES_PER_DEGREE
  // one width for a band of latitude, so that the cells of a row lie side by side
  const row = Math.floor(lat / high)
  const wide = high / Math.max(0.05, Math.cos((Math.abs(row * high) + high) * rad))
  return [row, Math.floor(lon / wide)]
}

function* cellsAround(p: ClusterParameters, lat: number, lon: number): Generator<string> {
  const high = p.withinM / METRES_PER_DEGREE
  for (const dLat of [-high, 0, high]) {
    const [row, column] = cellOf(p, lat + dLat, lon)
    for (const d of [-1, 0, 1]) yield `${row},${column + d}`
  }
}

function without(g: State['g'], keep: (point: Point) => boolean): { g: State['g']; n: number } {
  const left: State['g'] = {}
  let n = 0
  for (const [cell, points] of Object.entries(g)) {
    const kept = points.every(keep) ? points : points.filter(keep)
    if (kept.length === 0) continue
    left[cell] = kept
    n += kept.length
  }
  return { g: left, n }
}

function inserted(p: ClusterParameters, state: State, point: Point): State {
  const sinceMs = point.t - p.windowS * 1000
  let { g, n } = without(state.g, x => x.id !== point.id && (x.t >= sinceMs || x.on.length > 0))
  if (n >= POINTS_MAX) {
    const oldest = Object.values(g)
      .flat()
      .reduce((a, b) => (b.t < a.t || (b.t === a.t && b.id < a.id) ? b : a))
    ;({ g, n } = without(g, x => x !== oldest))
  }
  const cell = cellOf(p, point.lat, point.lon).join(',')
  return { ...state, g: { ...g, [cell]: [...(g[cell] ?? []), point] }, n: n + 1 }
}

const near = (p: ClusterParameters, { g }: State, point: Point): Point[] =>
  [...new Set(cellsAround(p, point.lat, point.lon))]
    .flatMap(cell => g[cell] ?? [])
    .filter(x => Math.abs(x.t - point.t) <= p.windowS * 1000 && metresBetween(x, point) <= p.withinM)
    .sort((a, b) => a.t - b.t || (a.id < b.id ? -1 : 1))

const found = (state: State, id: string): Point | undefined => {
  for (const points of Object.values(state.g)) for (const point of points) if (point.id === id) return point
  return undefined
}

function marked(state: State, ids: ReadonlySet<string>, of: string): State['g'] {
  return Object.fromEntries(Object.entries(state.g).map(([cell, points]) => [cell, points.map(x => (ids.has(x.id) ? { ...x, of } : x))]))
}

function heard(p: ClusterParameters, before: State | undefined, a: AlarmNotice): Step<State> {
  const { deviceId, position } = a.whose
  const state = before ?? { g: {}, n: 0 }
  const known = found(state, deviceId)
  if (a.type === 'clear') return known === undefined ? nothing<State>(state) : over(state, known, a)
  if (position === undefined) return nothing(before)
  const on = [...(known?.on ?? []).filter(id => id !== a.alarmId), a.alarmId].slice(-4)
  const c = Math.max(known?.c ?? 0, p.counts[a.kind] ?? 0)
  const t = Math.max(known?.t ?? a.atMs, a.atMs)
  const point: Point = {
    id: deviceId,
    c,
    lat: position.lat,
    lon: position.lon,
    t,
    seq: a.seq,
    on,
    at: whoseIs('building', a.whose).key,
    ...(known?.of !== undefined && { of: known.of }),
  }
  const next = inserted(p, state, point)
  const all = near(p, next, point)
  const of = all.find(x => x.of !== undefined && next.open?.[x.of] !== undefined)?.of
  if (of !== undefined) return known?.of === of ? nothing<State>(next) : joined(next, point, of, all, a)
  const sum = all.reduce((total, x) => total + x.c, 0)
  if (all.length < p.devices || sum < p.sum || new Set(all.map(x => x.at)).size < p.buildings) return nothing<State>(next)
  return begun(p, next, point, all, a)
}

function begun(p: ClusterParameters, state: State, point: Point, all: Point[], a: AlarmNotice): Step<State> {
  const of = `${point.id} ${a.atMs}`
  const g = marked(state, new Set(all.map(x => x.id)), of)
  const clusters: [string, number][] = [...Object.entries(state.open ?? {}), [of, a.atMs]]
  // the oldest is followed no longer; its alarm latches, so people still see it
  const dropped = clusters.slice(0, -CLUSTERS_MAX).map(([key]): Finding => ({ type: 'clear', key, atMs: a.atMs, evidence: [] }))
  const open = Object.fromEntries(clusters.slice(-CLUSTERS_MAX))
  const evidence = [counted(p, all, point, a), ...all.slice(0, 12).map(evidenceOf)]
  const raise: Finding = { type: 'raise', key: of, atMs: a.atMs, evidence, whose: { ...a.whose, key: of } }
  return { state: { g, n: state.n, open }, findings: [...dropped, raise] }
}

function joined(state: State, point: Point, of: string, all: Point[], a: AlarmNotice): Step<State> {
  const g = marked(state, new Set([point.id]), of)
  const evidence = [{ ...evidenceOf(point), note: `joins ${all.filter(x => x.of === of).length} near it` }]
  return { state: { ...state, g }, findings: [{ type: 'hold', key: of, atMs: a.atMs, evidence }] }
}

/** A cluster is over when none of its devices stands in alarm any more. */
function over(state: State, known: Point, a: AlarmNotice): Step<State> {
  const on = known.on.filter(id => id !== a.alarmId)
  const g = Object.fromEntries(
    Object.entries(state.g).map(([cell, points]) => [cell, points.map(x => (x.id === known.id ? { ...x, on } : x))]),
  )
  const { of } = known
  if (of === undefined || state.open?.[of] === undefined) return nothing<State>({ ...state, g })
  const stands = Object.values(g).some(points => points.some(x => x.of === of && x.on.length > 0))
  if (stands) return nothing<State>({ ...state, g })
  const { [of]: _, ...open } = state.open
  return { state: { ...state, g, open }, findings: [{ type: 'clear', key: of, atMs: a.atMs, evidence: [] }] }
}

const evidenceOf = (x: Point): Evidence => {
  const ts = new Date(x.t).toISOString()
  return { seq: x.seq, deviceId: x.id, ts, receivedAt: ts, what: 'in alarm', value: true }
}

function counted(p: ClusterParameters, all: Point[], point: Point, a: AlarmNotice): Evidence {
  const ts = new Date(a.atMs).toISOString()
  const far = Math.round(Math.max(...all.map(x => metresBetween(x, point))))
  const note = `at most ${far} m away, within ${Math.round((Math.max(...all.map(x => x.t)) - Math.min(...all.map(x => x.t))) / 1000)} s`
  return { seq: a.seq, deviceId: point.id, ts, receivedAt: ts, what: 'devices', value: all.length, threshold: p.devices, note }
}

export const cluster = defineKind<ClusterParameters, State>({
  name: 'cluster',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['counts', 'devices', 'sum', 'buildings', 'withinM', 'windowS'],
    additionalProperties: false,
    properties: {
      counts: KINDS_COUNTED,
      devices: { type: 'integer', minimum: 2, maximum: 100 },
      sum: { type: 'number', exclusiveMinimum: 0, maximum: 100 },
      buildings: { type: 'integer', minimum: 1, maximum: 100 },
      withinM: { type: 'number', minimum: 1, maximum: 5_000 },
      windowS: { type: 'number', minimum: 1, maximum: 86_400 },
    },
  },
  stateBytesMax: 220 * POINTS_MAX,
  shuffled: 'same-subjects',
  keeps: () => 'rule',
  byShape: true,
  wants: () => false,
  step: (_, state) => nothing(state),
  hears: (p, kind) => p.counts[kind] !== undefined && isHazard(kind),
  heard,
})
