// What could not be used: what, where, why, how often, when last. Whoever may can have the held bytes decoded again.
import { useEffect, useState } from 'preact/hooks'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import { why } from '../actions.ts'
import { UNKNOWN, count, dayTime } from '../format.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'

const PAGE_ROWS = 100
const REFRESH_MS = 5_000

type Listing = { entries: QuarantineEntry[]; total: number }

const from = (entry: QuarantineEntry): string => entry.topic ?? entry.where ?? entry.identity ?? entry.clientId ?? UNKNOWN

const EntryRow = ({ entry, store, onRedrive }: { entry: QuarantineEntry; store: Store; onRedrive: () => void }) => (
  <tr data-testid="quarantine-row" data-entry-id={entry.id}>
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
    </td>
    <td class="number">{count(entry.count)}</td>
    <td>
      <time dateTime={entry.lastAt}>{dayTime(entry.lastAt, store.now.peek())}</time>
    </td>
    <td>{term('disposition', entry.disposition)}</td>
    <td>
      {entry.disposition === 'held' && store.may('quarantine:write') && (
        <button type="button" data-testid="redrive" onClick={onRedrive}>
          {t('quarantine.redrive')}
        </button>
      )}
    </td>
  </tr>
)

export const Quarantine = ({ store }: { store: Store }) => {
  const [listing, setListing] = useState<Listing | null>(null)
  const [problem, setProblem] = useState('')
  const load = async (): Promise<void> => {
    try {
      setListing(await store.api.get<Listing>(`quarantine?limit=${PAGE_ROWS}`))
      setProblem('')
    } catch (error) {
      setProblem(why(error))
    }
  }
  useEffect(() => {
    void load()
    const timer = setInterval(() => void load(), REFRESH_MS)
    return () => clearInterval(timer)
  }, [])
  const redrive = async (id: string): Promise<void> => {
    try {
      await store.api.post(`quarantine/${encodeURIComponent(id)}/redrive`)
      store.toast('good', t('quarantine.redriven'))
    } catch (error) {
      store.toast('bad', t('action.failed', { why: why(error) }))
    }
    await load()
  }
  return (
    <main class="page" data-testid="quarantine">
      <h2>{t('quarantine.title')}</h2>
      <p class="muted">{t('quarantine.lead')}</p>
      {problem !== '' && <p class="problem">{problem}</p>}
      {listing !== null && listing.total === 0 && <p class="calm">{t('quarantine.empty')}</p>}
      {listing !== null && listing.total > 0 && (
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
                <span class="visually-hidden">{t('quarantine.redrive')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {listing.entries.map(entry => (
              <EntryRow key={entry.id} entry={entry} store={store} onRedrive={() => void redrive(entry.id)} />
            ))}
          </tbody>
        </table>
      )}
      {listing !== null && listing.total > listing.entries.length && (
        <p class="muted">{t('quarantine.more', { n: count(listing.total - listing.entries.length) })}</p>
      )}
    </main>
  )
}
