// Logging in and out: cookie, bearer, expiry, lock-out, forged requests, and that no secret is ever written down.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { SESSION_MS } from '../../dashboard/api/accounts.ts'
import { type Answer } from './answers.ts'
import { PASSWORD, startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['admin', 'officer'] })
})
afterAll(() => room?.[Symbol.asyncDispose]())
afterEach(() => {
  room.clock.shiftMs = 0
})

const login = (username: string, password: string, headers: Record<string, string> = {}): Promise<Answer> =>
  room.ask('/api/v1/session', { as: null, method: 'POST', json: { username, password }, headers })
const cookieOf = (answer: Answer): string => answer.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
const origin = () => room.url

test('a login answers a token, who one is, and an HttpOnly cookie that stays on this site', async () => {
  const answer = await login('officer', PASSWORD)
  expect(answer).toMatchObject({ status: 200, body: { principal: { name: 'officer', kind: 'user', role: 'officer' } } })
  expect(answer.headers.get('set-cookie')).toMatch(
    /^fengsui_session=fss_[\w-]{43}; Max-Age=43(199|200); Path=\/; HttpOnly; SameSite=Strict$/,
  )
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect((await login('officer', PASSWORD, { 'x-forwarded-proto': 'https' })).headers.get('set-cookie')).toContain('; Secure')
})

test('cookie and bearer are the same session; logging out ends it', async () => {
  const opened = await login('officer', PASSWORD)
  const cookie = cookieOf(opened)
  const { token } = opened.body
  expect((await room.ask('/api/v1/session', { as: null, headers: { cookie } })).body).toMatchObject({
    principal: { name: 'officer' },
    timeZone: 'Asia/Shanghai',
  })
  expect((await room.ask('/api/v1/session', { as: token })).status).toBe(200)
  const out = await room.ask('/api/v1/session', { as: null, method: 'DELETE', headers: { cookie, origin: origin() } })
  expect(out.status).toBe(204)
  expect(out.headers.get('set-cookie')).toMatch(/^fengsui_session=; .*Expires=Thu, 01 Jan 1970/)
  expect((await room.ask('/api/v1/session', { as: token })).body.code).toBe('unauthenticated')
  expect((await room.ask('/api/v1/kpis', { as: null, headers: { cookie } })).status).toBe(401)
})

test('after twelve hours the session is over', async () => {
  const { token } = (await login('officer', PASSWORD)).body
  room.clock.shiftMs = SESSION_MS - 60_000
  expect((await room.ask('/api/v1/kpis', { as: token })).status).toBe(200)
  room.clock.shiftMs = SESSION_MS + 1000
  expect((await room.ask('/api/v1/kpis', { as: token })).status).toBe(401)
})

test('after five wrong passwords the right one has to wait as well; another user does not', async () => {
  for (let i = 0; i < 5; i++)
    expect(await login('admin', `wrong password ${i}`)).toMatchObject({ status: 401, body: { code: 'bad-credentials' } })
  const locked = await login('admin', PASSWORD)
  expect(locked).toMatchObject({ status: 429, body: { code: 'too-many-requests' } })
  expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await login('officer', PASSWORD)).status).toBe(200)
  room.clock.shiftMs = 16_000
  expect((await login('admin', PASSWORD)).status).toBe(200)
  expect((await room.ask('/api/v1/audit')).body.entries.map(entry => entry.action)).toContain('session.lock')
})

test('twelve tries at once are counted like twelve tries', async () => {
  await room.accounts.addUser('zhou', 'viewer', PASSWORD)
  const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => login('zhou', `wrong password ${i}`)))
  expect(answers.map(answer => answer.status).toSorted()).toEqual([...Array<number>(5).fill(401), ...Array<number>(7).fill(429)])
})

test('a cookie counts only when the request comes from our own page', async () => {
  const cookie = cookieOf(await login('officer', PASSWORD))
  const note = (headers: Record<string, string>) =>
    room.ask('/api/v1/incidents/none/note', { as: null, method: 'POST', json: { note: 'x' }, headers: { cookie, ...headers } })
  const refused = { status: 403, body: { code: 'forbidden' } }
  expect(await note({})).toMatchObject(refused)
  expect(await note({ origin: 'https://evil.example' })).toMatchObject(refused)
  expect(await note({ origin: 'null' })).toMatchObject(refused)
  expect(await note({ 'sec-fetch-site': 'cross-site' })).toMatchObject(refused)
  expect(await note({ 'sec-fetch-site': 'same-site' })).toMatchObject(refused)
  expect(await note({ origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' })).toMatchObject(refused)
  expect(await note({ 'sec-fetch-site': 'same-origin' })).toMatchObject({ status: 404 })
  expect(await note({ origin: origin() })).toMatchObject({ status: 404 })
  // reading needs no proof: the answer cannot be read from elsewhere
  expect((await room.ask('/api/v1/kpis', { as: null, headers: { cookie, origin: 'https://evil.example' } })).status).toBe(200)
})

test('nobody is logged in from a foreign page either', async () => {
  expect(await login('officer', PASSWORD, { origin: 'https://evil.example' })).toMatchObject({ status: 403 })
})

test('a bearer token needs no origin', async () => {
  expect((await room.post('/api/v1/incidents/none/note', { note: 'x' }, 'officer')).status).toBe(404)
})

test('no password, token, cookie or authorization is ever logged or audited', async () => {
  const typo = 'my password in the wrong field'
  const opened = await login('officer', PASSWORD)
  await login(typo, PASSWORD)
  await room.ask(`/api/v1/alarms?area=${opened.body.token}`, { as: opened.body.token })
  await room.ask(`/api/v1/${opened.body.token}`, { as: opened.body.token })
  await room.ask('/api/v1/session', {
    as: null,
    method: 'POST',
    body: `{"password":"${PASSWORD}"`,
    headers: { 'content-type': 'application/json' },
  })
  const written = [...room.lines, JSON.stringify(room.dispatch.audit({ limit: 1000 }))].join('\n')
  expect(written).toContain('http request')
  expect(written).toContain('session.open')
  for (const secret of [PASSWORD, typo, opened.body.token, room.tokens['admin']!, 'fss_', 'Bearer', 'cookie'])
    expect(written).not.toContain(secret)
})

test('more than sixty logins a minute from one address are refused', async () => {
  const answers = await Promise.all(Array.from({ length: 70 }, () => room.ask('/api/v1/session', { as: null, method: 'POST', json: {} })))
  const refused = answers.filter(answer => answer.status === 429)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused[0]).toMatchObject({ body: { code: 'too-many-requests', requestId: expect.any(String) } })
  expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('one changes one’s own password with the one before; the other sessions end, this one stays, a token has none', async () => {
  await room.accounts.addUser('wang', 'officer', PASSWORD)
  // not over HTTP: the tests before may have used up the logins of a minute
  const mine = (await room.accounts.login('wang', PASSWORD)).token
  const other = (await room.accounts.login('wang', PASSWORD)).token
  const change = (before: string, password: string, as = mine) =>
    room.ask('/api/v1/session/password', { as, method: 'PUT', json: { before, password } })
  expect(await change('wrong password', 'another good one')).toMatchObject({ status: 401, body: { code: 'bad-credentials' } })
  expect((await change(PASSWORD, 'short')).status).toBe(400)
  room.issue('service', ['read'])
  expect((await change(PASSWORD, 'another good one', 'service')).status).toBe(403)
  expect(
    (await room.ask('/api/v1/session/password', { as: null, method: 'PUT', json: { before: PASSWORD, password: 'another good one' } }))
      .status,
  ).toBe(401)
  expect((await change(PASSWORD, 'another good one')).status).toBe(204)
  expect((await room.ask('/api/v1/kpis', { as: mine })).status).toBe(200)
  expect((await room.ask('/api/v1/kpis', { as: other })).status).toBe(401)
  await expect(room.accounts.login('wang', PASSWORD)).rejects.toThrow('wrong')
  expect((await room.accounts.login('wang', 'another good one')).principal.name).toBe('wang')
  const entries = (await room.ask('/api/v1/audit')).body.entries
  expect(entries.find(one => one.action === 'user.own-password')).toMatchObject({ actor: 'user:wang', subject: 'wang' })
  for (let i = 0; i < 5; i++) await change('wrong password', 'another good one')
  expect((await change('another good one', 'a third good one')).status).toBe(429)
  expect(JSON.stringify([entries, room.lines])).not.toMatch(/another good one|wrong password/)
})
