// The desk's past over HTTP: any instant, the same each time, never the future; and the strip that leads there.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { alarmBody, startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['officer', 'viewer'] })
})
afterAll(() => room?.[Symbol.asyncDispose]())

const at = (ms: number): string => encodeURIComponent(new Date(ms).toISOString())
const deskAt = async (ms: number) =>
  (await room.ask(`/api/v1/desk/at?time=${at(ms)}`, { as: 'viewer' })).body as unknown as { incidents: object[] }

test('an incident is new, then acknowledged, then gone, each at its time', async () => {
  room.clock.shiftMs = -60 * 60_000
  const before = room.clock.nowMs() - 1
  const made = await room.post('/api/v1/alarms', alarmBody({ severity: 1 }), 'officer')
  const { id } = made.body['incident'] as { id: string }
  const raised = room.clock.nowMs()
  room.clock.shiftMs += 60_000
  await room.post(`/api/v1/incidents/${id}/acknowledge`, {}, 'officer')
  const taken = room.clock.nowMs()
  room.clock.shiftMs += 60_000
  await room.post(`/api/v1/incidents/${id}/close`, { cause: 'tea', falseAlarm: false }, 'officer')
  const done = room.clock.nowMs()
  room.clock.shiftMs = 0

  expect((await deskAt(before)).incidents).toEqual([])
  expect(await deskAt(raised)).toMatchObject({ incidents: [{ id, state: 'new' }], alarms: [{ incidentId: id, state: 'UNACK' }] })
  expect(await deskAt(taken)).toMatchObject({ incidents: [{ id, state: 'acknowledged', acknowledgedBy: 'officer' }] })
  expect((await deskAt(done)).incidents).toEqual([])
  expect(await deskAt(raised), 'asked again').toEqual(await deskAt(raised))

  const strip = await room.ask(`/api/v1/desk/strip?from=${at(before - 60_000)}&to=${at(done)}&step=60`, { as: 'viewer' })
  expect(strip.body).toMatchObject({ bars: [{ counts: [1, 0, 0, 0] }] })
})

test('the future and endless strips are refused with what is allowed', async () => {
  const future = await room.ask(`/api/v1/desk/at?time=${at(Date.now() + 60_000)}`, { as: 'viewer' })
  expect(future.status).toBe(400)
  expect(future.body['message']).toContain('future')
  const endless = await room.ask(`/api/v1/desk/strip?from=${at(0)}&to=${at(Date.now())}`, { as: 'viewer' })
  expect(endless.status).toBe(400)
  expect(endless.body['message']).toContain('1500')
  expect((await room.ask(`/api/v1/desk/at?time=${at(0)}`, { as: null })).status).toBe(401)
})
