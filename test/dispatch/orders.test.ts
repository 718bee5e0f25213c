// Orders from the offer to the end, on a real database: who may do what, who is told that somebody was first, and what happens to an
// offer that nobody answers, also over a restart.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Order } from '#contracts/order.ts'
import { ORDER_TRANSITIONS } from '../../dispatch/order-states.ts'
import { codeOf, folder } from './desk.ts'
import { fireAt, openWorld, type World } from './stations.ts'

const orderOf = ({ dispatch }: World, id: string): Order => {
  const order = dispatch.order(id)
  if (order === undefined) throw new Error(`no order ${id}`)
  return order
}
const stateOf = ({ dispatch }: World, id: string): string | undefined => dispatch.incident(id)?.state
const messageOf = (act: () => unknown): string => {
  try {
    act()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe('an order', () => {
  it('goes from the offer to the end, and the incident with it; each step has actor and time', () => {
    const world = openWorld()
    const id = fireAt(world.dispatch)
    const sent = world.dispatch.dispatchIncident(id, { by: 'li' })
    const [order] = sent.orders
    expect(order).toMatchObject({ id: `${id}-1`, resourceId: 's1', state: 'offered', rank: 1, offeredBy: 'user:li', passesOn: true })
    expect(order?.eta?.lowS).toBeLessThan(order?.eta?.highS ?? 0)
    expect(sent.incidents[0]).toMatchObject({ state: 'dispatched', acknowledgedBy: 'li' })
    expect(world.dispatch.resource('s1')).toMatchObject({ state: 'busy', orderId: `${id}-1`, incidentId: id })

    const steps = [
      ['acceptOrder', 'accepted', 'accepted'],
      ['enRouteOrder', 'en-route', 'en-route'],
      ['onSceneOrder', 'on-scene', 'on-scene'],
      ['completeOrder', 'complete', 'controlled'],
    ] as const
    for (const [act, state, incident] of steps) {
      world.clock.add(30_000)
      world.dispatch[act](`${id}-1`, { by: 'crew' })
      expect(orderOf(world, `${id}-1`).state).toBe(state)
      expect(stateOf(world, id)).toBe(incident)
    }
    const done = orderOf(world, `${id}-1`)
    expect(done.steps.map(s => [s.state, s.by])).toEqual([
      ['offered', 'user:li'],
      ['accepted', 'user:crew'],
      ['en-route', 'user:crew'],
      ['on-scene', 'user:crew'],
      ['complete', 'user:crew'],
    ])
    expect(world.dispatch.resource('s1')?.state).toBe('ready')
    world.dispatch.closeIncident(id, { by: 'li', cause: 'cigarette', falseAlarm: false, feedback: 'out, 1 m2 burnt' })
    expect(world.dispatch.incident(id)).toMatchObject({ state: 'closed', feedback: 'out, 1 m2 burnt', controlledBy: 'user:crew' })
    const actions = world.dispatch.audit({ limit: 100 }).map(e => e.action)
    for (const what of ['order-offered', 'order-accepted', 'order-en-route', 'order-on-scene', 'order-complete', 'controlled', 'closed'])
      expect(actions).toContain(`incident.${what}`)
    expect(world.dispatch.verifyAudit().ok).toBe(true)
  })

  it('cannot be given twice: the second officer is told by whom and when', () => {
    const world = openWorld()
    const id = fireAt(world.dispatch)
    world.dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['s1'] })
    const said = messageOf(() => world.dispatch.dispatchIncident(id, { by: 'wang', resourceIds: ['s1'] }))
    expect(said).toContain(`${id}-1`)
    expect(said).toContain('user:li')
    expect(codeOf(() => world.dispatch.dispatchIncident(id, { by: 'wang', resourceIds: ['s2', 's1'] }))).toBe('conflict')
    expect(world.dispatch.orders({ limit: 10 })).toHaveLength(1)
    world.dispatch.acceptOrder(`${id}-1`, { by: 'crew' })
    const twice = messageOf(() => world.dispatch.acceptOrder(`${id}-1`, { by: 'other' }))
    expect(twice).toMatch(/accepted by user:crew at .*allowed now: refuse, en-route, on-scene, withdraw/)
  })

  it('that is refused goes on to the next; with nobody left the incident is given back', () => {
    const world = openWorld({ metres: [400, 900] })
    const id = fireAt(world.dispatch)
    world.dispatch.dispatchIncident(id, { by: 'li' })
    expect(codeOf(() => world.dispatch.refuseOrder(`${id}-1`, { by: 'crew' }))).toBe('invalid-request')
    world.dispatch.refuseOrder(`${id}-1`, { by: 'crew', reason: 'vehicle broken' })
    expect(orderOf(world, `${id}-2`)).toMatchObject({ resourceId: 's2', insteadOf: `${id}-1`, offeredBy: 'system' })
    expect(stateOf(world, id)).toBe('dispatched')
    world.dispatch.refuseOrder(`${id}-2`, { by: 'crew2', reason: 'no crew' })
    expect(stateOf(world, id)).toBe('acknowledged')
    expect(world.dispatch.incident(id)?.timeline.at(-1)?.what).toBe('nobody-left')
  })

  it('that nobody answers within 60 s goes on to the next, also when the system was down meanwhile', () => {
    using at = folder()
    const world = openWorld({ file: at.file })
    const id = fireAt(world.dispatch)
    world.dispatch.dispatchIncident(id, { by: 'li' })
    world.clock.add(59_999)
    expect(world.dispatch.tick(world.clock.nowMs()).orders).toEqual([])
    world.reopen()
    world.clock.add(1)
    const { orders } = world.dispatch.tick(world.clock.nowMs())
    expect(orders.map(o => [o.resourceId, o.state])).toEqual([
      ['s1', 'silent'],
      ['s2', 'offered'],
    ])
    world.dispatch.acceptOrder(`${id}-2`, { by: 'crew' })
    world.clock.add(600_000)
    world.dispatch.tick(world.clock.nowMs())
    expect(world.dispatch.orders({ limit: 9 })).toHaveLength(2)
    world.dispatch.close()
  })

  it('moves by what the terminal says of it, and only of it', () => {
    const world = openWorld()
    const id = fireAt(world.dispatch)
    world.dispatch.dispatchIncident(id, { by: 'li' })
    const task = (state: string, dispatchId = `${id}-1`): void =>
      world.speak('s1', { state: { readiness: 'responding', task: { dispatchId, state } } })
    task('acknowledged', 'some-other-order')
    expect(world.dispatch.tick(world.clock.nowMs()).orders).toEqual([])
    for (const [said, is] of [
      ['acknowledged', 'accepted'],
      ['departed', 'en-route'],
      ['arrived', 'on-scene'],
      ['controlled', 'complete'],
    ] as const) {
      task(said)
      world.dispatch.tick(world.clock.nowMs())
      expect(orderOf(world, `${id}-1`)).toMatchObject({ state: is })
    }
    expect(orderOf(world, `${id}-1`).steps.at(-1)?.by).toBe('device:s1')
  })

  it('follows its incident: merged it goes along, closed it ends', () => {
    const world = openWorld()
    const first = fireAt(world.dispatch, 'a1')
    const second = fireAt(world.dispatch, 'a2', { building: 'B9', position: { lat: 31.95, lon: 118.9 } })
    world.dispatch.dispatchIncident(first, { by: 'li', resourceIds: ['s1'] })
    world.dispatch.acceptOrder(`${first}-1`, { by: 'crew' })
    world.dispatch.mergeIncident(first, { by: 'li', into: second, reason: 'one fire' })
    expect(orderOf(world, `${first}-1`).incidentId).toBe(second)
    expect(stateOf(world, second)).toBe('accepted')
    world.dispatch.closeIncident(second, { by: 'li', cause: 'test', falseAlarm: true })
    expect(orderOf(world, `${first}-1`)).toMatchObject({ state: 'withdrawn', reason: 'the incident was closed' })
    expect(world.dispatch.resource('s1')?.state).toBe('ready')
    world.dispatch.reopenIncident(second, { by: 'li', reason: 'smoke again' })
    expect(world.dispatch.incident(second)).toMatchObject({ state: 'new' })
    expect(world.dispatch.incident(second)?.acceptedAt).toBeUndefined()
  })

  it('of a crew is moved by that crew or by an officer only', () => {
    const world = openWorld()
    const id = fireAt(world.dispatch)
    world.dispatch.changeResource('s1', { accounts: ['crew-1'] }, 'admin')
    world.dispatch.dispatchIncident(id, { by: 'li' })
    expect(codeOf(() => world.dispatch.acceptOrder(`${id}-1`, { by: 'crew-2', onlyFor: 'crew-2' }))).toBe('forbidden')
    world.dispatch.acceptOrder(`${id}-1`, { by: 'crew-1', onlyFor: 'crew-1' })
    expect(world.dispatch.orders({ limit: 5, account: 'crew-1' })).toHaveLength(1)
    expect(world.dispatch.orders({ limit: 5, account: 'crew-2' })).toHaveLength(0)
  })

  it('has the table of docs/dispatch.md', () => {
    const doc = readFileSync(join(import.meta.dirname, '../../docs/dispatch.md'), 'utf8')
    for (const { from, event, to } of ORDER_TRANSITIONS) expect(doc).toContain(`| ${from} | ${event} | ${to} |`)
  })
})

describe('what cannot be', () => {
  it('is refused, and nothing has changed', () => {
    const world = openWorld()
    const id = fireAt(world.dispatch)
    const { dispatch } = world
    const before = dispatch.audit({ limit: 1 })[0]?.seq
    expect(codeOf(() => dispatch.dispatchIncident('F0000-NONE', { by: 'li' }))).toBe('not-found')
    expect(codeOf(() => dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['nobody'] }))).toBe('not-found')
    expect(codeOf(() => dispatch.acceptOrder('nothing', { by: 'li' }))).toBe('not-found')
    world.devices.delete('s2')
    expect(codeOf(() => dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['s2'] }))).toBe('conflict')
    expect(codeOf(() => dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['s2'], evenIfNotReady: true }))).toBe('invalid-request')
    expect(codeOf(() => dispatch.controlIncident(id, { by: 'li' }))).toBe('conflict')
    expect(codeOf(() => dispatch.reopenIncident(id, { by: 'li', reason: 'x' }))).toBe('conflict')
    expect(dispatch.orders({ limit: 10 })).toEqual([])
    expect(dispatch.incident(id)?.state).toBe('new')
    expect(dispatch.audit({ limit: 1 })[0]?.seq).toBe(before)
    dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['s2'], evenIfNotReady: true, reason: 'phoned, they go' })
    expect(dispatch.orders({ limit: 10 })[0]).toMatchObject({ resourceId: 's2', steps: [{ reason: 'phoned, they go' }] })
  })
})
