// Many devices over HTTP: a CSV file with a look before the leap, and claim codes that a device turns into its credentials itself.
// Credentials are answered once, to whoever is to have them. One by one and in a list: devices.ts.
import type { Clock } from '#contracts/clock.ts'
import { conditionOf } from '#contracts/device.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import type { Audit, AuditMany, Record as RecordAudit } from './audit.ts'
import { deviceDetails, deviceIdField, grantsField, located, type PositionOf, type Registered } from './device-fields.ts'
import { answers } from './errors.ts'
import { registerAll, type RegisteringParts, type Wanted } from './registering.ts'
import { flag, integer, list, object, oneOf, ref, text, time, type App } from './schema.ts'

type Row = Wanted & { line: number }
type Problem = { line: number; column?: string; message: string }
export type Claimable = Registered & { grants?: string[] }

export type EnrolmentParts = RegisteringParts & {
  positionOf: PositionOf
  credentials: { list(): { deviceId: string }[] }
  /** reads a CSV file; `isTaken` = registered already */
  readSheet(csv: string, isTaken: (deviceId: string) => boolean): { wanted: Row[]; problems: Problem[] }
  claims: {
    make(wanted: readonly Claimable[], lastsMs: number): { deviceId: string; code: string; expiresAt: string }[]
    list(): { deviceId: string; createdAt: string; expiresAt: string }[]
    take(code: string): Claimable | null
    giveBack(code: string): void
    forget(deviceId: string): boolean
  }
  audit: Audit
  auditMany: AuditMany
  record: RecordAudit
  clock: Clock
}

const CSV_BYTES = 4 * 1024 * 1024
const SHOWN_MAX = 100
const CLAIMS_AT_ONCE = 1000
const CLAIM_LASTS_S = 14 * 86_400
const CLAIM_LASTS_MOST_S = 90 * 86_400
/** of one address; a code is 100 random bits, so this is about load, not about guessing */
const TRIES_PER_MINUTE = 30
const MISTAKES_TOLD = 5

const tags = ['devices']
const problem = object({ line: integer(), message: text() }, { column: text() })
const preview = object({
  rows: integer({ description: 'that are right' }),
  problems: list(problem),
  devices: list(object({ line: integer(), deviceId: text(), kind: oneOf(DEVICE_KINDS) }, { via: text(), name: text() }), {
    description: `the first ${SHOWN_MAX}`,
  }),
})
const withCredentials = object({ deviceId: text(), credentials: ref('Credentials') })
const claimable = object({ deviceId: deviceIdField, kind: oneOf(DEVICE_KINDS) }, { ...deviceDetails, grants: grantsField })
const claim = object({ deviceId: text(), code: text({ description: 'shown this once' }), expiresAt: time() })

export function enrolmentRoutes(app: App, parts: EnrolmentParts): void {
  const { credentials, claims, audit, clock } = parts
  app.addContentTypeParser('text/csv', { parseAs: 'string', bodyLimit: CSV_BYTES }, (request, body, done) => {
    done(null, { csv: body, commit: (request.query as { commit?: string }).commit === 'true' })
  })
  const taken = (): ((deviceId: string) => boolean) => {
    const known = new Set(credentials.list().map(({ deviceId }) => deviceId))
    return deviceId => known.has(deviceId)
  }

  app.post('/api/v1/devices/import', {
    config: { scope: 'devices:write' },
    bodyLimit: CSV_BYTES,
    schema: {
      summary: 'Register the devices of a CSV file: first a look at what it would do, then with `commit` all of them or none',
      tags,
      querystring: object({}, { commit: flag({ description: 'for a body of text/csv' }) }),
      body: object({ csv: text({ maxLength: CSV_BYTES }) }, { commit: flag() }),
      response: answers({ 200: preview, 201: object({ devices: list(withCredentials) }) }),
    },
    handler: async (request, reply) => {
      const { csv, commit } = request.body
      const { wanted, problems } = parts.readSheet(csv, taken())
      if (commit !== true) {
        const devices = wanted.slice(0, SHOWN_MAX).map(({ line, registration: { deviceId, kind, via, name } }) => ({
          line,
          deviceId,
          kind,
          ...(via === undefined ? {} : { via }),
          ...(name === undefined ? {} : { name }),
        }))
        return reply.send({ rows: wanted.length, problems, devices })
      }
      if (problems.length > 0) {
        const told = problems.slice(0, MISTAKES_TOLD).map(({ line, message }) => `line ${line}: ${message}`)
        const more = problems.length > told.length ? `; and ${problems.length - told.length} more, see the preview` : ''
        throw new FengsuiError('invalid-request', `nothing was registered: ${told.join('; ')}${more}`)
      }
      const made = await registerAll(parts, wanted, () => {})
      audit(request, 'device.import', `${made.length} devices`, { first: made[0]?.deviceId })
      return reply.code(201).send({ devices: made.map(({ deviceId, credentials: own }) => ({ deviceId, credentials: own })) })
    },
  })

  app.get('/api/v1/devices/claims', {
    config: { scope: 'devices:write' },
    schema: {
      summary: 'Claim codes nobody has used yet, without the codes',
      tags,
      response: answers({ 200: object({ claims: list(object({ deviceId: text(), createdAt: time(), expiresAt: time() })) }) }),
    },
    handler: async () => ({ claims: claims.list() }),
  })

  app.post('/api/v1/devices/claims', {
    config: { scope: 'devices:write' },
    bodyLimit: CSV_BYTES,
    schema: {
      summary: 'Make claim codes: each is good for one device, once, until it expires',
      tags,
      body: object(
        { devices: list(claimable, { minItems: 1, maxItems: CLAIMS_AT_ONCE }) },
        { expiresInS: integer({ minimum: 60, maximum: CLAIM_LASTS_MOST_S, description: 'default 14 days' }) },
      ),
      response: answers({ 201: object({ claims: list(claim) }) }),
    },
    handler: async (request, reply) => {
      const { devices, expiresInS = CLAIM_LASTS_S } = request.body
      const isTaken = taken()
      const known = devices.find(({ deviceId }) => isTaken(deviceId))
      if (known !== undefined) throw new FengsuiError('conflict', `device ${known.deviceId} is registered already`)
      const wanted = devices.map(device => located(device, device.kind, parts.positionOf))
      const made = claims.make(wanted as Claimable[], expiresInS * 1000)
      parts.auditMany(
        request,
        'device.claim-code',
        made.map(({ deviceId }) => ({ subject: deviceId })),
      )
      return reply.code(201).send({ claims: made.map(({ deviceId, code, expiresAt }) => ({ deviceId, code, expiresAt })) })
    },
  })

  app.delete('/api/v1/devices/claims/:id', {
    config: { scope: 'devices:write' },
    schema: {
      summary: 'Make the claim code of a device void',
      tags,
      params: object({ id: text({ maxLength: 128 }) }),
      response: answers({ 204: { type: 'null' } }),
    },
    handler: async (request, reply) => {
      const { id } = request.params
      if (!claims.forget(id)) throw new FengsuiError('not-found', `there is no open claim code for ${id}`)
      audit(request, 'device.claim-void', id)
      return reply.code(204).send()
    },
  })

  app.post('/api/v1/claim', {
    config: { scope: 'public', rateLimit: { max: TRIES_PER_MINUTE, timeWindow: '1 minute' } },
    bodyLimit: 1024,
    schema: {
      summary: 'For devices: a claim code for credentials, once',
      tags,
      body: object({ code: text({ minLength: 16, maxLength: 64 }) }),
      response: answers({ 201: object({ deviceId: text(), credentials: ref('Credentials'), device: ref('Device') }) }),
    },
    handler: async (request, reply) => {
      const { code } = request.body
      const wanted = claims.take(code)
      if (wanted === null) throw new FengsuiError('bad-credentials', 'no such claim code, or it was used, or it has expired')
      const { grants, ...registration } = wanted
      const { deviceId, via } = registration
      try {
        if (taken()(deviceId)) throw new FengsuiError('conflict', `device ${deviceId} was registered meanwhile`)
        const credential = { deviceId, ...(via === undefined ? {} : { via }), ...(grants === undefined ? {} : { grants }) }
        const [made] = await registerAll(parts, [{ credential, registration }], () => {})
        parts.record({ actor: `device:${deviceId}`, action: 'device.claim', subject: deviceId, detail: { address: request.ip } })
        const device = made?.device
        return await reply.code(201).send({
          deviceId,
          credentials: made?.credentials,
          device: device === undefined ? undefined : { ...device, condition: conditionOf(device, clock.nowMs()) },
        })
      } catch (error) {
        claims.giveBack(code)
        throw error
      }
    },
  })
}
