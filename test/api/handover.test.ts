// The hand-over to 119 over HTTP: made by hand and by a second trigger, as JSON and as a page, in both languages; and the switch of posture.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { alarmBody, startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['admin', 'officer', 'viewer'] })
})
afterAll(() => room[Symbol.asyncDispose]())

const raised = async (building: string, o: object = {}): Promise<string> =>
  (await room.post('/api/v1/alarms', alarmBody({ place: { building }, ...o }), 'officer')).body.incident.id
const handover = (id: string, as = 'officer') => room.ask(`/api/v1/incidents/${id}/handover`, { as })

test('there is none until somebody makes one; each is a package of its own, and the newest is shown', async () => {
  const id = await raised('handed')
  const none = await handover(id)
  expect([none.status, none.body.code]).toEqual([404, 'not-found'])
  expect((await room.ask(`/api/v1/incidents/${id}/handover/print`)).status).toBe(404)
  const first = await room.post(`/api/v1/incidents/${id}/handover`, undefined, 'officer')
  expect(first.status).toBe(201)
  expect(first.body).toMatchObject({ version: 1, id: `${id}-119-1`, incidentId: id, why: 'by-hand', by: 'user:officer', alarmsInAll: 1 })
  await room.post(`/api/v1/incidents/${id}/note`, { note: 'stairs blocked' }, 'officer')
  expect((await room.post(`/api/v1/incidents/${id}/handover`, {}, 'officer')).body).toMatchObject({ id: `${id}-119-2`, notes: [{}] })
  expect((await handover(id, 'viewer')).body.id).toBe(`${id}-119-2`)
  const { body } = await room.ask(`/api/v1/incidents/${id}`)
  expect(body.timeline.filter((line: { what: string }) => line.what === 'handover')).toHaveLength(2)
  expect(body.handoverAt).toBeDefined()
})

test('a second trigger makes one by itself', async () => {
  const id = await raised('confirmed', { deviceId: 'd1' })
  await raised('confirmed', { deviceId: 'd2' })
  expect((await handover(id)).body).toMatchObject({ why: 'confirmed', by: 'system', alarmsInAll: 2, place: { building: 'confirmed' } })
})

test('the page says it in the language asked for, runs no script, and shows what stands in a note as text', async () => {
  const id = await raised('<b>tower</b>')
  await room.post(`/api/v1/incidents/${id}/note`, { note: '<img src=x onerror=alert(1)>' }, 'officer')
  await room.post(`/api/v1/incidents/${id}/handover`, {}, 'officer')
  const pages = await Promise.all(['', '?lang=en', '?lang=zh-CN'].map(lang => room.ask(`/api/v1/incidents/${id}/handover/print${lang}`)))
  for (const page of pages) {
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(page.text).toContain('&lt;img src=x')
    expect(page.text).not.toMatch(/<img|<b>tower|<script/)
    expect(page.text).toContain(`${id}-119-1`)
  }
  expect(pages[0]?.text).toBe(pages[2]?.text)
  expect(pages[1]?.text).not.toBe(pages[0]?.text)
  expect((await room.ask(`/api/v1/incidents/${id}/handover/print?lang=fr`)).status).toBe(400)
})

test('what is not there, and what is not asked for rightly, is said and changes nothing', async () => {
  const id = await raised('wrong')
  expect((await room.post('/api/v1/incidents/F0000-NONE/handover', {}, 'officer')).status).toBe(404)
  expect((await room.post(`/api/v1/incidents/${id}/handover`, { by: 'somebody else' }, 'officer')).status).toBe(400)
  expect((await handover(id)).status).toBe(404)
})

test('the posture is switched once, with a reason; the second officer is told by whom', async () => {
  const put = (json: object, as = 'officer') => room.ask('/api/v1/posture', { as, method: 'PUT', json })
  expect((await put({ mode: 'emergency' })).status).toBe(400)
  expect((await put({ mode: 'war', reason: 'x' })).status).toBe(400)
  expect((await put({ mode: 'emergency', reason: 'factory fire' })).body).toMatchObject({ mode: 'emergency', by: 'officer' })
  const again = await put({ mode: 'emergency', reason: 'factory fire' }, 'admin')
  expect([again.status, again.body.message]).toEqual([409, expect.stringContaining('officer')])
  expect((await room.ask('/api/v1/posture', { as: 'viewer' })).body).toMatchObject({ mode: 'emergency', reason: 'factory fire' })
  expect((await put({ mode: 'peacetime', reason: 'over' })).status).toBe(200)
})
