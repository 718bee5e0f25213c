// People and service tokens over HTTP: secrets are answered once and written nowhere, a disabled person is out at once, nobody locks
// himself or the last administrator out.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PASSWORD, startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom()
})
afterAll(() => room[Symbol.asyncDispose]())

const patch = (name: string, json: object) => room.ask(`/api/v1/users/${name}`, { method: 'PATCH', json })

test('a person is added with a password that is answered once and stands in no log and no audit', async () => {
  const made = await room.post('/api/v1/users', { username: 'chen', role: 'officer' })
  expect(made.status).toBe(201)
  const { password } = made.body
  expect((await room.accounts.login('chen', password)).principal.role).toBe('officer')
  expect([...room.lines, JSON.stringify(room.dispatch.audit({ limit: 100 }))].join('\n')).not.toContain(password)
  expect(room.dispatch.audit({ limit: 1 })).toMatchObject([{ actor: 'user:admin', action: 'user.add', subject: 'chen' }])
  const given = await room.post('/api/v1/users', { username: 'wang', role: 'viewer', password: PASSWORD })
  expect(given.body).toEqual({ username: 'wang' })
  expect((await room.post('/api/v1/users', { username: 'CHEN', role: 'viewer' })).status).toBe(409)
  expect((await room.post('/api/v1/users', { username: 'li', role: 'viewer', password: 'short' })).status).toBe(400)
  const { users } = (await room.ask('/api/v1/users')).body
  expect(users.find(user => user.username === 'chen')).toMatchObject({ role: 'officer', disabled: false })
})

test('another role holds from the next request on; disabled is logged out at once and cannot log in, until enabled', async () => {
  const { token } = await room.accounts.login('wang', PASSWORD)
  expect((await patch('wang', { role: 'engineer' })).body).toMatchObject({ username: 'wang', role: 'engineer', disabled: false })
  expect(room.accounts.principal(token)?.role).toBe('engineer')
  expect((await patch('wang', { disabled: true })).body.disabled).toBe(true)
  expect(room.accounts.principal(token)).toBeNull()
  await expect(room.accounts.login('wang', PASSWORD)).rejects.toMatchObject({ code: 'bad-credentials' })
  await patch('wang', { disabled: false })
  expect((await room.accounts.login('wang', PASSWORD)).principal.role).toBe('engineer')
  expect((await patch('nobody', { disabled: true })).status).toBe(404)
  expect((await patch('wang', {})).status).toBe(400)
})

test('a new password ends the sessions there are', async () => {
  const { token } = await room.accounts.login('wang', PASSWORD)
  const { password } = (await room.post('/api/v1/users/wang/password', {})).body
  expect(room.accounts.principal(token)).toBeNull()
  await room.accounts.login('wang', password)
  expect((await room.post('/api/v1/users/nobody/password', {})).status).toBe(404)
})

test('nobody disables, demotes or removes himself, nor the last administrator', async () => {
  for (const answer of [
    await patch('admin', { disabled: true }),
    await patch('Admin', { role: 'viewer' }),
    await room.ask('/api/v1/users/admin', { method: 'DELETE' }),
  ])
    expect(answer.status).toBe(409)
  room.issue('provisioning', ['users:write'])
  const byToken = await room.ask('/api/v1/users/admin', { method: 'PATCH', json: { disabled: true }, as: 'provisioning' })
  expect(byToken.body).toMatchObject({ code: 'conflict', message: 'admin is the last administrator' })
  expect((await room.ask('/api/v1/users/chen', { method: 'DELETE' })).status).toBe(204)
  expect((await room.ask('/api/v1/users/chen', { method: 'DELETE' })).status).toBe(404)
})

test('a disabled administrator is none: the other one is the last', async () => {
  await room.post('/api/v1/users', { username: 'second', role: 'admin', password: PASSWORD })
  await patch('second', { disabled: true })
  expect(() => room.accounts.removeUser('admin')).toThrow('last administrator')
})

test('a service token is answered once, replaced under its name, and void at once', async () => {
  const first = (await room.post('/api/v1/tokens', { name: 'wall', scopes: ['read'] })).body.token
  const second = (await room.post('/api/v1/tokens', { name: 'wall', scopes: ['read', 'feed'] })).body.token
  expect([room.accounts.principal(first), room.accounts.principal(second)?.scopes]).toEqual([null, ['read', 'feed']])
  const listed = (await room.ask('/api/v1/tokens')).text
  expect(listed).toContain('wall')
  expect(listed).not.toContain(second)
  expect((await room.ask('/api/v1/tokens/wall', { method: 'DELETE' })).status).toBe(204)
  expect(room.accounts.principal(second)).toBeNull()
  expect((await room.ask('/api/v1/tokens/wall', { method: 'DELETE' })).status).toBe(404)
  expect((await room.post('/api/v1/tokens', { name: 'wall', scopes: [] })).status).toBe(400)
})
