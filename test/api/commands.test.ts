// Commands over HTTP: who may, once under a key, followed to their end; what is wrong is said and nothing is sent.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom()
  room.directory.register({ deviceId: 'uav-1', kind: 'drone' })
  room.directory.register({ deviceId: 'zigbee2mqtt:0x1', kind: 'smoke' })
  room.issue('caller', ['devices:command', 'read'])
})
afterAll(() => room[Symbol.asyncDispose]())
const post = (json: unknown, as = 'officer', headers: Record<string, string> = {}) =>
  room.ask('/api/v1/devices/uav-1/commands', { method: 'POST', json, as, headers })

test('an officer sends a drone, once under a key, and sees how far it has come', async () => {
  const asked = { command: 'go-to', parameters: { lat: 31.95, lon: 118.84, heightM: 60 }, idempotencyKey: 'k1' }
  const first = await post(asked)
  expect(first).toMatchObject({ status: 202, body: { state: 'queued', command: 'go-to', by: 'user:officer' } })
  const again = await post({ ...asked, idempotencyKey: undefined }, 'officer', { 'idempotency-key': 'k1' })
  expect(again).toMatchObject({ status: 200, body: { id: first.body.id } })
  await expect.poll(() => room.published.length).toBe(1)
  const path = `/api/v1/devices/uav-1/commands/${first.body.id}`
  await expect.poll(async () => (await room.ask(path)).body.state).toBe('sent')
  room.dispatch.commands.heard({ id: first.body.id, deviceId: 'uav-1', status: 'accepted' })
  expect((await room.ask(path, { as: 'viewer' })).body).toMatchObject({ state: 'acknowledged', answer: { status: 'accepted' } })
  expect((await room.ask('/api/v1/devices/uav-1/commands')).body.commands.map(c => c.id)).toEqual([first.body.id])
})

test.each([
  ['an engineer flies nothing', { command: 'take-off' }, 'engineer', 403, 'forbidden'],
  ['a viewer commands nothing', { command: 'hover' }, 'viewer', 403, 'forbidden'],
  ['a crew commands nothing', { command: 'hover' }, 'station', 403, 'forbidden'],
  ['a token may what an officer may', { command: 'reboot' }, 'caller', 403, 'forbidden'],
  ['a command that does not exist', { command: 'explode' }, 'admin', 400, 'invalid-request'],
  ['a command for something else', { command: 'close-valve' }, 'admin', 400, 'invalid-request'],
  ['a key used for something else', { command: 'land', idempotencyKey: 'k1' }, 'officer', 409, 'conflict'],
  ['fields nobody knows', { command: 'land', speed: 3 }, 'officer', 400, 'invalid-request'],
])('%s', async (_what, json, as, status, code) => {
  const before = room.published.length
  expect(await post(json, as)).toMatchObject({ status, body: { code } })
  expect(room.published).toHaveLength(before)
})

test('what is not there is not found, and what is not ours says so', async () => {
  expect((await room.post('/api/v1/devices/nobody/commands', { command: 'locate' })).status).toBe(404)
  expect((await room.ask('/api/v1/devices/uav-1/commands/nothing')).status).toBe(404)
  expect((await room.ask('/api/v1/devices/nobody/commands')).status).toBe(404)
  expect((await post({ command: 'hover' }, 'caller')).status).toBe(202)
})
