// Who is still there: desks that answer and may stay, devices that fell silent.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { Device } from '#contracts/device.ts'
import { noMeter } from '#contracts/metrics.ts'
import { createCensus } from '../../dashboard/api/census.ts'
import { CLIENTS_MAX, createLive, type Live } from '../../dashboard/api/live.ts'
import { until } from './desk.ts'

const clock = { ms: Date.UTC(2026, 6, 22), nowMs: () => clock.ms }
const devices = new Map<string, Device>()
const directory = { all: () => devices.values(), size: () => devices.size, get: (id: string) => devices.get(id) }
const hear = (deviceId: string, o: Partial<Device> = {}): Device => {
  const device: Device = {
    deviceId,
    kind: 'smoke',
    alarms: {},
    metrics: {},
    gaps: 0,
    readings: 1,
    lastReceivedAt: new Date(clock.ms).toISOString(),
    ...o,
  }
  devices.delete(deviceId)
  devices.set(deviceId, device)
  return device
}

test('the census counts at once what is seen, and finds in its round what fell silent and what is gone', () => {
  devices.clear()
  for (let i = 0; i < 10; i++) hear(`d-${i}`, { expectNextS: 60 })
  const { lastReceivedAt: _never, ...unheard } = hear('unheard')
  devices.set('unheard', unheard)
  const census = createCensus({ directory, clock })
  expect(census.counts()).toEqual({ devicesTotal: 11, devicesOnline: 10, devicesStale: 0, devicesUnknown: 1 })

  expect(census.see(hear('d-0', { alarms: { smoke: true } }))).toBe(true)
  expect(census.see(hear('d-0', { alarms: { smoke: true } }))).toBe(false)
  clock.ms += 121_000
  // a round of three steps; devices that report meanwhile move to the end and must not keep it from ending
  const changed = [census.walk(4), census.walk(4), (hear('d-9', { expectNextS: 60 }), census.walk(4))].flatMap(step =>
    step.changed.map(device => device.deviceId),
  )
  expect(changed.toSorted()).toEqual(['d-1', 'd-2', 'd-3', 'd-4', 'd-5', 'd-6', 'd-7', 'd-8'])
  expect(census.counts()).toEqual({ devicesTotal: 11, devicesOnline: 2, devicesStale: 8, devicesUnknown: 1 })

  devices.delete('d-3')
  expect([census.walk(50), census.walk(50)].flatMap(step => step.gone)).toEqual(['d-3'])
  expect(census.counts()).toEqual({ devicesTotal: 10, devicesOnline: 2, devicesStale: 7, devicesUnknown: 1 })
  census.forget('d-4')
  expect(census.counts().devicesStale).toBe(6)
})

let live: Live
let mayStay = true
let server: WebSocketServer
beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const kpis = { unacknowledged: 0, alarmsIn10Min: 0, mttaP50S: null, mttaP90S: null, openIncidents: 0 }
  const census = createCensus({ directory, clock })
  live = createLive({
    open: () => ({
      incidents: [],
      alarms: [],
      orders: [],
      resources: [],
      posture: { mode: 'peacetime' as const, since: '2026-01-01T00:00:00.000Z', by: 'system', reason: 'as installed' },
    }),
    devices: () => devices.values(),
    census,
    kpis: () => ({ ...kpis, ...census.counts() }),
    rooms: () => [],
    clock,
    meter: noMeter,
    pingMs: 100,
  })
  server.on('connection', socket => live.attach(socket, { who: 'user:li', mayStay: () => mayStay }))
})
afterAll(async () => {
  await live?.close()
  server.close()
})
const connect = async (o: { autoPong?: boolean } = {}) => {
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, o)
  const closed = once(socket, 'close').then(([code]) => code as number)
  await once(socket, 'message')
  return { socket, closed }
}

test('where all places are taken, who holds the most gives one up for somebody else, and gets no more', () => {
  const closed: number[] = []
  const leave: (() => void)[] = []
  const sit = (who: string): boolean => {
    const socket = {
      protocol: '',
      bufferedAmount: 0,
      on: (event: string, hear: () => void) => void (event === 'close' && leave.push(hear)),
      send() {},
      ping() {},
      terminate() {},
      close: (code: number) => void closed.push(code),
    }
    const isIn = live.makeRoom(who)
    if (isIn) live.attach(socket as unknown as WebSocket, { who, mayStay: () => true })
    return isIn
  }
  for (let i = 0; i < CLIENTS_MAX - 1; i++) expect(sit('user:tablet')).toBe(true)
  expect([sit('user:officer'), sit('user:officer'), sit('user:tablet')]).toEqual([true, true, false])
  expect(closed).toEqual([1013])
  expect(live.clients()).toBe(CLIENTS_MAX)
  for (const hear of leave) hear()
})

test('a desk whose session ends is closed with the code the page knows', async () => {
  const desk = await connect()
  mayStay = false
  expect(await desk.closed).toBe(4401)
  mayStay = true
})

test('a desk that answers no ping is dropped, one that answers stays', async () => {
  const deaf = await connect({ autoPong: false })
  const good = await connect()
  expect(await deaf.closed).toBe(1006)
  expect(good.socket.readyState).toBe(WebSocket.OPEN)
  await until(
    () => live.clients() === 1,
    () => `${live.clients()} desks are counted`,
  )
  good.socket.terminate()
})
