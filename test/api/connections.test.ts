// How many sockets the API holds open, and how long for who never finishes a request: real sockets.
import { connect, type Socket } from 'node:net'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { boundConnections, placeOf } from '../../dashboard/api/connections.ts'
import { startRoom } from './room.ts'

const opened = (port: number, host: string): Promise<Socket> =>
  new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: host }, () => resolve(socket))
    socket.on('error', () => {})
  })
/** The end of it, or that it is open still. */
const isClosed = (socket: Socket): Promise<boolean> =>
  Promise.race([
    new Promise<boolean>(resolve => (socket.destroyed ? resolve(true) : socket.resume().once('close', () => resolve(true)))),
    new Promise<boolean>(resolve => setTimeout(resolve, 300, false)),
  ])

test('one address has its share, all have a bound, and what is closed makes room', async () => {
  const server = createServer()
  boundConnections(server, { max: 5, ofAddressMax: 3 })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const greedy = await Promise.all([1, 2, 3].map(() => opened(port, '127.0.0.1')))
  expect(await isClosed(await opened(port, '127.0.0.1'))).toBe(true)
  const others = await Promise.all([opened(port, '127.0.0.2'), opened(port, '127.0.0.2')])
  expect(await Promise.all(others.map(isClosed))).toEqual([false, false])
  expect(await isClosed(await opened(port, '127.0.0.3'))).toBe(true)
  greedy[0]?.destroy()
  await new Promise(resolve => setTimeout(resolve, 100))
  const last = await opened(port, '127.0.0.1')
  expect(await isClosed(last)).toBe(false)
  for (const socket of [...greedy, ...others, last]) socket.destroy()
  await new Promise(resolve => server.close(resolve))
})

test('an address of IPv6 stands for its network', () => {
  expect(placeOf('::ffff:10.0.0.7')).toBe('10.0.0.7')
  expect(placeOf('2001:db8:0:7::1')).toBe(placeOf('2001:0db8::7:ffff:ffff:ffff:fffe'))
  expect(placeOf('2001:db8::8:0:0:0:1')).not.toBe(placeOf('2001:db8::7:0:0:0:1'))
  expect(placeOf('::1')).toBe('0:0:0:0')
  expect(placeOf('fe80::1%eth0')).toBe('fe80:0:0:0')
})

test('who sends half the head of a request, or nothing, is not waited for long', async () => {
  await using room = await startRoom({ roles: [], page: false, parts: { headMs: 3_000 } })
  const half = await opened(room.api.port, '127.0.0.1')
  half.write('GET /healthz HTTP/1.1\r\nhost: x\r\n')
  const silent = await opened(room.api.port, '127.0.0.1')
  await Promise.all([half, silent].map(socket => new Promise(resolve => socket.resume().once('close', resolve))))
  expect(half.destroyed && silent.destroyed).toBe(true)
})
