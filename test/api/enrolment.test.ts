// Devices in numbers: a CSV file looked at before it is taken, claim codes, other credentials in place of old ones, and who of
// those that were expected has been heard. Real credentials, directory and claims behind a real port.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectedOf } from '../../dashboard/api/expected.ts'
import { startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['engineer', 'viewer'] })
})
afterAll(() => room?.[Symbol.asyncDispose]())
const post = (path: string, json: unknown) => room.post(path, json, 'engineer')
const get = (path: string) => room.ask(path, { as: 'viewer' })
const mayCome = async ({ username, password }: { username: string; password: string }) =>
  (await room.credentials.check(username, password)) !== null

const SHEET = `deviceId,kind,via,name,building,lat,lon,grants
gw-9,gateway,,Gateway 9,b9,,,zigbee2mqtt/#
csv-1,smoke,gw-9,"hall, left",b9,31.9,118.8,
csv-2,heat,gw-9,,b9,,,
`

test('a file is looked at first: nothing is made, and it says what would be', async () => {
  const before = room.credentials.list().length
  expect(await post('/api/v1/devices/import', { csv: SHEET })).toMatchObject({
    status: 200,
    body: { rows: 3, problems: [], devices: [{ line: 2, deviceId: 'gw-9' }, { line: 3, name: 'hall, left', via: 'gw-9' }, { line: 4 }] },
  })
  expect(room.credentials.list()).toHaveLength(before)
})

test('every mistake is told by line and column, and with one nothing is registered', async () => {
  const csv = [
    'deviceId,kind,lat,lon,expectNextS,grants',
    'bad id,smoke,,,,',
    'ok-1,toaster,,,,',
    'ok-2,smoke,91,0,,',
    'ok-3,smoke,31,,,',
    'ok-4,smoke,0,0,,',
    'ok-5,smoke,,,1.5,',
    'ok-6,smoke,,,,a/#/b',
    'ok-7,smoke,,,,',
    'ok-7,smoke,,,,',
    'anonymous,smoke,,,,',
  ].join('\n')
  const { body } = await post('/api/v1/devices/import', { csv })
  expect(body.rows).toBe(1)
  expect(body.problems.map(({ line, column }) => `${line} ${column ?? '-'}`)).toEqual([
    '2 deviceId',
    '3 kind',
    '4 lat',
    '5 lon',
    '6 lat',
    '7 expectNextS',
    '8 -',
    '10 deviceId',
    '11 -',
  ])
  const answer = await post('/api/v1/devices/import', { csv, commit: true })
  expect(answer).toMatchObject({
    status: 400,
    body: { code: 'invalid-request', message: expect.stringMatching(/nothing was registered: line 2: .*; and 4 more/) },
  })
  expect((await get('/api/v1/devices/ok-7')).status).toBe(404)
  for (const [other, message] of [
    ['', /line 1|no row/],
    ['deviceId,colour\nx,red', /no column is called colour/],
    ['deviceId,kind\nx,smoke,more', /Length|columns/i],
    ['deviceId\n"open', /quote/i],
  ] as const) {
    const { problems } = (await post('/api/v1/devices/import', { csv: other })).body
    expect(JSON.stringify(problems)).toMatch(message)
  }
})

test('committed, as text/csv too, all are registered and their credentials answered once', async () => {
  const answer = await room.ask('/api/v1/devices/import?commit=true', {
    as: 'engineer',
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: SHEET,
  })
  expect(answer.status).toBe(201)
  expect(answer.body.devices.map(entry => entry.deviceId)).toEqual(['gw-9', 'csv-1', 'csv-2'])
  for (const { credentials } of answer.body.devices) expect(await mayCome(credentials)).toBe(true)
  const gateway = answer.body.devices[0]!.credentials
  expect((await room.credentials.check(gateway.username, gateway.password))?.mayPublishFor('csv-2')).toBe(true)
  expect((await get('/api/v1/devices/csv-1')).body).toMatchObject({ name: 'hall, left', place: { building: 'b9' }, via: 'gw-9' })
  expect(JSON.stringify(room.dispatch.audit({ limit: 100 }))).not.toContain(gateway.password)
  const again = await post('/api/v1/devices/import', { csv: SHEET })
  expect(again.body.problems.map(({ line, message }) => [line, message])).toEqual([2, 3, 4].map(line => [line, 'registered already']))
  expect((await room.ask('/api/v1/devices/import', { as: 'viewer', method: 'POST', json: { csv: SHEET } })).status).toBe(403)
})

test('a claim code is good once, in time, however it is typed, and gives the device what was said of it', async () => {
  const { body } = await post('/api/v1/devices/claims', {
    devices: [
      { deviceId: 'box-1', kind: 'smoke', name: 'kitchen', place: { building: 'b2' } },
      { deviceId: 'box-2', kind: 'gateway', grants: ['zigbee2mqtt/#'] },
    ],
    expiresInS: 3600,
  })
  const [one, two] = body.claims
  expect(one!.code).toMatch(/^([0-9A-Z]{5}-){3}[0-9A-Z]{5}$/)
  const open = await room.ask('/api/v1/devices/claims', { as: 'engineer' })
  expect(open.body.claims.map(claim => claim.deviceId)).toEqual(['box-1', 'box-2'])
  expect(open.text).not.toContain(one!.code)
  const claim = (code: string) => room.ask('/api/v1/claim', { as: null, method: 'POST', json: { code } })
  const typed = one!.code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')
  const given = await claim(typed)
  expect(given).toMatchObject({ status: 201, body: { deviceId: 'box-1', device: { name: 'kitchen', condition: 'unknown' } } })
  expect(await mayCome(given.body.credentials)).toBe(true)
  expect((await claim(one!.code)).status).toBe(401)
  expect((await claim('00000-00000-00000-00000')).status).toBe(401)
  // two at once: one gets it
  const both = await Promise.all([claim(two!.code), claim(two!.code)])
  expect(both.map(answer => answer.status).toSorted()).toEqual([201, 401])
  const gateway = both.find(answer => answer.status === 201)!.body.credentials
  expect((await room.credentials.check(gateway.username, gateway.password))?.grants).toEqual(['zigbee2mqtt/#'])
  expect((await post('/api/v1/devices/claims', { devices: [{ deviceId: 'box-1', kind: 'smoke' }] })).status).toBe(409)
  expect(room.dispatch.audit({ limit: 1 })).toMatchObject([{ actor: expect.stringMatching(/^device:box-[12]$/), action: 'device.claim' }])
})

test('a claim code ends in time, and by hand, and a newer one makes the older void', async () => {
  const make = async () =>
    (await post('/api/v1/devices/claims', { devices: [{ deviceId: 'box-3', kind: 'smoke' }], expiresInS: 60 })).body.claims[0]!.code
  const claim = async (code: string) => (await room.ask('/api/v1/claim', { as: null, method: 'POST', json: { code } })).status
  const older = await make()
  const newer = await make()
  expect(await claim(older)).toBe(401)
  room.clock.shiftMs += 61_000
  expect(await claim(newer)).toBe(401)
  room.clock.shiftMs -= 61_000
  const third = await make()
  expect((await room.ask('/api/v1/devices/claims/box-3', { as: 'engineer', method: 'DELETE' })).status).toBe(204)
  expect(await claim(third)).toBe(401)
})

test('who tries claim codes too often has to wait', async () => {
  const codes = Array.from({ length: 40 }, () => '00000-00000-00000-00000')
  const statuses = new Set<number>()
  for (const code of codes) statuses.add((await room.ask('/api/v1/claim', { as: null, method: 'POST', json: { code } })).status)
  expect(statuses.has(429)).toBe(true)
})

test('other credentials: the old ones end at once, or are right for a while', async () => {
  const { credentials: first } = (await post('/api/v1/devices', { deviceId: 'rot-1', kind: 'smoke' })).body
  const since = room.credentials.endedSince(null).upTo
  const rotate = async (keepOldS?: number) =>
    (await post('/api/v1/devices/rot-1/credentials', keepOldS === undefined ? {} : { keepOldS })).body.credentials
  const second = await rotate(600)
  expect([await mayCome(first), await mayCome(second)]).toEqual([true, true])
  expect(room.credentials.endedSince(since).usernames).toEqual([])
  room.clock.shiftMs += 601_000
  expect([await mayCome(first), await mayCome(second)]).toEqual([false, true])
  const third = await rotate()
  expect([await mayCome(second), await mayCome(third)]).toEqual([false, true])
  expect(room.credentials.endedSince(since).usernames).toEqual(['rot-1'])
  const taken = await room.ask('/api/v1/devices/rot-1/credentials', { as: 'engineer', method: 'DELETE' })
  expect([taken.status, await mayCome(third)]).toEqual([204, false])
  expect((await get('/api/v1/devices/rot-1')).status).toBe(200)
  expect((await post('/api/v1/devices/rot-1/credentials', {})).status).toBe(404)
  room.clock.shiftMs -= 601_000
})

test('expected against heard: from the first day, by kind and gateway', async () => {
  const { body } = await get('/api/v1/devices/expected')
  expect(body.expected).toBe([...room.directory.registered()].length)
  expect(body).toMatchObject({ heard: 0, silent: 0, never: body.expected, unregistered: 0 })
  expect(body.neverHeard).toContain('csv-1')
  expect(body.byGateway).toEqual([{ via: 'gw-9', expected: 2, heard: 0, silent: 0, never: 2 }])
})

test('heard, silent, never, and those nobody registered', () => {
  const nowMs = Date.UTC(2026, 6, 22)
  const at = (hoursAgo: number) => new Date(nowMs - hoursAgo * 3_600_000).toISOString()
  const device = (deviceId: string, o: object) => ({
    deviceId,
    kind: 'smoke' as const,
    alarms: {},
    metrics: {},
    gaps: 0,
    readings: 0,
    ...o,
  })
  const registered = [
    device('fresh', { lastReceivedAt: at(1) }),
    device('in alarm', { lastReceivedAt: at(1), alarms: { fire: true } }),
    device('quiet', { lastReceivedAt: at(60) }),
    device('gone', { lastReceivedAt: at(2), online: false, kind: 'heat' as const, via: 'gw' }),
    device('never', { via: 'gw' }),
  ]
  expect(expectedOf({ directory: { registered: () => registered, size: () => 7 }, clock: { nowMs: () => nowMs } })).toEqual({
    expected: 5,
    heard: 2,
    silent: 2,
    never: 1,
    unregistered: 2,
    byKind: [
      { kind: 'heat', expected: 1, heard: 0, silent: 1, never: 0 },
      { kind: 'smoke', expected: 4, heard: 2, silent: 1, never: 1 },
    ],
    byGateway: [{ via: 'gw', expected: 2, heard: 0, silent: 1, never: 1 }],
    neverHeard: ['never'],
    silentSince: [
      { deviceId: 'quiet', since: at(60) },
      { deviceId: 'gone', since: at(2) },
    ],
  })
})
