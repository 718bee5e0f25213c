// The daily report: a day's figures in short, the page that prints, every sheet as CSV, the whole as JSON. The figures are the server's;
// a day that is not over says so.
import { useEffect, useState } from 'preact/hooks'
import { REPORT_SHEETS } from '#contracts/report.ts'
import { why } from '../actions.ts'
import { UNKNOWN, clockTime, count, localTime, seconds } from '../format.ts'
import { locale, t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { Filters, Table } from './list-parts.tsx'
import { queryOf } from './listing.ts'

type Phase = {
  phase: string
  n: number
  overdue: number
  p50S: number | null
  p90S: number | null
  limitS: number | null
  onTimeRate: number | null
}
type Report = {
  date: string
  asOf: string
  complete: boolean
  totals: {
    alarms: number
    incidents: number
    byLevel: number[]
    confirmed: number
    closed: number
    falseAlarms: number
    falseAlarmRate: number | null
    technical: number
    unheard: number
  }
  phases: Phase[]
}

const DAY_MS = 86_400_000
/** a report may take a minute, see docs/reports.md */
const WITHIN_MS = 70_000

const percent = (rate: number | null): string =>
  rate === null ? UNKNOWN : new Intl.NumberFormat(locale.value, { style: 'percent', maximumFractionDigits: 1 }).format(rate)

/** The local day of an instant, yyyy-mm-dd. */
const dayOf = (ms: number): string => localTime(ms).slice(0, 10)

const useReport = (store: Store, date: string): { report: Report | null; problem: string } => {
  const [report, setReport] = useState<Report | null>(null)
  const [problem, setProblem] = useState('')
  useEffect(() => {
    const abort = new AbortController()
    setReport(null)
    setProblem('')
    store.api
      .get<Report>(`reports/daily?${queryOf({ date, format: 'json' })}`, abort.signal, WITHIN_MS)
      .then(setReport, (error: unknown) => {
        if (!abort.signal.aborted) setProblem(why(error))
      })
    return () => abort.abort()
  }, [date])
  return { report, problem }
}

const Totals = ({ totals }: { totals: Report['totals'] }) => (
  <dl class="roll" data-testid="report-totals">
    {(
      [
        ['incidents', count(totals.incidents)],
        ['by-level', totals.byLevel.map(count).join(' / ')],
        ['confirmed', count(totals.confirmed)],
        ['closed', count(totals.closed)],
        ['false', `${count(totals.falseAlarms)} (${percent(totals.falseAlarmRate)})`],
        ['alarms', count(totals.alarms)],
        ['technical', count(totals.technical)],
      ] as const
    ).map(([name, value]) => (
      <div key={name}>
        <dt>{t(`report.${name}`)}</dt>
        <dd>{value}</dd>
      </div>
    ))}
    <div class={totals.unheard > 0 ? 'abnormal' : ''}>
      <dt>{t('report.unheard')}</dt>
      <dd>{count(totals.unheard)}</dd>
    </div>
  </dl>
)

const Phases = ({ phases }: { phases: Phase[] }) => (
  <Table
    label={t('report.phases')}
    heads={[
      t('report.phase'),
      t('report.n'),
      t('report.p50'),
      t('report.p90'),
      t('report.limit'),
      t('report.on-time'),
      t('report.overdue'),
    ]}
  >
    {phases.map(one => (
      <tr key={one.phase}>
        <td>{term('phase', one.phase)}</td>
        <td>{count(one.n)}</td>
        <td>{seconds(one.p50S)}</td>
        <td>{seconds(one.p90S)}</td>
        <td>{seconds(one.limitS)}</td>
        <td class={one.onTimeRate !== null && one.onTimeRate < 1 ? 'late' : ''}>{percent(one.onTimeRate)}</td>
        <td class={one.overdue > 0 ? 'late' : ''}>{count(one.overdue)}</td>
      </tr>
    ))}
  </Table>
)

export const ReportPage = ({ store }: { store: Store }) => {
  const [date, setDate] = useState(() => dayOf(store.serverNow.peek()))
  const { report, problem } = useReport(store, date)
  const lang = locale.value
  const addressFor = (o: Record<string, string>): string => `/api/v1/reports/daily?${queryOf({ date, lang, ...o })}`
  const move = (days: number): void => setDate(new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10))
  const isToday = date >= dayOf(store.serverNow.peek())
  return (
    <main class="page" data-testid="report">
      <h2>{t('report.title')}</h2>
      <Filters>
        <button type="button" onClick={() => move(-1)}>
          {t('report.day-before')}
        </button>
        <label>
          {t('report.day')}
          <input
            type="date"
            required
            data-testid="report-date"
            value={date}
            onChange={event => event.currentTarget.value !== '' && setDate(event.currentTarget.value)}
          />
        </label>
        <button type="button" disabled={isToday} onClick={() => move(1)}>
          {t('report.day-after')}
        </button>
        <a class="button" href={addressFor({ format: 'html' })} target="_blank" rel="noopener" data-testid="report-print">
          {t('report.print')}
        </a>
        <a class="button" href={addressFor({ format: 'json' })} download={`fengsui-${date}.json`}>
          {t('report.json')}
        </a>
      </Filters>
      {problem !== '' && (
        <p class="problem" role="alert">
          {t('list.failed', { why: problem })}
        </p>
      )}
      {report === null && problem === '' && (
        <p role="status">
          <progress aria-label={t('report.title')} /> {t('report.making')}
        </p>
      )}
      {report !== null && (
        <>
          {!report.complete && <p class="late">{t('report.not-over', { at: clockTime(report.asOf) })}</p>}
          <Totals totals={report.totals} />
          <h3>{t('report.phases')}</h3>
          <Phases phases={report.phases} />
          <h3>{t('report.sheets')}</h3>
          <ul class="acts">
            {REPORT_SHEETS.map(sheet => (
              <li key={sheet}>
                <a href={addressFor({ format: 'csv', sheet })} download data-testid={`report-${sheet}`}>
                  {term('report-sheet', sheet)}
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
    </main>
  )
}
