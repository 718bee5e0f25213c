// The metric that triggered the alarm, over the minutes around it, refreshed while the link lives. Says so where nothing is stored.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Alarm, Evidence } from '#contracts/alarm.ts'
import { why } from '../actions.ts'
import { amount, metric } from '../format.ts'
import { t } from '../i18n.ts'
import { theme } from '../preferences.ts'
import type { Store } from '../store.ts'
import { readHistory, windowOf, type Series } from './history.ts'

const REFRESH_MS = 10_000

const useSeries = (store: Store, alarm: Alarm, evidence: Evidence): { series: Series | null; problem: string } => {
  const [series, setSeries] = useState<Series | null>(null)
  const [problem, setProblem] = useState('')
  useEffect(() => {
    const abort = new AbortController()
    const load = async (): Promise<void> => {
      if (store.phase.value === 'lost') return
      try {
        const window = windowOf(Date.parse(alarm.raisedAt), store.serverNow.value)
        const found = await readHistory(store.api, { deviceId: evidence.deviceId, metric: evidence.what, ...window }, abort.signal)
        if (abort.signal.aborted) return
        setSeries(found)
        setProblem(found === null || found.points.length === 0 ? t('chart.nothing') : '')
      } catch (error) {
        if (!abort.signal.aborted) setProblem(t('chart.failed', { why: why(error) }))
      }
    }
    void load()
    const timer = setInterval(() => void load(), REFRESH_MS)
    return () => {
      abort.abort()
      clearInterval(timer)
    }
  }, [alarm.id, evidence.deviceId, evidence.what])
  return { series, problem }
}

export const Sparkline = ({ store, alarm, evidence }: { store: Store; alarm: Alarm; evidence: Evidence }) => {
  const host = useRef<HTMLDivElement>(null)
  const { series, problem } = useSeries(store, alarm, evidence)
  const [broken, setBroken] = useState(false)
  const { name, unit } = metric(evidence.what)
  const shownTheme = theme.value

  useEffect(() => {
    if (series === null || series.points.length === 0 || host.current === null) return undefined
    const target = host.current
    let undraw: (() => void) | undefined
    let gone = false
    import('./chart.ts').then(
      ({ drawChart }) => {
        if (!gone)
          undraw = drawChart(target, { series, threshold: evidence.threshold, theme: shownTheme, raisedAtMs: Date.parse(alarm.raisedAt) })
      },
      () => setBroken(true),
    )
    return () => {
      gone = true
      undraw?.()
    }
  }, [series, shownTheme, evidence.threshold])

  const last = series?.points.at(-1)
  return (
    <figure class="sparkline" data-testid="sparkline" data-points={series?.points.length ?? 0}>
      <figcaption>
        <span>
          {name} · {evidence.deviceId}
        </span>
        {last !== undefined && (
          <b>
            {amount(last[1])} {unit}
          </b>
        )}
        {evidence.threshold !== undefined && (
          <span class="muted">
            {t('chart.threshold', { value: amount(evidence.threshold) })} {unit}
          </span>
        )}
      </figcaption>
      <div ref={host} aria-hidden="true" />
      {(problem !== '' || broken) && <p class="muted">{broken ? t('chart.broken') : problem}</p>}
    </figure>
  )
}
