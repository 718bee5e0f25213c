// Where every accepted message went, as one sum that a person can follow: accepted = stored + ... + in flight. Says so when it does not
// add up, and when its figures are old. Shows and explains only; nothing can be changed here.
import { useEffect, useState } from 'preact/hooks'
import { OUTCOMES, type AccountingReport, type ReaderLag } from '#contracts/accounting.ts'
import { why } from '../actions.ts'
import { byteCount, count, dayTime, elapsed, UNKNOWN } from '../format.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { adviceOf, termsOf, type Term } from './account-terms.ts'
import { Gaps } from './gaps.tsx'

const REFRESH_MS = 2_000

export const Equation = ({ terms, accepted }: { terms: Term[]; accepted: number }) => (
  <div class="equation" data-testid="equation">
    <span class="term">
      <b>{count(accepted)}</b>
      <span class="muted">{t('account.accepted')}</span>
    </span>
    {terms.map(({ name, messages }, i) => (
      <>
        <span class="operator" aria-hidden="true">
          {i === 0 ? '=' : '+'}
        </span>
        <span class={`term of-${name}`} data-testid={`term-${name}`} data-messages={messages} key={name}>
          <b>{count(messages)}</b>
          <span class="muted">{term('account', name)}</span>
        </span>
      </>
    ))}
  </div>
)

export const Bar = ({ terms }: { terms: Term[] }) => (
  <div
    class="account-bar"
    role="img"
    aria-label={terms.map(({ name, messages }) => `${term('account', name)} ${count(messages)}`).join(', ')}
  >
    {terms
      .filter(({ messages }) => messages > 0)
      .map(({ name, messages }) => (
        <i key={name} class={`of-${name}`} style={{ flexGrow: messages }} title={`${term('account', name)} ${count(messages)}`} />
      ))}
  </div>
)

export const Verdict = ({ report, nowMs }: { report: AccountingReport; nowMs: number }) => {
  const { account, known, asOf } = report
  if (account === undefined) return <p class="verdict problem">{t('account.never')}</p>
  const state = !account.balanced ? 'unbalanced' : known ? 'balanced' : 'old'
  const age = asOf === undefined ? UNKNOWN : elapsed(nowMs - Date.parse(asOf))
  return (
    <p class={`verdict ${state === 'balanced' ? 'good' : 'problem'}`} data-testid="verdict" data-state={state}>
      {state === 'balanced' && t('account.is-balanced')}
      {state === 'unbalanced' && t('account.is-unbalanced', { n: count(Math.abs(account.difference || account.inFlight)) })}
      {state === 'old' && t('account.is-old', { age })}
    </p>
  )
}

const Reader = ({ reader, nowMs }: { reader: ReaderLag; nowMs: number }) => (
  <tr data-reader={reader.reader}>
    <td>{term('reader', reader.reader)}</td>
    <td class="number">{count(reader.position)}</td>
    <td class="number">{count(reader.lag)}</td>
    <td class="number">
      {reader.lag === 0
        ? t('account.nothing-waits')
        : reader.oldestReceivedAt === undefined
          ? UNKNOWN
          : elapsed(nowMs - Date.parse(reader.oldestReceivedAt))}
    </td>
  </tr>
)

export const Readers = ({ readers, nowMs }: { readers: ReaderLag[]; nowMs: number }) => (
  <table class="list" data-testid="readers">
    <thead>
      <tr>
        <th>{t('account.reader')}</th>
        <th class="number">{t('account.position')}</th>
        <th class="number">{t('account.lag')}</th>
        <th class="number">{t('account.oldest')}</th>
      </tr>
    </thead>
    <tbody>
      {readers.map(reader => (
        <Reader key={reader.reader} reader={reader} nowMs={nowMs} />
      ))}
    </tbody>
  </table>
)

const Report = ({ report, nowMs }: { report: AccountingReport; nowMs: number }) => {
  const terms = termsOf(report)
  return (
    <>
      <Verdict report={report} nowMs={nowMs} />
      <Equation terms={terms} accepted={report.accepted} />
      <Bar terms={terms} />
      {report.account !== undefined && report.account.storedWithNote > 0 && (
        <p class="muted">{t('account.with-note', { n: count(report.account.storedWithNote) })}</p>
      )}
      <h3>{t('account.to-do')}</h3>
      <ul class="advice" data-testid="advice">
        {adviceOf(report).map(name => (
          <li key={name}>{term('advice', name)}</li>
        ))}
      </ul>
      <h3>{t('account.readers')}</h3>
      <Readers readers={report.readers} nowMs={nowMs} />
      <dl class="facts-list">
        <dt>{t('account.journal')}</dt>
        <dd>{t('account.files', { n: count(report.journal.files), size: byteCount(report.journal.bytes) })}</dd>
        <dt>{t('account.held')}</dt>
        <dd>
          <a href="#/quarantine">{t('account.held-of', { n: count(report.quarantine.open), rows: count(report.quarantine.rows) })}</a>
        </dd>
        <dt>{t('account.as-of')}</dt>
        <dd>{report.asOf === undefined ? UNKNOWN : dayTime(report.asOf, nowMs)}</dd>
      </dl>
      <h3>{t('gaps.title')}</h3>
      <Gaps gaps={report.gaps} nowMs={nowMs} />
    </>
  )
}

/** What each outcome means, for who sees the words for the first time. */
const Meaning = () => (
  <details>
    <summary>{t('account.meaning')}</summary>
    <dl class="facts-list">
      {[...OUTCOMES, 'in-flight'].map(name => (
        <>
          <dt key={name}>{term('account', name)}</dt>
          <dd>{term('account-meaning', name)}</dd>
        </>
      ))}
    </dl>
  </details>
)

/** The account as it is now, again and again; `problem` says why it is not newer. */
export const useAccounting = (store: Store): { report: AccountingReport | null; problem: string } => {
  const [report, setReport] = useState<AccountingReport | null>(null)
  const [problem, setProblem] = useState('')
  useEffect(() => {
    const load = async (): Promise<void> => {
      try {
        setReport(await store.api.get<AccountingReport>('accounting'))
        setProblem('')
      } catch (error) {
        setProblem(why(error))
      }
    }
    void load()
    const timer = setInterval(() => void load(), REFRESH_MS)
    return () => clearInterval(timer)
  }, [])
  return { report, problem }
}

export const Accounting = ({ store }: { store: Store }) => {
  const { report, problem } = useAccounting(store)
  return (
    <main class="page" data-testid="accounting">
      <h2>{t('account.title')}</h2>
      <p class="muted">{t('account.lead')}</p>
      {problem !== '' && (
        <p class="problem">
          {problem} {report !== null && t('stamp.as-of', { at: dayTime(report.at, store.now.value) })}
        </p>
      )}
      {report === null ? <p class="muted">{t('health.not-known')}</p> : <Report report={report} nowMs={store.now.value} />}
      <Meaning />
    </main>
  )
}
