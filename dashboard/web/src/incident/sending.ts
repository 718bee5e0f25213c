// Whom to send, as the desk proposes it: the first of the ranking that goes there, unless somebody is on the way already. Pure.
import { isOpenOrder, type Order } from '#contracts/order.ts'
import type { Candidate } from '#contracts/resource.ts'
import { say, t } from '../i18n.ts'

/** The one that D sends; null = nobody may be sent by the system. */
export const recommended = (candidates: readonly Candidate[]): Candidate | null =>
  candidates.find(one => one.task === 'respond' && one.rank === 1) ?? null

/** Somebody has it in hand: a second press of D asks instead of sending a second crew. */
export const isUnderWay = (orders: readonly Order[]): boolean => orders.some(order => isOpenOrder(order.state))

/** The order as it stood at an instant; null = it was not given yet. */
export const orderAt = (order: Order, atMs: number): Order | null => {
  const steps = order.steps.filter(step => Date.parse(step.at) <= atMs)
  const last = steps.at(-1)
  return last === undefined ? null : { ...order, steps, state: last.state }
}

const minutes = (s: number): string => `${Math.floor(s / 60)}:${String(Math.round(s % 60)).padStart(2, '0')}`

/** 2:10 (1:20 to 4:05): the likely time, and what 9 in 10 stay within. */
export const etaWords = (eta: Candidate['eta']): string =>
  eta === undefined
    ? t('eta.unknown')
    : t('eta.interval', { likely: minutes(eta.likelyS), low: minutes(eta.lowS), high: minutes(eta.highS) })

export const reasonWords = (candidate: Pick<Candidate, 'reasons'>): string => candidate.reasons.map(reason => say(reason.text)).join(' · ')

/** The 1-3-5 of a micro station, step by step: when each is due, and since when it is done. */
export const clockOf = (
  order: Order,
): { what: 'turn-out' | 'on-scene' | 'joint'; byMs: number; doneMs: number | null; isLate: boolean }[] => {
  const { clock, late = [] } = order
  if (clock === undefined) return []
  const ms = (at: string | undefined): number | null => (at === undefined ? null : Date.parse(at))
  const step = (what: 'turn-out' | 'on-scene' | 'joint', by: string, doneMs: number | null) => {
    const byMs = Date.parse(by)
    return { what, byMs, doneMs, isLate: late.includes(what) || (doneMs !== null && doneMs > byMs) }
  }
  return [
    step('turn-out', clock.turnOutBy, ms(order.enRouteAt ?? order.onSceneAt)),
    step('on-scene', clock.onSceneBy, ms(order.onSceneAt)),
    step('joint', clock.jointBy, null),
  ]
}

/** What is due next of an order, and whether it is late: an answer, then the 1-3-5 of a micro station. */
export const dueOf = (order: Order): { what: 'answer' | 'turn-out' | 'on-scene'; byMs: number } | null => {
  if (order.state === 'offered') return { what: 'answer', byMs: Date.parse(order.answerBy) }
  if (order.clock === undefined) return null
  if (order.state === 'accepted') return { what: 'turn-out', byMs: Date.parse(order.clock.turnOutBy) }
  if (order.state === 'en-route') return { what: 'on-scene', byMs: Date.parse(order.clock.onSceneBy) }
  return null
}
