// One row under the top bar for the worst thing that is wrong with the picture itself: link lost, then not live, then flood.
import { clockTime, count, dayTime, elapsed } from '../format.ts'
import { t } from '../i18n.ts'
import { ageMs } from '../live/connection.ts'
import type { Store } from '../store.ts'

const Lost = ({ store }: { store: Store }) => {
  const link = store.link.value
  const asOf = store.asOf()
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

const Past = ({ store, onLive }: { store: Store; onLive: () => void }) => {
  const past = store.past.value
  if (past === null) return null
  return (
    <div class="banner past" role="status" data-testid="banner-past">
      <p>
        <strong>{t('travel.banner', { at: dayTime(past.atMs, store.now.value) })}</strong> {t('travel.advice')}
      </p>
      <button type="button" onClick={onLive}>
        {t('travel.live')} <kbd>L</kbd>
      </button>
    </div>
  )
}

export const Banner = ({ store, onLive }: { store: Store; onLive: () => void }) => {
  if (store.phase.value === 'lost') return <Lost store={store} />
  if (store.past.value !== null) return <Past store={store} onLive={onLive} />
  if (!store.flood.value) return null
  const alarms = store.kpis.value?.alarmsIn10Min ?? 0
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
