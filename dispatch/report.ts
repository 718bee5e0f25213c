// The daily fire report (消防警情日报), as figures: every interval of every fire, the 50th and 90th percentile of each phase (NFPA 1710), what
// was on time, false alarms by site and cause, standing and chattering alarms, flood (EEMUA 191). Reads only; words are report-words.ts.
import type { AlarmKind, Severity, Text } from '#contracts/alarm.ts'
import type { Incident } from '#contracts/incident.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { percentile } from './kpis.ts'
import type { Told } from './tellings.ts'
import type { Desk } from './turn.ts'

export const INCIDENTS_REPORTED_MAX = 5_000
const LISTED_MAX = 200
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const TEN_MINUTES_MS = 600_000
/** EEMUA 191: more than 10 alarms in 10 min is a flood, which ends at fewer than 5 */
const FLOOD_BEGINS = 10
const FLOOD_ENDS = 5
const STANDING_MS = DAY_MS
const CHATTER_IN_10_MIN = 3
const CHATTER_A_DAY = 6
/** more false alarms than that from one site in a day need action (GB 50440 practice) */
export const FALSE_ALARMS_OF_SITE_MAX = 5

/** from -> to, and within how many seconds it is on time; null = no line to keep */
export const PHASES = [
  { phase: 'queued', from: 'opened', to: 'queued', limitS: 10 },
  { phase: 'notified', from: 'queued', to: 'notified', limitS: 10 },
  { phase: 'heard', from: 'queued', to: 'heard', limitS: 60 },
  { phase: 'acknowledged', from: 'queued', to: 'acknowledged', limitS: 60 },
  { phase: 'dispatched', from: 'acknowledged', to: 'dispatched', limitS: 60 },
  { phase: 'accepted', from: 'dispatched', to: 'accepted', limitS: 60 },
  { phase: 'turn-out', from: 'accepted', to: 'enRoute', limitS: 60 },
  { phase: 'travel', from: 'enRoute', to: 'onScene', limitS: 180 },
  { phase: 'response', from: 'queued', to: 'onScene', limitS: 300 },
  { phase: 'controlled', from: 'onScene', to: 'controlled', limitS: null },
  { phase: 'closed', from: 'queued', to: 'closed', limitS: null },
] as const
export type PhaseName = (typeof PHASES)[number]['phase']
type Moment = 'opened' | 'queued' | 'notified' | 'heard' | 'acknowledged' | 'dispatched' | 'accepted' | 'enRoute' | 'onScene' | 'controlled' | 'closed'
export type Times = Partial<Record<Moment, string>>

export type ReportedIncident = {
  id: string
  kind: AlarmKind
  severity: Severity
  state: string
  title: Text
  site: string | null
  confirmed: boolean
  falseAlarm: boolean | null
  cause: string | null
  alarms: number
  times: Times
  /** seconds; a phase that has not ended is absent */
  intervals: Partial<Record<PhaseName, number>>
  clearedToday: boolean
}
export type PhaseFigures = { phase: PhaseName; n: number; p50S: number | null; p90S: number | null; limitS: number | null; onTime: number; onTimeRate: number | null }
export type DailyReport = {
  date: string
  from: string
  to: string
  /** false: the day is not over */
  complete: boolean
  totals: {
    alarms: number
    alarmsByKind: Partial<Record<AlarmKind, number>>
    incidents: number
    byLevel: [number, number, number, number]
    confirmed: number
    falseAlarms: number
    closed: number
    /** found today and cleared today, of those found today */
    clearedTodayRate: number | null
    technical: number
    drills: number
    observations: number
    unheard: number
  }
  /** more than that are counted and not listed */
  incidentsLeftOut: number
  incidents: ReportedIncident[]
  phases: PhaseFigures[]
  falseAlarms: { bySite: { site: string; n: number; overLimit: boolean }[]; byCause: { cause: string; n: number }[] }
  standing: { alarmId: string; kind: AlarmKind; device: string; since: string; hours: number }[]
  chattering: { device: string; kind: AlarmKind; activations: number; mostIn10Min: number }[]
  flood: { minutes: number; share: number; mostIn10Min: number; spans: { from: string; to: string }[] }
}

const iso = (ms: number): string => new Date(ms).toISOString()
const rate = (part: number, whole: number): number | null => (whole === 0 ? null : Math.round((part / whole) * 10_000) / 10_000)

/** Local days. @throws FengsuiError invalid-request */
export const dayOf = (date: string, utcOffsetMinutes: number): { fromMs: number; toMs: number } => {
  const midnight = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00.000Z`) : NaN
  if (!Number.isFinite(midnight) || iso(midnight).slice(0, 10) !== date)
    throw new FengsuiError('invalid-request', `date is ${date}: a day like 2026-03-12 is needed`)
  const fromMs = midnight - utcOffsetMinutes * MINUTE_MS
  return { fromMs, toMs: fromMs + DAY_MS }
}

const siteOf = ({ place }: Incident): string | null => [place?.area, place?.building].filter(Boolean).join(' ') || null

const timesOf = (i: Incident, told: Told): Times => {
  const at = (ms: number | null): string | undefined => (ms === null ? undefined : iso(ms))
  const given: Record<Moment, string | undefined> = {
    opened: i.openedAt,
    queued: i.queuedAt,
    notified: at(told.notifiedMs),
    heard: [at(told.heardMs), i.acknowledgedAt].filter(time => time !== undefined).toSorted()[0],
    acknowledged: i.acknowledgedAt,
    dispatched: i.dispatchedAt,
    accepted: i.acceptedAt,
    enRoute: i.enRouteAt,
    onScene: i.onSceneAt,
    controlled: i.controlledAt,
    closed: i.closedAt,
  }
  return Object.fromEntries(Object.entries(given).filter(([, time]) => time !== undefined))
}

const intervalsOf = (times: Times): ReportedIncident['intervals'] =>
  Object.fromEntries(
    PHASES.flatMap(({ phase, from, to }) => {
      const [start, end] = [times[from], times[to]]
      return start === undefined || end === undefined ? [] : [[phase, Math.round((Date.parse(end) - Date.parse(start)) / 100) / 10]]
    }),
  )

const phaseFigures = (incidents: readonly ReportedIncident[]): PhaseFigures[] =>
  PHASES.map(({ phase, limitS }) => {
    const all = incidents.flatMap(i => i.intervals[phase] ?? []).toSorted((a, b) => a - b)
    const onTime = limitS === null ? all.length : all.filter(s => s <= limitS).length
    return {
      phase,
      n: all.length,
      p50S: percentile(all, 0.5),
      p90S: percentile(all, 0.9),
      limitS,
      onTime,
      onTimeRate: limitS === null ? null : rate(onTime, all.length),
    }
  })

const counted = <K extends string>(all: readonly K[]): [K, number][] => {
  const counts = new Map<K, number>()
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
}

/** The most that fall into any ten minutes; `times` in order. */
const mostIn10Min = (times: readonly number[]): number => {
  let [first, most] = [0, 0]
  for (const [i, time] of times.entries()) {
    while (time - (times[first] ?? time) >= TEN_MINUTES_MS) first += 1
    most = Math.max(most, i - first + 1)
  }
  return most
}

/** Minute by minute: how many alarms came in during the ten minutes before. */
export const floodOf = (times: readonly number[], fromMs: number, toMs: number): DailyReport['flood'] => {
  const spans: { from: string; to: string }[] = []
  let [begunMs, minutes]: [number | null, number] = [null, 0]
  let [first, next] = [0, 0]
  for (let at = fromMs + MINUTE_MS; at <= toMs; at += MINUTE_MS) {
    while (next < times.length && (times[next] ?? Infinity) < at) next += 1
    while (first < next && (times[first] ?? 0) < at - TEN_MINUTES_MS) first += 1
    const n = next - first
    if (begunMs === null && n > FLOOD_BEGINS) begunMs = at - MINUTE_MS
    else if (begunMs !== null && n < FLOOD_ENDS) {
      spans.push({ from: iso(begunMs), to: iso(at) })
      begunMs = null
    }
    if (begunMs !== null) minutes += 1
  }
  if (begunMs !== null) spans.push({ from: iso(begunMs), to: iso(toMs) })
  const all = Math.max(1, Math.round((toMs - fromMs) / MINUTE_MS))
  return { minutes, share: rate(minutes, all) ?? 0, mostIn10Min: mostIn10Min(times), spans: spans.slice(0, LISTED_MAX) }
}

export const openReports = (desk: Desk) => {
  const { db } = desk
  const incidentsOf = db.prepare("SELECT json FROM incidents WHERE queued_ms >= ? AND queued_ms < ? AND state <> 'merged' ORDER BY queued_ms, id")
  const alarmsOf = db.prepare(
    'SELECT a.kind, a.device_key, a.queued_ms, i.json AS incident FROM alarms a JOIN incidents i ON i.id = a.incident_id WHERE a.queued_ms >= ? AND a.queued_ms < ? ORDER BY a.queued_ms',
  )
  const standing = db.prepare(
    "SELECT id, kind, device_key, at_ms FROM alarms WHERE active = 1 AND state <> 'NORM' AND at_ms < ? ORDER BY at_ms LIMIT ?",
  )
  const count = {
    observations: db.prepare('SELECT count(*) AS n FROM observations WHERE at_ms >= ? AND at_ms < ?'),
    unheard: db.prepare("SELECT count(*) AS n FROM tellings WHERE state = 'unheard' AND created_ms >= ? AND created_ms < ?"),
  }
  const isDrill = (json: string): boolean => json.includes('"drill":true')

  const reported = (i: Incident, toMs: number): ReportedIncident => {
    const times = timesOf(i, desk.tellings.told(i.id))
    return {
      id: i.id,
      kind: i.kind,
      severity: i.severity,
      state: i.state,
      title: i.title,
      site: siteOf(i),
      confirmed: i.confirmedAt !== undefined,
      falseAlarm: i.falseAlarm ?? null,
      cause: i.cause ?? null,
      alarms: i.alarmIds.length,
      times,
      intervals: intervalsOf(times),
      clearedToday: i.closedAt !== undefined && Date.parse(i.closedAt) < toMs,
    }
  }

  type AlarmRow = { kind: AlarmKind; device: string; atMs: number }
  const chatteringOf = (alarms: readonly AlarmRow[]): DailyReport['chattering'] =>
    [...Map.groupBy(alarms, a => `${a.kind} ${a.device}`).values()]
      .map(all => ({
        device: all[0]?.device ?? '',
        kind: all[0]?.kind ?? 'fault',
        activations: all.length,
        mostIn10Min: mostIn10Min(all.map(a => a.atMs)),
      }))
      .filter(c => c.mostIn10Min >= CHATTER_IN_10_MIN || c.activations >= CHATTER_A_DAY)
      .toSorted((a, b) => b.activations - a.activations)
      .slice(0, LISTED_MAX)

  return {
    /** `date` is a local day. @throws FengsuiError invalid-request */
    daily(date: string, nowMs: number): DailyReport {
      const { fromMs, toMs } = dayOf(date, desk.utcOffsetMinutes)
      if (fromMs > nowMs) throw new FengsuiError('invalid-request', `date is ${date}: that day has not begun`)
      const endMs = Math.min(toMs, nowMs)
      const all = incidentsOf.all(fromMs, toMs).map(row => JSON.parse(String(row['json'])) as Incident)
      const real = all.filter(i => i.drill !== true)
      const fires = real.filter(i => i.category === 'fire').map(i => reported(i, toMs))
      const alarms = alarmsOf
        .all(fromMs, toMs)
        .filter(row => !isDrill(String(row['incident'])))
        .map((row): AlarmRow => ({ kind: row['kind'] as AlarmKind, device: String(row['device_key']), atMs: Number(row['queued_ms']) }))
      const wrong = fires.filter(i => i.falseAlarm === true)
      return {
        date,
        from: iso(fromMs),
        to: iso(toMs),
        complete: nowMs >= toMs,
        totals: {
          alarms: alarms.length,
          alarmsByKind: Object.fromEntries(counted(alarms.map(a => a.kind))),
          incidents: fires.length,
          byLevel: [1, 2, 3, 4].map(level => fires.filter(i => i.severity === level).length) as [number, number, number, number],
          confirmed: fires.filter(i => i.confirmed).length,
          falseAlarms: wrong.length,
          closed: fires.filter(i => i.times.closed !== undefined).length,
          clearedTodayRate: rate(fires.filter(i => i.clearedToday).length, fires.length),
          technical: real.length - fires.length,
          drills: all.length - real.length,
          observations: Number(count.observations.get(fromMs, toMs)?.['n']),
          unheard: Number(count.unheard.get(fromMs, toMs)?.['n']),
        },
        incidentsLeftOut: Math.max(0, fires.length - INCIDENTS_REPORTED_MAX),
        incidents: fires.slice(0, INCIDENTS_REPORTED_MAX),
        phases: phaseFigures(fires),
        falseAlarms: {
          bySite: counted(wrong.map(i => i.site ?? '-'))
            .slice(0, LISTED_MAX)
            .map(([site, n]) => ({ site, n, overLimit: n > FALSE_ALARMS_OF_SITE_MAX })),
          byCause: counted(wrong.map(i => i.cause ?? '-'))
            .slice(0, LISTED_MAX)
            .map(([cause, n]) => ({ cause, n })),
        },
        standing: standing.all(endMs - STANDING_MS, LISTED_MAX).map(row => ({
          alarmId: String(row['id']),
          kind: row['kind'] as AlarmKind,
          device: String(row['device_key']),
          since: iso(Number(row['at_ms'])),
          hours: Math.round((endMs - Number(row['at_ms'])) / 3_600_000),
        })),
        chattering: chatteringOf(alarms),
        flood: floodOf(
          alarms.map(a => a.atMs),
          fromMs,
          endMs,
        ),
      }
    },
    /** The local day of an instant. */
    today: (nowMs: number): string => iso(nowMs + desk.utcOffsetMinutes * MINUTE_MS).slice(0, 10),
  }
}
export type Reports = ReturnType<typeof openReports>
