// The live socket as a desk sees it: snapshot, gapless deltas, coming back, a desk that is too slow, who is let in.
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { DEVICE_CONDITIONS, type Device } from '#contracts/device.ts'
import type { DeviceRow } from '#contracts/live.ts'
import { eachRow } from '#contracts/live-rows.ts'
import type { AlarmFlags } from '#contracts/reading.ts'
import { createRing } from '../../dashboard/api/ring.ts'
import { reading } from '../ingest/readings.ts'
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
    expect.any(Number),
  ])
  expect(one.deltas().length).toBeLessThan(10)
})

test('a desk that asks for small frames gets 8 bytes a device whose condition or hearing changed, and the same sequence', async () => {
  const names = Array.from({ length: 200 }, (_, n) => `sm-${n}`)
  // through the directory: the walk for silent devices, once a second, tells what stands there
  const say = (inMs: number, alarms: AlarmFlags) => {
    for (const deviceId of names)
      room.directory.apply(reading({ deviceId, alarms, atMs: Date.now() + inMs, position: { lat: 31.9, lon: 118.8 } }))
    room.api.push({ devices: names.map(id => room.directory.get(id)!) })
  }
  const json = await connect()
  const small = await connect({ as: 'viewer', protocols: ['fengsui.v1.rows', 'fengsui.v1'] })
  const { seq } = await snapshotOf(small)
  expect(small.socket.protocol).toBe('fengsui.v1.rows')
  say(0, {})
  await small.until(() => small.deltas().find(delta => delta.devices?.some(row => row[0] === 'sm-199')), 'full rows first')
  const numbers = new Map(small.deltas().flatMap(delta => (delta.devices ?? []).map(row => [row[10], row[0]] as const)))
  say(1000, { smoke: true })
  const frame = await small.until(() => small.frames.find(one => one.count === 200), 'a small frame')
  expect(frame.bytes.byteLength + 16).toBe(1616)
  const rows: [string | undefined, string | undefined][] = []
  eachRow(frame, (number, code) => rows.push([numbers.get(number), DEVICE_CONDITIONS[code]]))
  expect(rows).toEqual(names.map(name => [name, 'alarm']))
  const same = await json.until(() => json.deltas().find(delta => delta.seq === frame.seq), 'the same change as JSON')
  expect(same.devices?.map(row => [row[0], row[4]])).toEqual(rows)
  // a moved or renamed device is told in full again
  room.directory.apply(
    reading({ deviceId: 'sm-0', alarms: { smoke: true }, atMs: Date.now() + 2000, position: { lat: 31.91, lon: 118.8 } }),
  )
  room.api.push({ devices: [room.directory.get('sm-0')!] })
  const isMoved = (row: DeviceRow) => row[0] === 'sm-0' && row[2] === 31.91
  const moved = await small.until(() => small.deltas().find(delta => delta.devices?.some(isMoved)), 'the moved one in full')
  const sequence = [...small.deltas(), ...small.frames].map(one => one.seq).sort((a, b) => a - b)
  expect(sequence).toEqual(sequence.map((_, n) => seq + 1 + n))
  expect(sequence).toContain(moved.seq)
})

test('a page gets the queue first and the devices in parts behind it; what changes meanwhile is not undone by them', async () => {
  const all = Array.from({ length: 6000 }, (_, n) => `part-${n}`)
  const say = (ids: string[], inMs: number, alarms: AlarmFlags) => {
    for (const deviceId of ids) room.directory.apply(reading({ deviceId, alarms, atMs: Date.now() + inMs }))
    room.api.push({ devices: ids.map(id => room.directory.get(id)!) })
  }
  say(all, 0, {})
  room.clock.shiftMs += 60_000
  const pages = await Promise.all([1, 2, 3].map(() => connect({ as: 'viewer', protocols: ['fengsui.v1.rows', 'fengsui.v1'] })))
  say(all.slice(0, 50), 1000, { smoke: true })
  const json = await connect()
  say(all.slice(50, 100), 2000, { smoke: true })
  for (const page of pages) {
    const snapshot = await snapshotOf(page)
    expect([snapshot.devices, snapshot.sights, snapshot.devicesFollow]).toEqual([[], [], true])
    await page.until(() => page.messages.find(one => one.type === 'devices' && one.last), 'the last part')
    expect(page.messages[0]?.type).toBe('snapshot')
    const isAsItIs = (): boolean => {
      const rows = page.messages.flatMap(one => ('devices' in one ? (one.devices ?? []) : []))
      const [told, named] = [new Map(rows.map(row => [row[0], row[4]])), new Map(rows.map(row => [row[10], row[0]]))]
      for (const frame of page.frames) eachRow(frame, (number, code) => told.set(named.get(number) ?? '', DEVICE_CONDITIONS[code] ?? ''))
      return all.every((id, n) => told.get(id) === (n < 100 ? 'alarm' : 'normal'))
    }
    await page.until(isAsItIs, 'all as they are')
    expect(page.messages.filter(one => one.type === 'devices').length).toBeGreaterThan(1)
  }
  expect((await snapshotOf(json)).devices.length, 'who asks for JSON gets it in one').toBeGreaterThanOrEqual(6000)
})

test('drones, cameras and stations say how they fly, look and stand', async () => {
  const one = await connect()
  await snapshotOf(one)
  for (const deviceId of ['uav-1', 'cam-1', 'mfs-1']) room.directory.register({ deviceId, kind: 'other' })
  room.api.push({
    devices: [
      device('uav-1', {
        kind: 'drone',
        metrics: { heading_deg: 40, gimbal_pitch_deg: -58, speed_mps: 15 },
        state: { inDock: false, mission: { state: 'en-route' } },
        position: { lat: 31.9, lon: 118.8, heightM: 80 },
      }),
      device('cam-1', { kind: 'camera', metrics: { view_bearing_deg: 120, view_hfov_deg: 56 } }),
      device('mfs-1', { kind: 'micro-station', metrics: { crew_on_duty_count: 5 }, state: { readiness: 'degraded' } }),
    ],
  })
  const sights = await one.until(() => one.deltas().find(delta => (delta.sights?.length ?? 0) === 3)?.sights, 'sights')
  expect(sights).toEqual([
    { deviceId: 'uav-1', headingDeg: 40, bearingDeg: 40, tiltDeg: -58, speedMps: 15, heightM: 80, inDock: false, mission: 'en-route' },
    { deviceId: 'cam-1', bearingDeg: 120, hfovDeg: 56 },
    { deviceId: 'mfs-1', readiness: 'degraded', crewOnDuty: 5 },
  ])
})

test('an alarm does not wait for the rows', async () => {
  const one = await connect()
  await snapshotOf(one)
  // what the directory does not know is taken for removed by the next round
  room.directory.register({ deviceId: 'slow', kind: 'smoke' })
  room.api.push({ devices: [device('slow')] })
  const { alarm } = await raise()
  await one.until(() => one.deltas().some(delta => delta.devices?.some(row => row[0] === 'slow')))
  const places = one
    .deltas()
    .map(delta => (delta.alarms?.some(a => a.id === alarm.id) ? 'alarm' : delta.devices?.some(row => row[0] === 'slow') ? 'rows' : ''))
  expect(places.indexOf('alarm')).toBeLessThan(places.indexOf('rows'))
})

test('a desk that comes soon after another gets the same snapshot, and what changed since behind it without a gap', async () => {
  room.clock.shiftMs += 60_000
  const first = await snapshotOf(await connect())
  const { incident } = await raise()
  const later = await connect()
  const second = await snapshotOf(later)
  expect([second.seq, second.incidents.map(one => one.id)]).toEqual([first.seq, first.incidents.map(one => one.id)])
  await later.until(() => later.deltas().some(delta => delta.incidents?.some(one => one.id === incident.id)))
  expect(later.deltas()[0]?.seq).toBe(second.seq + 1)
  room.clock.shiftMs += 60_000
  const third = await snapshotOf(await connect())
  expect(third.incidents.map(one => one.id)).toContain(incident.id)
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
  const held = (json: Uint8Array) => ({ json })
  expect(ring.after(0, false)).toEqual([])
  expect(ring.after(5, false)).toBeNull()
  for (let seq = 1; seq <= 5; seq++) ring.add(seq, held(Buffer.from(`${seq}`)))
  expect(ring.after(1, false)).toBeNull()
  expect(ring.after(2, false)?.map(({ bytes }) => String(bytes))).toEqual(['3', '4', '5'])
  expect(ring.after(5, false)).toEqual([])
  expect(ring.after(6, false)).toBeNull()
  ring.add(6, held(Buffer.alloc(99)))
  expect(ring.after(4, false)?.length).toBe(2)
  ring.add(7, held(Buffer.alloc(99)))
  expect(ring.after(5, false)).toBeNull()
  expect(ring.after(6, false)?.length).toBe(1)
})

test('the ring gives small frames to who takes them, and says when there is no JSON for who does not', () => {
  const ring = createRing()
  ring.add(1, { json: Buffer.from('{}'), frame: new Uint8Array([1]) })
  ring.add(2, { json: null, frame: new Uint8Array([2]) })
  ring.add(3, { json: Buffer.from('[]') })
  expect(ring.after(0, true)?.map(({ binary }) => binary)).toEqual([true, true, false])
  expect(ring.after(0, false)).toBeNull()
  expect(ring.after(2, false)).toEqual([{ bytes: Buffer.from('[]'), binary: false }])
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
