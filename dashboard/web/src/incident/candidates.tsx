// Who could be sent: by travel time with its interval, each with the reasons for its place; below them those who cannot, and why.
import type { IncidentDetail } from '#contracts/incident.ts'
import type { Candidate } from '#contracts/resource.ts'
import { say, t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { refusalOf } from './commands.tsx'
import { etaWords, isUnderWay, reasonWords, recommended } from './sending.ts'

/** Rows of each task before the rest is folded. */
const SHOWN = 4

export const send = (store: Store, incidentId: string, resourceId: string): Promise<boolean> =>
  store.actions.send(`incidents/${encodeURIComponent(incidentId)}/dispatch`, { resourceIds: [resourceId] }, 'order.sent')

const Line = ({ one, store, incidentId, isFirst }: { one: Candidate; store: Store; incidentId: string; isFirst: boolean }) => (
  <tr data-testid="candidate" data-resource-id={one.resourceId}>
    <td class="number">{one.rank}</td>
    <td>
      <b>{say(one.name)}</b>
      <span class="muted reason">{reasonWords(one)}</span>
    </td>
    <td class="number">
      {etaWords(one.eta)}
      {one.travel === 'distance' && <span class="muted reason">{t('eta.straight-line')}</span>}
    </td>
    {store.may('incidents:handle') && (
      <td class="number">
        <button
          type="button"
          class={isFirst ? 'danger' : ''}
          data-testid="send"
          disabled={refusalOf(store) !== ''}
          aria-label={t('candidate.send-to', { name: say(one.name) })}
          onClick={() => void send(store, incidentId, one.resourceId)}
        >
          {t('candidate.send')} {isFirst && <kbd>D</kbd>}
        </button>
      </td>
    )}
  </tr>
)

const Others = ({ others }: { others: readonly Candidate[] }) =>
  others.length === 0 ? null : (
    <details class="others">
      <summary>{t('candidate.others', { n: others.length })}</summary>
      <ul>
        {others.slice(0, 40).map(one => (
          <li key={`${one.task} ${one.resourceId}`}>
            {say(one.name)} <span class="muted">{reasonWords(one) || term('resource-state', one.state)}</span>
          </li>
        ))}
      </ul>
    </details>
  )

export const Candidates = ({ store, detail }: { store: Store; detail: IncidentDetail }) => {
  const { candidates, orders } = detail
  if (candidates.length === 0 || store.past.value !== null) return null
  const ranked = candidates.filter(one => one.rank !== null)
  const first = isUnderWay(orders) ? null : recommended(candidates)
  const rows = [
    ...ranked.filter(one => one.task === 'respond').slice(0, SHOWN),
    ...ranked.filter(one => one.task === 'look').slice(0, SHOWN - 2),
  ]
  const shown = new Set(rows)
  return (
    <section data-testid="candidates">
      <h3>{t('candidate.title')}</h3>
      {ranked.length === 0 && <p class="problem">{t('candidate.nobody')}</p>}
      <table class="candidates">
        <thead class="visually-hidden">
          <tr>
            <th>{t('candidate.rank')}</th>
            <th>{t('candidate.who')}</th>
            <th>{t('candidate.eta')}</th>
            {store.may('incidents:handle') && <th>{t('candidate.send')}</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map(one => (
            <Line
              key={`${one.task} ${one.resourceId}`}
              one={one}
              store={store}
              incidentId={detail.id}
              isFirst={one.resourceId === first?.resourceId && one.task === 'respond'}
            />
          ))}
        </tbody>
      </table>
      <Others others={candidates.filter(one => !shown.has(one))} />
    </section>
  )
}
