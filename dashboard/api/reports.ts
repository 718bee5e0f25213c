// The daily report over HTTP: JSON, CSV or a page that prints, in Chinese or English. Figures and words are dispatch's.
import type { FastifyReply } from 'fastify'
import type { Clock } from '#contracts/clock.ts'
import { answers } from './errors.ts'
import { object, oneOf, open, text, type App } from './schema.ts'

type Report = { date: string }
export type ReportParts = {
  reports: {
    daily(date: string, nowMs: number): Report
    today(nowMs: number): string
    csv(report: Report, lang: 'zh' | 'en'): string
    html(report: Report, lang: 'zh' | 'en'): string
  }
  clock: Clock
}

const FORMATS = ['json', 'csv', 'html'] as const
const tags = ['reports']

/** What is asked for in words wins; a browser that opens the address gets the page. */
const formatOf = (asked: (typeof FORMATS)[number] | undefined, accept: string): (typeof FORMATS)[number] => {
  if (asked !== undefined) return asked
  if (accept.includes('text/html')) return 'html'
  return accept.includes('text/csv') ? 'csv' : 'json'
}

export function reportRoutes(app: App, { reports, clock }: ReportParts): void {
  const page = (reply: FastifyReply, words: string): FastifyReply =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
      .serializer(String)
      .send(words)

  app.get('/api/v1/reports/daily', {
    config: { scope: 'read' },
    schema: {
      summary: 'The daily fire report: every interval, percentiles, on-time rates, false, standing and chattering alarms, flood',
      tags,
      querystring: object(
        {},
        {
          date: text({ pattern: '^\\d{4}-\\d\\d-\\d\\d$', description: 'a local day; default: today' }),
          format: oneOf(FORMATS, { description: 'default: what Accept asks for, else JSON' }),
          lang: oneOf(['zh', 'en'] as const, { default: 'zh' }),
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
      const { date = reports.today(nowMs), format, lang = 'zh' } = request.query
      const report = reports.daily(date, nowMs)
      void reply.header('vary', 'accept')
      switch (formatOf(format, request.headers.accept ?? '')) {
        case 'html':
          return page(reply, reports.html(report, lang))
        case 'csv':
          return reply
            .type('text/csv; charset=utf-8')
            .header('content-disposition', `attachment; filename="fengsui-${report.date}.csv"`)
            .serializer(String)
            .send(reports.csv(report, lang))
        default:
          return reply.type('application/json; charset=utf-8').send(report)
      }
    },
  })
}
