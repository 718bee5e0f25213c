// The live socket against a real WebSocket server: resync from where the desk stands, a restart, a silent server, a refused session.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { LiveMessage } from '#contracts/live.ts'
import { createStore, type Store } from '../../dashboard/web/src/store.ts'
import { createApi } from '../../dashboard/web/src/api.ts'
import type { OpenSocket } from '../../dashboard/web/src/live/socket.ts'
import { encodeRows } from '#contracts/live-rows.ts'
import { T0, delta, heartbeat, incident, numberOf, row, snapshot } from './incidents.ts'

let server: WebSocketServer
let asked: string[]
let answer: (socket: WebSocket, query: URLSearchParams) => void
let store: Store
let skewMs: number

const send = (socket: WebSocket, message: LiveMessage): void => socket.send(JSON.stringify(message))
const listen = async (port = 0): Promise<number> => {
  server = new WebSocketServer({ host: '127.0.0.1', port })
  server.on('connection', (socket, request) => {
    const url = new URL(request.url ?? '', 'ws://desk')
    asked.push(url.search)
    answer(socket, url.searchParams)
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
const stop = async (): Promise<void> => {
  for (const socket of server.clients) socket.terminate()
  server.close()
  await once(server, 'close')
}
const openTo =
  (port: () => number): OpenSocket =>
  (path, handlers) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port()}${path}`)
    socket.on('open', () => handlers.opened())
    socket.on('message', (data, isBinary) => handlers.heard(isBinary ? new Uint8Array(data as Buffer).buffer : String(data as Buffer)))
    socket.on('close', code => handlers.closed(code))
    socket.on('error', () => {})
    return socket
  }

let port: number
beforeEach(async () => {
  asked = []
  skewMs = 0
  answer = socket => send(socket, snapshot({ incidents: [incident('a')] }))
  port = await listen()
  const api = createApi(fetch, () => {})
  store = createStore({ api, openSocket: openTo(() => port), nowMs: () => Date.now() + skewMs, random: () => 0 })
})
afterEach(async () => {
  store.stop()
  await stop()
})
const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 60_000, interval: 20 })

test('the first connection asks for no position and takes the snapshot', async () => {
  store.start()
  await until(() => store.desk.value.incidents.has('a'))
  expect(asked).toEqual([''])
  expect(store.phase.value).toBe('live')
})

test('a hole in the sequence: asks again from where it stands, and counts what was missed', async () => {
  answer = (socket, query) => {
    if (query.get('since') === '10') return (send(socket, delta(11, { incidents: [incident('b')] })), send(socket, heartbeat(11)))
    send(socket, snapshot({ incidents: [incident('a')] }))
    send(socket, delta(13, { incidents: [incident('d')] }))
  }
  store.start()
  await until(() => store.desk.value.seq === 11)
  expect(asked).toEqual(['', '?since=10&epoch=e1'])
  expect([...store.desk.value.incidents.keys()]).toEqual(['a', 'b'])
  expect(store.missed.value).toBe(2)
})

test('small frames belong to the one sequence; one that names a stranger leads to a new snapshot', async () => {
  const frame = (seq: number, number: number) =>
    encodeRows({ seq, serverTimeMs: T0, rows: [{ number, condition: 'alarm', heardAtMs: T0 }] })
  answer = socket => {
    send(socket, snapshot({ devices: [row('known', 'normal')] }))
    if (asked.length > 1) return
    socket.send(frame(11, numberOf('known')))
    send(socket, delta(12, { incidents: [incident('b')] }))
    socket.send(frame(13, 9_999))
  }
  store.start()
  await until(() => store.desk.value.incidents.has('b'))
  expect(store.devices.find('known')?.[4]).toBe('alarm')
  await until(() => asked.length === 2 && store.desk.value.seq === 10)
  expect(asked).toEqual(['', ''])
  expect(store.devices.find('known')?.[4]).toBe('normal')
})

test('the queue is there before the devices; cut between their parts, the desk asks for all of it again', async () => {
  const part = (deviceId: string, last: boolean): LiveMessage => ({ type: 'devices', devices: [row(deviceId, 'normal')], sights: [], last })
  let cut = true
  answer = (socket, query) => {
    if (query.has('since')) return
    send(socket, { ...snapshot({ incidents: [incident('a')] }), devicesFollow: true })
    send(socket, part('d-1', false))
    if (cut) return socket.terminate()
    send(socket, delta(11, { incidents: [incident('b')] }))
    send(socket, part('d-2', true))
  }
  store.start()
  await until(() => store.devices.find('d-1') !== undefined)
  expect([...store.desk.value.incidents.keys()]).toEqual(['a'])
  cut = false
  await until(() => store.devices.find('d-2') !== undefined)
  expect(asked).toEqual(['', ''])
  expect([store.devices.partial, store.desk.value.seq]).toEqual([false, 11])
})

test('a restarted server with a new epoch replaces everything; nothing of the old life is left', async () => {
  store.start()
  await until(() => store.desk.value.epoch === 'e1')
  answer = socket => send(socket, snapshot({ epoch: 'e2', seq: 0, incidents: [incident('z')] }))
  await stop()
  await until(() => !store.link.value.open)
  await listen(port)
  await until(() => store.desk.value.epoch === 'e2')
  expect([...store.desk.value.incidents.keys()]).toEqual(['z'])
  expect(asked.at(-1)).toBe('?since=10&epoch=e1')
})

test('a socket that is open and silent is given up after ten seconds and opened anew', async () => {
  store.start()
  await until(() => store.desk.value.epoch === 'e1')
  skewMs = 9_000
  store.tick()
  expect(store.phase.value).toBe('late')
  skewMs = 11_000
  store.tick()
  expect(store.phase.value).toBe('lost')
  await until(() => asked.length === 2)
  expect(asked[1]).toBe('?since=10&epoch=e1')
})

test('bytes that are no message are a hole like any other', async () => {
  let first = true
  answer = (socket, query) => {
    if (query.has('since')) return send(socket, delta(11, { incidents: [incident('b')] }))
    send(socket, snapshot())
    if (first) socket.send('{"type":"delta","seq":11')
    first = false
  }
  store.start()
  await until(() => store.desk.value.incidents.has('b'))
  expect(asked).toEqual(['', '?since=10&epoch=e1'])
})

test('a session that has ended leads to the door', async () => {
  store.principal.value = { name: 'zhang', kind: 'user', role: 'officer', scopes: ['read'] }
  answer = socket => socket.close(4401, 'log in first')
  store.start()
  await until(() => store.principal.value === null)
})
