// The 1-3-5 clock of a micro station's order: its three times stand among the deadlines and are taken off as the crew gets there.
import { isOpenOrder, type Order } from '#contracts/order.ts'
import type { Turn } from './turn.ts'

export const startClock = (turn: Turn, { id, clock }: Order): void => {
  if (clock === undefined) return
  const put = (what: string, at: string): void => turn.desk.deadlines.put({ subject: 'order', subjectId: id, what, dueMs: Date.parse(at) })
  put('turn-out', clock.turnOutBy)
  put('on-scene', clock.onSceneBy)
  put('joint', clock.jointBy)
}

export const stopClock = (turn: Turn, { id, clock, state }: Order): void => {
  if (clock === undefined) return
  const { deadlines } = turn.desk
  if (!isOpenOrder(state)) return deadlines.dropAll('order', id)
  if (state === 'en-route' || state === 'on-scene') deadlines.drop('order', id, 'turn-out')
  if (state === 'on-scene') deadlines.drop('order', id, 'on-scene')
}
