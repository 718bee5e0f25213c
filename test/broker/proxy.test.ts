// The PROXY header in front of MQTT: read where it is expected, refused where it is not, in any pieces, never beyond its bound.
import { expect, test } from 'vitest'
import { readProxyHeader } from '../../broker/proxy-header.ts'
import { closed, connectFrame, lay, publishFrame, received, until } from './table.ts'

const V2 = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const v2 = (command: number, family: number, rest: number[]): Buffer =>
  Buffer.from([...V2, command, family, rest.length >> 8, rest.length & 0xff, ...rest])
const IPV4 = [203, 0, 113, 7, 10, 0, 0, 1, 0x1f, 0x90, 0x07, 0x5b]
const IPV6 = [...Array.from({ length: 15 }, () => 0), 1, ...Array.from({ length: 16 }, () => 0), 0x1f, 0x90, 0x07, 0x5b]

test.each([
  ['version 1, IPv4', Buffer.from('PROXY TCP4 203.0.113.7 10.0.0.1 8080 1883\r\n'), '203.0.113.7 8080'],
  ['version 1, IPv6', Buffer.from('PROXY TCP6 2001:db8::1 ::1 8080 1883\r\n'), '2001:db8::1 8080'],
  ['version 1, unknown', Buffer.from('PROXY UNKNOWN\r\n'), null],
  ['version 2, IPv4', v2(0x21, 0x11, IPV4), '203.0.113.7 8080'],
  ['version 2, IPv4, with additions', v2(0x21, 0x11, [...IPV4, 3, 0, 1, 9]), '203.0.113.7 8080'],
  ['version 2, IPv6', v2(0x21, 0x21, IPV6), '0:0:0:0:0:0:0:1 8080'],
  ['version 2, a health check of the proxy itself', v2(0x20, 0, []), null],
])('%s', (_, header, address) => {
  const behind = Buffer.from('MQTT')
  expect(readProxyHeader(Buffer.concat([header, behind]))).toEqual({ bytes: header.length, address })
  for (let bytes = 0; bytes < header.length; bytes++) expect(readProxyHeader(header.subarray(0, bytes)), `${bytes}`).toBe('more')
})

test.each([
  ['MQTT at once', connectFrame({ clientId: 'c' }), 'no PROXY header came first'],
  ['an endless line', Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`), 'more than 107 bytes'],
  ['a line of nonsense', Buffer.from('PROXY TCP4 here there 1 2\r\n'), 'cannot be read'],
  ['an unknown version', v2(0x31, 0x11, IPV4), 'unknown version'],
  ['more than there could be', Buffer.concat([V2, Buffer.from([0x21, 0x11, 0xff, 0xff])]), 'bound is 1024'],
  ['less than announced', v2(0x21, 0x11, [1, 2, 3]), 'without the addresses'],
])('where it is expected, refused: %s', async (_, bytes, reason) => {
  await using table = await lay({ anonymous: true, proxyProtocol: true })
  const socket = table.socket()
  socket.write(bytes)
  await closed(socket)
  expect(table.refusals).toMatchObject([{ code: 'protocol-error', reason: expect.stringContaining(reason) }])
})

test('where it is not expected, refused with a reason', async () => {
  await using table = await lay({ anonymous: true })
  for (const header of [Buffer.from('PROXY TCP4 203.0.113.7 10.0.0.1 8080 1883\r\n'), v2(0x21, 0x11, IPV4)]) {
    const socket = table.socket()
    socket.write(header)
    await closed(socket)
  }
  const refused = { code: 'protocol-error', reason: expect.stringContaining('FENGSUI_PROXY_PROTOCOL is not set') }
  expect(table.refusals).toMatchObject([refused, refused])
})

test('a connection behind it works in any pieces, and its address stands in every refusal', async () => {
  await using table = await lay({ proxyProtocol: true })
  await table.issue('d1')
  const bytes = Buffer.concat([
    v2(0x21, 0x11, IPV4),
    connectFrame({ clientId: 'c', ...table.login('d1') }),
    publishFrame({ topic: 'fire/v1/smoke/d1/event', payload: 'x' }),
    publishFrame({ topic: 'fire/v1/smoke/d2/event', payload: 'x' }),
  ])
  const socket = table.socket()
  socket.setNoDelay(true)
  const got = received(socket)
  for (const byte of bytes) {
    if (!socket.destroyed) socket.write(Buffer.from([byte]))
    await new Promise(resolve => setImmediate(resolve))
  }
  await closed(socket)
  expect(got.bytes().subarray(0, 4)).toEqual(Buffer.from([0x20, 2, 0, 0]))
  expect(table.journal.messages).toHaveLength(1)
  expect(table.refusals).toMatchObject([{ code: 'not-your-topic', identity: 'd1', address: '203.0.113.7 8080' }])

  const stranger = table.socket()
  stranger.write(Buffer.concat([v2(0x21, 0x11, IPV4), connectFrame({ clientId: 'c', username: 'nobody', password: 'x' })]))
  await closed(stranger)
  expect(table.refusals[1]).toMatchObject({ code: 'bad-credentials', address: '203.0.113.7 8080' })
})

test('a client behind a proxy that is gone before its CONNECT leaves nothing', async () => {
  await using table = await lay({ anonymous: true, proxyProtocol: true })
  const socket = table.socket()
  socket.end('PROXY TCP4 203.0.113.7 10.0.0.1 8080 1883\r\n')
  await closed(socket)
  await until(() => table.broker.connections() === 0)
  expect(table.refusals).toEqual([])
})
