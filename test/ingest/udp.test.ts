// A port for datagrams answers whom it can, and is not brought down by whom it cannot.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { listenUdp } from '../../ingest/adapters/udp.ts'

test('an answer to port 0, and one after the port was closed, are lost without an error', async () => {
  const udp = await listenUdp({
    entrance: 'meokon',
    host: '127.0.0.1',
    port: 0,
    log: noLog,
    heard: (bytes, to, port) => udp.send(bytes, to, port),
  })
  const peer = createSocket('udp4')
  peer.bind(0, '127.0.0.1')
  await once(peer, 'listening')
  peer.send('said', udp.port, '127.0.0.1')
  expect(String((await once(peer, 'message'))[0])).toBe('said')

  expect(() => udp.send(Buffer.from('x'), '127.0.0.1', 0)).not.toThrow()
  await udp.close()
  expect(() => udp.send(Buffer.from('x'), '127.0.0.1', peer.address().port)).not.toThrow()
  peer.close()
})
