// What could not be used: what, where, why, how often, when last; found by code, topic, device and time. Whoever may can send it through
// again, one by one (see quarantine-entry.tsx) or all that the filter finds.
import { useEffect, useState } from 'preact/hooks'
import { DISPOSITIONS, type QuarantineEntry, type RedriveSummary } from '#contracts/quarantine.ts'
import { why } from '../actions.ts'
import { UNKNOWN, count, dayTime } from '../format.ts'
import { t, term, type Key } from '../i18n.ts'
import type { Store } from '../store.ts'
import { EntryDialog } from './quarantine-entry.tsx'

const PAGE_ROWS = 100
const REFRESH_MS = 5_000

type Listing = { entries: QuarantineEntry[]; total: number; codes: string[] }
type Filter = { code: string; disposition: string; topic: string; device: string; from: string; to: string }
const NO_FILTER: Filter = { code: '', disposition: '', topic: '', device: '', from: '', to: '' }

/** What was filled in; times of the page are those of this computer, the API wants a zone. */
const given = (filter: Filter): Record<string, string> =>
  Object.fromEntries(
    Object.entries(filter)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, name === 'from' || name === 'to' ? new Date(value).toISOString() : value]),
  )

const from = (entry: QuarantineEntry): string => entry.topic ?? entry.where ?? entry.identity ?? entry.clientId ?? UNKNOWN

const EntryRow = ({ entry, store, onOpen }: { entry: QuarantineEntry; store: Store; onOpen: () => void }) => (
  <tr data-testid="quarantine-row" data-entry-id={entry.id} data-disposition={entry.disposition}>
    <td>
      <b>{term('code', entry.code)}</b>
      <span class="muted code">{entry.code}</span>
    </td>
    <td>
      {term('quarantine-source', entry.source)}
      <span class="where">{from(entry)}</span>
      {entry.identity !== undefined && entry.topic !== undefined && <span class="muted"> {entry.identity}</span>}
    </td>
    <td>
      {entry.reason}
      {entry.where !== undefined && <span class="muted"> {entry.where}</span>}
      {entry.decoder !== undefined && <span class="muted code">{entry.decoder}</span>}
    </td>
    <td class="number">{count(entry.count)}</td>
    <td>
      <time dateTime={entry.lastAt}>{dayTime(entry.lastAt, store.now.peek())}</time>
    </td>
    <td>{term('disposition', entry.disposition)}</td>
    <td>
      <button type="button" data-testid="open-entry" onClick={onOpen}>
        {t('quarantine.open')}
      </button>
    </td>
  </tr>
)

const Rows = ({ listing, store, onOpen }: { listing: Listing; store: Store; onOpen: (id: string) => void }) => (
  <table class="list">
    <thead>
      <tr>
        <th>{t('quarantine.what')}</th>
        <th>{t('quarantine.where')}</th>
        <th>{t('quarantine.why')}</th>
        <th class="number">{t('quarantine.count')}</th>
        <th>{t('quarantine.last')}</th>
        <th>{t('quarantine.disposition')}</th>
        <th>
          <span class="visually-hidden">{t('quarantine.open')}</span>
        </th>
      </tr>
    </thead>
    <tbody>
      {listing.entries.map(entry => (
        <EntryRow key={entry.id} entry={entry} store={store} onOpen={() => onOpen(entry.id)} />
      ))}
    </tbody>
  </table>
)

type FilterProps = { filter: Filter; codes: string[]; onFilter: (filter: Filter) => void }

const Filters = ({ filter, codes, onFilter }: FilterProps) => {
  const set = (name: keyof Filter) => (event: { currentTarget: { value: string } }) =>
    onFilter({ ...filter, [name]: event.currentTarget.value })
  const text = (name: 'topic' | 'device', label: Key) => (
    <label>
      {t(label)}
      <input data-testid={`filter-${name}`} value={filter[name]} onChange={set(name)} />
    </label>
  )
  const time = (name: 'from' | 'to') => (
    <label>
      {t(`quarantine.${name}`)}
      <input type="datetime-local" data-testid={`filter-${name}`} value={filter[name]} onChange={set(name)} />
    </label>
  )
  return (
    <form class="quarantine-filters" onSubmit={event => event.preventDefault()}>
      <label>
        {t('quarantine.what')}
        <select data-testid="filter-code" value={filter.code} onChange={set('code')}>
          <option value="">{t('quarantine.all')}</option>
          {codes.map(code => (
            <option key={code} value={code}>
              {term('code', code)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t('quarantine.disposition')}
        <select data-testid="filter-disposition" value={filter.disposition} onChange={set('disposition')}>
          <option value="">{t('quarantine.all')}</option>
          {DISPOSITIONS.map(name => (
            <option key={name} value={name}>
              {term('disposition', name)}
            </option>
          ))}
        </select>
      </label>
      {text('topic', 'quarantine.topic-begins')}
      {text('device', 'quarantine.device')}
      {time('from')}
      {time('to')}
      <button type="button" onClick={() => onFilter(NO_FILTER)}>
        {t('quarantine.reset')}
      </button>
    </form>
  )
}

/** Asks once more before many messages go through again. */
const RedriveAll = ({ store, filter, onDone }: { store: Store; filter: Filter; onDone: () => void }) => {
  const [sure, setSure] = useState(false)
  const [busy, setBusy] = useState(false)
  const send = async (): Promise<void> => {
    setBusy(true)
    try {
      const { disposition: _disposition, ...rest } = given(filter)
      const { redriven, failed, remaining } = await store.api.post<RedriveSummary>('quarantine/redrive', rest)
      const values = { n: count(redriven.length), failed: count(failed.length), remaining: count(remaining) }
      store.toast(failed.length > 0 ? 'bad' : 'good', t('quarantine.redriven-all', values))
    } catch (error) {
      store.toast('bad', t('action.failed', { why: why(error) }))
    }
    setSure(false)
    setBusy(false)
    onDone()
  }
  return (
    <button
      type="button"
      class={sure ? 'primary' : ''}
      data-testid="redrive-all"
      disabled={busy}
      onClick={() => (sure ? void send() : setSure(true))}
    >
      {t(sure ? 'quarantine.redrive-all-sure' : 'quarantine.redrive-all')}
    </button>
  )
}

export const Quarantine = ({ store }: { store: Store }) => {
  const [listing, setListing] = useState<Listing | null>(null)
  const [problem, setProblem] = useState('')
  const [filter, setFilter] = useState<Filter>(NO_FILTER)
  const [opened, setOpened] = useState<string | null>(null)
  const load = async (): Promise<void> => {
    try {
      const query = new URLSearchParams({ limit: String(PAGE_ROWS), ...given(filter) })
      setListing(await store.api.get<Listing>(`quarantine?${query.toString()}`))
      setProblem('')
    } catch (error) {
      setProblem(why(error))
    }
  }
  useEffect(() => {
    void load()
    const timer = setInterval(() => void load(), REFRESH_MS)
    return () => clearInterval(timer)
  }, [filter])
  const more = listing === null ? 0 : listing.total - listing.entries.length
  return (
    <main class="page" data-testid="quarantine">
      <h2>{t('quarantine.title')}</h2>
      <p class="muted">{t('quarantine.lead')}</p>
      <Filters filter={filter} codes={listing?.codes ?? []} onFilter={setFilter} />
      {store.may('quarantine:write') && (
        <p>
          <RedriveAll store={store} filter={filter} onDone={() => void load()} />
        </p>
      )}
      {problem !== '' && <p class="problem">{problem}</p>}
      {listing !== null && listing.total === 0 && <p class="calm">{t('quarantine.empty')}</p>}
      {listing !== null && listing.total > 0 && <Rows listing={listing} store={store} onOpen={setOpened} />}
      {more > 0 && <p class="muted">{t('quarantine.more', { n: count(more) })}</p>}
      {opened !== null && <EntryDialog store={store} id={opened} onClose={() => setOpened(null)} onChanged={() => void load()} />}
    </main>
  )
}
