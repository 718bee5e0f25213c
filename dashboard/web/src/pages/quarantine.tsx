// What could not be used: what, where, why, how often, when last; found by code, topic, device and time. Whoever may can send it through
// again, one by one (see quarantine-entry.tsx) or all that the filter finds.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import { DISPOSITIONS, type QuarantineEntry, type RedriveSummary } from '#contracts/quarantine.ts'
import { why } from '../actions.ts'
import { UNKNOWN, count, dayTime } from '../format.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import type { Column } from './csv.ts'
import { ExportCsv } from './export.tsx'
import { ChoiceField, Filters, ListState, Pager, Table, TextField, TimeField } from './list-parts.tsx'
import { instantOf, queryOf, useListing, type FetchPage } from './listing.ts'
import { EntryDialog } from './quarantine-entry.tsx'

const PAGE_ROWS = 50
const REFRESH_MS = 5_000

type Listing = { entries: QuarantineEntry[]; total: number; codes: string[] }
type Filter = { code: string; disposition: string; topic: string; device: string; from: string; to: string }
const NO_FILTER: Filter = { code: '', disposition: '', topic: '', device: '', from: '', to: '' }

/** What was filled in; times of the page are the district's, the API wants instants. */
const given = (filter: Filter): Record<string, string> =>
  Object.fromEntries(
    Object.entries(filter)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, name === 'from' || name === 'to' ? (instantOf(value) ?? '') : value]),
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

type FilterProps = { filter: Filter; codes: string[]; onFilter: (filter: Filter) => void; children: ComponentChildren }

const QuarantineFilters = ({ filter, codes, onFilter, children }: FilterProps) => {
  const set = (name: keyof Filter) => (value: string) => onFilter({ ...filter, [name]: value })
  return (
    <Filters onReset={() => onFilter(NO_FILTER)}>
      <ChoiceField
        label="quarantine.what"
        name="code"
        value={filter.code}
        onChange={set('code')}
        options={codes.map(code => [code, term('code', code)])}
      />
      <ChoiceField
        label="quarantine.disposition"
        name="disposition"
        value={filter.disposition}
        onChange={set('disposition')}
        options={DISPOSITIONS.map(name => [name, term('disposition', name)])}
      />
      <TextField label="quarantine.topic-begins" name="topic" value={filter.topic} onChange={set('topic')} />
      <TextField label="quarantine.device" name="device" value={filter.device} onChange={set('device')} />
      <TimeField label="quarantine.from" name="from" value={filter.from} onChange={set('from')} />
      <TimeField label="quarantine.to" name="to" value={filter.to} onChange={set('to')} />
      {children}
    </Filters>
  )
}

/** Asks once more before many messages go through again; then goes on by hundreds until nothing more goes through, and says how far. */
const RedriveAll = ({ store, filter, onDone }: { store: Store; filter: Filter; onDone: () => void }) => {
  const [sure, setSure] = useState(false)
  const [sent, setSent] = useState<number | null>(null)
  const stopped = useRef(false)
  useEffect(() => () => void (stopped.current = true), [])
  const send = async (): Promise<void> => {
    stopped.current = false
    let done = 0
    let upTo: number | undefined
    try {
      const { disposition: _disposition, ...rest } = given(filter)
      for (;;) {
        setSent(done)
        const answer = await store.api.post<RedriveSummary>('quarantine/redrive', { ...rest, ...(upTo !== undefined && { upTo }) })
        const { redriven, failed, remaining } = answer
        upTo = answer.upTo
        done += redriven.length
        if (redriven.length > 0 && remaining > failed.length && !stopped.current) continue
        const values = { n: count(done), failed: count(failed.length), remaining: count(remaining) }
        store.toast(failed.length > 0 ? 'bad' : 'good', t('quarantine.redriven-all', values))
        break
      }
    } catch (error) {
      store.toast('bad', t('action.failed', { why: why(error) }))
    }
    setSure(false)
    setSent(null)
    onDone()
  }
  if (sent !== null)
    return (
      <span class="export" role="status">
        <progress aria-label={t('quarantine.redrive-all')} /> {t('quarantine.redriving', { n: count(sent) })}
        <button type="button" onClick={() => void (stopped.current = true)}>
          {t('export.stop')}
        </button>
      </span>
    )
  return (
    <button type="button" class={sure ? 'primary' : ''} data-testid="redrive-all" onClick={() => (sure ? void send() : setSure(true))}>
      {t(sure ? 'quarantine.redrive-all-sure' : 'quarantine.redrive-all')}
    </button>
  )
}

const COLUMNS: Column<QuarantineEntry>[] = [
  { title: 'id', value: one => one.id },
  { title: 'code', value: one => one.code },
  { title: 'source', value: one => one.source },
  { title: 'reason', value: one => one.reason },
  { title: 'where', value: one => one.where },
  { title: 'topic', value: one => one.topic },
  { title: 'identity', value: one => one.identity },
  { title: 'clientId', value: one => one.clientId },
  { title: 'decoder', value: one => one.decoder },
  { title: 'count', value: one => one.count },
  { title: 'firstAt', value: one => one.firstAt },
  { title: 'lastAt', value: one => one.lastAt },
  { title: 'bytes', value: one => one.bytes },
  { title: 'disposition', value: one => one.disposition },
]

export const Quarantine = ({ store }: { store: Store }) => {
  const [codes, setCodes] = useState<string[]>([])
  const [filter, setFilter] = useState<Filter>(NO_FILTER)
  const [opened, setOpened] = useState<string | null>(null)
  const fetch: FetchPage<QuarantineEntry> = async (offset, limit, signal) => {
    const query = queryOf({ ...given(filter), limit, offset })
    const listing = await store.api.get<Listing>(`quarantine?${query}`, signal)
    setCodes(listing.codes)
    const next = Number(offset) + limit
    return { rows: listing.entries, total: listing.total, ...(next < listing.total ? { next: String(next) } : {}) }
  }
  const listing = useListing({ fetch, asked: JSON.stringify(filter), pageRows: PAGE_ROWS, refreshMs: REFRESH_MS })
  const heads = ['what', 'where', 'why', 'count', 'last', 'disposition'] as const
  return (
    <main class="page" data-testid="quarantine">
      <h2>{t('quarantine.title')}</h2>
      <p class="muted">{t('quarantine.lead')}</p>
      <QuarantineFilters filter={filter} codes={codes} onFilter={setFilter}>
        <ExportCsv store={store} name="quarantine" columns={COLUMNS} fetch={fetch} />
        {store.may('quarantine:write') && <RedriveAll store={store} filter={filter} onDone={listing.reload} />}
      </QuarantineFilters>
      <ListState listing={listing} empty={t(filter === NO_FILTER ? 'quarantine.empty' : 'quarantine.none-fits')} />
      {listing.found !== null && listing.found.rows.length > 0 && (
        <Table
          label={t('quarantine.title')}
          heads={[...heads.map(one => t(`quarantine.${one}`)), <span class="visually-hidden">{t('quarantine.open')}</span>]}
        >
          {listing.found.rows.map(entry => (
            <EntryRow key={entry.id} entry={entry} store={store} onOpen={() => setOpened(entry.id)} />
          ))}
        </Table>
      )}
      <Pager listing={listing} />
      {opened !== null && <EntryDialog store={store} id={opened} onClose={() => setOpened(null)} onChanged={listing.reload} />}
    </main>
  )
}
