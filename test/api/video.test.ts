// A device's video over HTTP: who may register it and who may look, that neither address nor login comes out anywhere, pictures as they come, and
// that a camera that hangs holds up nothing else.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Alarm } from '#contracts/alarm.ts'
import { camerasBeside } from '../../dashboard/api/cameras-beside.ts'
import { until } from '../system/running.ts'
import { alarmBody, startRoom, type Room } from './room.ts'

const JPEG = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46]), Buffer.alloc(200_000, 1)])
let room: Room
let url = ''
let open = 0
const camera = createServer((request, response) => {
  open += 1
  response.on('close', () => (open -= 1))
  const { url: path = '' } = request
  if (path.startsWith('/shot')) response.end(JPEG)
  else if (path === '/hls.m3u8') response.end('#EXTM3U\n#EXTINF:2,\na.ts\n')
  else if (path === '/a.ts') response.end('transport stream')
  else if (path === '/whep') response.writeHead(201).end('v=0\r\nanswer')
  else if (path === '/mjpeg') film(response)
})
const film = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=b' })
  const timer = setInterval(() => {
    response.write(`--b\r\ncontent-type: image/jpeg\r\ncontent-length: ${JPEG.length}\r\n\r\n`)
    response.write(JPEG)
  }, 60)
  response.on('close', () => clearInterval(timer))
}
const register = (id: string, json: object, as = 'engineer') => room.ask(`/api/v1/devices/${id}/video`, { as, method: 'PUT', json })
beforeAll(async () => {
  room = await startRoom({ roles: ['admin', 'officer', 'engineer', 'viewer', 'station'] })
  await new Promise<void>(resolve => camera.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(camera.address() as AddressInfo).port}`
  for (const deviceId of ['cam-1', 'cam-2', 'cam-3'])
    await room.post('/api/v1/devices', { deviceId, kind: 'camera', name: `mast ${deviceId}`, place: { building: `b of ${deviceId}` } })
})
afterAll(async () => {
  camera.closeAllConnections()
  camera.close()
  await room[Symbol.asyncDispose]()
})
const SECRET = /hush|\/shot\?|token=/

test('registered by who may register devices; nobody is shown address or login, in any answer, log or audit', async () => {
  const given = { kind: 'snapshot', url: `${url.replace('//', '//eng:hush@')}/shot?token=abc` }
  for (const as of ['officer', 'viewer', 'station']) expect((await register('cam-1', given, as)).status).toBe(403)
  expect((await register('nobody', given)).status).toBe(404)
  const put = await register('cam-1', given)
  expect(put).toMatchObject({ status: 200, body: { kind: 'snapshot', host: new URL(url).host, hasLogin: true, by: 'engineer' } })
  const bad = await register('cam-1', { kind: 'snapshot', url: 'http://eng:hush@169.254.169.254/token=abc' })
  expect(bad).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
  const answers = [put, bad]
  for (const path of ['devices/cam-1/video', 'devices/cam-1', 'devices?limit=10'])
    answers.push(await room.ask(`/api/v1/${path}`, { as: 'viewer' }))
  expect(answers[2]?.body).toMatchObject({ kind: 'snapshot', hasLogin: true })
  expect(answers[3]?.body).toMatchObject({ video: 'snapshot' })
  const shot = await room.ask('/api/v1/devices/cam-1/snapshot', { as: 'station' })
  expect(shot.status).toBe(200)
  expect(shot.headers.get('content-type')).toBe('image/jpeg')
  expect(shot.headers.get('content-security-policy')).toContain('sandbox')
  expect(Math.abs(Date.now() - Number(shot.headers.get('x-picture-at')))).toBeLessThan(5_000)
  const trail = (await room.ask('/api/v1/audit')).body.entries as { action: string; subject: string; actor: string }[]
  expect(trail.find(one => one.action === 'video.look')).toMatchObject({ actor: 'user:station', subject: 'cam-1' })
  expect(trail.find(one => one.action === 'video.register')).toMatchObject({ actor: 'user:engineer', detail: { host: new URL(url).host } })
  expect(JSON.stringify([trail, answers, room.lines])).not.toMatch(SECRET)
  expect((await room.ask('/api/v1/devices/cam-1/snapshot', { as: null })).status).toBe(401)
})

test('pictures as they come, each with its time; one that reads slowly gets fewer, and a session that ends ends it', async () => {
  await register('cam-2', { kind: 'mjpeg', url: `${url}/mjpeg` })
  const stream = async (token: string, signal: AbortSignal) =>
    (
      await fetch(`${room.url}/api/v1/devices/cam-2/video/stream`, { headers: { authorization: `Bearer ${token}` }, signal })
    ).body!.getReader()
  const abort = new AbortController()
  const slow = await stream(room.tokens['viewer']!, abort.signal)
  const { token } = await room.accounts.login('officer', 'correct horse battery')
  const quick = await stream(token, abort.signal)
  let text = ''
  let pictures = 0
  while (pictures < 4) {
    const { value } = await quick.read()
    text += Buffer.from(value!).toString('latin1')
    pictures = text.split('x-picture-at').length - 1
  }
  const times = [...text.matchAll(/x-picture-at: (\d+)/g)].map(([, at]) => Number(at))
  expect(times).toEqual([...times].sort((a, b) => a - b))
  room.accounts.logout(token)
  room.clock.shiftMs = 6_000
  let isDone = false
  while (!isDone) isDone = (await quick.read().catch(() => ({ done: true }))).done
  room.clock.shiftMs = 0
  expect((await slow.read()).done).toBe(false)
  abort.abort()
  await until(() => open === 0, 3_000, 'the camera is let go')
})

test('HLS and WebRTC go by the server; what is wrong is refused before the camera is asked', async () => {
  await register('cam-2', { kind: 'hls', url: `${url}/hls.m3u8` })
  const playlist = await room.ask('/api/v1/devices/cam-2/video/hls/playlist.m3u8', { as: 'viewer' })
  expect(playlist.headers.get('content-type')).toContain('mpegurl')
  const name = /[0-9a-f]{32}\.ts/.exec(playlist.text)?.[0]
  expect((await room.ask(`/api/v1/devices/cam-2/video/hls/${name}`, { as: 'viewer' })).text).toBe('transport stream')
  for (const wrong of ['..%2fshot', 'x', 'http:%2f%2f127.0.0.1'])
    expect((await room.ask(`/api/v1/devices/cam-2/video/hls/${wrong}`)).status).toBe(400)
  await register('cam-2', { kind: 'whep', url: `${url}/whep` })
  const offer = (body: string, type = 'application/sdp') =>
    room.ask('/api/v1/devices/cam-2/video/whep', { as: 'viewer', method: 'POST', body, headers: { 'content-type': type } })
  expect(await offer('v=0\r\no=- 1 2 IN IP4 0.0.0.0')).toMatchObject({ status: 201, text: 'v=0\r\nanswer' })
  expect((await offer('no description')).status).toBe(400)
  expect((await offer('{}', 'text/plain')).status).toBe(400)
})

test('a camera that hangs: who looks is told soon, and alarms are raised meanwhile as ever', async () => {
  await register('cam-3', { kind: 'snapshot', url: `${url}/hangs` })
  const looks = Array.from({ length: 20 }, () => room.ask('/api/v1/devices/cam-3/snapshot', { as: 'viewer' }))
  await until(() => open > 0, 60_000, 'the camera is asked')
  let answered = 0
  for (const look of looks) void look.then(() => (answered += 1))
  const raised = await room.post('/api/v1/alarms', alarmBody())
  expect({ status: raised.status, answered }).toEqual({ status: 201, answered: 0 })
  for (const look of await Promise.all(looks))
    expect(look).toMatchObject({ status: 502, body: { code: 'camera-failed', message: expect.stringMatching(/no answer within/) } })
})

test('cameras beside an incident: evidence, then the building, then the nearest; a device that goes takes its video along', async () => {
  await register('cam-1', { kind: 'snapshot', url: `${url}/shot` })
  const raised = await room.post('/api/v1/alarms', alarmBody({ place: { building: 'b of cam-3' }, deviceId: 'cam-1' }))
  const path = `/api/v1/incidents/${raised.body.incident.id}/cameras`
  expect((await room.ask(path, { as: 'station' })).body.cameras.map(one => [one.deviceId, one.reason])).toEqual([
    ['cam-1', 'evidence'],
    ['cam-3', 'same-building'],
  ])
  expect((await room.ask('/api/v1/devices/cam-1', { as: 'engineer', method: 'DELETE' })).status).toBe(204)
  expect((await room.ask('/api/v1/devices/cam-1/video')).status).toBe(404)
  expect((await room.ask(path)).body.cameras.map(one => one.deviceId)).toEqual(['cam-3'])
  expect((await room.ask('/api/v1/devices/cam-3/video', { as: 'engineer', method: 'DELETE' })).status).toBe(204)
  expect((await room.ask('/api/v1/devices/cam-3/video', { as: 'engineer', method: 'DELETE' })).status).toBe(404)

  const at = (m: number) => ({ lat: 31.9 + m / 111_320, lon: 118.8 })
  const videos = [500, 300, 20].map(m => ({ deviceId: `m${m}`, kind: 'hls' as const, host: 'h', hasLogin: false, by: 'x', at: '' }))
  const device = (deviceId: string) => ({
    deviceId,
    kind: 'camera' as const,
    position: at(Number(deviceId.slice(1))),
    alarms: {},
    metrics: {},
    gaps: 0,
    readings: 0,
  })
  const incident = { ...raised.body.incident, position: at(0) }
  expect(camerasBeside(videos, device, { incident, alarms: [] as Alarm[] }).map(one => [one.deviceId, one.distanceM])).toEqual([
    ['m20', 20],
    ['m300', 300],
  ])
})
