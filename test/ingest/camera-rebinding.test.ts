// A name that leads elsewhere a moment later: who may register a video must not read through it what else listens on the machine's network.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { isRefused } from '../../ingest/cameras/ask.ts'
import { createHls } from '../../ingest/cameras/playlists.ts'

const name = vi.hoisted(() => ({ leadsTo: '127.0.0.1' }))
vi.mock('node:dns', async original => ({
  ...(await original<typeof import('node:dns')>()),
  lookup: (_host: string, _o: object, done: (error: null, all: { address: string; family: number }[]) => void) =>
    done(null, [{ address: name.leadsTo, family: 4 }]),
}))

const camera = createServer((request, response) => response.end(request.url === '/live.m3u8' ? '#EXTM3U\n/seg1.ts\n' : 'from the camera'))
const inside = createServer((_, response) => response.end('the secret of another service'))
let port = 0
beforeAll(async () => {
  await new Promise<void>(resolve => camera.listen(0, '127.0.0.1', resolve))
  port = (camera.address() as AddressInfo).port
  await new Promise<void>(resolve => inside.listen(port, '127.0.0.2', resolve))
})
afterAll(() => {
  for (const server of [camera, inside]) {
    server.closeAllConnections()
    server.close()
  }
})

test('a piece comes from the address that its playlist came from', async () => {
  const hls = createHls()
  const address = { kind: 'hls' as const, url: new URL(`http://camera.example:${port}/live.m3u8`) }
  const playlist = (await hls.get('cam', address, 'playlist.m3u8')) as { text: string }
  const [piece = ''] = /[0-9a-f]{32}\.ts/.exec(playlist.text) ?? []
  name.leadsTo = '127.0.0.2'
  const { body } = (await hls.get('cam', address, piece)) as { body: Readable }
  expect(await text(body)).toBe('from the camera')
  await expect(hls.get('cam', address, 'playlist.m3u8')).rejects.toThrow('no HLS playlist')
})

test('where clouds keep the secrets of a machine is never asked, however it is written', () => {
  for (const address of [
    '169.254.169.254',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '::ffff:169.254.169.254',
    '::ffff:100.100.100.200',
    '64:ff9b::169.254.169.254',
    '2002:a9fe:a9fe::1',
    '::169.254.169.254',
    'fe80::1',
    'fd00:ec2::254',
    '0.0.0.0',
    '::',
    '224.0.0.1',
  ])
    expect({ address, isRefused: isRefused(address) }).toEqual({ address, isRefused: true })
  for (const address of ['10.0.0.1', '192.168.1.64', '100.100.100.1', 'fd00::7', '2001:db8::1'])
    expect({ address, isRefused: isRefused(address) }).toEqual({ address, isRefused: false })
})
