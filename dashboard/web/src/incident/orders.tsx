// The orders of an incident: who was sent, how far they are, what is due and late; an officer may say a step for a crew on the phone.
import type { IncidentDetail } from '#contracts/incident.ts'
import { isOpenOrder, type Order } from '#contracts/order.ts'
import { clockTime, elapsed } from '../format.ts'
import { say, t, term, type Key } from '../i18n.ts'
import type { Store } from '../store.ts'
import { refusalOf } from './commands.tsx'
import { clockOf, dueOf, etaWords, orderAt } from './sending.ts'

type Verb = 'accept' | 'en-route' | 'on-scene' | 'complete'
const NEXT: Partial<Record<Order['state'], readonly Verb[]>> = {
  offered: ['accept'],
  accepted: ['en-route', 'on-scene'],
  'en-route': ['on-scene'],
  'on-scene': ['complete'],
}

const Due = ({ order, store }: { order: Order; store: Store }) => {
  const due = dueOf(order)
  if (due === null || store.past.value !== null) return null
  const leftMs = due.byMs - store.serverNow.value
  return (
    <span class={leftMs < 0 ? 'late' : 'muted'}>
      {t(`due.${due.what}`)} {leftMs < 0 ? t('due.late', { by: elapsed(-leftMs) }) : t('due.left', { left: elapsed(leftMs) })}
    </span>
  )
}

/** The whole clock of the order, "1-3-5": each step with what is left of it, or how it went. */
const Clock = ({ order, store }: { order: Order; store: Store }) => {
  const steps = clockOf(order)
  if (steps.length === 0 || store.past.value !== null || !isOpenOrder(order.state)) return null
  const nowMs = store.serverNow.value
  return (
    <p class="station-clock" data-testid="station-clock">
      {steps.map(({ what, byMs, doneMs, isLate }) => {
        const leftMs = byMs - (doneMs ?? nowMs)
        const words =
          leftMs < 0 ? t('due.late', { by: elapsed(-leftMs) }) : doneMs === null ? t('due.left', { left: elapsed(leftMs) }) : t('due.done')
        return (
          <span key={what} class={isLate || leftMs < 0 ? 'late' : doneMs === null ? '' : 'done'}>
            {t(`due.${what}`)} {words}
          </span>
        )
      })}
    </p>
  )
}

const One = ({ order, store }: { order: Order; store: Store }) => {
  const refusal = refusalOf(store)
  const last = order.steps.at(-1)
  return (
    <li class={`order ${order.state}`} data-testid="order" data-order-id={order.id} data-state={order.state}>
      <p>
        <b>{say(order.resourceName)}</b> <span class="order-state">{term('order', order.state)}</span>
        {last !== undefined && <span class="muted"> {clockTime(last.at)}</span>} <Due order={order} store={store} />
      </p>
      <Clock order={order} store={store} />
      <p class="muted">
        {isOpenOrder(order.state) && order.state !== 'on-scene' && `${etaWords(order.eta)} `}
        {order.insteadOf !== undefined && `${t('order.instead-of', { id: order.insteadOf })} `}
        {/* that nobody answered in time is what its state says */}
        {order.reason !== undefined && last?.by !== 'system' && <q>{order.reason}</q>}
      </p>
      {store.may('incidents:handle') && isOpenOrder(order.state) && (
        <p class="order-steps">
          {(NEXT[order.state] ?? []).map(verb => (
            <button
              key={verb}
              type="button"
              disabled={refusal !== ''}
              title={t('order.for-crew')}
              data-testid={`order-${verb}`}
              onClick={() => void store.actions.send(`orders/${encodeURIComponent(order.id)}/${verb}`, {}, 'order.said')}
            >
              {t(`order-act.${verb}` as Key)}
            </button>
          ))}
        </p>
      )}
    </li>
  )
}

export const Orders = ({ store, detail }: { store: Store; detail: IncidentDetail }) => {
  const pastMs = store.past.value?.atMs
  const orders = pastMs === undefined ? detail.orders : detail.orders.flatMap(order => orderAt(order, pastMs) ?? [])
  if (orders.length === 0) return null
  const there = orders.some(order => order.state === 'on-scene' || order.state === 'complete')
  const mayControl = there && detail.controlledAt === undefined && detail.state !== 'closed' && store.may('incidents:handle')
  return (
    <section data-testid="orders">
      <h3 class="with-button">
        {t('order.title')}
        {mayControl && (
          <button
            type="button"
            class="quiet"
            data-testid="control"
            disabled={refusalOf(store) !== ''}
            onClick={() => void store.actions.send(`incidents/${encodeURIComponent(detail.id)}/control`, {}, 'order.controlled')}
          >
            {t('action.control')}
          </button>
        )}
      </h3>
      <ul class="orders">
        {orders.map(order => (
          <One key={order.id} order={order} store={store} />
        ))}
      </ul>
    </section>
  )
}
