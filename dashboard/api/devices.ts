// Devices over HTTP: the list, registration (credentials are answered once), corrections. Never talks to a device; commands are
// commands.ts.
import type { Clock } from '#contracts/clock.ts'
import { conditionOf, type Device } from '#contracts/device.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import type { VideoKind } from '#contracts/video.ts'
import type { Audit, AuditMany } from './audit.ts'
import { deviceDetails as details, deviceIdField, grantsField, located, type PositionOf, type Registered } from './device-fields.ts'
import { answers } from './errors.ts'
import { registerAll, type Credential, type Issued, type Wanted } from './registering.ts'
import { either, list, object, oneOf, ref, text, type App, type Static } from './schema.ts'

export type DeviceParts = {
  directory: {
    get(deviceId: string): Device | undefined
    all(): Iterable<Device>
    register(device: Registered): Device
    registerAll(devices: readonly Registered[]): Device[]
    remove(deviceId: string): boolean
  }
  saveDirectory(): void
  positionOf: PositionOf
  credentials: {
    importMany(rows: Credential[]): Promise<Issued[]>
    link(deviceId: string, via: string): void
    revoke(deviceId: string): boolean
    list(): { deviceId: string }[]
  }
  changed(c: { devices?: Device[]; removed?: string[] }): void
  video: { get(deviceId: string): { kind: VideoKind } | undefined; remove(deviceId: string): boolean }
  audit: Audit
  auditMany: AuditMany
  clock: Clock
}

/** devices in one POST */
const BULK_MAX = 5000
const BULK_BYTES = 4 * 1024 * 1024

const newDevice = object({ deviceId: deviceIdField, kind: oneOf(DEVICE_KINDS) }, { ...details, grants: grantsField })
const byId = object({ id: text({ maxLength: 128 }) })
const registered = object({ deviceId: text(), device: ref('Device'), credentials: ref('Credentials') })
const tags = ['devices']

export function deviceRoutes(app: App, parts: DeviceParts): void {
  const { directory, credentials, audit, clock } = parts
  const shown = (device: Device) => ({ ...device, condition: conditionOf(device, clock.nowMs()) })

  function known(id: string): Device {
    const device = directory.get(id)
    if (device === undefined) throw new FengsuiError('not-found', `there is no device ${id}`)
    return device
  }

  /** Refused before anything is made, so that a bulk registration is never half refused. */
  function refuseTaken(wanted: readonly { deviceId: string }[]): void {
    const seen = new Set(credentials.list().map(entry => entry.deviceId))
    for (const { deviceId } of wanted) {
      if (seen.has(deviceId))
        throw new FengsuiError('conflict', `device ${deviceId} is registered already; delete it first for new credentials`)
      seen.add(deviceId)
    }
  }

  function asked(given: Static<typeof newDevice>): Wanted {
    const { grants, ...registration } = located(given, given.kind, parts.positionOf)
    const { deviceId, via } = registration
    return { credential: { deviceId, ...(via !== undefined && { via }), ...(grants !== undefined && { grants }) }, registration }
  }

  app.post('/api/v1/devices', {
    config: { scope: 'devices:write' },
    bodyLimit: BULK_BYTES,
    schema: {
      summary: 'Register one device, or a list of them; answers the credentials once',
      tags,
      body: either(newDevice, list(newDevice, { minItems: 1, maxItems: BULK_MAX })),
      response: answers({ 201: either(registered, object({ devices: list(registered) })) }),
    },
    handler: async (request, reply) => {
      const wanted = Array.isArray(request.body) ? request.body : [request.body]
      refuseTaken(wanted)
      const all = await registerAll(parts, wanted.map(asked), portion =>
        parts.auditMany(
          request,
          'device.register',
          portion.map(({ deviceId, device: { kind } }) => ({ subject: deviceId, detail: { kind } })),
        ),
      )
      const made = all.map(each => ({ ...each, device: shown(each.device) }))
      return reply.code(201).send(Array.isArray(request.body) ? { devices: made } : made[0])
    },
  })

  app.get('/api/v1/devices/:id', {
    config: { scope: 'read' },
    schema: { summary: 'One device', tags, params: byId, response: answers({ 200: ref('Device') }) },
    handler: async request => {
      const device = known(request.params.id)
      const video = parts.video.get(device.deviceId)
      return { ...shown(device), ...(video !== undefined && { video: video.kind }) }
    },
  })

  app.patch('/api/v1/devices/:id', {
    config: { scope: 'devices:write' },
    schema: {
      summary: 'Correct what is known of a device',
      tags,
      params: byId,
      body: object({}, { ...details, kind: oneOf(DEVICE_KINDS) }, { minProperties: 1 }),
      response: answers({ 200: ref('Device') }),
    },
    handler: async request => {
      const { deviceId, kind: before } = known(request.params.id)
      const { kind = before } = request.body
      const device = directory.register({ ...located(request.body, kind, parts.positionOf), deviceId, kind })
      if (request.body.via !== undefined) credentials.link(deviceId, request.body.via)
      parts.saveDirectory()
      parts.changed({ devices: [device] })
      audit(request, 'device.change', deviceId, { fields: Object.keys(request.body), ...(kind !== before && { kind, before }) })
      return shown(device)
    },
  })

  app.delete('/api/v1/devices/:id', {
    config: { scope: 'devices:write' },
    schema: { summary: 'Forget a device and revoke its credentials', tags, params: byId, response: answers({ 204: { type: 'null' } }) },
    handler: async (request, reply) => {
      const { id } = request.params
      const had = [credentials.revoke(id), directory.remove(id)]
      parts.video.remove(id)
      if (!had.includes(true)) throw new FengsuiError('not-found', `there is no device ${id}`)
      parts.saveDirectory()
      parts.changed({ removed: [id] })
      audit(request, 'device.remove', id)
      return reply.code(204).send()
    },
  })
}
