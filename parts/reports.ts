// Wires the daily report: its figures are made in a thread of their own from the dispatch database, its words are dispatch's. Two at
// a time are enough for a district; who asks meanwhile is told to wait.
import { join } from 'node:path'
import { boundedThread } from '../processes/bounded-thread.ts'
import { reportCsv } from '../dispatch/report-csv.ts'
import { reportHtml } from '../dispatch/report-html.ts'
import type { ReportSheet } from '#contracts/report.ts'
import type { Lang } from '../dispatch/report-words.ts'
import type { DailyReport, ReportTask } from '../dispatch/report.ts'

const AT_ONCE_MAX = 2
const MS_MAX = 60_000
const HEAP_MIB = 512

/** The figures, and the forms they are asked for in. */
export const written = (figures: DailyReport) => ({
  date: figures.date,
  figures,
  csv: (lang: Lang, sheet: ReportSheet): string => reportCsv(figures, lang, sheet),
  html: (lang: Lang): string => reportHtml(figures, lang),
})

export function openReportDesk(o: { file: string; today: (nowMs: number) => string; timeZone: string }) {
  const limits = { atOnceMax: AT_ONCE_MAX, msMax: MS_MAX, heapMib: HEAP_MIB }
  const file = join(import.meta.dirname, '../bin/report-thread.ts')
  const thread = boundedThread<ReportTask, DailyReport>({ file, what: 'a daily report', ...limits })
  return {
    today: o.today,
    daily: async (date: string, nowMs: number) => written(await thread.run({ file: o.file, date, nowMs, timeZone: o.timeZone })),
    close: thread.close,
  }
}
