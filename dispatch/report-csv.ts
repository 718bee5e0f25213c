// The daily report's incidents as CSV (RFC 4180, UTF-8 with a mark for spreadsheets): one row an incident, every time and every interval.
import { PHASES, type DailyReport, type ReportedIncident } from './report.ts'
import { LABELS, PHASE_NAMES, type Lang } from './report-words.ts'

const MOMENTS = ['opened', 'queued', 'notified', 'heard', 'acknowledged', 'dispatched', 'accepted', 'enRoute', 'onScene', 'controlled', 'closed'] as const

/** A cell that a spreadsheet would take for a formula is text all the same. */
export const cell = (value: string | number | null | undefined): string => {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const rowOf = (i: ReportedIncident, lang: Lang): (string | number | null | undefined)[] => [
  i.id,
  i.title[lang],
  i.kind,
  i.severity,
  i.state,
  i.site,
  i.falseAlarm === null ? null : String(i.falseAlarm),
  i.cause,
  i.alarms,
  ...MOMENTS.map(moment => i.times[moment]),
  ...PHASES.map(({ phase }) => i.intervals[phase]),
]

export const reportCsv = (report: DailyReport, lang: Lang): string => {
  const l = LABELS[lang]
  const head = [l.id, l.what, l.kind, l.level, l.state, l.site, l.falseAlarms, l.cause, l.alarms, ...MOMENTS, ...PHASES.map(({ phase }) => `${PHASE_NAMES[phase][lang]} (s)`)]
  const rows = [head, ...report.incidents.map(i => rowOf(i, lang))]
  return `\ufeff${rows.map(row => row.map(cell).join(',')).join('\r\n')}\r\n`
}
