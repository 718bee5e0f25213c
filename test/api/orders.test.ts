// Orders and resources over HTTP and at the live socket: an officer sends, a crew sees its own and answers, and what is wrong changes nothing.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Order } from '#contracts/order.ts'
import type { Candidate, Resource } from '#contracts/resource.ts'
import { desk } from './desk.ts'
import { startRoom, type Room } from './room.ts'

let room: Room
let incidentId: string
const SCENE = { lat: 31.9, lon: 118.8 }
beforeAll(async () => {
  room = await startRoom()
  for (const [id, lat] of [
    ['mfs-1', 31.903],
    ['mfs-2', 31.91],
  ] as const) {
    const made = await room.post('/api/v1/resources', { id, kind: 'grid-officer', name: id, position: { lat, lon: 118.8 } }, 'officer')
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ state: 'not-ready', reasons: [{ code: 'never-heard' }] })
    await room.post(`/api/v1/resources/${id}/check-in`, {}, 'officer')
  }
  await room.ask('/api/v1/resources/mfs-1', { method: 'PATCH', json: { accounts: ['station'] } })
  const alarm = { idempotencyKey: 'k1', kind: 'fire-alarm', text: 'smoke', position: SCENE, place: { building: 'B2' } }
  incidentId = (await room.post('/api/v1/alarms', alarm, 'officer')).body.incident.id
})
afterAll(() => room?.[Symbol.asyncDispose]())

const candidatesOf = async (): Promise<Candidate[]> => (await room.ask(`/api/v1/incidents/${incidentId}`, { as: 'viewer' })).body.candidates

test('candidates come with an interval and reasons', async () => {
  const [first, second] = await candidatesOf()
  expect(first).toMatchObject({ resourceId: 'mfs-1', rank: 1, task: 'respond', travel: 'distance' })
  expect(first?.eta?.lowS).toBeLessThan(first?.eta?.highS ?? 0)
  expect(first?.reasons.map(r => r.code)).toContain('soonest')
  expect(second?.reasons.map(r => r.code)).toContain('slower')
})

test('an officer sends, the crew answers, the desk sees every step, the other officer is told', async () => {
  const view = await desk(room, { as: 'officer' })
  await view.until(() => view.messages[0])
  expect(view.messages[0]).toMatchObject({ type: 'snapshot', orders: [], resources: [{ id: 'mfs-1' }, { id: 'mfs-2' }] })
  const sent = await room.post(`/api/v1/incidents/${incidentId}/dispatch`, { resourceIds: ['mfs-1'] }, 'officer')
  expect(sent).toMatchObject({ status: 200, body: { state: 'dispatched', orders: [{ state: 'offered', offeredBy: 'user:officer' }] } })
  const { id } = (sent.body as unknown as { orders: Order[] }).orders[0]!
  const again = await room.post(`/api/v1/incidents/${incidentId}/dispatch`, { resourceIds: ['mfs-1'] })
  expect(again).toMatchObject({ status: 409, body: { code: 'conflict', message: expect.stringContaining('user:officer') } })

  const own = (await room.ask('/api/v1/orders?state=open', { as: 'station' })).body as unknown as { orders: Order[] }
  expect(own.orders.map(o => o.id)).toEqual([id])
  expect((await room.post(`/api/v1/orders/${id}/accept`, {}, 'viewer')).status).toBe(403)
  for (const verb of ['accept', 'en-route', 'on-scene'])
    expect((await room.post(`/api/v1/orders/${id}/${verb}`, {}, 'station')).status).toBe(200)
  const bad = await room.post(`/api/v1/orders/${id}/accept`, {}, 'station')
  expect(bad).toMatchObject({ status: 409, body: { message: expect.stringContaining('allowed now: complete, withdraw') } })
  await room.post(`/api/v1/orders/${id}/complete`, { note: '<b>out</b>' }, 'station')
  const after = (await room.ask(`/api/v1/orders?incident=${incidentId}`)).body as unknown as { orders: Order[] }
  // HTML in a note is text, stored and answered as it came
  expect(after.orders[0]).toMatchObject({ state: 'complete', reason: '<b>out</b>' })
  await view.until(() => view.deltas().some(m => m.type === 'delta' && m.orders?.some(o => o.state === 'complete')))
  view.close()
})

test('a crew neither sees nor moves the orders of others', async () => {
  const sent = await room.post(`/api/v1/incidents/${incidentId}/dispatch`, { resourceIds: ['mfs-2'] }, 'officer')
  const order = (sent.body as unknown as { orders: Order[] }).orders.at(-1)!
  expect(order.resourceId).toBe('mfs-2')
  expect((await room.post(`/api/v1/orders/${order.id}/accept`, {}, 'station')).status).toBe(403)
  const own = (await room.ask('/api/v1/orders', { as: 'station' })).body as unknown as { orders: Order[] }
  expect(own.orders.map(o => o.resourceId)).toEqual(['mfs-1'])
  expect((await room.ask(`/api/v1/resources/mfs-2`, { method: 'DELETE' })).status).toBe(409)
  expect((await room.post(`/api/v1/orders/${order.id}/withdraw`, { reason: 'not needed' }, 'officer')).status).toBe(200)
})

test('rosters: no shift now means off duty; overlapping ones are refused', async () => {
  const at = (h: number): string => new Date(Date.now() + h * 3_600_000).toISOString()
  const put = (shifts: object[]) => room.ask('/api/v1/resources/mfs-2/roster', { method: 'PUT', json: { shifts }, as: 'officer' })
  expect((await put([{ from: at(1), to: at(9), crew: 3 }])).body).toMatchObject({ state: 'not-ready', reasons: [{ code: 'off-duty' }] })
  expect((await put([{ from: at(-1), to: at(9), crew: 3 }])).body).toMatchObject({ state: 'ready', crewOnDuty: 3 })
  const overlap = [
    { from: at(-1), to: at(9), crew: 3 },
    { from: at(8), to: at(12), crew: 3 },
  ]
  expect(await put(overlap)).toMatchObject({ status: 400 })
  const kept = (await room.ask('/api/v1/resources/mfs-2/roster')).body as unknown as { shifts: object[] }
  expect(kept.shifts).toHaveLength(1)
})

test('bad input: clear error, nothing changed', async () => {
  expect((await room.ask('/api/v1/resources/nobody')).status).toBe(404)
  expect((await room.post('/api/v1/orders/nothing/accept', {}, 'officer')).status).toBe(404)
  expect((await room.post('/api/v1/incidents/none/dispatch', {}, 'officer')).status).toBe(404)
  expect((await room.post('/api/v1/resources', { id: 'x', kind: 'submarine' }, 'officer')).status).toBe(400)
  expect((await room.post('/api/v1/resources', { id: 'mfs-1', kind: 'engine' }, 'officer')).status).toBe(409)
  expect((await room.post('/api/v1/resources', { id: 'y', kind: 'engine', position: { lat: 0, lon: 0 } }, 'officer')).status).toBe(400)
  const all = (await room.ask('/api/v1/resources')).body as unknown as { resources: Resource[]; total: number }
  expect(all.total).toBe(2)
})
