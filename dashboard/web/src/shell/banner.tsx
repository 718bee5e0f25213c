// One row under the top bar for the worst thing that is wrong with the picture itself: link lost, then flood.
import { clockTime, count, elapsed } from '../format.ts'
import { t } from '../i18n.ts'
import { ageMs } from '../live/connection.ts'
import type { Store } from '../store.ts'
import { FLOOD_ABOVE } from './kpis.tsx'

const Lost = ({ store }: { store: Store }) => {
  const link = store.link.value
  const asOf = store.desk.value.asOf
  const age = elapsed(ageMs(link, store.now.value))
  const retryS = link.retryAtMs === null ? null : Math.max(0, Math.ceil((link.retryAtMs - store.now.value) / 1000))
  return (
    <div class="banner lost" role="alert" data-testid="banner-lost">
      <p>
        <strong>{asOf === null ? t('banner.never') : t('banner.lost', { at: clockTime(asOf) })}</strong>{' '}
        <span aria-hidden="true">
          {t('banner.age', { age })} {retryS === null ? t('banner.trying') : t('banner.retry', { n: retryS })}
        </span>
      </p>
      <button type="button" onClick={() => store.retryNow()}>
        {t('banner.retry-now')}
      </button>
    </div>
  )
}

export const Banner = ({ store }: { store: Store }) => {
  if (store.phase.value === 'lost') return <Lost store={store} />
  const alarms = store.desk.value.kpis?.alarmsIn10Min ?? 0
  if (alarms <= FLOOD_ABOVE) return null
  return (
    <div class="banner flood" role="status" data-testid="banner-flood">
      <p>
        <strong>{t('banner.flood', { n: count(alarms) })}</strong> {t('banner.flood-advice')}
      </p>
    </div>
  )
}

export const Toasts = ({ store }: { store: Store }) => (
  <div class="toasts" role="status" aria-live="polite" data-testid="toasts">
    {store.toasts.value.map(toast => (
      <p key={toast.id} class={`toast ${toast.tone}`}>
        {toast.text}
      </p>
    ))}
  </div>
)
