// Devices over HTTP, with real credentials and the real directory behind them.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { desk } from './desk.ts'
import { startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['engineer', 'viewer'] })
})
afterAll(() => room?.[Symbol.asyncDispose]())
const post = (path: string, json: unknown) => room.post(path, json, 'engineer')
const get = (path: string) => room.ask(path, { as: 'viewer' })

test('registering answers credentials once, and they are the ones the door takes', async () => {
  const answer = await post('/api/v1/devices', {
    deviceId: 'smk-1',
    kind: 'smoke',
    name: 'hall',
    place: { building: 'b1', room: '101' },
    position: { lat: 31.9, lon: 118.8 },
  })
  expect(answer).toMatchObject({
    status: 201,
    body: { deviceId: 'smk-1', device: { name: 'hall', condition: 'unknown' }, credentials: { username: 'smk-1' } },
  })
  const { username, password } = answer.body.credentials
  expect(await room.credentials.check(username, password)).toMatchObject({ username: 'smk-1' })
  expect((await get('/api/v1/devices/smk-1')).text).not.toContain(password)
  expect(room.lines.join('\n')).not.toContain(password)
  expect(JSON.stringify(room.dispatch.audit({ limit: 100 }))).not.toContain(password)
  expect(room.dispatch.audit({ limit: 1 })).toMatchObject([{ actor: 'user:engineer', action: 'device.register', subject: 'smk-1' }])
})

test('a device is not registered twice: its password would change under it', async () => {
  expect(await post('/api/v1/devices', { deviceId: 'smk-1', kind: 'smoke' })).toMatchObject({
    status: 409,
    body: { message: expect.stringContaining('smk-1') },
  })
})

test('many at once, all or none, a gateway speaking for its own', async () => {
  const many = [
    { deviceId: 'gw-1', kind: 'gateway', grants: ['zigbee2mqtt/#'] },
    { deviceId: 'smk-2', kind: 'smoke', via: 'gw-1' },
  ]
  const answer = await post('/api/v1/devices', many)
  expect(answer.body.devices.map(entry => entry.deviceId)).toEqual(['gw-1', 'smk-2'])
  const gateway = answer.body.devices[0]!.credentials
  expect((await room.credentials.check(gateway.username, gateway.password))?.mayPublishFor('smk-2')).toBe(true)
  expect(
    (
      await post('/api/v1/devices', [
        { deviceId: 'smk-3', kind: 'smoke' },
        { deviceId: 'smk-2', kind: 'smoke' },
      ])
    ).status,
  ).toBe(409)
  expect((await get('/api/v1/devices/smk-3')).status).toBe(404)
  const viaItself = [
    { deviceId: 'smk-3', kind: 'smoke' },
    { deviceId: 'smk-4', kind: 'smoke', via: 'smk-4' },
  ]
  expect((await post('/api/v1/devices', viaItself)).status).toBe(400)
  expect(room.credentials.list().map(entry => entry.deviceId)).not.toContain('smk-3')
  expect(await post('/api/v1/devices', [{ deviceId: 'smk-3', kind: 'toaster' }])).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/^body\.0\.kind must be one of/) },
  })
  const nowhere = [
    { deviceId: 'smk-3', kind: 'smoke' },
    { deviceId: 'smk-5', kind: 'smoke', position: { lat: 0, lon: 0 } },
  ]
  expect(await post('/api/v1/devices', nowhere)).toMatchObject({
    status: 422,
    body: { code: 'position-invalid', message: expect.stringMatching(/^device smk-5: /) },
  })
  expect((await get('/api/v1/devices/smk-3')).status).toBe(404)
})

test('the list: filters, search, pages that neither skip nor repeat', async () => {
  await post(
    '/api/v1/devices',
    Array.from({ length: 25 }, (_, i) => ({ deviceId: `p-${String(i).padStart(2, '0')}`, kind: 'pressure', place: { area: 'north' } })),
  )
  const seen: string[] = []
  let after = ''
  do {
    const { body } = await get(`/api/v1/devices?kind=pressure&limit=10&after=${after}`)
    expect(body.total).toBe(25)
    seen.push(...body.devices.map(device => device.deviceId))
    after = body.next
    // a device that reports moves to the end of the directory; the pages must not care
    room.directory.register({ deviceId: 'p-00', kind: 'pressure' })
  } while (after !== undefined)
  expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `p-${String(i).padStart(2, '0')}`))
  expect((await get('/api/v1/devices?area=north&limit=1')).body.total).toBe(25)
  expect((await get('/api/v1/devices?q=HALL')).body.devices.map(device => device.deviceId)).toEqual(['smk-1'])
  expect((await get('/api/v1/devices?condition=normal')).body.total).toBe(0)
  expect((await get('/api/v1/devices?kind=pressure&condition=unknown,stale')).body.total).toBe(25)
  expect((await get('/api/v1/devices?condition=unknown,broken')).status).toBe(400)
  room.directory.register({ deviceId: 'p-01', kind: 'pressure', batteryPct: 12 })
  room.directory.register({ deviceId: 'p-02', kind: 'pressure', batteryPct: 80 })
  const low = (await get('/api/v1/devices?batteryBelow=20')).body.devices.map(device => device.deviceId)
  expect(low, 'one that never told its battery is not in it').toEqual(['p-01'])
})

test('what is known can be corrected', async () => {
  const answer = await room.ask('/api/v1/devices/smk-1', {
    as: 'engineer',
    method: 'PATCH',
    json: { place: { building: 'b2' }, via: 'gw-1', expectNextS: 60 },
  })
  expect(answer).toMatchObject({ status: 200, body: { name: 'hall', place: { building: 'b2' }, via: 'gw-1' } })
  expect(room.credentials.list().find(entry => entry.deviceId === 'smk-1')).toMatchObject({ via: 'gw-1' })
  expect((await room.ask('/api/v1/devices/smk-1', { as: 'engineer', method: 'PATCH', json: {} })).status).toBe(400)
})

test('what a device is, a person says, and it is on record', async () => {
  const change = (kind: string) => room.ask('/api/v1/devices/smk-1', { as: 'engineer', method: 'PATCH', json: { kind } })
  expect(await change('micro-station')).toMatchObject({ status: 200, body: { kind: 'micro-station', name: 'hall' } })
  expect(room.dispatch.audit({ limit: 1 })).toMatchObject([
    { action: 'device.change', subject: 'smk-1', detail: { fields: ['kind'], kind: 'micro-station', before: 'smoke' } },
  ])
  expect((await change('engine')).status).toBe(400)
  expect((await change('smoke')).body).toMatchObject({ kind: 'smoke' })
})

test('a command goes out on the device’s own topic and is on record', async () => {
  const answer = await post('/api/v1/devices/smk-1/commands', { command: 'silence', parameters: { seconds: 60 } })
  expect(answer).toMatchObject({ status: 202, body: { deviceId: 'smk-1', command: 'silence', by: 'user:engineer' } })
  await expect.poll(() => room.published.length).toBe(1)
  expect(room.published.map(({ topic, payload }) => ({ topic, payload: JSON.parse(payload) as object }))).toMatchObject([
    {
      topic: 'fire/v1/smoke/smk-1/cmd',
      payload: { v: 1, id: answer.body.id, command: 'silence', parameters: { seconds: 60 }, by: 'user:engineer' },
    },
  ])
  expect(room.dispatch.audit({ limit: 2 })).toContainEqual(
    expect.objectContaining({ action: 'device.command', subject: 'smk-1', actor: 'user:engineer' }),
  )
})

test('history with its defaults', async () => {
  const { body } = await get('/api/v1/devices/smk-1/readings?to=2026-07-22T22:40:00%2B08:00&metric=smoke')
  expect(body).toMatchObject({
    deviceId: 'smk-1',
    from: '2026-07-21T14:40:00.000Z',
    to: '2026-07-22T14:40:00.000Z',
    series: [{ metric: 'smoke' }],
  })
})

test('aggregates with their defaults, whole minutes, and a bound on the steps', async () => {
  const { body } = await get('/api/v1/readings/aggregate?metric=temperature_c&kind=smoke&to=2026-07-22T14:40:10Z')
  expect(body).toEqual({
    metric: 'temperature_c',
    from: '2026-07-22T13:40:00.000Z',
    to: '2026-07-22T14:41:00.000Z',
    step: 60,
    rows: [{ t: Date.parse('2026-07-22T13:40:00Z'), count: 2, mean: 20.5, min: 20, max: 21 }],
  })
  const refused = async (query: string) => (await get(`/api/v1/readings/aggregate?${query}`)).body.message
  expect(await refused('kind=smoke')).toBe('querystring.metric is missing')
  expect(await refused('metric=co_ppm&step=90')).toContain('querystring.step')
  expect(await refused('metric=co_ppm&from=2026-01-01T00:00:00Z&to=2026-07-01T00:00:00Z')).toContain('at most 5000 steps')
})

test('a removed device is gone everywhere, on open desks too', async () => {
  const { password } = (await post('/api/v1/devices', { deviceId: 'gone-1', kind: 'smoke' })).body.credentials
  const open = await desk(room, { as: 'viewer' })
  expect((await room.ask('/api/v1/devices/gone-1', { as: 'engineer', method: 'DELETE' })).status).toBe(204)
  expect((await get('/api/v1/devices/gone-1')).status).toBe(404)
  expect((await room.ask('/api/v1/devices/gone-1', { as: 'engineer', method: 'DELETE' })).status).toBe(404)
  expect(await room.credentials.check('gone-1', password)).toBeNull()
  await open.until(() => open.messages.some(m => m.type === 'delta' && m.removed?.devices?.includes('gone-1')))
  open.close()
})
