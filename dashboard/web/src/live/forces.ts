// Orders under way and everybody who can be sent, as the live socket tells of them. An order that has ended leaves; the finished ones of
// an incident come with its detail. Bounded by what the server sends: its open orders and its resources.
import type { LiveMessage } from '#contracts/live.ts'
import { isOpenOrder, type Order } from '#contracts/order.ts'
import type { Resource } from '#contracts/resource.ts'

export type Forces = { orders: ReadonlyMap<string, Order>; resources: ReadonlyMap<string, Resource> }
export const NO_FORCES: Forces = { orders: new Map(), resources: new Map() }

const keyed = <T extends { id: string }>(items: readonly T[]): Map<string, T> => new Map(items.map(item => [item.id, item]))

export const withForces = (forces: Forces, message: LiveMessage): Forces => {
  if (message.type === 'heartbeat' || message.type === 'devices') return forces
  if (message.type === 'snapshot')
    return { orders: keyed(message.orders.filter(order => isOpenOrder(order.state))), resources: keyed(message.resources) }
  const { orders: changed = [], resources: heard = [], removed } = message
  const gone = removed?.resources ?? []
  if (changed.length + heard.length + gone.length === 0) return forces
  const orders = new Map(forces.orders)
  const resources = new Map(forces.resources)
  for (const order of changed) {
    if (isOpenOrder(order.state)) orders.set(order.id, order)
    else orders.delete(order.id)
  }
  for (const resource of heard) resources.set(resource.id, resource)
  for (const id of gone) resources.delete(id)
  return { orders, resources }
}
