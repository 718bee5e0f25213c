// Every route of openapi.json against every role: who may do what stands in contracts/people.ts and nowhere else.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROLES, SCOPES, SCOPES_OF, type Scope } from '#contracts/people.ts'
import { type Operation } from './answers.ts'
import { startRoom, type Room } from './room.ts'

/** What each route needs; a route that is not here fails the test. */
const NEEDS: Record<string, Scope | 'public'> = {
  'POST /api/v1/session': 'public',
  'GET /api/v1/session': 'public',
  'DELETE /api/v1/session': 'public',
  'PUT /api/v1/session/password': 'public',
  'GET /api/v1/devices': 'read',
  'POST /api/v1/devices': 'devices:write',
  'GET /api/v1/devices/{id}': 'read',
  'PATCH /api/v1/devices/{id}': 'devices:write',
  'DELETE /api/v1/devices/{id}': 'devices:write',
  'GET /api/v1/devices/expected': 'read',
  'POST /api/v1/devices/import': 'devices:write',
  'GET /api/v1/devices/claims': 'devices:write',
  'POST /api/v1/devices/claims': 'devices:write',
  'DELETE /api/v1/devices/claims/{id}': 'devices:write',
  'POST /api/v1/claim': 'public',
  'POST /api/v1/devices/{id}/credentials': 'devices:write',
  'DELETE /api/v1/devices/{id}/credentials': 'devices:write',
  'GET /api/v1/desk/at': 'read',
  'GET /api/v1/desk/strip': 'read',
  'GET /api/v1/devices/{id}/readings': 'read',
  'GET /api/v1/readings/aggregate': 'read',
  'GET /api/v1/devices/{id}/video': 'read',
  'PUT /api/v1/devices/{id}/video': 'devices:write',
  'DELETE /api/v1/devices/{id}/video': 'devices:write',
  'GET /api/v1/devices/{id}/snapshot': 'read',
  'GET /api/v1/devices/{id}/video/stream': 'read',
  'GET /api/v1/devices/{id}/video/hls/{name}': 'read',
  'POST /api/v1/devices/{id}/video/whep': 'read',
  'GET /api/v1/incidents/{id}/cameras': 'read',
  'POST /api/v1/devices/{id}/commands': 'devices:command',
  'GET /api/v1/devices/{id}/commands': 'read',
  'GET /api/v1/devices/{id}/commands/{command}': 'read',
  'POST /api/v1/observations': 'observations:write',
  'GET /api/v1/observations': 'read',
  'GET /api/v1/observations/{id}': 'read',
  'GET /api/v1/observations/{id}/photos/{photo}': 'read',
  'GET /api/v1/cap': 'read',
  'GET /api/v1/cap/{id}': 'read',
  'GET /api/v1/alarms': 'read',
  'POST /api/v1/alarms': 'alarms:raise',
  'GET /api/v1/alarms/{id}': 'read',
  'POST /api/v1/alarms/{id}/acknowledge': 'alarms:handle',
  'POST /api/v1/alarms/{id}/shelve': 'alarms:handle',
  'POST /api/v1/alarms/{id}/unshelve': 'alarms:handle',
  'POST /api/v1/alarms/{id}/suppress': 'alarms:handle',
  'POST /api/v1/alarms/{id}/out-of-service': 'alarms:handle',
  'POST /api/v1/alarms/{id}/return-to-service': 'alarms:handle',
  'GET /api/v1/incidents': 'read',
  'GET /api/v1/incidents/{id}': 'read',
  'POST /api/v1/incidents/{id}/acknowledge': 'incidents:handle',
  'POST /api/v1/incidents/{id}/escalate': 'incidents:handle',
  'POST /api/v1/incidents/{id}/note': 'incidents:handle',
  'POST /api/v1/incidents/{id}/merge': 'incidents:handle',
  'POST /api/v1/incidents/{id}/close': 'incidents:handle',
  'POST /api/v1/incidents/{id}/control': 'incidents:handle',
  'POST /api/v1/incidents/{id}/reopen': 'incidents:handle',
  'POST /api/v1/incidents/{id}/dispatch': 'incidents:handle',
  'GET /api/v1/incidents/{id}/handover': 'read',
  'POST /api/v1/incidents/{id}/handover': 'incidents:handle',
  'GET /api/v1/incidents/{id}/handover/print': 'read',
  'GET /api/v1/posture': 'read',
  'PUT /api/v1/posture': 'incidents:handle',
  'GET /api/v1/orders': 'read',
  'POST /api/v1/orders/{id}/accept': 'orders:own',
  'POST /api/v1/orders/{id}/refuse': 'orders:own',
  'POST /api/v1/orders/{id}/en-route': 'orders:own',
  'POST /api/v1/orders/{id}/on-scene': 'orders:own',
  'POST /api/v1/orders/{id}/complete': 'orders:own',
  'POST /api/v1/orders/{id}/report': 'orders:own',
  'GET /api/v1/incidents/{id}/pictures/{picture}': 'read',
  'POST /api/v1/orders/{id}/withdraw': 'incidents:handle',
  'GET /api/v1/resources': 'read',
  'POST /api/v1/resources': 'resources:write',
  'GET /api/v1/resources/{id}': 'read',
  'PATCH /api/v1/resources/{id}': 'resources:write',
  'DELETE /api/v1/resources/{id}': 'resources:write',
  'GET /api/v1/resources/{id}/roster': 'read',
  'PUT /api/v1/resources/{id}/roster': 'resources:write',
  'POST /api/v1/resources/{id}/check-in': 'orders:own',
  'GET /api/v1/quarantine': 'read',
  'GET /api/v1/quarantine/{id}': 'read',
  'GET /api/v1/quarantine/{id}/payload': 'read',
  'POST /api/v1/quarantine/{id}/redrive': 'quarantine:write',
  'POST /api/v1/quarantine/redrive': 'quarantine:write',
  'POST /api/v1/quarantine/{id}/discard': 'quarantine:write',
  'GET /api/v1/accounting': 'read',
  'GET /api/v1/kpis': 'read',
  'GET /api/v1/reports/daily': 'read',
  'GET /api/v1/audit': 'audit:read',
  'GET /api/v1/users': 'users:write',
  'POST /api/v1/users': 'users:write',
  'PATCH /api/v1/users/{name}': 'users:write',
  'POST /api/v1/users/{name}/password': 'users:write',
  'DELETE /api/v1/users/{name}': 'users:write',
  'GET /api/v1/tokens': 'users:write',
  'POST /api/v1/tokens': 'users:write',
  'DELETE /api/v1/tokens/{name}': 'users:write',
  'GET /api/v1/rules': 'read',
  'GET /api/v1/rules/schema': 'read',
  'GET /api/v1/rules/recordings': 'read',
  'PUT /api/v1/rules': 'rules:write',
  'POST /api/v1/rules/backtest': 'rules:write',
  'GET /api/v1/district/{layer}': 'read',
  'GET /api/v1/district/basemap.pmtiles': 'read',
  'GET /api/v1/feed/{consumer}': 'feed',
  'POST /api/v1/feed/{consumer}': 'feed',
  'GET /api/v1/feed/{consumer}/rows': 'feed',
  'GET /api/v1/feed/{consumer}/stream': 'feed',
  'GET /api/v1/feed/{consumer}/incidents': 'feed',
  'GET /api/v1/flows': 'flows:read',
  'POST /api/v1/flows/check': 'flows:write',
  'POST /api/v1/flows/backtest': 'flows:write',
  'PUT /api/v1/flows/candidate': 'flows:write',
  'DELETE /api/v1/flows/candidate': 'flows:write',
  'GET /api/v1/flows/shadow': 'flows:read',
  'POST /api/v1/flows/promote': 'flows:approve',
  'POST /api/v1/flows/tabs/{id}/promote': 'flows:approve',
  'POST /api/v1/command-requests': 'commands:request',
  'GET /api/v1/command-requests': 'read',
  'POST /api/v1/command-requests/{id}/confirm': 'alarms:handle',
  'POST /api/v1/command-requests/{id}/refuse': 'alarms:handle',
  'GET /api/v1/live': 'public',
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'public',
}

let room: Room
let routes: { name: string; method: string; path: string; operation: Operation }[]
beforeAll(async () => {
  room = await startRoom()
  const { paths } = (await room.ask('/api/openapi.json', { as: null })).body
  routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  )
})
afterAll(() => room?.[Symbol.asyncDispose]())

const send = (route: { method: string; path: string }, as: string | null) =>
  room.ask(route.path.replaceAll(/\{\w+\}/g, 'none'), {
    as,
    method: route.method,
    ...(route.method === 'GET' || route.method === 'DELETE' ? {} : { json: {} }),
  })

test('openapi.json lists every route, each with the scope it needs', () => {
  expect(routes.map(route => route.name).toSorted()).toEqual(Object.keys(NEEDS).toSorted())
  for (const { name, operation } of routes) {
    const scope = NEEDS[name]
    if (scope !== 'public')
      expect({ name, description: operation.description }).toMatchObject({ description: expect.stringContaining(`\`${scope}\``) })
    expect({ name, errors: Object.keys(operation.responses).length }).toMatchObject({ errors: expect.any(Number) })
  }
})

describe.each(Object.entries(NEEDS).filter(([, scope]) => scope !== 'public'))('%s needs %s', (name, scope) => {
  const route = () => routes.find(one => one.name === name)!
  test('nobody: 401', async () => {
    expect(await send(route(), null)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    expect(await send(route(), 'fss_made-up-made-up-made-up')).toMatchObject({ status: 401 })
  })
  test.each(ROLES)('%s', async role => {
    const { status } = await send(route(), role)
    if (SCOPES_OF[role].includes(scope as Scope)) expect([401, 403]).not.toContain(status)
    else expect(status).toBe(403)
  })
  test('a token without just this scope: 403; with only it: let in', async () => {
    room.issue(
      'without',
      SCOPES.filter(one => one !== scope),
    )
    room.issue('only', [scope as Scope])
    expect(await send(route(), 'without')).toMatchObject({
      status: 403,
      body: { code: 'forbidden', message: expect.stringContaining(scope) },
    })
    expect([401, 403]).not.toContain((await send(route(), 'only')).status)
  })
})
