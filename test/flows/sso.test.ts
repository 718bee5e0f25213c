// The signed token between dashboard and Node-RED: what verifies, what does not, and what a role may do.
import { describe, expect, test } from 'vitest'
import { ROLES } from '#contracts/people.ts'
import { signToken, userOf, verifyToken } from '../../flows/sso.ts'

const NOW_MS = Date.parse('2026-03-01T00:00:00Z')
const claim = { name: '陈工', role: 'engineer', exp: NOW_MS / 1000 + 60 } as const

describe('verifyToken', () => {
  test('gives back what was signed', () => expect(verifyToken('s', signToken('s', claim), NOW_MS)).toEqual(claim))
  test('understands exp in milliseconds, and does not take it for a time in the far future', () => {
    const token = signToken('s', { ...claim, exp: NOW_MS + 60_000 })
    expect(verifyToken('s', token, NOW_MS)).not.toBeNull()
    expect(verifyToken('s', token, NOW_MS + 61_000)).toBeNull()
  })
  test.each([
    ['out of date', signToken('s', { ...claim, exp: NOW_MS / 1000 }), 's'],
    ['of another secret', signToken('t', claim), 's'],
    [
      'with another body under the signature',
      `${Buffer.from(JSON.stringify({ ...claim, role: 'admin' })).toString('base64url')}.${signToken('s', claim).split('.')[1]}`,
      's',
    ],
    ['empty', '', 's'],
    ['with more parts', `${signToken('s', claim)}.x`, 's'],
    ['signed, but no claim', signToken('s', null as never), 's'],
    ['signed, without exp', signToken('s', { name: 'a', role: 'admin' } as never), 's'],
  ])('refuses a token %s', (_, token, secret) => {
    expect(verifyToken(secret, token, NOW_MS)).toBeNull()
  })
})

test('no role may change what is installed; only engineer and admin deploy; a station sees nothing', () => {
  for (const role of ROLES) {
    const permissions = userOf('x', role)?.permissions ?? []
    for (const never of ['*', 'read', '*.read', 'write', '*.write', 'nodes.write', 'settings.write', 'library.write', 'context.write'])
      expect(permissions).not.toContain(never)
    for (const engineers of ['flows.write', 'credentials.read'])
      expect(permissions.includes(engineers)).toBe(role === 'engineer' || role === 'admin')
    expect(permissions.length > 0).toBe(role !== 'station')
  }
  expect(userOf('x', 'constructor')).toBeNull()
})
