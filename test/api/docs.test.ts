// docs/api.md names exactly the paths and scopes that exist.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROLES, SCOPES, SCOPES_OF } from '#contracts/people.ts'
import { startRoom } from './room.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8')

test('every path of openapi.json is on the page, and every path on the page exists', async () => {
  const room = await startRoom({ roles: [] })
  const { paths } = (await room.ask('/api/openapi.json', { as: null })).body
  const real = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(method => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  )
  const named = [...page.matchAll(/`((?:GET|POST|PATCH|DELETE|PUT) \/api\/v1\/[^`?]+)[`?]/g)].map(match => match[1]!)
  expect(named.filter(name => !real.includes(name))).toEqual([])
  const missing = real.filter(name => !page.includes(name) && !/session$|\/(unshelve|out-of-service|return-to-service)$/.test(name))
  expect(missing.filter(name => name.includes('/api/'))).toEqual([])
  for (const verb of ['unshelve', 'out-of-service', 'return-to-service', '/healthz', '/readyz', '/metrics'])
    expect(page).toContain(`\`${verb}`)
  await room[Symbol.asyncDispose]()
})

test('the roles are as in contracts/people.ts', () => {
  for (const role of ROLES) {
    const said = new RegExp(`^\\| ${role} \\| (.*) \\|$`, 'm').exec(page)?.[1]?.split(', ').toSorted()
    expect({ role, said }).toEqual({ role, said: SCOPES_OF[role].length === SCOPES.length ? ['all'] : [...SCOPES_OF[role]].toSorted() })
  }
})
