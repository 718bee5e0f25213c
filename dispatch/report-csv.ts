// One sheet of the daily report as CSV (RFC 4180, UTF-8 with a mark for spreadsheets); what is not known is an empty cell.
import type { ReportSheet } from '#contracts/report.ts'
import type { DailyReport } from './report.ts'
import { sheetOf } from './report-sheets.ts'
import type { Lang } from './report-words.ts'

/** Words that a spreadsheet would take for a formula are words all the same; numbers are ours. */
export const csvCell = (value: string | number | null): string => {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export const reportCsv = (report: DailyReport, lang: Lang, name: ReportSheet = 'incidents'): string => {
  const { head, rows } = sheetOf(report, name, lang)
  const lines = [head, ...rows.map(row => row.map(one => one.value))]
  return `\ufeff${lines.map(line => line.map(csvCell).join(',')).join('\r\n')}\r\n`
}
