// The phases of a fire's way, from the sensor to its end: their times, their intervals, and over a day the percentiles and what was on
// time. Pure. What is not known stays unknown: it is counted apart, and no figure is made where there is none.
import type { Incident } from '#contracts/incident.ts'
import { percentile } from './kpis.ts'
import type { Told } from './tellings.ts'

/**
 * From, to, and within how many seconds it is on time; null = no line to keep. 10 s: GB/T 26875.1 4.1.2. 60 s to acknowledge and to accept:
 * what the plan that ships allows. 60, 180 and 300 s: the 1-3-5 minutes of micro fire stations.
 */
export const PHASES = [
  { phase: 'received', from: 'opened', to: 'received', limitS: 10 },
  { phase: 'queued', from: 'received', to: 'queued', limitS: null },
  { phase: 'notified', from: 'queued', to: 'notified', limitS: null },
  { phase: 'heard', from: 'queued', to: 'heard', limitS: null },
  { phase: 'acknowledged', from: 'queued', to: 'acknowledged', limitS: 60 },
  { phase: 'dispatched', from: 'acknowledged', to: 'dispatched', limitS: null },
  { phase: 'accepted', from: 'dispatched', to: 'accepted', limitS: 60 },
  { phase: 'turn-out', from: 'accepted', to: 'enRoute', limitS: 60 },
  { phase: 'travel', from: 'enRoute', to: 'onScene', limitS: 180 },
  { phase: 'response', from: 'queued', to: 'onScene', limitS: 300 },
  { phase: 'controlled', from: 'onScene', to: 'controlled', limitS: null },
  { phase: 'closed', from: 'queued', to: 'closed', limitS: null },
] as const
export type PhaseName = (typeof PHASES)[number]['phase']

export const MOMENTS = [
  'opened',
  'received',
  'queued',
  'notified',
  'heard',
  'acknowledged',
  'dispatched',
  'accepted',
  'enRoute',
  'onScene',
  'controlled',
  'closed',
] as const
export type Moment = (typeof MOMENTS)[number]
/** null = it has not happened, or nobody knows when */
export type Times = Record<Moment, string | null>
/** seconds, to a tenth; null = one of its ends is not known */
export type Intervals = Record<PhaseName, number | null>

export type PhaseFigures = {
  phase: PhaseName
  /** how many have both ends: what the figures are made of */
  n: number
  /** begun and not ended, while the incident is still open */
  running: number
  /** of those: already longer than the limit, and so late, whenever it ends */
  overdue: number
  p50S: number | null
  p90S: number | null
  limitS: number | null
  onTime: number | null
  /** onTime / (n + overdue) */
  onTimeRate: number | null
}

/** `told` from the outbox; `receivedAt` from the way of its first alarm. */
export const timesOf = (incident: Incident, told: Told, receivedAt: string | undefined): Times => {
  const i = { ...incident, ...incident.firstHandling }
  // one crew's way: nothing of a later one stands between its times
  const crew = incident.firstHandling?.onSceneAt === undefined ? incident : incident.firstHandling
  const at = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
  return {
    opened: i.openedAt,
    received: receivedAt ?? null,
    queued: i.queuedAt,
    notified: at(told.notifiedMs),
    // who takes it at the desk has heard of it
    heard: [at(told.heardMs), i.acknowledgedAt ?? null].filter(time => time !== null).toSorted()[0] ?? null,
    acknowledged: i.acknowledgedAt ?? null,
    dispatched: crew.dispatchedAt ?? null,
    accepted: crew.acceptedAt ?? null,
    enRoute: crew.enRouteAt ?? null,
    onScene: crew.onSceneAt ?? null,
    controlled: crew.controlledAt ?? null,
    closed: i.closedAt ?? null,
  }
}

const secondsBetween = (from: string | null, to: string | null): number | null =>
  from === null || to === null ? null : Math.round((Date.parse(to) - Date.parse(from)) / 100) / 10

export const intervalsOf = (times: Times): Intervals =>
  Object.fromEntries(PHASES.map(({ phase, from, to }) => [phase, secondsBetween(times[from], times[to])])) as Intervals

/** A sensor whose clock runs ahead was sensed after it was received: that says nothing about a time, and is no time. */
const isTime = (seconds: number | null): seconds is number => seconds !== null && seconds >= 0

export type Timed = { times: Times; intervals: Intervals }

export const share = (part: number, whole: number): number | null => (whole === 0 ? null : Math.round((part / whole) * 10_000) / 10_000)

export const phaseFigures = (incidents: readonly Timed[], nowMs: number): PhaseFigures[] =>
  PHASES.map(({ phase, from, to, limitS }) => {
    const known = incidents.flatMap(i => (isTime(i.intervals[phase]) ? [i.intervals[phase]] : [])).toSorted((a, b) => a - b)
    // nobody was there to be told, or it was over before: such a phase does not run
    const running =
      phase === 'notified' || phase === 'received'
        ? []
        : incidents.filter(({ times }) => times[from] !== null && times[to] === null && times.closed === null)
    const overdue = limitS === null ? [] : running.filter(({ times }) => nowMs - Date.parse(times[from] ?? '') > limitS * 1000)
    const onTime = limitS === null ? null : known.filter(s => s <= limitS).length
    return {
      phase,
      n: known.length,
      running: running.length,
      overdue: overdue.length,
      p50S: percentile(known, 0.5),
      p90S: percentile(known, 0.9),
      limitS,
      onTime,
      onTimeRate: onTime === null ? null : share(onTime, known.length + overdue.length),
    }
  })
