// Users, sessions, service tokens and the lock-out, on a real accounts.db and a clock of our own.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SCOPES_OF } from '#contracts/people.ts'
import { openAccounts, SESSION_MS, type Accounts } from '../../dashboard/api/accounts.ts'
import { createLockout } from '../../dashboard/api/lockout.ts'

const PASSWORD = 'correct horse battery'
let dir: string
let accounts: Accounts
const clock = { ms: Date.UTC(2026, 6, 22), nowMs: () => clock.ms }

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'accounts-'))
  accounts = openAccounts({ dir, clock })
})
afterEach(() => {
  accounts.close()
  rmSync(dir, { recursive: true })
})

test('the first start makes one administrator and tells the password only if it was made here', async () => {
  const made = await accounts.ensureAdmin()
  expect(made.created).toBe(true)
  expect(made.password?.length).toBeGreaterThanOrEqual(16)
  expect((await accounts.login('admin', made.password!)).principal).toEqual({
    name: 'admin',
    kind: 'user',
    role: 'admin',
    scopes: SCOPES_OF.admin,
  })
  expect(await accounts.ensureAdmin(PASSWORD)).toEqual({ created: false })
  await expect(accounts.login('admin', PASSWORD)).rejects.toMatchObject({ code: 'bad-credentials' })
})

test('a given administrator password is used and not told', async () => {
  expect(await accounts.ensureAdmin(PASSWORD)).toEqual({ created: true })
  expect((await accounts.login('ADMIN', PASSWORD)).principal.name).toBe('admin')
})

test('a wrong password and an unknown user cannot be told apart', async () => {
  await accounts.addUser('chen', 'officer', PASSWORD)
  const wrong = await accounts.login('chen', 'not the password').catch((error: Error) => error)
  const unknown = await accounts.login('nobody', 'not the password').catch((error: Error) => error)
  expect(wrong).toMatchObject({ code: 'bad-credentials' })
  expect(unknown).toEqual(wrong)
})

test('a session ends after twelve hours, on logout, and when the password changes', async () => {
  await accounts.addUser('chen', 'officer', PASSWORD)
  const first = await accounts.login('chen', PASSWORD)
  expect(Date.parse(first.expiresAt) - clock.ms).toBe(SESSION_MS)
  expect(accounts.principal(first.token)?.name).toBe('chen')
  clock.ms += SESSION_MS
  expect(accounts.principal(first.token)).toBeNull()

  const second = await accounts.login('chen', PASSWORD)
  expect(accounts.logout(second.token)).toBe(true)
  expect(accounts.logout(second.token)).toBe(false)
  expect(accounts.principal(second.token)).toBeNull()

  const third = await accounts.login('chen', PASSWORD)
  await accounts.setPassword('chen', 'another long one')
  expect(accounts.principal(third.token)).toBeNull()
  expect((await accounts.login('chen', 'another long one')).principal.name).toBe('chen')
})

test('who is disabled, or given another password, while the password is being checked does not come in', async () => {
  await accounts.addUser('chen', 'officer', PASSWORD)
  const disabled = accounts.login('chen', PASSWORD)
  accounts.changeUser('chen', { disabled: true })
  await expect(disabled).rejects.toMatchObject({ code: 'bad-credentials' })
  accounts.changeUser('chen', { disabled: false })

  const set = accounts.setPassword('chen', 'another long one')
  const late = accounts.login('chen', PASSWORD).catch(() => null)
  await set
  // whichever of the two was quicker: nobody is in by the password of before
  const came = await late
  expect(came === null ? null : accounts.principal(came.token)).toBeNull()

  // who holds a stolen session and the password of before does not win against the administrator
  const { token } = await accounts.login('chen', 'another long one')
  const stolen = accounts.changePassword('chen', { before: 'another long one', password: 'the thief has this', token }).catch(() => {})
  await accounts.setPassword('chen', 'a third long one')
  await stolen
  await expect(accounts.login('chen', 'the thief has this')).rejects.toMatchObject({ code: 'bad-credentials' })
  expect((await accounts.login('chen', 'a third long one')).principal.name).toBe('chen')
})

test('no password and no token stands in the files', async () => {
  await accounts.addUser('chen', 'officer', PASSWORD)
  const { token } = await accounts.login('chen', PASSWORD)
  const service = accounts.issueToken('flows', ['feed']).token
  accounts.close()
  const files = readdirSync(dir).map(name => readFileSync(join(dir, name)))
  for (const secret of [PASSWORD, token, token.slice(4), service, service.slice(4)]) {
    for (const file of files) expect(file.includes(secret)).toBe(false)
  }
  accounts = openAccounts({ dir, clock })
  expect(accounts.principal(token)?.name).toBe('chen')
})

test('a service token has its scopes, is replaced under its name, and can be revoked', () => {
  const first = accounts.issueToken('flows', ['feed', 'alarms:raise']).token
  expect(accounts.principal(first)).toEqual({ name: 'flows', kind: 'token', scopes: ['feed', 'alarms:raise'] })
  const second = accounts.issueToken('flows', ['read']).token
  expect(accounts.principal(first)).toBeNull()
  expect(accounts.listTokens()).toMatchObject([{ name: 'flows', scopes: ['read'] }])
  expect(accounts.revokeToken('flows')).toBe(true)
  expect(accounts.principal(second)).toBeNull()
  expect(() => accounts.issueToken('x', ['everything' as 'read'])).toThrow(/everything is not one of/)
})

test('the last administrator cannot be removed; a removed user is out at once', async () => {
  await accounts.ensureAdmin(PASSWORD)
  expect(() => accounts.removeUser('Admin')).toThrow(/last administrator/)
  await accounts.addUser('boss', 'admin', PASSWORD)
  const { token } = await accounts.login('admin', PASSWORD)
  expect(accounts.removeUser('admin')).toBe(true)
  expect(accounts.principal(token)).toBeNull()
  expect(accounts.listUsers()).toMatchObject([{ username: 'boss', role: 'admin' }])
})

test('what is not allowed is refused with the reason', async () => {
  await accounts.addUser('chen', 'officer', PASSWORD)
  await expect(accounts.addUser('Chen', 'viewer', PASSWORD)).rejects.toMatchObject({ code: 'conflict' })
  await expect(accounts.addUser('li', 'viewer', 'short')).rejects.toThrow(/10 to 256/)
  await expect(accounts.addUser('li', 'king' as 'admin', PASSWORD)).rejects.toThrow(/role must be one of/)
  await expect(accounts.addUser('a b', 'viewer', PASSWORD)).rejects.toThrow(/user name/)
  await expect(accounts.setPassword('nobody', PASSWORD)).rejects.toMatchObject({ code: 'not-found' })
})

test('lock-out: five tries, then waits that double to a quarter of an hour, per name and address, bounded', () => {
  const lockout = createLockout({ clock })
  for (let i = 0; i < 4; i++) expect(lockout.failed('chen', '10.0.0.1')).toBe(false)
  expect(lockout.waitS('chen', '10.0.0.1')).toBe(0)
  expect(lockout.failed('chen', '10.0.0.1')).toBe(true)
  expect(lockout.waitS('Chen', '10.0.0.1')).toBe(15)
  expect(lockout.waitS('chen', '10.0.0.2')).toBe(0)
  clock.ms += 15_000
  expect(lockout.waitS('chen', '10.0.0.1')).toBe(0)
  lockout.failed('chen', '10.0.0.1')
  expect(lockout.waitS('chen', '10.0.0.1')).toBe(30)
  for (let i = 0; i < 10; i++) lockout.failed('chen', '10.0.0.1')
  expect(lockout.waitS('chen', '10.0.0.1')).toBe(900)
  lockout.succeeded('chen', '10.0.0.1')
  expect(lockout.waitS('chen', '10.0.0.1')).toBe(0)
  for (let i = 0; i < 12_000; i++) lockout.failed(`u${i}`, '10.0.0.1')
  expect(lockout.size()).toBe(10_000)
})
