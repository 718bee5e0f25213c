// Who did what to what, when: the hash-chained trail, newest first, searched by person, act, subject and time. Read only; that the
// chain holds is proven by `npm run verify`, not here.
import { useState } from 'preact/hooks'
import { UNKNOWN, count, dayTime } from '../format.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { actorWords, actWords } from './audit-words.ts'
import type { Column } from './csv.ts'
import { ExportCsv } from './export.tsx'
import { ChoiceField, Filters, ListState, Pager, Table, TextField, TimeField } from './list-parts.tsx'
import { instantOf, queryOf, useListing, type FetchPage } from './listing.ts'

const PAGE_ROWS = 50
/** questions of 20,000 entries each for one page; beyond them the page says how far it has come */
const QUESTIONS_MAX = 25

type Entry = { seq: number; at: string; actor: string; action: string; subject: string; detail?: unknown; hash: string }
type Filter = { actor: string; action: string; subject: string; from: string; to: string }
const NO_FILTER: Filter = { actor: '', action: '', subject: '', from: '', to: '' }
const GROUPS = [
  'incident.',
  'order.',
  'alarm.',
  'posture.',
  'resource.',
  'command.',
  'device.',
  'user.',
  'token.',
  'session.',
  'rules.',
  'flows.',
  'quarantine.',
]

const fetchFrom =
  (store: Store, filter: Filter): FetchPage<Entry> =>
  async (cursor, limit, signal) => {
    const asked = { ...filter, from: instantOf(filter.from), to: instantOf(filter.to) }
    const rows: Entry[] = []
    let before: string | undefined = cursor
    for (let i = 0; i < QUESTIONS_MAX && before !== undefined && rows.length < limit; i++) {
      const query = queryOf({ ...asked, before, limit: limit - rows.length })
      const found: { entries: Entry[]; next?: number } = await store.api.get(`audit?${query}`, signal)
      rows.push(...found.entries)
      before = found.next === undefined ? undefined : String(found.next)
    }
    return { rows, ...(before === undefined ? {} : { next: before }) }
  }

const COLUMNS: Column<Entry>[] = [
  { title: 'seq', value: one => one.seq },
  { title: 'at', value: one => one.at },
  { title: 'actor', value: one => one.actor },
  { title: 'action', value: one => one.action },
  { title: 'subject', value: one => one.subject },
  { title: 'detail', value: one => (one.detail === undefined ? '' : JSON.stringify(one.detail)) },
  { title: 'hash', value: one => one.hash },
]

const Row = ({ entry, nowMs }: { entry: Entry; nowMs: number }) => (
  <tr data-testid="audit-row" data-seq={entry.seq} data-action={entry.action}>
    <td class="when">
      <time dateTime={entry.at}>{dayTime(entry.at, nowMs)}</time>
      <span class="muted second">#{count(entry.seq)}</span>
    </td>
    <td>{actorWords(entry.actor)}</td>
    <td>
      {actWords(entry.action)}
      <span class="muted code">{entry.action}</span>
    </td>
    <td class="any">{entry.subject === '' ? UNKNOWN : entry.subject}</td>
    <td>
      {entry.detail === undefined ? (
        UNKNOWN
      ) : (
        <details>
          <summary>{t('audit.detail')}</summary>
          <pre class="bytes">{JSON.stringify(entry.detail, null, 1)}</pre>
        </details>
      )}
    </td>
  </tr>
)

export const AuditPage = ({ store }: { store: Store }) => {
  const [filter, setFilter] = useState<Filter>(NO_FILTER)
  const fetch = fetchFrom(store, filter)
  const listing = useListing({ fetch, asked: JSON.stringify(filter), pageRows: PAGE_ROWS })
  const set = (name: keyof Filter) => (value: string) => setFilter({ ...filter, [name]: value })
  const nowMs = store.now.peek()
  if (!store.may('audit:read'))
    return (
      <main class="page" data-testid="audit">
        <h2>{t('audit.title')}</h2>
        <p>{t('audit.not-yours')}</p>
      </main>
    )
  return (
    <main class="page" data-testid="audit">
      <h2>{t('audit.title')}</h2>
      <p class="muted">{t('audit.lead')}</p>
      <Filters onReset={() => setFilter(NO_FILTER)}>
        <TextField label="audit.who" name="actor" value={filter.actor} onChange={set('actor')} />
        <ChoiceField
          label="audit.what"
          name="action"
          value={filter.action}
          onChange={set('action')}
          options={GROUPS.map(one => [one, term('audit-of', one.slice(0, -1))])}
        />
        <TextField label="audit.subject" name="subject" value={filter.subject} onChange={set('subject')} />
        <TimeField label="quarantine.from" name="from" value={filter.from} onChange={set('from')} />
        <TimeField label="quarantine.to" name="to" value={filter.to} onChange={set('to')} />
        <button type="button" onClick={listing.reload}>
          {t('audit.newest')}
        </button>
        <ExportCsv store={store} name="audit" columns={COLUMNS} fetch={fetch} />
      </Filters>
      <ListState listing={listing} empty={t(listing.found?.next === undefined ? 'audit.none' : 'audit.none-so-far')} />
      {listing.found !== null && listing.found.rows.length > 0 && (
        <Table label={t('audit.title')} heads={[t('audit.at'), t('audit.who'), t('audit.what'), t('audit.subject'), t('audit.detail')]}>
          {listing.found.rows.map(entry => (
            <Row key={entry.seq} entry={entry} nowMs={nowMs} />
          ))}
        </Table>
      )}
      <Pager listing={listing} />
    </main>
  )
}
