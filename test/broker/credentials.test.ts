// How secrets are made, kept and checked.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { openCredentials, type Credentials } from '../../broker/credentials.ts'
import { hashSupplied, SecretCheck } from '../../broker/secrets.ts'

const undo: (() => void)[] = []
afterEach(() => {
  for (const each of undo.splice(0).toReversed()) each()
})

function open(dir = mkdtempSync(join(tmpdir(), 'fengsui-credentials-'))): { dir: string; credentials: Credentials } {
  const credentials = openCredentials({ dir })
  undo.push(
    () => rmSync(dir, { recursive: true, force: true }),
    () => credentials.close(),
  )
  return { dir, credentials }
}

test('a generated secret lets in, its neighbour does not, and it stands nowhere on disk', async () => {
  const { dir, credentials } = open()
  const { username, password } = await credentials.issue({ deviceId: 'd1' })
  expect(username).toBe('d1')
  expect(Buffer.from(password, 'base64url').length).toBeGreaterThanOrEqual(16)
  expect(await credentials.check('d1', password)).toMatchObject({ username: 'd1', grants: [] })
  for (const wrong of [`${password}x`, password.slice(1), '', 'x'.repeat(5000)]) expect(await credentials.check('d1', wrong)).toBeNull()
  expect(await credentials.check('d2', password)).toBeNull()
  for (const file of readdirSync(dir)) expect(readFileSync(join(dir, file)).includes(password)).toBe(false)
})

test('a password of the operator: right, wrong, changed', async () => {
  const { credentials } = open()
  await credentials.issue({ deviceId: 'd1', password: '火警119' })
  for (let i = 0; i < 3; i++) {
    expect(await credentials.check('d1', '火警119')).not.toBeNull()
    expect(await credentials.check('d1', '火警118')).toBeNull()
  }
  await credentials.issue({ deviceId: 'd1', password: 'another' })
  expect(await credentials.check('d1', '火警119')).toBeNull()
  expect(await credentials.check('d1', 'another')).not.toBeNull()
})

test('who is taken away while the password is checked does not come in', async () => {
  const { credentials } = open()
  await credentials.issue({ deviceId: 'd1', password: 'a long enough secret' })
  const check = credentials.check('d1', 'a long enough secret')
  credentials.revoke('d1')
  expect(await check).toBeNull()
})

test('a link undone elsewhere is seen here, also when the clock is set back', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-credentials-'))
  let nowMs = 3_600_000
  const here = openCredentials({ dir, clock: { nowMs: () => nowMs } })
  const elsewhere = open(dir).credentials
  undo.push(() => here.close())
  const { password } = await here.issue({ deviceId: 'gw' })
  here.link('d1', 'gw')
  const gateway = await here.check('gw', password)
  expect(gateway?.mayPublishFor('d1')).toBe(true)
  elsewhere.revoke('d1')
  nowMs = 0
  expect(gateway?.mayPublishFor('d1')).toBe(false)
})

test('a right password is slow once; a wrong one is slow every time', async () => {
  const stored = await hashSupplied('correct horse')
  expect(stored).toMatch(/^scrypt\$/)
  expect(await hashSupplied('9f86d081884c7d659a2feaa0c55ad015')).toMatch(/^sha256\$/)
  expect(await hashSupplied('0'.repeat(32))).toMatch(/^scrypt\$/)
  const secrets = new SecretCheck()
  expect(await secrets.matches(stored, 'correct horse')).toBe(true)
  const startedMs = performance.now()
  for (let i = 0; i < 2000; i++) expect(await secrets.matches(stored, 'correct horse')).toBe(true)
  expect(performance.now() - startedMs).toBeLessThan(3000) // 2,000 times scrypt would take a minute
  expect(await secrets.matches(stored, 'wrong horse')).toBe(false)
})

test('a storm of slow checks is bounded', async () => {
  const secrets = new SecretCheck()
  const stored = `scrypt$16$1$1$c2FsdA$${'A'.repeat(43)}` // a cheap one: how many, not how slow
  const outcomes = await Promise.allSettled(Array.from({ length: 520 }, (_, i) => secrets.matches(stored, `wrong ${i}`)))
  const refused = outcomes.filter(o => o.status === 'rejected')
  expect(refused).toHaveLength(18)
  for (const o of refused) expect(o.reason).toMatchObject({ code: 'too-many-requests' })
})

describe('the book', () => {
  test('imports 20,000 devices in one go', async () => {
    const { credentials } = open()
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ deviceId: `d${i}`, via: 'gw' }))
    const startedMs = performance.now()
    const issued = await credentials.importMany(rows)
    expect(performance.now() - startedMs).toBeLessThan(20_000)
    expect(issued).toHaveLength(20_000)
    expect(new Set(issued.map(i => i.password)).size).toBe(20_000)
    const some = issued[12_345]
    expect(await credentials.check(some?.username ?? '', some?.password ?? '')).not.toBeNull()
    const gateway = await credentials.issue({ deviceId: 'gw' })
    const identity = await credentials.check('gw', gateway.password)
    expect([identity?.mayPublishFor('d19999'), identity?.mayPublishFor('gw'), identity?.mayPublishFor('x')]).toEqual([true, true, false])
    expect(credentials.list()).toHaveLength(20_001)
  })

  test('one bad row and none is taken', async () => {
    const { credentials } = open()
    await expect(credentials.importMany([{ deviceId: 'good' }, { deviceId: 'not good' }])).rejects.toMatchObject({
      code: 'invalid-request',
    })
    await expect(credentials.importMany([{ deviceId: 'good', grants: ['a#'] }])).rejects.toThrow(/grant "a#"/)
    await expect(credentials.importMany([{ deviceId: 'good', via: 'good' }])).rejects.toThrow(/itself/)
    expect(credentials.list()).toEqual([])
  })

  test('lists who there is, with and without credentials, and forgets on revoke', async () => {
    const { credentials } = open()
    await credentials.issue({ deviceId: 'gw', grants: ['zigbee2mqtt/#'] })
    await credentials.issue({ deviceId: 'd1', via: 'gw' })
    credentials.link('d2', 'gw')
    expect(credentials.list().map(l => ({ ...l, createdAt: '' }))).toEqual([
      { deviceId: 'd1', via: 'gw', grants: [], createdAt: '' },
      { deviceId: 'd2', via: 'gw', grants: [], createdAt: '' },
      { deviceId: 'gw', grants: ['zigbee2mqtt/#'], createdAt: '' },
    ])
    expect([credentials.revoke('d2'), credentials.revoke('d1'), credentials.revoke('nobody')]).toEqual([true, true, false])
    expect(credentials.list().map(l => l.deviceId)).toEqual(['gw'])
  })

  test('what one process issues, another knows', async () => {
    const { dir, credentials } = open()
    const { credentials: other } = open(dir)
    const { password } = await other.issue({ deviceId: 'gw' })
    const identity = await credentials.check('gw', password)
    expect(identity?.mayPublishFor('d1')).toBe(false)
    other.link('d1', 'gw')
    expect(identity?.mayPublishFor('d1')).toBe(true)
    other.revoke('gw')
    expect(await credentials.check('gw', password)).toBeNull()
  })
})
