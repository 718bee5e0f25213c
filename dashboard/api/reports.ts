// The daily report over HTTP: JSON, CSV or a page that prints, in Chinese or English. Figures and words are dispatch's; which form is
// asked for is decided here.
import { REPORT_SHEETS, type ReportSheet } from '#contracts/report.ts'
import type { Clock } from '#contracts/clock.ts'
import { answers } from './errors.ts'
import { object, oneOf, open, text, type App } from './schema.ts'

const FORMATS = ['json', 'csv', 'html'] as const
type Format = (typeof FORMATS)[number]
const LANGS = ['zh-CN', 'en'] as const
type Lang = (typeof LANGS)[number]
/** one day's report, and how it is written out */
export type DayReport = {
  date: string
  figures: object
  csv(lang: Lang, sheet: ReportSheet): string
  html(lang: Lang): string
}
export type ReportDesk = {
  /** the local day of an instant */
  today(nowMs: number): string
  daily(date: string, nowMs: number): Promise<DayReport>
}
export type ReportParts = { reports: ReportDesk; clock: Clock }

const MEDIA: Record<Format, string> = { json: 'application/json', csv: 'text/csv', html: 'text/html' }

/** `format` wins; else the first of `Accept` that there is, so that a browser gets the page and a program JSON. */
const formatOf = (asked: Format | undefined, accept: string): Format => {
  if (asked !== undefined) return asked
  const wanted = accept
    .split(',')
    .map((one, i) => {
      const [media = '', ...parameters] = one.split(';').map(part => part.trim().toLowerCase())
      const q = Number(parameters.find(p => p.startsWith('q='))?.slice(2) ?? 1)
      return { format: FORMATS.find(format => MEDIA[format] === media), q, i }
    })
    .filter(one => one.format !== undefined && one.q > 0)
    .toSorted((a, b) => b.q - a.q || a.i - b.i)
  return wanted[0]?.format ?? 'json'
}

export function reportRoutes(app: App, { reports, clock }: ReportParts): void {
  app.get('/api/v1/reports/daily', {
    config: { scope: 'read' },
    schema: {
      summary: 'The daily fire report: every interval, percentiles, on-time rates, false, standing and chattering alarms, flood',
      tags: ['reports'],
      querystring: object(
        {},
        {
          date: text({ pattern: '^\\d{4}-\\d\\d-\\d\\d$', description: 'a local day; default: today' }),
          format: oneOf(FORMATS, { description: 'default: what Accept asks for, else json' }),
          lang: oneOf(LANGS, { description: 'of CSV and HTML; default zh-CN' }),
          sheet: oneOf(REPORT_SHEETS, { description: 'of CSV; default incidents' }),
        },
      ),
      response: answers({
        200: {
          description: 'the report',
          content: {
            'application/json': { schema: open() },
            'text/csv': { schema: text() },
            'text/html': { schema: text() },
          },
        },
      }),
    },
    handler: async (request, reply) => {
      const nowMs = clock.nowMs()
      const { date = reports.today(nowMs), format, lang = 'zh-CN', sheet = 'incidents' } = request.query
      const report = await reports.daily(date, nowMs)
      void reply.header('vary', 'accept')
      switch (formatOf(format, request.headers.accept ?? '')) {
        case 'html':
          // no script runs on it, whatever stands in a cause
          return reply
            .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'")
            .type('text/html; charset=utf-8')
            .serializer(String)
            .send(report.html(lang))
        case 'csv':
          return reply
            .header('content-disposition', `attachment; filename="fengsui-${report.date}-${sheet}.csv"`)
            .type('text/csv; charset=utf-8')
            .serializer(String)
            .send(report.csv(lang, sheet))
        default:
          return reply.type('application/json; charset=utf-8').send(report.figures)
      }
    },
  })
}
