// Orders and resources in the page: the live fold, whom D sends, what is due and late, and an order as it once stood.
import { expect, test } from 'vitest'
import type { Order } from '#contracts/order.ts'
import type { Candidate, Resource } from '#contracts/resource.ts'
import { speak } from '../../dashboard/web/src/i18n.ts'
import { clockOf, dueOf, etaWords, isUnderWay, orderAt, recommended } from '../../dashboard/web/src/incident/sending.ts'
import { NO_FORCES, withForces } from '../../dashboard/web/src/live/forces.ts'
import { at, delta, heartbeat, snapshot, T0 } from './incidents.ts'

await speak('en')
const order = (id: string, o: Partial<Order> = {}): Order => ({
  id,
  incidentId: 'i',
  resourceId: 's1',
  resourceName: { zh: '一站', en: 'Station 1' },
  state: 'offered',
  offeredAt: at(0),
  offeredBy: 'li',
  answerBy: at(60_000),
  passesOn: true,
  steps: [{ state: 'offered', at: at(0), by: 'user:li' }],
  ...o,
})
const resource = (id: string): Resource => ({
  id,
  kind: 'micro-station',
  name: { zh: id, en: id },
  mode: 'e-vehicle',
  capabilities: ['extinguish'],
  accounts: [],
  state: 'ready',
  reasons: [],
})
const candidate = (resourceId: string, o: Partial<Candidate> = {}): Candidate => ({
  resourceId,
  kind: 'micro-station',
  name: { zh: resourceId, en: resourceId },
  task: 'respond',
  rank: 1,
  state: 'ready',
  capabilities: [],
  reasons: [],
  ...o,
})

test('a snapshot begins, deltas go on, an ended order and a removed resource leave', () => {
  let forces = withForces(NO_FORCES, snapshot({ orders: [order('o1'), order('o2', { state: 'refused' })], resources: [resource('s1')] }))
  expect([...forces.orders.keys()]).toEqual(['o1'])
  forces = withForces(forces, delta(11, { orders: [order('o3'), order('o1', { state: 'complete' })], resources: [resource('s2')] }))
  expect([[...forces.orders.keys()], [...forces.resources.keys()]]).toEqual([['o3'], ['s1', 's2']])
  forces = withForces(forces, delta(12, { removed: { resources: ['s1'] } }))
  expect([...forces.resources.keys()]).toEqual(['s2'])
  expect(withForces(forces, heartbeat(12))).toBe(forces)
})

test('D sends the first that goes there, never one that only looks; once somebody is under way it asks', () => {
  const looks = candidate('uav', { task: 'look' })
  expect(recommended([looks, candidate('s2', { rank: 2 }), candidate('s1')])?.resourceId).toBe('s1')
  expect(recommended([looks, candidate('s1', { rank: null })])).toBeNull()
  expect(isUnderWay([order('o', { state: 'refused' })])).toBe(false)
  expect(isUnderWay([order('o', { state: 'en-route' })])).toBe(true)
})

test('what is due: the answer, then the steps of 1-3-5 where there is such a clock', () => {
  const clock = { turnOutBy: at(60_000), onSceneBy: at(180_000), jointBy: at(300_000) }
  expect(dueOf(order('o'))).toEqual({ what: 'answer', byMs: T0 + 60_000 })
  expect(dueOf(order('o', { state: 'accepted', clock }))).toEqual({ what: 'turn-out', byMs: T0 + 60_000 })
  expect(dueOf(order('o', { state: 'en-route', clock }))).toEqual({ what: 'on-scene', byMs: T0 + 180_000 })
  expect(dueOf(order('o', { state: 'accepted' }))).toBeNull()
})

test('the whole clock of a micro station: what is done, what is left, what came late', () => {
  const clock = { turnOutBy: at(60_000), onSceneBy: at(180_000), jointBy: at(300_000) }
  expect(clockOf(order('o'))).toEqual([])
  expect(clockOf(order('o', { state: 'en-route', clock, enRouteAt: at(70_000), late: ['turn-out'] }))).toEqual([
    { what: 'turn-out', byMs: T0 + 60_000, doneMs: T0 + 70_000, isLate: true },
    { what: 'on-scene', byMs: T0 + 180_000, doneMs: null, isLate: false },
    { what: 'joint', byMs: T0 + 300_000, doneMs: null, isLate: false },
  ])
  const [turnOut, onScene] = clockOf(order('o', { state: 'on-scene', clock, onSceneAt: at(50_000) }))
  expect(turnOut, 'who is there has turned out').toMatchObject({ doneMs: T0 + 50_000, isLate: false })
  expect(onScene).toMatchObject({ doneMs: T0 + 50_000, isLate: false })
})

test('an order as it stood', () => {
  const steps = [
    { state: 'offered' as const, at: at(0), by: 'user:li' },
    { state: 'accepted' as const, at: at(9_000), by: 'user:crew' },
  ]
  const now = order('o', { state: 'accepted', steps })
  expect(orderAt(now, T0 + 5_000)).toMatchObject({ state: 'offered', steps: [{ state: 'offered' }] })
  expect(orderAt(now, T0 - 1)).toBeNull()
})

test('an ETA is an interval, and unknown is said', () => {
  expect(etaWords({ likelyS: 130, lowS: 80, highS: 245 })).toContain('2:10')
  expect(etaWords({ likelyS: 130, lowS: 80, highS: 245 })).toContain('4:05')
  expect(etaWords(undefined)).not.toContain(':')
})
