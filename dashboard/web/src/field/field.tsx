// The view of whoever goes there: a station's tablet and a grid officer's phone. Its own orders only, one incident at a time, buttons
// for a thumb. Without a network it shows the last order with its age, and sends nothing later behind anybody's back.
import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import type { Incident, IncidentDetail } from '#contracts/incident.ts'
import type { Order } from '#contracts/order.ts'
import type { Wiring } from '../wiring.ts'
import { clockTime, dayTime, elapsed, exactPlace, widePlace } from '../format.ts'
import { say, t, term } from '../i18n.ts'
import { dueOf, etaWords } from '../incident/sending.ts'
import { Timeline } from '../incident/timeline.tsx'
import { ageMs } from '../live/connection.ts'
import { Toasts } from '../shell/banner.tsx'
import { Level } from '../shell/level.tsx'
import { LanguageButton, ThemeButton } from '../shell/switches.tsx'
import { ConnectionChip, LogoutButton } from '../shell/topbar.tsx'
import type { Store } from '../store.ts'
import { Acts } from './acts.tsx'
import { keepLast, lastKept, ownOrders, type Kept } from './own.ts'
import '../style/field.css'

const chosen = signal<string | null>(null)

const Head = ({ store, session }: Pick<Wiring, 'store' | 'session'>) => (
  <header class="field-bar">
    <ConnectionChip store={store} />
    <span class="grow" />
    <span class="who">{store.principal.value?.name}</span>
    <LanguageButton />
    <ThemeButton />
    <LogoutButton session={session} store={store} />
  </header>
)

/** What is true about the network: live, old, or nothing at all. */
const Truth = ({ store, kept }: { store: Store; kept: Kept | null }) => {
  if (store.alive.value) return null
  const asOf = store.asOf() ?? kept?.asOf ?? null
  return (
    <p class="banner lost" role="alert" data-testid="field-offline">
      {asOf === null ? t('banner.never') : t('field.offline', { at: dayTime(asOf, store.now.value) })}
    </p>
  )
}

const Where = ({ incident }: { incident: Incident }) => {
  const { position } = incident
  return (
    <>
      <p class="panel-title">
        <Level severity={incident.severity} flashing={false} />
        <span>
          <b>{term('kind', incident.kind)}</b>
          <span class="muted id">{incident.id}</span>
        </span>
      </p>
      <h1 class="location" data-testid="incident-location">
        {exactPlace(incident.place) || say(incident.title)}
      </h1>
      <p class="wide">{widePlace(incident.place)}</p>
      <p class="facts">
        <span>{t('incident.since', { at: clockTime(incident.openedAt) })}</span>
        {incident.confirmedAt !== undefined && <span class="confirmed">{t('state.confirmed')}</span>}
        {incident.drill === true && <span class="drill">{t('incident.drill')}</span>}
        {position !== undefined && (
          <span>
            {position.lat.toFixed(5)}, {position.lon.toFixed(5)}
          </span>
        )}
      </p>
    </>
  )
}

const OrderState = ({ order, store }: { order: Order; store: Store }) => {
  const due = dueOf(order)
  const leftMs = due === null ? 0 : due.byMs - store.serverNow.value
  return (
    <p class="order-now" data-testid="order-state" data-state={order.state}>
      <b>{term('order', order.state)}</b>
      {due !== null && (
        <span class={leftMs < 0 ? 'late' : ''}>
          {t(`due.${due.what}`)} {leftMs < 0 ? t('due.late', { by: elapsed(-leftMs) }) : t('due.left', { left: elapsed(leftMs) })}
        </span>
      )}
      {order.state !== 'on-scene' && order.eta !== undefined && <span class="muted">{etaWords(order.eta)}</span>}
    </p>
  )
}

const useDetail = (store: Store, incidentId: string | undefined, mark: string): IncidentDetail | null => {
  const [detail, setDetail] = useState<IncidentDetail | null>(null)
  useEffect(() => {
    const abort = new AbortController()
    if (incidentId !== undefined)
      store.api.get<IncidentDetail>(`incidents/${encodeURIComponent(incidentId)}`, abort.signal).then(setDetail, () => {})
    return () => abort.abort()
  }, [incidentId, mark])
  return detail?.id === incidentId ? detail : null
}

const Nothing = ({ store }: { store: Store }) => (
  <section class="field-nothing" data-testid="field-nothing">
    <p class="calm">{t('field.nothing')}</p>
    <p class="muted">{t('queue.alive', { age: elapsed(ageMs(store.link.value, store.now.value)) })}</p>
  </section>
)

const Job = ({ store, order, incident }: { store: Store; order: Order; incident: Incident }) => {
  const detail = useDetail(store, incident.id, `${order.state} ${incident.lastAt} ${incident.state} ${store.link.value.open}`)
  return (
    <article class="job" data-testid="field-job" data-order-id={order.id}>
      <Where incident={incident} />
      <OrderState order={order} store={store} />
      <Acts store={store} order={order} incident={incident} />
      {detail !== null && <Timeline detail={detail} store={store} travel={null} />}
    </article>
  )
}

export const Field = ({ store, session }: Wiring) => {
  const kept = lastKept.value
  const orders = ownOrders(store)
  const incidents = store.liveIncidents.value
  const order = orders.find(one => one.id === chosen.value) ?? orders[0]
  const incident = order === undefined ? undefined : incidents.get(order.incidentId)
  const known = store.epoch.value !== null
  useEffect(() => keepLast(store, order, incident), [order, incident, known])
  useEffect(() => {
    // kept on this device, so that a reload without a network opens; where the browser refuses, the page works all the same
    navigator.serviceWorker?.register('/sw.js').catch(() => {})
  }, [])
  // before the first message, what this device last knew is better than an empty screen, and is said to be old
  const shown = order !== undefined && incident !== undefined ? { order, incident } : known ? null : kept
  return (
    <div class="frame field" data-testid="field">
      <Head store={store} session={session} />
      <Truth store={store} kept={kept} />
      <main>
        {orders.length > 1 && (
          <nav class="field-orders" aria-label={t('order.title')}>
            {orders.map(one => (
              <button
                key={one.id}
                type="button"
                aria-pressed={one.id === order?.id}
                onClick={() => {
                  chosen.value = one.id
                }}
              >
                {exactPlace(incidents.get(one.incidentId)?.place) || one.id} · {term('order', one.state)}
              </button>
            ))}
          </nav>
        )}
        {shown === null ? <Nothing store={store} /> : <Job store={store} order={shown.order} incident={shown.incident} />}
      </main>
      <Toasts store={store} />
    </div>
  )
}
