// The live socket as a desk sees it: snapshot, gapless deltas, coming back, a desk that is too slow, who is let in.
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Device } from '#contracts/device.ts'
import { createRing } from '../../dashboard/api/ring.ts'
import { desk, until } from './desk.ts'
import { alarmBody, startRoom, type Room } from './room.ts'

let room: Room
const open: { close(): void }[] = []
beforeAll(async () => {
  room = await startRoom({ roles: ['admin', 'viewer', 'officer'] })
})
afterAll(() => room?.[Symbol.asyncDispose]())
afterEach(() => open.splice(0).forEach(one => one.close()))

const connect = async (o: Parameters<typeof desk>[1] = { as: 'viewer' }) => {
  const made = await desk(room, o)
  open.push(made)
  return made
}
const snapshotOf = (one: Awaited<ReturnType<typeof desk>>) =>
  one.until(() => one.messages.find(message => message.type === 'snapshot'), 'a snapshot')
const raise = async () => (await room.post('/api/v1/alarms', alarmBody(), 'officer')).body
const device = (deviceId: string, o: Partial<Device> = {}): Device => ({
  deviceId,
  kind: 'smoke',
  alarms: {},
  metrics: {},
  gaps: 0,
  readings: 1,
  ...o,
})

test('snapshot first, then what happens, at once and without gaps; heartbeats carry the sequence', async () => {
  const before = await raise()
  const one = await connect()
  const snapshot = await snapshotOf(one)
  expect(snapshot.incidents.map(incident => incident.id)).toContain(before.incident.id)
  expect(snapshot.alarms.find(alarm => alarm.id === before.alarm.id)).not.toHaveProperty('evidence')
  expect(snapshot.rooms).toEqual([{ room: 'broker', ok: true, detail: '0 connected' }])

  const { incident } = await raise()
  await room.post(`/api/v1/incidents/${incident.id}/acknowledge`, {}, 'officer')
  await one.until(() => one.deltas().some(delta => delta.incidents?.some(i => i.id === incident.id && i.state === 'acknowledged')))
  const beat = await one.until(() => one.messages.findLast(message => message.type === 'heartbeat'), 'a heartbeat')
  expect(beat.kpis.openIncidents).toBeGreaterThan(0)
  const sequence = one.deltas().map(delta => delta.seq)
  expect(sequence).toEqual(sequence.map((_, i) => snapshot.seq + 1 + i))
})

test('device rows are gathered: the newest of a device wins', async () => {
  const one = await connect()
  const { seq } = await snapshotOf(one)
  for (let i = 1; i <= 200; i++)
    room.api.push({ devices: [device('smk-1', { name: `n${i}`, lastReceivedAt: new Date().toISOString() }), device(`d-${i}`)] })
  await one.until(() => one.deltas().some(delta => delta.devices?.some(row => row[0] === 'd-200')))
  const rows = one
    .deltas()
    .filter(delta => delta.seq > seq)
    .flatMap(delta => delta.devices ?? [])
  expect(rows.filter(row => row[0] === 'smk-1').length).toBeLessThanOrEqual(2)
  expect(rows.findLast(row => row[0] === 'smk-1')).toMatchObject([
    'smk-1',
    'smoke',
    null,
    null,
    'normal',
    expect.any(Number),
    'n200',
    null,
    null,
    null,
  ])
  expect(one.deltas().length).toBeLessThan(10)
})

test('an alarm does not wait for the rows', async () => {
  const one = await connect()
  await snapshotOf(one)
  room.api.push({ devices: [device('slow')] })
  const { alarm } = await raise()
  await one.until(() => one.deltas().some(delta => delta.devices?.some(row => row[0] === 'slow')))
  const places = one
    .deltas()
    .map(delta => (delta.alarms?.some(a => a.id === alarm.id) ? 'alarm' : delta.devices?.some(row => row[0] === 'slow') ? 'rows' : ''))
  expect(places.indexOf('alarm')).toBeLessThan(places.indexOf('rows'))
})

test('coming back: exactly what was missed; another life of the server, or too long away: a snapshot', async () => {
  const first = await connect()
  const { epoch } = await snapshotOf(first)
  await raise()
  const seen = (await first.until(() => first.deltas().at(-1))).seq
  first.close()
  const missed = [await raise(), await raise(), await raise()]

  const second = await connect({ as: 'viewer', query: `?since=${seen}&epoch=${epoch}` })
  await second.until(() => second.deltas().length >= 3)
  expect(second.messages[0]).toMatchObject({ type: 'delta', seq: seen + 1 })
  expect(second.deltas().flatMap(delta => delta.alarms?.map(alarm => alarm.id) ?? [])).toEqual(missed.map(one => one.alarm.id))

  const other = await connect({ as: 'viewer', query: `?since=${seen}&epoch=another-life` })
  expect((await snapshotOf(other)).epoch).toBe(epoch)
  const ahead = await connect({ as: 'viewer', query: `?since=999999999&epoch=${epoch}` })
  expect(await snapshotOf(ahead)).toMatchObject({ type: 'snapshot' })
})

test('the ring keeps the newest within its bounds and says when it cannot help', () => {
  const ring = createRing({ countMax: 3, bytesMax: 100 })
  expect(ring.after(0)).toEqual([])
  expect(ring.after(5)).toBeNull()
  for (let seq = 1; seq <= 5; seq++) ring.add(seq, Buffer.from(`${seq}`))
  expect(ring.after(1)).toBeNull()
  expect(ring.after(2)?.map(String)).toEqual(['3', '4', '5'])
  expect(ring.after(5)).toEqual([])
  expect(ring.after(6)).toBeNull()
  ring.add(6, Buffer.alloc(99))
  expect(ring.after(4)?.length).toBe(2)
  ring.add(7, Buffer.alloc(99))
  expect(ring.after(5)).toBeNull()
  expect(ring.after(6)?.length).toBe(1)
})

test('a desk that does not read is closed and counted; the others miss nothing', async () => {
  const slow = await connect()
  const good = await connect()
  await snapshotOf(slow)
  const { seq } = await snapshotOf(good)
  slow.socket.pause()
  const { alarm } = await raise()
  const huge = {
    ...alarm,
    evidence: [],
    counterEvidence: [],
    text: { zh: randomBytes(300_000).toString('base64'), en: 'does not compress' },
  }
  const before = room.counted['fengsui_live_dropped_total'] ?? 0
  for (let i = 0; i < 60 && (room.counted['fengsui_live_dropped_total'] ?? 0) === before; i++) {
    room.api.push({ alarms: [huge] })
    await new Promise(resolve => setTimeout(resolve, 30))
  }
  expect(room.counted['fengsui_live_dropped_total']).toBe(before + 1)
  const last = await raise()
  await good.until(() => good.deltas().some(delta => delta.alarms?.some(a => a.id === last.alarm.id)), 'the last alarm at the good desk')
  const sequence = good.deltas().map(delta => delta.seq)
  expect(sequence).toEqual(sequence.map((_, i) => seq + 1 + i))
  slow.socket.resume()
  await until(
    () => slow.closed() !== null,
    () => 'the slow desk closed',
  )
})

test('who may: cookie, bearer, sub-protocol; others are closed with a code the page understands', async () => {
  const token = room.tokens['viewer']!
  const byCookie = await connect({ headers: { cookie: `fengsui_session=${token}`, origin: room.url } })
  await snapshotOf(byCookie)
  const byProtocol = await connect({ protocols: ['fengsui.v1', `bearer.${token}`] })
  await snapshotOf(byProtocol)
  expect(byProtocol.socket.protocol).toBe('fengsui.v1')

  const nobody = await connect({})
  await until(
    () => nobody.closed() !== null,
    () => 'nobody is closed',
  )
  expect(nobody.closed()).toMatchObject({ code: 4401 })
  room.issue('only-feed', ['feed'])
  const wrong = await connect({ as: 'only-feed' })
  await until(
    () => wrong.closed() !== null,
    () => 'a token without read is closed',
  )
  expect(wrong.closed()).toMatchObject({ code: 4403 })
  expect([...nobody.messages, ...wrong.messages]).toEqual([])
  await expect(desk(room, { headers: { cookie: `fengsui_session=${token}`, origin: 'https://evil.example' } })).rejects.toThrow(/403/)
  await expect(desk(room, { as: 'viewer', query: '?since=-1' })).rejects.toThrow(/400/)
  expect((await room.ask('/api/v1/live', { as: 'viewer' })).body).toMatchObject({
    code: 'invalid-request',
    message: expect.stringContaining('WebSocket'),
  })
  await expect(desk({ ...room, url: `${room.url}/nowhere` }, { as: 'viewer' })).rejects.toThrow(/404/)
})

test('closing the API says good-bye to the desks within a second', async () => {
  const other = await startRoom({ roles: ['viewer'] })
  const one = await desk(other, { as: 'viewer' })
  const stubborn = await desk(other, { as: 'viewer' })
  stubborn.socket.pause()
  const waiting = fetch(`${other.url}/api/v1/kpis`).then(response => response.status)
  await waiting
  const began = performance.now()
  await other.api.close()
  expect(performance.now() - began).toBeLessThan(1000)
  await until(
    () => one.closed() !== null,
    () => 'the desk closed',
  )
  expect(one.closed()).toMatchObject({ code: 1001 })
  stubborn.close()
})

test('a queue that cannot be read closes the sockets and ends neither the process nor the feed', async () => {
  let broken = false
  const health = () => {
    if (broken) throw new Error('the disk is gone')
    return []
  }
  await using other = await startRoom({ roles: ['admin', 'viewer'], parts: { health } })
  const one = await desk(other, { as: 'viewer' })
  await snapshotOf(one)
  broken = true
  const { code } = await one.until(() => one.closed() ?? undefined, 'the close')
  expect(code).toBe(1011)
  expect((await fetch(`${other.url}/healthz`)).status).toBe(200)
})
