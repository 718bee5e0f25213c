// The daily report as sheets of cells, which CSV and the page that prints both write out. An empty cell is null: not known. Pure.
import type { AlarmKind } from '#contracts/alarm.ts'
import type { IncidentState } from '#contracts/incident.ts'
import { openZone, type Zone } from '#contracts/zone.ts'
import type { ReportSheet } from '#contracts/report.ts'
import type { DailyReport, ReportedIncident } from './report.ts'
import { MOMENTS, PHASES } from './report-phases.ts'
import { LABELS, MOMENT_NAMES, PHASE_NAMES, STATE_NAMES, type Lang } from './report-words.ts'
import { KIND_NAMES, LEVEL_NAMES } from './words.ts'

/** `late`: beyond a limit, and shown so */
export type Cell = { value: string | number | null; late?: true }
export type Sheet = { title: string; head: string[]; rows: Cell[][]; leftOut: number }

const cell = (value: string | number | null | undefined, late = false): Cell => ({ value: value ?? null, ...(late && { late }) })
export const percent = (rate: number | null): string | null => (rate === null ? null : `${(rate * 100).toFixed(1)} %`)

/** Local, with seconds: 2026-03-12 22:40:07. */
export const localTime = (time: string | null, zone: Zone): string | null =>
  time === null ? null : zone.local(Date.parse(time)).replace('T', ' ')

const limitOf = new Map(PHASES.map(({ phase, limitS }) => [phase, limitS]))
const isLate = (seconds: number | null, limitS: number | null | undefined): boolean =>
  seconds !== null && limitS !== null && limitS !== undefined && seconds > limitS

type Maker = (r: DailyReport, lang: Lang) => Sheet

const textLang = (lang: Lang): 'zh' | 'en' => (lang === 'en' ? 'en' : 'zh')
const kindName = (kind: AlarmKind, lang: Lang): string => KIND_NAMES[kind][textLang(lang)]

const MAKERS: Record<ReportSheet, Maker> = {
  incidents: (r, lang) => {
    const l = LABELS[lang]
    const verdict = (i: ReportedIncident): string => (i.falseAlarm === null ? l.unknown : i.falseAlarm ? l.yes : l.no)
    return {
      title: l.list,
      head: [l.id, l.level, l.kind, l.what, l.site, l.state, l.alarms, l.verdict, l.cause, ...MOMENTS.map(m => MOMENT_NAMES[m][lang])],
      rows: r.incidents.map(i => [
        cell(i.id),
        cell(LEVEL_NAMES[i.severity]),
        cell(kindName(i.kind, lang)),
        cell(i.title[textLang(lang)]),
        cell(i.site),
        cell(STATE_NAMES[i.state as IncidentState][lang]),
        cell(i.alarms),
        cell(verdict(i)),
        cell(i.cause),
        ...MOMENTS.map(m => cell(localTime(i.times[m], openZone(r.timeZone)))),
      ]),
      leftOut: r.incidentsLeftOut,
    }
  },
  intervals: (r, lang) => ({
    title: LABELS[lang].intervals,
    head: [LABELS[lang].id, ...PHASES.map(({ phase }) => PHASE_NAMES[phase][lang])],
    rows: r.incidents.map(i => [
      cell(i.id),
      ...PHASES.map(({ phase }) => cell(i.intervals[phase], isLate(i.intervals[phase], limitOf.get(phase)))),
    ]),
    leftOut: r.incidentsLeftOut,
  }),
  totals: (r, lang) => {
    const [l, t] = [LABELS[lang], r.totals]
    const rows: [string, string | number | null][] = [
      [l.alarms, t.alarms],
      [l.incidents, t.incidents],
      [l.levels, t.byLevel.join(' / ')],
      [l.confirmed, t.confirmed],
      [l.closed, t.closed],
      [l.cleared, percent(t.clearedTodayRate)],
      [l.falseAlarms, t.falseAlarms],
      [l.falseRate, percent(t.falseAlarmRate)],
      [l.verdictUnknown, t.verdictUnknown],
      [l.technical, t.technical],
      [l.observations, t.observations],
      [l.unheard, t.unheard],
      [l.floodShare, percent(r.flood.share)],
      [l.most, r.flood.mostIn10Min],
      [l.drills, r.drills.incidents],
      [l.drillAlarms, r.drills.alarms],
    ]
    return { title: l.totals, head: [l.figure, l.value], rows: rows.map(row => row.map(value => cell(value))), leftOut: 0 }
  },
  phases: (r, lang) => {
    const l = LABELS[lang]
    return {
      title: l.phases,
      head: [l.phase, l.n, l.running, l.overdue, l.p50, l.p90, l.limit, l.onTime],
      rows: r.phases.map(p => [
        cell(PHASE_NAMES[p.phase][lang]),
        cell(p.n),
        cell(p.running),
        cell(p.overdue, p.overdue > 0),
        cell(p.p50S, isLate(p.p50S, p.limitS)),
        cell(p.p90S, isLate(p.p90S, p.limitS)),
        cell(p.limitS),
        cell(percent(p.onTimeRate)),
      ]),
      leftOut: 0,
    }
  },
  'false-alarms-by-site': (r, lang) => {
    const l = LABELS[lang]
    return {
      title: l.bySite,
      head: [l.site, l.times, l.action],
      rows: r.falseAlarms.bySite.map(s => [cell(s.site ?? l.unknown), cell(s.n, s.overLimit), cell(s.overLimit ? l.over : '')]),
      leftOut: 0,
    }
  },
  'false-alarms-by-cause': (r, lang) => ({
    title: LABELS[lang].byCause,
    head: [LABELS[lang].cause, LABELS[lang].times],
    rows: r.falseAlarms.byCause.map(c => [cell(c.cause ?? LABELS[lang].unknown), cell(c.n)]),
    leftOut: 0,
  }),
  standing: (r, lang) => {
    const l = LABELS[lang]
    return {
      title: l.standing,
      head: [l.device, l.kind, l.since, l.hours],
      rows: r.standing.map(s => [
        cell(s.device),
        cell(kindName(s.kind, lang)),
        cell(localTime(s.since, openZone(r.timeZone))),
        cell(s.hours),
      ]),
      leftOut: r.standingLeftOut,
    }
  },
  chattering: (r, lang) => {
    const l = LABELS[lang]
    return {
      title: l.chattering,
      head: [l.device, l.kind, l.times, l.in10],
      rows: r.chattering.map(c => [cell(c.device), cell(kindName(c.kind, lang)), cell(c.activations), cell(c.mostIn10Min)]),
      leftOut: 0,
    }
  },
  flood: (r, lang) => ({
    title: LABELS[lang].flood,
    head: [LABELS[lang].floodFrom, LABELS[lang].floodTo],
    rows: r.flood.spans.map(s => [cell(localTime(s.from, openZone(r.timeZone))), cell(localTime(s.to, openZone(r.timeZone)))]),
    leftOut: 0,
  }),
}

export const sheetOf = (report: DailyReport, sheet: ReportSheet, lang: Lang): Sheet => MAKERS[sheet](report, lang)
