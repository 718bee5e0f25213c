// Which orders are one's own, and the last of them kept on this device, so that a reload without a network still shows where to go.
import { signal } from '@preact/signals'
import type { Incident } from '#contracts/incident.ts'
import type { Order } from '#contracts/order.ts'
import type { Store } from '../store.ts'

export type Kept = { order: Order; incident: Incident; asOf: string }
const KEY = 'fengsui.order'

const read = (): Kept | null => {
  try {
    const text = localStorage.getItem(KEY)
    return text === null ? null : (JSON.parse(text) as Kept)
  } catch {
    return null
  }
}
export const lastKept = signal<Kept | null>(typeof localStorage === 'undefined' ? null : read())

/** A crew's: those of resources that name its account; whoever handles incidents sees all. Oldest first. */
export const ownOrders = (store: Store): Order[] => {
  const { orders, resources } = store.forces.value
  const who = store.principal.value
  const isCrew = who?.role === 'station'
  return [...orders.values()]
    .filter(order => !isCrew || resources.get(order.resourceId)?.accounts.includes(who?.name ?? '') === true)
    .sort((a, b) => (a.offeredAt < b.offeredAt ? -1 : 1))
}

/** Keeps the order that is shown; an order that has ended is forgotten. */
export const keepLast = (store: Store, order: Order | undefined, incident: Incident | undefined): void => {
  if (store.epoch.value === null) return
  const kept = order === undefined || incident === undefined ? null : { order, incident, asOf: store.asOf() ?? order.offeredAt }
  lastKept.value = kept
  try {
    if (kept === null) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, JSON.stringify(kept))
  } catch {
    // a private window forgets; the order is still shown while the page is open
  }
}
