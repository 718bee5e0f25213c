// Video of cameras over real HTTP: pictures by MJPEG and one by one shared among who looks, logins, HLS handed through by name, WebRTC's offer, and
// cameras that hang, lie, redirect, or send without end. Nothing may leave but pictures, and nothing of an address or a password.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import type { FengsuiError } from '#contracts/errors.ts'
import type { VideoGiven } from '#contracts/video.ts'
import { openAddresses } from '../../ingest/cameras/addresses.ts'
import type { Picture } from '../../ingest/cameras/pictures.ts'
import { renamed } from '../../ingest/cameras/playlists.ts'
import { openVideo } from '../../ingest/cameras/video.ts'
import { until } from '../system/running.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})
const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'video-'))
  opened.push({ close: () => rmSync(dir, { recursive: true }) })
  return dir
}
async function camera(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  opened.push({ close: () => (server.closeAllConnections(), server.close()) })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const LIMITS = { answerMs: 150, silenceMs: 150, everyMs: 30 }
function desk(given?: VideoGiven, limits = LIMITS) {
  const video = openVideo({ dir: folder(), clock: systemClock, log: noLog, limits, idleMs: 40, failureMs: 40 })
  opened.push(video)
  if (given !== undefined) video.put('cam', given, 'eng')
  return video
}
const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46])
const jpeg = (n: number, bytes = 50_000): Buffer => Buffer.concat([JPEG, Buffer.alloc(bytes, n)])
const part = (body: Buffer, withLength = true): Buffer =>
  Buffer.concat([
    Buffer.from(`--b\r\nContent-Type: image/jpeg\r\n${withLength ? `Content-Length: ${body.length}\r\n` : ''}\r\n`),
    body,
    Buffer.from('\r\n'),
  ])
const why = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it went well',
    (error: FengsuiError) => `${error.code}: ${error.message}`,
  )

test('MJPEG: one connection for all who look, each gets the newest, and it ends when nobody looks', async () => {
  let [connections, open] = [0, 0]
  const url = await camera((_, response) => {
    connections += 1
    open += 1
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=b' })
    let n = 0
    const timer = setInterval(() => response.write(part(jpeg(n), n++ % 2 === 0)), 20)
    response.on('close', () => {
      open -= 1
      clearInterval(timer)
    })
  })
  const video = desk({ kind: 'mjpeg', url: `${url}/stream` })
  const seen: Picture[][] = [[], []]
  const stops = seen.map(all => video.watch('cam', { picture: picture => void all.push(picture), ended: () => {} }))
  await until(() => seen.every(all => all.length > 2), 60_000, 'pictures for both')
  expect(connections).toBe(1)
  for (const { bytes, type, atMs } of seen.flat()) {
    expect(type).toBe('image/jpeg')
    expect(bytes.subarray(0, 3)).toEqual(JPEG.subarray(0, 3))
    expect(Math.abs(Date.now() - atMs)).toBeLessThan(3_000)
  }
  const times = seen[0]!.map(one => one.atMs)
  expect(Math.min(...times.slice(1).map((at, i) => at - times[i]!))).toBeGreaterThan(150)
  expect((await video.picture('cam')).bytes.length).toBeGreaterThan(50_000)
  for (const stop of stops) stop()
  await until(() => open === 0, 2_000, 'the camera is let go')
  expect(video.count()).toEqual({ feeds: 0, viewers: 0 })
})

test('single pictures, with the login of the URL, which stands nowhere else', async () => {
  const asked: (string | undefined)[] = []
  const url = await camera((request, response) => {
    asked.push(request.headers.authorization)
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/html' }).end(jpeg(asked.length))
  })
  const dir = folder()
  const addresses = openAddresses({ dir, clock: systemClock })
  opened.push(addresses)
  const shown = addresses.put('cam', { kind: 'snapshot', url: `${url.replace('//', '//eng:se%20cret@')}/shot?token=abc` }, 'eng')
  expect(shown).toMatchObject({ deviceId: 'cam', kind: 'snapshot', host: new URL(url).host, hasLogin: true })
  expect(JSON.stringify([shown, addresses.all()])).not.toMatch(/se.?cret|token|shot\?/)
  expect(statSync(join(dir, 'cameras.db')).mode & 0o077).toBe(0)
  expect(addresses.address('cam')).toMatchObject({ login: { username: 'eng', password: 'se cret' } })
  const video = openVideo({ dir, clock: systemClock, log: noLog, limits: LIMITS })
  opened.push(video)
  expect((await video.picture('cam')).type).toBe('image/jpeg')
  expect(asked[1]).toBe(`Basic ${Buffer.from('eng:se cret').toString('base64')}`)
})

test('what fails, hangs or is no picture is told in words, soon, and without address or password', async () => {
  const ways: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
    '/silent': () => {},
    '/half': (_, response) => void response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': 9_999 }).write(JPEG),
    '/html': (_, response) => void response.end('<script>alert(1)</script>'),
    '/elsewhere': (_, response) => void response.writeHead(302, { location: '/html' }).end(),
    '/login': (_, response) => void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
    '/endless': (_, response) => {
      const more = (): unknown => response.write(Buffer.alloc(1024 * 1024, 1)) && setImmediate(more)
      response.writeHead(200)
      response.on('drain', more)
      more()
    },
  }
  const url = await camera((request, response) => ways[request.url ?? '']?.(request, response))
  const told: Record<string, string> = {}
  for (const path of Object.keys(ways)) {
    const given = { kind: 'snapshot', url: url + path, username: 'eng', password: 'hush-hush' } as const
    // only who is waited for in vain may be out of time, on a slow machine too
    const video = desk(given, path === '/silent' || path === '/half' ? LIMITS : { ...LIMITS, answerMs: 20_000 })
    told[path] = await why(video.picture('cam'))
  }
  expect(told).toEqual({
    '/silent': 'camera-failed: no picture of cam: no answer within 0.15 s',
    '/half': 'camera-failed: no picture of cam: not whole within 0.15 s',
    '/html': 'camera-failed: no picture of cam: what it sends is no picture',
    '/elsewhere': 'camera-failed: no picture of cam: it sends elsewhere, which is not followed',
    '/login': 'camera-failed: no picture of cam: user name or password is wrong',
    '/endless': 'camera-failed: no picture of cam: it sends more than 4194304 bytes',
  })
  expect(JSON.stringify(told)).not.toMatch(/hush|127\.0\.0\.1/)
  const gone = desk({ kind: 'snapshot', url: 'http://127.0.0.1:1/' })
  expect(await why(gone.picture('cam'))).toBe('camera-failed: no picture of cam: it refuses the connection')
})

test('MJPEG that sends bytes and no picture, or falls silent, is ended; who looks is told', async () => {
  const url = await camera((request, response) => {
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=b' })
    if (request.url === '/once') response.write(part(jpeg(1)))
    else setInterval(() => response.write(part(Buffer.from('<html>no picture</html>'))), 20).unref()
  })
  const never = desk({ kind: 'mjpeg', url: `${url}/never` })
  expect(await why(never.picture('cam'))).toBe('camera-failed: no picture of cam: no picture for 0.15 s')
  const once = desk({ kind: 'mjpeg', url: `${url}/once` })
  const ended = await new Promise<FengsuiError>(resolve => once.watch('cam', { picture: () => {}, ended: resolve }))
  expect(ended.message).toMatch(/no picture for/)
  // asked again only after a moment
  expect(await why(once.picture('cam'))).toMatch(/no picture for/)
})

test('HLS: names of ours in the place of addresses; only what a playlist named is had, only from its host', async () => {
  const asked: string[] = []
  const url = await camera((request, response) => {
    asked.push(request.url ?? '')
    if (request.url === '/live/index.m3u8?key=secret')
      response.end('#EXTM3U\n#EXT-X-MAP:URI="init.mp4?key=secret"\n#EXTINF:2.0,\nseg1.m4s?key=secret\n#EXTINF:2.0,\n/other/seg2.ts\n')
    else if (request.url === '/live/foreign.m3u8') response.end('#EXTM3U\nhttp://192.0.2.1/x.ts\n')
    else response.end(`body of ${request.url}`)
  })
  const video = desk({ kind: 'hls', url: `${url}/live/index.m3u8?key=secret` })
  const playlist = (await video.hls('cam', 'playlist.m3u8')) as { text: string }
  expect(playlist.text).not.toMatch(/secret|127\.0\.0\.1|seg1/)
  const again = (await video.hls('cam', 'playlist.m3u8')) as { text: string }
  expect(again.text).toBe(playlist.text)
  const names = [...playlist.text.matchAll(/[0-9a-f]{32}\.\w+/g)].map(([name]) => name)
  expect(names.map(name => name.split('.')[1])).toEqual(['mp4', 'm4s', 'ts'])
  const bodies = await Promise.all(
    names.map(async name => {
      const piece = (await video.hls('cam', name)) as { type: string; body: Readable }
      return [piece.type, (await buffer(piece.body)).toString()]
    }),
  )
  expect(bodies).toEqual([
    ['video/mp4', 'body of /live/init.mp4?key=secret'],
    ['video/mp4', 'body of /live/seg1.m4s?key=secret'],
    ['video/mp2t', 'body of /other/seg2.ts'],
  ])
  const before = asked.length
  expect(await why(video.hls('cam', 'reboot.ts'))).toMatch(/^not-found/)
  expect(await why(video.hls('cam', `${'0'.repeat(32)}.ts`))).toMatch(/^not-found/)
  expect(asked.length).toBe(before)
  const foreign = desk({ kind: 'hls', url: `${url}/live/foreign.m3u8` })
  expect(await why(foreign.hls('cam', 'playlist.m3u8'))).toMatch(/its playlist names another host/)
  const none = desk({ kind: 'hls', url: `${url}/live/seg1.m3u8` })
  expect(await why(none.hls('cam', 'playlist.m3u8'))).toMatch(/no HLS playlist/)
  expect(
    renamed('#EXTM3U\r\n\r\n#EXT-X-KEY:METHOD=AES-128,URI="k.key",IV=0x1\na.ts', new URL('http://h/x/'), one => `<${one.pathname}>`),
  ).toBe('#EXTM3U\n\n#EXT-X-KEY:METHOD=AES-128,URI="</x/k.key>",IV=0x1\n</x/a.ts>')
})

test('WebRTC: the offer goes to the gateway, its answer comes back, anything else is told', async () => {
  const url = await camera((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const isRight = request.headers['content-type'] === 'application/sdp' && body === 'v=0\r\noffer'
      response.writeHead(isRight ? 201 : 400, { location: '/session/1' }).end(request.url === '/whep' ? 'v=0\r\nanswer' : '<html>')
    })
  })
  const video = desk({ kind: 'whep', url: `${url}/whep` })
  expect(await video.offer('cam', 'v=0\r\noffer')).toBe('v=0\r\nanswer')
  expect(await why(video.offer('cam', 'v=0\r\nanother'))).toMatch(/it answers 400/)
  expect(await why(desk({ kind: 'whep', url }).offer('cam', 'v=0\r\noffer'))).toMatch(/no session description/)
  expect(await why(video.picture('cam'))).toMatch(/^conflict: the video of cam is of the kind whep/)
  expect(await why(video.picture('other'))).toMatch(/^not-found/)
})

test('addresses that are never asked, are refused when they are registered and when a name turns out to be one', async () => {
  const video = desk()
  for (const url of [
    'http://169.254.169.254/latest/meta-data',
    'http://[fe80::1]/',
    'http://0.0.0.0/',
    'http://2852039166/',
    'http://224.0.0.1/',
    'http://[::ffff:169.254.169.254]/',
    'file:///etc/passwd',
    'rtsp://cam/1',
    'nonsense',
  ])
    expect(() => video.put('cam', { kind: 'snapshot', url }, 'eng'), url).toThrow(/body\.url/)
  expect(video.get('cam')).toBeUndefined()
})

test('no more than it may: registered videos, cameras looked at, people who look', async () => {
  const addresses = openAddresses({ dir: folder(), clock: systemClock, max: 1 })
  opened.push(addresses)
  addresses.put('a', { kind: 'snapshot', url: 'http://127.0.0.1/' }, 'eng')
  addresses.put('a', { kind: 'mjpeg', url: 'http://127.0.0.1/' }, 'eng')
  expect(() => addresses.put('b', { kind: 'snapshot', url: 'http://127.0.0.1/' }, 'eng')).toThrow(/1 videos are registered/)
  const url = await camera((_, response) => void response.end(jpeg(1, 100)))
  const video = desk()
  const watch = (n: number): (() => void) => video.watch(`cam${n}`, { picture: () => {}, ended: () => {} })
  for (let n = 0; n < 17; n += 1) video.put(`cam${n}`, { kind: 'snapshot', url }, 'eng')
  const stops = Array.from({ length: 16 }, (_, n) => watch(n))
  expect(() => watch(16)).toThrow(/16 cameras are looked at already/)
  stops[3]!()
  watch(16)
  for (let n = 0; n < 84; n += 1) watch(0)
  expect(() => watch(0)).toThrow(/100 look at cameras already/)
})
