// A device's video over HTTP: registered by who may register devices, looked at by who is signed in. The page asks us and nobody else; the camera is
// asked by the server, at the registered address only. Who looks stands in the audit trail, once in ten minutes.
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { Alarm } from '#contracts/alarm.ts'
import type { Clock } from '#contracts/clock.ts'
import type { Device } from '#contracts/device.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Incident } from '#contracts/incident.ts'
import type { Principal } from '#contracts/people.ts'
import { CAMERA_REASONS, PICTURE_AT, VIDEO_KINDS, type Video, type VideoGiven } from '#contracts/video.ts'
import type { Audit } from './audit.ts'
import { actorOf, callerOf, mayDo, nameOf } from './auth.ts'
import { camerasBeside } from './cameras-beside.ts'
import { answers } from './errors.ts'
import { createPictureStream, PICTURES_TYPE, type Picture, type Watch } from './picture-stream.ts'
import { flag, integer, list, object, oneOf, text, time, type App } from './schema.ts'

export type VideoParts = {
  video: {
    put(deviceId: string, given: VideoGiven, by: string): Video
    remove(deviceId: string): boolean
    get(deviceId: string): Video | undefined
    all(): Video[]
    watch: Watch
    picture(deviceId: string): Promise<Picture>
    hls(deviceId: string, name: string): Promise<{ type: string; text: string } | { type: string; body: Readable }>
    offer(deviceId: string, sdp: string): Promise<string>
  }
  directory: { get(deviceId: string): Device | undefined }
  desk: { incident(id: string): (Incident & { alarmIds: string[] }) | undefined; alarmOfQueue(id: string): Alarm | undefined }
  accounts: { principal(token: string): Principal | null }
  audit: Audit
  clock: Clock
}

const SDP_BYTES_MAX = 64 * 1024
const SDP_TYPE = 'application/sdp'
/** alarms of an incident that are looked through for cameras */
const ALARMS_MAX = 200
const AUDIT_AGAIN_MS = 600_000
const AUDITED_MAX = 5_000
const tags = ['video']
const byId = object({ id: text({ maxLength: 128 }) })
const kind = oneOf(VIDEO_KINDS, {
  description: 'snapshot: one picture an answer; mjpeg: endless multipart; hls: a playlist; whep: WebRTC, opened over HTTP',
})
const video = object({
  deviceId: text(),
  kind,
  host: text({ description: 'where it lies; the address itself and the login are shown to nobody' }),
  hasLogin: flag(),
  by: text(),
  at: time(),
})
const beside = object({ deviceId: text(), kind, reason: oneOf(CAMERA_REASONS) }, { name: text(), distanceM: integer() })
const bytes = (types: readonly string[], description: string) => ({
  content: Object.fromEntries(types.map(type => [type, { schema: text() }])),
  description,
})
/** Whatever the bytes of a camera are, nothing in them may run here. */
const SANDBOX = { 'content-security-policy': "default-src 'none'; sandbox", 'cache-control': 'no-store' } as const

export function videoRoutes(app: App, parts: VideoParts): void {
  const { video: desk, directory, accounts, audit, clock } = parts
  const audited = new Map<string, number>()

  function known(deviceId: string): Device {
    const device = directory.get(deviceId)
    if (device === undefined) throw new FengsuiError('not-found', `there is no device ${deviceId}`)
    return device
  }
  function looked(request: FastifyRequest, deviceId: string): void {
    const key = `${actorOf(callerOf(request))} ${deviceId}`
    const nowMs = clock.nowMs()
    if (nowMs - (audited.get(key) ?? -Infinity) < AUDIT_AGAIN_MS) return
    audited.delete(key)
    audited.set(key, nowMs)
    if (audited.size > AUDITED_MAX) audited.delete(audited.keys().next().value ?? '')
    audit(request, 'video.look', deviceId)
  }
  const mayStay = ({ credential }: FastifyRequest) => {
    const token = credential?.token
    return (): boolean => token !== undefined && mayDo(accounts.principal(token), 'read')
  }

  app.get('/api/v1/devices/:id/video', {
    config: { scope: 'read' },
    schema: { summary: 'The video registered for a device', tags, params: byId, response: answers({ 200: video }) },
    handler: async request => {
      const found = desk.get(request.params.id)
      if (found === undefined) throw new FengsuiError('not-found', `no video is registered for ${request.params.id}`)
      return found
    },
  })

  app.put('/api/v1/devices/:id/video', {
    config: { scope: 'devices:write' },
    schema: {
      summary: 'Register where a device’s video lies, in the place of what was there',
      tags,
      params: byId,
      body: object(
        { kind, url: text({ minLength: 1, maxLength: 2_000, description: 'http or https; a login in it is taken out and kept apart' }) },
        { username: text({ minLength: 1, maxLength: 200 }), password: text({ maxLength: 200 }) },
      ),
      response: answers({ 200: video }),
    },
    handler: async request => {
      const { deviceId } = known(request.params.id)
      const put = desk.put(deviceId, request.body as VideoGiven, nameOf(callerOf(request)))
      audit(request, 'video.register', deviceId, { kind: put.kind, host: put.host, hasLogin: put.hasLogin })
      return put
    },
  })

  app.delete('/api/v1/devices/:id/video', {
    config: { scope: 'devices:write' },
    schema: { summary: 'Forget a device’s video, its login too', tags, params: byId, response: answers({ 204: { type: 'null' } }) },
    handler: async (request, reply) => {
      const { id } = request.params
      if (!desk.remove(id)) throw new FengsuiError('not-found', `no video is registered for ${id}`)
      audit(request, 'video.forget', id)
      return reply.code(204).send()
    },
  })

  app.get('/api/v1/devices/:id/snapshot', {
    config: { scope: 'read' },
    schema: {
      summary: 'A picture of now, of a video of kind snapshot or mjpeg; `x-picture-at` says when it came',
      tags,
      params: byId,
      response: answers({ 200: bytes(['image/jpeg', 'image/png', 'image/webp'], 'the picture') }),
    },
    handler: async (request, reply) => {
      const { id } = request.params
      const picture = await desk.picture(id)
      looked(request, id)
      return reply.headers(SANDBOX).header(PICTURE_AT, picture.atMs).type(picture.type).send(picture.bytes)
    },
  })

  app.get('/api/v1/devices/:id/video/stream', {
    config: { scope: 'read' },
    schema: {
      summary: 'Pictures as they come, at most five a second, of a video of kind snapshot or mjpeg; each part carries `x-picture-at`',
      tags,
      params: byId,
      response: answers({ 200: bytes([PICTURES_TYPE], 'multipart/x-mixed-replace, until the camera or the caller ends it') }),
    },
    handler: async (request, reply) => {
      const { id } = request.params
      const body = await createPictureStream({ watch: desk.watch, deviceId: id, mayStay: mayStay(request), nowMs: clock.nowMs })
      looked(request, id)
      return reply.headers(SANDBOX).type(PICTURES_TYPE).send(body)
    },
  })

  app.get('/api/v1/devices/:id/video/hls/:name', {
    config: { scope: 'read' },
    schema: {
      summary: 'HLS: `playlist.m3u8`, and the pieces that it names',
      tags,
      params: object({ id: text({ maxLength: 128 }), name: text({ pattern: '^[a-z0-9]{1,40}\\.[a-z0-9]{2,4}$' }) }),
      response: answers({ 200: bytes(['application/vnd.apple.mpegurl', 'video/mp4', 'video/mp2t'], 'the playlist or a piece') }),
    },
    handler: async (request, reply) => {
      const { id, name } = request.params
      const piece = await desk.hls(id, name)
      looked(request, id)
      return reply
        .headers(SANDBOX)
        .type(piece.type)
        .send('text' in piece ? piece.text : piece.body)
    },
  })

  app.addContentTypeParser(SDP_TYPE, { parseAs: 'string', bodyLimit: SDP_BYTES_MAX }, (_request, body, done) => done(null, body))
  app.post('/api/v1/devices/:id/video/whep', {
    config: { scope: 'read' },
    bodyLimit: SDP_BYTES_MAX,
    schema: {
      summary: 'WebRTC: an SDP offer is answered by the camera’s gateway; the pictures then go past the server',
      tags,
      params: byId,
      consumes: [SDP_TYPE],
      body: text({ minLength: 10, maxLength: SDP_BYTES_MAX, pattern: '^v=0' }),
      response: answers({ 201: bytes([SDP_TYPE], 'the answer') }),
    },
    handler: async (request, reply) => {
      const { id } = request.params
      const answer = await desk.offer(id, request.body)
      looked(request, id)
      return reply.headers(SANDBOX).code(201).type(SDP_TYPE).send(answer)
    },
  })

  app.get('/api/v1/incidents/:id/cameras', {
    config: { scope: 'read' },
    schema: {
      summary: 'Cameras that show the place of an incident, the surest first, at most six',
      tags,
      params: object({ id: text({ maxLength: 200 }) }),
      response: answers({ 200: object({ cameras: list(beside) }) }),
    },
    handler: async request => {
      const incident = parts.desk.incident(request.params.id)
      if (incident === undefined) throw new FengsuiError('not-found', `there is no incident ${request.params.id}`)
      const alarms = incident.alarmIds.slice(0, ALARMS_MAX).flatMap(id => parts.desk.alarmOfQueue(id) ?? [])
      return { cameras: camerasBeside(desk.all(), directory.get, { incident, alarms }) }
    },
  })
}
