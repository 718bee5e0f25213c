// The metric that triggered the alarm, over the minutes around it, refreshed while the link lives. Says so where nothing is stored.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Alarm } from '#contracts/alarm.ts'
import { why } from '../actions.ts'
import { amount, metric } from '../format.ts'
import { t } from '../i18n.ts'
import { theme } from '../preferences.ts'
import type { Store } from '../store.ts'
import { readHistory, windowOf, type History, type Subject } from './history.ts'

const REFRESH_MS = 10_000

const useHistory = (store: Store, alarm: Alarm, subject: Subject): { history: History | null; problem: string } => {
  const [history, setHistory] = useState<History | null>(null)
  const [problem, setProblem] = useState('')
  useEffect(() => {
    const abort = new AbortController()
    const load = async (): Promise<void> => {
      if (store.phase.value === 'lost') return
      try {
        const window = windowOf(Date.parse(alarm.raisedAt), store.serverNow.value)
        const found = await readHistory(store.api, { subject, ...window }, abort.signal)
        if (abort.signal.aborted) return
        setHistory(found)
        setProblem(found === null ? t('chart.nothing') : '')
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
  }, [alarm.id, subject.deviceId, subject.metric])
  return { history, problem }
}

export const Sparkline = ({ store, alarm, subject }: { store: Store; alarm: Alarm; subject: Subject }) => {
  const host = useRef<HTMLDivElement>(null)
  const { history, problem } = useHistory(store, alarm, subject)
  const [broken, setBroken] = useState(false)
  const { name, unit } = metric(subject.metric ?? history?.series.metric ?? '')
  const shownTheme = theme.value

  useEffect(() => {
    if (history === null || host.current === null) return undefined
    const target = host.current
    let undraw: (() => void) | undefined
    let gone = false
    import('./chart.ts').then(
      ({ drawChart }) => {
        if (!gone) undraw = drawChart(target, { history, threshold: subject.threshold, theme: shownTheme })
      },
      () => setBroken(true),
    )
    return () => {
      gone = true
      undraw?.()
    }
  }, [history, shownTheme, subject.threshold])

  const last = history?.series.points.at(-1)
  return (
    <figure class="sparkline" data-testid="sparkline" data-points={history?.series.points.length ?? 0}>
      <figcaption>
        <span>
          {name} · {subject.deviceId}
        </span>
        {last !== undefined && (
          <b>
            {amount(last[1])} {unit}
          </b>
        )}
        {subject.threshold !== undefined && (
          <span class="muted">
            {t('chart.threshold', { value: amount(subject.threshold) })} {unit}
          </span>
        )}
      </figcaption>
      <div ref={host} aria-hidden="true" />
      {(problem !== '' || broken) && <p class="muted">{broken ? t('chart.broken') : problem}</p>}
    </figure>
  )
}
