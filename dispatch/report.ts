// The daily fire report (消防警情日报), as figures: every interval of every fire, the 50th and 90th percentile of each phase (NFPA 1710), what
// was on time, false alarms by site and cause, standing and chattering alarms, flood (EEMUA 191). Reads only; drills stand apart.
import type { DatabaseSync } from 'node:sqlite'
import type { AlarmKind, Severity, Text, Waterfall } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Incident } from '#contracts/incident.ts'
import { dayAfter, openZone, type Zone } from '#contracts/zone.ts'
import { openDatabase } from './database.ts'
import { chatteringOf, counted, floodOf, LISTED_MAX, type Chattering, type DayAlarm, type Flood } from './report-alarms.ts'
import { intervalsOf, phaseFigures, share, timesOf, type Intervals, type PhaseFigures, type Times } from './report-phases.ts'
import type { Told } from './tellings.ts'

export const INCIDENTS_LISTED_MAX = 2_000
const DAY_MS = 86_400_000
/** EEMUA 191: an alarm that stands longer than a day says nothing any more */
const STANDING_MS = DAY_MS
/** practice: more false alarms than that from one site in a day need action */
export const FALSE_ALARMS_OF_SITE_MAX = 5

export type ReportedIncident = {
  id: string
  kind: AlarmKind
  severity: Severity
  state: string
  title: Text
  /** area and building; null = the place is not known */
  site: string | null
  confirmed: boolean
  /** null = nobody has said */
  falseAlarm: boolean | null
  cause: string | null
  alarms: number
  times: Times
  intervals: Intervals
  clearedToday: boolean
}
export type Standing = { alarmId: string; kind: AlarmKind; device: string; since: string; hours: number }
export type DailyReport = {
  date: string
  from: string
  to: string
  /** everything is as it was known then */
  asOf: string
  timeZone: string
  /** of its first instant; a day on which clocks change has two */
  utcOffsetMinutes: number
  /** false: the day is not over */
  complete: boolean
  totals: {
    alarms: number
    alarmsByKind: Partial<Record<AlarmKind, number>>
    /** fires that came into the queue that day; those that were merged into another count with it */
    incidents: number
    byLevel: [number, number, number, number]
    confirmed: number
    closed: number
    falseAlarms: number
    /** closed or not, nobody has said whether they were */
    verdictUnknown: number
    /** falseAlarms / those of which it is known */
    falseAlarmRate: number | null
    /** found today and cleared today, of those found today */
    clearedTodayRate: number | null
    technical: number
    observations: number
    /** nobody answered on any channel */
    unheard: number
  }
  drills: { incidents: number; alarms: number }
  /** the gravest first where more came than are listed; every figure counts all of them */
  incidents: ReportedIncident[]
  incidentsLeftOut: number
  phases: PhaseFigures[]
  falseAlarms: { bySite: { site: string | null; n: number; overLimit: boolean }[]; byCause: { cause: string | null; n: number }[] }
  standing: Standing[]
  standingLeftOut: number
  chattering: Chattering[]
  flood: Flood
}

const iso = (ms: number): string => new Date(ms).toISOString()

/** A local day. @throws FengsuiError invalid-request */
export const dayOf = (date: string, zone: Zone): { fromMs: number; toMs: number } => {
  const fromMs = zone.dayStartMs(date)
  if (!Number.isFinite(fromMs))
    throw new FengsuiError('invalid-request', `querystring.date is ${date.slice(0, 40)}: a day like 2026-03-12 is needed`)
  return { fromMs, toMs: zone.dayStartMs(dayAfter(date)) }
}

const siteOf = ({ place }: Incident): string | null => [place?.area, place?.building].filter(Boolean).join(' ') || null

export type Reports = ReturnType<typeof openReports>

export const openReports = (db: DatabaseSync, zone: Zone) => {
  const incidents = db.prepare(
    "SELECT json FROM incidents WHERE queued_ms >= ? AND queued_ms < ? AND state <> 'merged' ORDER BY queued_ms, id",
  )
  const told = db.prepare(
    'SELECT notified_ms AS notifiedMs, heard_ms AS heardMs, accepted_ms AS acceptedMs FROM told WHERE incident_id = ?',
  )
  const firstWay = db.prepare(
    "SELECT json_extract(json, '$.waterfall') AS way FROM alarms WHERE incident_id = ? ORDER BY queued_ms, at_ms, id LIMIT 1",
  )
  // an incident lists its ids up to a bound
  const alarmsOf = db.prepare('SELECT count(*) AS n FROM alarms WHERE incident_id = ?')
  const alarms = db.prepare(
    `SELECT kind, device_key AS device, queued_ms AS atMs, json_extract(json, '$.drill') AS drill FROM alarms
     WHERE queued_ms >= ? AND queued_ms < ? ORDER BY queued_ms`,
  )
  // what has ended since then is found by its versions, which are as many as changed since, not as many as there are
  const standing = db.prepare(
    `SELECT id, kind, device_key AS device, at_ms AS sinceMs FROM alarms
     WHERE id IN (SELECT id FROM alarms WHERE state <> 'NORM' AND active = 1
       UNION SELECT subject_id FROM desk_versions WHERE at_ms > :end AND subject = 'alarm')
     AND at_ms <= :since AND queued_ms <= :end AND (active = 1 OR json_extract(json, '$.clearedAt') > :endIso)
     AND json_extract(json, '$.drill') IS NULL ORDER BY at_ms, id`,
  )
  const seen = db.prepare(
    `SELECT count(*) AS n FROM observations o JOIN alarms a ON a.id = o.alarm_id
     WHERE o.at_ms >= ? AND o.at_ms < ? AND json_extract(a.json, '$.drill') IS NULL`,
  )
  const unheard = db.prepare("SELECT count(*) AS n FROM tellings WHERE state = 'unheard' AND created_ms >= ? AND created_ms < ?")
  const countOf = (row: Record<string, unknown> | undefined): number => Number(row?.['n'] ?? 0)

  const reported = (i: Incident, toMs: number): ReportedIncident => {
    const way = firstWay.get(i.id)?.['way']
    const { brokerAt } = typeof way === 'string' ? (JSON.parse(way) as Waterfall) : {}
    const known = told.get(i.id) as Told | undefined
    const times = timesOf(i, known ?? { notifiedMs: null, heardMs: null, acceptedMs: null }, brokerAt)
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
      alarms: countOf(alarmsOf.get(i.id)),
      times,
      intervals: intervalsOf(times),
      clearedToday: i.closedAt !== undefined && Date.parse(i.closedAt) < toMs,
    }
  }

  const standingAt = (endMs: number): Standing[] =>
    standing.all({ end: endMs, endIso: iso(endMs), since: endMs - STANDING_MS }).map(row => ({
      alarmId: String(row['id']),
      kind: row['kind'] as AlarmKind,
      device: String(row['device']),
      since: iso(Number(row['sinceMs'])),
      hours: Math.floor((endMs - Number(row['sinceMs'])) / 3_600_000),
    }))

  const totalsOf = (fires: readonly ReportedIncident[]) => {
    const judged = fires.filter(i => i.falseAlarm !== null)
    const wrong = judged.filter(i => i.falseAlarm === true)
    return {
      incidents: fires.length,
      byLevel: [1, 2, 3, 4].map(level => fires.filter(i => i.severity === level).length) as [number, number, number, number],
      confirmed: fires.filter(i => i.confirmed).length,
      closed: fires.filter(i => i.times.closed !== null).length,
      falseAlarms: wrong.length,
      verdictUnknown: fires.length - judged.length,
      falseAlarmRate: share(wrong.length, judged.length),
      clearedTodayRate: share(fires.filter(i => i.clearedToday).length, fires.length),
    }
  }

  return {
    /** `date` is a local day. @throws FengsuiError invalid-request */
    daily(date: string, nowMs: number): DailyReport {
      const { fromMs, toMs } = dayOf(date, zone)
      if (fromMs > nowMs) throw new FengsuiError('invalid-request', `querystring.date is ${date}: that day has not begun`)
      const endMs = Math.min(toMs, nowMs)
      const all = incidents.all(fromMs, toMs).map(row => JSON.parse(String(row['json'])) as Incident)
      const real = all.filter(i => i.drill !== true)
      const fires = real.filter(i => i.category === 'fire').map(i => reported(i, toMs))
      const rows = alarms.all(fromMs, toMs)
      const dayAlarms = rows
        .filter(row => row['drill'] === null)
        .map((row): DayAlarm => ({ kind: row['kind'] as AlarmKind, device: String(row['device']), atMs: Number(row['atMs']) }))
      const wrong = fires.filter(i => i.falseAlarm === true)
      const listed = fires.length > INCIDENTS_LISTED_MAX ? fires.toSorted((a, b) => a.severity - b.severity) : fires
      const standingThen = standingAt(endMs)
      const times = dayAlarms.map(a => a.atMs)
      return {
        date,
        from: iso(fromMs),
        to: iso(toMs),
        asOf: iso(nowMs),
        timeZone: zone.name,
        utcOffsetMinutes: zone.offsetMinutes(fromMs),
        complete: nowMs >= toMs,
        totals: {
          alarms: dayAlarms.length,
          alarmsByKind: Object.fromEntries(counted(dayAlarms.map(a => a.kind))),
          ...totalsOf(fires),
          technical: real.length - fires.length,
          observations: countOf(seen.get(fromMs, toMs)),
          unheard: countOf(unheard.get(fromMs, toMs)),
        },
        drills: { incidents: all.length - real.length, alarms: rows.length - dayAlarms.length },
        incidents: listed.slice(0, INCIDENTS_LISTED_MAX),
        incidentsLeftOut: Math.max(0, fires.length - INCIDENTS_LISTED_MAX),
        phases: phaseFigures(fires, nowMs),
        falseAlarms: {
          bySite: counted(wrong.map(i => i.site))
            .slice(0, LISTED_MAX)
            // nobody knows whether what has no place came from one
            .map(([site, n]) => ({ site, n, overLimit: site !== null && n > FALSE_ALARMS_OF_SITE_MAX })),
          byCause: counted(wrong.map(i => i.cause))
            .slice(0, LISTED_MAX)
            .map(([cause, n]) => ({ cause, n })),
        },
        standing: standingThen.slice(0, LISTED_MAX),
        standingLeftOut: Math.max(0, standingThen.length - LISTED_MAX),
        chattering: chatteringOf(dayAlarms).slice(0, LISTED_MAX),
        flood: floodOf(times, fromMs, endMs),
      }
    },
    /** The local day of an instant. */
    today: (nowMs: number): string => zone.day(nowMs),
  }
}

export type ReportTask = { file: string; date: string; nowMs: number; timeZone: string }

/** From a dispatch.db that may be in use: one picture of it, nothing is written. @throws FengsuiError invalid-request */
export const readReport = (o: ReportTask): DailyReport => {
  const db = openDatabase(o.file, { readOnly: true })
  try {
    db.exec('BEGIN')
    return openReports(db, openZone(o.timeZone)).daily(o.date, o.nowMs)
  } finally {
    db.close()
  }
}
