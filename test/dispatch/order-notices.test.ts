// What the crew's own terminal is told of its order, and what it answers: written with the order or not at all, only for who has it, and
// nothing of a drill. The same over a real broker and a real client is in test/station.test.ts.
import { expect, test } from 'vitest'
import type { Notification } from '../../dispatch/notifiers/notifier.ts'
import { ORDER_CHANNEL } from '../../dispatch/order-notices.ts'
import { raise, send } from './desk.ts'
import { fireAt, openWorld, SCENE, type World } from './stations.ts'

const due = ({ dispatch, clock }: World) => dispatch.outbox.due(ORDER_CHANNEL, clock.nowMs(), 10)
const told = (world: World): Notification[] => due(world).map(row => row.notification)
const sent = (): { world: World; id: string } => {
  const world = openWorld()
  const id = fireAt(world.dispatch)
  world.dispatch.dispatchIncident(id, { by: 'li' })
  return { world, id }
}
const hear = ({ dispatch }: World, id: string, status: 'received' | 'heard' | 'accepted' | 'refused', deviceId = 's1', reason?: string) =>
  dispatch.outbox.heard({ id, deviceId, status, ...(reason !== undefined && { reason }) })

test('an order is a row for its terminal, with all that the crew needs and no name of an officer', () => {
  const { world, id } = sent()
  const [row] = due(world)
  expect(row).toMatchObject({
    recipient: 's1',
    notification: { id: `${id}-1.order`, event: 'order', order: { id: `${id}-1`, deviceId: 's1' } },
  })
  expect(row?.notification.order?.clock?.onSceneBy).toBeDefined()
  expect(JSON.stringify(row)).not.toContain('user:li')
  expect(row && world.dispatch.outbox.addressOf(row)).toEqual({ to: 's1' })
  if (row !== undefined) world.dispatch.outbox.delivered(row)
  expect(world.dispatch.incident(id)?.timeline.at(-1)).toMatchObject({ what: 'notified', text: { en: 'Told s1 (order): order' } })
  // that a crew has its order is not when somebody outside was first told of the fire
  expect(world.dispatch.incident(id)?.waterfall.notifiedAt).toBeUndefined()
  expect(told(world)).toEqual([])
  world.dispatch.close()
})

test('what is pressed on it moves the order once; another terminal, and a word too late, move nothing', () => {
  const { world, id } = sent()
  const order = () => world.dispatch.order(`${id}-1`)
  expect(hear(world, `${id}-1.order`, 'accepted', 's2')).toBe(false)
  expect(order()?.state).toBe('offered')
  hear(world, `${id}-1.order`, 'received')
  world.clock.add(2_000)
  hear(world, `${id}-1.order`, 'heard')
  expect(order()?.heardAt).toBeDefined()
  const changes = hear(world, `${id}-1.order`, 'accepted')
  expect(changes).toMatchObject({ orders: [{ state: 'accepted' }], incidents: [{ state: 'accepted' }] })
  expect(order()?.steps.at(-1)).toMatchObject({ state: 'accepted', by: 'device:s1' })
  expect(hear(world, `${id}-1.order`, 'accepted'), 'again').toMatchObject({ orders: [] })
  const lines = world.dispatch.incident(id)?.timeline.map(entry => entry.what) ?? []
  expect(lines.filter(what => what === 'order-accepted' || what === 'order-heard')).toEqual(['order-heard', 'order-accepted'])
  expect(hear(world, 'F0000-NOBODY-1.order', 'accepted')).toBe(false)
  world.dispatch.close()
})

test('refused on it: the next crew is told, with the reason on record', () => {
  const { world, id } = sent()
  hear(world, `${id}-1.order`, 'refused', 's1', 'flat tyre')
  expect(world.dispatch.order(`${id}-1`)).toMatchObject({ state: 'refused', reason: 'flat tyre' })
  expect(told(world).map(n => [n.id, n.order?.deviceId])).toEqual([[`${id}-2.order`, 's2']])
  world.dispatch.close()
})

test('silence and withdrawal end what was not heard yet, and say so, for as long as it is news', () => {
  const { world, id } = sent()
  world.clock.add(61_000)
  for (const station of ['s1', 's2', 's3']) world.speak(station)
  world.dispatch.tick(world.clock.nowMs())
  expect(told(world).map(n => n.id)).toEqual([`${id}-1.order-ended`, `${id}-2.order`])
  world.dispatch.withdrawOrder(`${id}-2`, { by: 'li', reason: 'fire is out' })
  const rows = due(world)
  expect(rows.map(row => row.notification.id)).toEqual([`${id}-1.order-ended`, `${id}-2.order-ended`])
  expect(rows[1]?.notification.order?.reason).toBe('fire is out')
  world.clock.add(16 * 60_000)
  for (const row of rows) expect(world.dispatch.outbox.addressOf(row)).toBeNull()
  world.dispatch.close()
})

test('a row of a real incident only: nothing of a drill, nothing for who has no terminal of ours', () => {
  const world = openWorld()
  const { incident } = world.dispatch.raise({
    idempotencyKey: 'exercise',
    origin: 'user:li',
    kind: 'fire-alarm',
    position: SCENE,
    place: { building: 'school' },
    text: { zh: '演练', en: 'drill' },
    drill: true,
    by: 'li',
  })
  world.dispatch.dispatchIncident(incident.id, { by: 'li' })
  expect(world.dispatch.orders({ limit: 10 })).toHaveLength(1)
  expect(told(world)).toEqual([])
  world.speak('s2', { family: 'dji-cloud-api' })
  const [real] = send(world.dispatch, raise({ id: 'real', severity: 1, position: SCENE, place: { building: 'B9' } })).incidents
  world.dispatch.dispatchIncident(real?.id ?? '', { by: 'li', resourceIds: ['s2'] })
  expect(told(world)).toEqual([])
  world.dispatch.close()
})
