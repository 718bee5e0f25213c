// What a device measured: choose a metric and a span, see the line with its holes, take the points along as CSV. Says how far it was
// thinned, and that nothing stored is not the same as nothing measured.
import { useEffect, useRef, useState } from 'preact/hooks'
import { why } from '../actions.ts'
import { UNKNOWN, amount, count, dayTime, elapsed, metric } from '../format.ts'
import { t, term } from '../i18n.ts'
import { mostTelling, type Series } from '../incident/history.ts'
import { theme } from '../preferences.ts'
import type { Store } from '../store.ts'
import { csvOf, fileName, save } from './csv.ts'
import { holesIn, silenceOf, withHoles, type Shown } from './device-terms.ts'
import { ChoiceField, Filters } from './list-parts.tsx'
import { queryOf } from './listing.ts'

const HOUR_MS = 3_600_000
const SPANS = { hour: HOUR_MS, 'six-hours': 6 * HOUR_MS, day: 24 * HOUR_MS, week: 168 * HOUR_MS, month: 720 * HOUR_MS } as const
type Span = keyof typeof SPANS
const POINTS = 1_200

type Answer = { from: string; to: string; series: Series[] }

/** Flags are stored as 0 and 1 beside what was measured; here they come after it. */
const FLAG = /^alarm_/
const nameOf = (what: string): string =>
  FLAG.test(what) ? t('history.flag', { flag: term('flag', what.replace(FLAG, '')) }) : metric(what).name
const ordered = (series: Series[]): Series[] => series.toSorted((a, b) => Number(FLAG.test(a.metric)) - Number(FLAG.test(b.metric)))

const useReadings = (store: Store, deviceId: string, span: Span) => {
  const [answer, setAnswer] = useState<Answer | null>(null)
  const [problem, setProblem] = useState('')
  const [again, setAgain] = useState(0)
  useEffect(() => {
    const abort = new AbortController()
    setAnswer(null)
    setProblem('')
    const toMs = store.serverNow.peek()
    const query = queryOf({ from: new Date(toMs - SPANS[span]).toISOString(), to: new Date(toMs).toISOString(), points: POINTS })
    store.api.get<Answer>(`devices/${encodeURIComponent(deviceId)}/readings?${query}`, abort.signal).then(setAnswer, (error: unknown) => {
      if (!abort.signal.aborted) setProblem(why(error))
    })
    return () => abort.abort()
  }, [deviceId, span, again])
  return { answer, problem, reload: () => setAgain(n => n + 1) }
}

const Chart = ({ store, answer, series, expectMs }: { store: Store; answer: Answer; series: Series; expectMs: number }) => {
  const host = useRef<HTMLDivElement>(null)
  const [pointed, setPointed] = useState<number | null>(null)
  const [broken, setBroken] = useState(false)
  const shownTheme = theme.value
  const data = withHoles(series.points, expectMs)
  useEffect(() => {
    const target = host.current
    let undraw: (() => void) | undefined
    let gone = false
    import('./history-chart.ts').then(
      ({ drawHistory }) => {
        const span = { fromMs: Date.parse(answer.from), toMs: Date.parse(answer.to) }
        if (!gone && target !== null) undraw = drawHistory(target, { data, ...span, theme: shownTheme, onPoint: setPointed })
      },
      () => setBroken(true),
    )
    return () => {
      gone = true
      undraw?.()
    }
  }, [answer, series, shownTheme])
  const { unit } = metric(series.metric)
  const values = series.points.map(([, value]) => value)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const at = pointed === null ? undefined : data[0][pointed]
  const value = pointed === null ? undefined : data[1][pointed]
  const last = series.points.at(-1)
  return (
    <figure class="history" data-testid="history" data-points={series.points.length}>
      <figcaption>
        {at !== undefined && typeof value === 'number' ? (
          <b>
            {dayTime(at * 1000, store.now.peek())} · {amount(value)} {unit}
          </b>
        ) : (
          last !== undefined && (
            <b>
              {t('history.last', { value: amount(last[1]), at: dayTime(last[0], store.now.peek()) })} {unit}
            </b>
          )
        )}
        <span class="muted">
          {t('history.range', { low: amount(low), high: amount(high) })} {unit} · {t('history.points', { n: count(series.points.length) })}
        </span>
      </figcaption>
      <div ref={host} aria-hidden="true" />
      {holesIn(series.points, expectMs) > 0 && (
        <p class="muted">{t('history.holes', { n: count(holesIn(series.points, expectMs)), after: elapsed(2 * expectMs) })}</p>
      )}
      {series.points.length >= POINTS && <p class="muted">{t('history.thinned', { n: count(POINTS) })}</p>}
      {broken && <p class="problem">{t('chart.broken')}</p>}
    </figure>
  )
}

export const DeviceHistory = ({ store, device }: { store: Store; device: Shown }) => {
  const [span, setSpan] = useState<Span>('day')
  const [wanted, setWanted] = useState('')
  const { answer, problem, reload } = useReadings(store, device.deviceId, span)
  const known = ordered((answer?.series ?? []).filter(one => one.points.length > 0))
  const series = known.find(one => one.metric === wanted) ?? mostTelling(known)
  const { expectMs } = silenceOf(device, store.serverNow.peek())
  const take = (): void => {
    const rows = known.flatMap(one => one.points.map(([ms, value]) => ({ metric: one.metric, ms, value })))
    const columns = [
      { title: 'time', value: (row: (typeof rows)[number]) => new Date(row.ms).toISOString() },
      { title: 'metric', value: (row: (typeof rows)[number]) => row.metric },
      { title: 'value', value: (row: (typeof rows)[number]) => row.value },
    ]
    save(fileName(`readings-${device.deviceId.replaceAll(/[^\w.-]/g, '_')}`, store.now.peek()), csvOf(columns, rows))
  }
  return (
    <section aria-label={t('history.title')}>
      <h3>{t('history.title')}</h3>
      <Filters>
        <ChoiceField
          label="history.metric"
          name="metric"
          all={null}
          value={series?.metric ?? ''}
          onChange={setWanted}
          options={known.length === 0 ? [['', UNKNOWN]] : known.map(one => [one.metric, nameOf(one.metric)])}
        />
        <ChoiceField
          label="travel.span"
          name="span"
          all={null}
          value={span}
          onChange={value => setSpan(value as Span)}
          options={[
            ['hour', t('travel.hour')],
            ['six-hours', t('travel.six-hours')],
            ['day', t('travel.day')],
            ['week', t('travel.week')],
            ['month', t('history.month')],
          ]}
        />
        <button type="button" data-testid="history-export" disabled={known.length === 0} onClick={take}>
          {t('history.csv')}
        </button>
      </Filters>
      {problem !== '' && (
        <p class="problem" role="alert">
          {t('chart.failed', { why: problem })}{' '}
          <button type="button" onClick={reload}>
            {t('list.again')}
          </button>
        </p>
      )}
      {answer === null && problem === '' && <p class="muted">{t('page.loading')}</p>}
      {answer !== null && series === null && <p data-testid="history-empty">{t('history.nothing')}</p>}
      {answer !== null && series !== null && <Chart store={store} answer={answer} series={series} expectMs={expectMs} />}
    </section>
  )
}
