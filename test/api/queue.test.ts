// Alarms and incidents over HTTP, on the real dispatch.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { FengsuiError } from '#contracts/errors.ts'
import { desk } from './desk.ts'
import { alarmBody, startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['officer', 'admin', 'viewer'] })
  await room.accounts.addUser('chen', 'officer', 'a long password')
  room.tokens['chen'] = (await room.accounts.login('chen', 'a long password')).token
  room.issue('flows', ['alarms:raise', 'read'])
})
afterAll(() => room?.[Symbol.asyncDispose]())

const raise = async (o: Record<string, unknown> = {}, as = 'officer') => (await room.post('/api/v1/alarms', alarmBody(o), as)).body
const act = (path: string, json: unknown = {}, as = 'officer') => room.post(`/api/v1/${path}`, json, as)

test('a raised alarm stands in the queue with what it was raised with; the same key makes it once', async () => {
  const body = alarmBody({ deviceId: 'smk-1', place: { building: 'b', area: 'north' } })
  const first = await act('alarms', body)
  expect(first).toMatchObject({
    status: 201,
    body: { status: 'created', alarm: { kind: 'fire-alarm', state: 'UNACK', origin: 'user:officer' } },
  })
  const again = await act('alarms', body)
  expect(again).toMatchObject({ status: 200, body: { status: 'merged', alarm: { id: first.body.alarm.id } } })
  const one = await room.ask(`/api/v1/alarms/${first.body.alarm.id}`, { as: 'viewer' })
  expect(one.body).toMatchObject({ evidence: [], waterfall: { alarmAt: expect.any(String), incidentAt: expect.any(String) } })
  expect((await room.ask('/api/v1/alarms?state=UNACK,ACKED&area=north')).body.alarms.map(alarm => alarm.id)).toEqual([first.body.alarm.id])
  expect((await room.ask('/api/v1/alarms?area=south')).body.alarms).toEqual([])
  expect((await room.ask('/api/v1/alarms?since=2100-01-01T00:00:00Z')).body.alarms).toEqual([])
})

test('the key may come as a header; two different ones are refused', async () => {
  const body = alarmBody({ idempotencyKey: undefined })
  const send = (json: unknown) => room.ask('/api/v1/alarms', { method: 'POST', json, headers: { 'idempotency-key': 'from-header' } })
  expect((await send(body)).status).toBe(201)
  expect((await send(body)).status).toBe(200)
  expect((await send({ ...body, idempotencyKey: 'from-body' })).status).toBe(400)
})

test('a flow raises under its revision; a person cannot pretend to be one', async () => {
  expect((await raise({ origin: 'flow:a1b2c3' }, 'flows')).alarm.origin).toBe('flow:a1b2c3')
  expect((await raise({}, 'flows')).alarm.origin).toBe('token:flows')
  expect((await act('alarms', alarmBody({ origin: 'flow:a1b2c3' }))).status).toBe(400)
  expect((await act('alarms', alarmBody({ origin: 'rule:smoke' }), 'flows')).status).toBe(400)
})

test('a flow is answered when its alarm is on disk, and told so when that cannot be known; a person’s alarm is synced as it is made', async () => {
  const { promise, reject } = Promise.withResolvers<void>()
  const synced = vi.spyOn(room.dispatch, 'synced').mockReturnValueOnce(promise)
  const body = alarmBody({ origin: 'flow:a1b2c3', deviceId: 'smk-unsynced' })
  const live = await desk(room, { as: 'officer' })
  await live.until(() => live.messages.length > 0)
  let answer: Awaited<ReturnType<typeof act>> | undefined
  const posted = act('alarms', body, 'flows').then(one => (answer = one))
  await vi.waitFor(() => expect(synced).toHaveBeenCalledOnce())
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(answer).toBeUndefined()
  // a desk sees it all the same: when the flow asks again nothing changes any more
  await live.until(() => JSON.stringify(live.deltas()).includes('smk-unsynced'), 'the alarm of the flow')
  live.close()
  reject(new FengsuiError('room-unavailable', 'the disk'))
  await posted
  expect(answer).toMatchObject({ status: 503, body: { code: 'room-unavailable' } })
  // it asks again, and its alarm is there once
  expect(await act('alarms', body, 'flows')).toMatchObject({ status: 200, body: { status: 'merged' } })
  expect(synced).toHaveBeenCalledTimes(2)
  await raise()
  expect(synced).toHaveBeenCalledTimes(2)
  synced.mockRestore()
})

test('the second officer is told who was first and when', async () => {
  const { incident } = await raise()
  expect(await act(`incidents/${incident.id}/acknowledge`, { note: 'on it' }, 'chen')).toMatchObject({
    status: 200,
    body: { state: 'acknowledged', acknowledgedBy: 'chen' },
  })
  const second = await act(`incidents/${incident.id}/acknowledge`)
  expect(second).toMatchObject({ status: 409, body: { code: 'conflict' } })
  expect(second.body.message).toMatch(/by chen at \d{4}-\d\d-\d\dT/)
})

test('an incident from new to closed, each step in its timeline and in the audit', async () => {
  const { incident, alarm } = await raise()
  await act(`incidents/${incident.id}/acknowledge`)
  await act(`incidents/${incident.id}/note`, { note: 'crew called' })
  await act(`incidents/${incident.id}/escalate`, { seen: 'grid' })
  expect((await act(`incidents/${incident.id}/escalate`, { seen: 'grid' })).status).toBe(409)
  const closed = await act(`incidents/${incident.id}/close`, { cause: 'cooking', falseAlarm: true, note: 'aired' })
  expect(closed.body).toMatchObject({ state: 'closed', cause: 'cooking', falseAlarm: true, alarms: [{ id: alarm.id }] })
  const { body } = await room.ask(`/api/v1/incidents/${incident.id}`, { as: 'viewer' })
  expect(body.timeline.map(entry => entry.what)).toEqual(['opened', 'acknowledged', 'note', 'escalated', 'closed'])
  expect(body.timeline[1]).toMatchObject({ actor: 'user:officer' })
  const { entries } = (await room.ask('/api/v1/audit?limit=1000')).body
  expect(entries.filter(entry => entry.subject === incident.id).length).toBeGreaterThanOrEqual(4)
  expect(entries.every(entry => entry.actor !== '')).toBe(true)
  expect((await room.ask(`/api/v1/audit?before=${entries[0]!.seq}&limit=1`)).body.entries[0]!.seq).toBe(entries[0]!.seq - 1)
  const now = encodeURIComponent(new Date(Date.now() + 60_000).toISOString())
  const found = (await room.ask(`/api/v1/audit?actor=officer&action=incident.&subject=${incident.id}&to=${now}`)).body.entries
  expect(found.map(entry => entry.action).slice(0, 2)).toEqual(['incident.closed', 'incident.escalated'])
  expect((await room.ask(`/api/v1/audit?from=${now}`)).body).toEqual({ entries: [] })
  const open = (await room.ask('/api/v1/incidents?state=open')).body.incidents
  expect(open.map(one => one.id)).not.toContain(incident.id)
  expect((await room.ask('/api/v1/incidents?state=closed,merged&category=fire&limit=10000')).body.incidents.map(one => one.id)).toEqual([
    incident.id,
  ])
  expect(room.dispatch.verifyAudit()).toMatchObject({ ok: true })
})

test('two incidents of one fire become one', async () => {
  const [a, b] = [await raise(), await raise()]
  const merged = await act(`incidents/${b.incident.id}/merge`, { into: a.incident.id, reason: 'same stairwell' })
  expect(merged.body).toMatchObject({ state: 'merged', mergedInto: a.incident.id })
  expect((await room.ask(`/api/v1/incidents/${a.incident.id}`)).body.alarmIds).toEqual(expect.arrayContaining([a.alarm.id, b.alarm.id]))
})

test('one alarm: acknowledge, shelve, unshelve, suppress, out of service, return', async () => {
  const { alarm } = await raise({ severity: 3, kind: 'fault' })
  const verb = (name: string, json: object = {}) => act(`alarms/${alarm.id}/${name}`, json)
  expect((await verb('acknowledge', { note: 'seen' })).body).toMatchObject({ state: 'ACKED', acknowledgedBy: 'officer' })
  expect((await verb('acknowledge')).status).toBe(409)
  const until = new Date(Date.now() + 3_600_000).toISOString()
  expect((await verb('shelve', { reason: 'works', until })).body.state).toBe('SHLVD')
  expect((await verb('unshelve')).body.state).not.toBe('SHLVD')
  expect((await verb('shelve', { reason: 'works', until: new Date(Date.now() + 9 * 3_600_000).toISOString() })).status).toBe(400)
  expect((await verb('suppress', { reason: 'design' })).body.state).toBe('DSUPR')
  expect((await verb('return-to-service')).body.state).not.toBe('DSUPR')
  expect((await verb('out-of-service', { reason: 'repair' })).body.state).toBe('OOSRV')
  expect((await verb('suppress')).body.message).toBe('body.reason is missing')
})

test('a verb without a body is a verb without a note', async () => {
  const { incident } = await raise()
  expect((await room.ask(`/api/v1/incidents/${incident.id}/acknowledge`, { as: 'officer', method: 'POST' })).status).toBe(200)
})

test('the figures', async () => {
  const { body } = await room.ask('/api/v1/kpis', { as: 'viewer' })
  expect(body).toMatchObject({ openIncidents: expect.any(Number), devicesTotal: 0, devicesOnline: 0 })
})
