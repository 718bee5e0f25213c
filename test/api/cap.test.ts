// The CAP feed over HTTP: an Atom list that names each message, and the message as XML; for who may read, and for nobody else.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { alarmBody, startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['admin', 'viewer'] })
})
afterAll(() => room[Symbol.asyncDispose]())

test('an incident stands in the feed, and its message can be fetched', async () => {
  await room.post('/api/v1/alarms', alarmBody({ place: { building: '<b>2</b>' } }))
  const feed = await room.ask('/api/v1/cap', { as: 'viewer' })
  expect(feed.status).toBe(200)
  expect(feed.headers.get('content-type')).toBe('application/atom+xml; charset=utf-8')
  expect(feed.text).not.toContain('<b>')
  const href = /href="(\/api\/v1\/cap\/[^"]+)"/.exec(feed.text)?.[1] ?? ''
  const message = await room.ask(href, { as: 'viewer' })
  expect(message.headers.get('content-type')).toBe('application/cap+xml; charset=utf-8')
  expect(message.headers.get('x-content-type-options')).toBe('nosniff')
  expect(message.text).toContain('<msgType>Alert</msgType>')
})

test('nobody reads it without a session, and what is not there is not found', async () => {
  expect((await room.ask('/api/v1/cap', { as: null })).status).toBe(401)
  expect((await room.ask('/api/v1/cap/nothing')).status).toBe(404)
  expect((await room.ask('/api/v1/cap?limit=0')).status).toBe(400)
})
