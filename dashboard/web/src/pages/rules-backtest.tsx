// Rules tried on what was recorded, or on a span of the journal: which fires they find and how soon, which they miss, where they cry
// wolf, and what differs from another set. Recordings go one by one, so that it is said how far it has come, and it can be stopped.
import { useEffect, useRef, useState } from 'preact/hooks'
import { why } from '../actions.ts'
import { count, elapsed } from '../format.ts'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'
import { together, type Answer } from './backtest-terms.ts'
import { BacktestResult } from './backtest-result.tsx'
import { ChoiceField, Filters, TimeField } from './list-parts.tsx'
import { instantOf } from './listing.ts'
import type { Files } from './rules-edit.tsx'

/** the server gives up after five minutes, see docs/backtest.md */
const WITHIN_MS = 330_000

type Asked = { rules: string; against: string; source: string; from: string; to: string }
const AT_FIRST: Asked = { rules: 'current', against: '', source: 'all', from: '', to: '' }
type Running = { done: number; of: number; sinceMs: number; name: string }

const bodyOf = (chosen: string, draft: Files | null): object | string => (chosen === 'draft' && draft !== null ? { files: draft } : chosen)

export const Backtest = ({ store, draft }: { store: Store; draft: Files | null }) => {
  const [asked, setAsked] = useState<Asked>(AT_FIRST)
  const [names, setNames] = useState<string[] | null>(null)
  const [running, setRunning] = useState<Running | null>(null)
  const [answer, setAnswer] = useState<Answer | null>(null)
  const [problem, setProblem] = useState('')
  const abort = useRef<AbortController | null>(null)
  useEffect(() => {
    store.api.get<{ recordings: { name: string }[] }>('rules/recordings').then(
      found => setNames(found.recordings.map(one => one.name)),
      (error: unknown) => setProblem(why(error)),
    )
    return () => abort.current?.abort()
  }, [])
  const set = (name: keyof Asked) => (value: string) => setAsked({ ...asked, [name]: value })
  const sets: [string, string][] = [
    ['current', t('backtest.current')],
    ['shipped', t('backtest.shipped')],
    ...(draft === null ? [] : [['draft', t('backtest.draft')] satisfies [string, string]]),
  ]

  const start = async (): Promise<void> => {
    const stop = new AbortController()
    abort.current = stop
    setAnswer(null)
    setProblem('')
    const base = {
      rules: bodyOf(asked.rules, draft),
      ...(asked.against === '' ? {} : { against: bodyOf(asked.against, draft) }),
    }
    const [from, to] = [instantOf(asked.from), instantOf(asked.to)]
    const steps =
      asked.source === 'journal'
        ? [{ name: t('backtest.journal'), body: { ...base, journal: { from, to } } }]
        : (asked.source === 'all' ? (names ?? []) : [asked.source]).map(name => ({ name, body: { ...base, recordings: [name] } }))
    const answers: Answer[] = []
    const sinceMs = store.now.peek()
    try {
      for (const { name, body } of steps) {
        setRunning({ done: answers.length, of: steps.length, sinceMs, name })
        answers.push(await store.api.post<Answer>('rules/backtest', body, { withinMs: WITHIN_MS, signal: stop.signal }))
        stop.signal.throwIfAborted()
        setAnswer(together(answers))
      }
    } catch (error) {
      if (!stop.signal.aborted) setProblem(why(error))
    }
    setRunning(null)
  }
  const isReady = names !== null && running === null && (asked.source !== 'journal' || (asked.from !== '' && asked.to !== ''))

  return (
    <section aria-label={t('backtest.title')} data-testid="backtest">
      <h3>{t('backtest.title')}</h3>
      <p class="muted">{t('backtest.lead')}</p>
      <Filters>
        <ChoiceField label="backtest.rules" name="backtest-rules" all={null} value={asked.rules} onChange={set('rules')} options={sets} />
        <ChoiceField
          label="backtest.against"
          name="backtest-against"
          all="backtest.nothing"
          value={asked.against}
          onChange={set('against')}
          options={sets}
        />
        <ChoiceField
          label="backtest.source"
          name="backtest-source"
          all={null}
          value={asked.source}
          onChange={set('source')}
          options={[
            ['all', t('backtest.all-recordings', { n: count(names?.length) })],
            ['journal', t('backtest.journal')],
            ...(names ?? []).map((name): [string, string] => [name, name]),
          ]}
        />
        {asked.source === 'journal' && (
          <>
            <TimeField label="quarantine.from" name="backtest-from" value={asked.from} onChange={set('from')} />
            <TimeField label="quarantine.to" name="backtest-to" value={asked.to} onChange={set('to')} />
          </>
        )}
        <button type="button" class="primary" data-testid="backtest-start" disabled={!isReady} onClick={() => void start()}>
          {t('backtest.start')}
        </button>
      </Filters>
      {running !== null && (
        <p class="export" role="status" data-testid="backtest-progress">
          <progress aria-label={t('backtest.title')} {...(running.of === 1 ? {} : { max: running.of, value: running.done })} />
          {t('backtest.progress', { done: count(running.done), of: count(running.of), name: running.name })} ·{' '}
          {elapsed(store.now.value - running.sinceMs)}
          <button type="button" onClick={() => abort.current?.abort()}>
            {t('export.stop')}
          </button>
        </p>
      )}
      {problem !== '' && (
        <p class="problem any" role="alert" style={{ whiteSpace: 'pre-wrap' }}>
          {t('backtest.failed', { why: problem })}
        </p>
      )}
      {answer !== null && <BacktestResult store={store} answer={answer} isPart={running !== null} />}
    </section>
  )
}
