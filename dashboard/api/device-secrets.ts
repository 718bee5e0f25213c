// The credentials of one device: new ones in place of the old (at once, or with a time in which both are right), and none at all.
// Never shows those there are: they are kept as hashes.
import { FengsuiError } from '#contracts/errors.ts'
import type { Audit } from './audit.ts'
import { answers } from './errors.ts'
import { integer, object, ref, text, type App } from './schema.ts'

export type DeviceSecretParts = {
  credentials: {
    /** Keeps grants and gateway. */
    rotate(deviceId: string, keepOldMs: number): Promise<{ username: string; password: string } | null>
    /** Takes the credentials away, and ends its connections; it stays registered. */
    suspend(deviceId: string): boolean
  }
  audit: Audit
}

const KEEP_OLD_MOST_S = 7 * 86_400
const tags = ['devices']
const byId = object({ id: text({ maxLength: 128 }) })

export function deviceSecretRoutes(app: App, { credentials, audit }: DeviceSecretParts): void {
  app.post('/api/v1/devices/:id/credentials', {
    config: { scope: 'devices:write' },
    schema: {
      summary: 'New credentials for a device, answered once; the old ones end at once, or are right for a while longer',
      tags,
      params: byId,
      body: object({}, { keepOldS: integer({ minimum: 0, maximum: KEEP_OLD_MOST_S, description: 'default 0: its connections end now' }) }),
      response: answers({ 201: object({ deviceId: text(), credentials: ref('Credentials') }) }),
    },
    handler: async (request, reply) => {
      const { id } = request.params
      const keepOldS = request.body.keepOldS ?? 0
      const made = await credentials.rotate(id, keepOldS * 1000)
      if (made === null) throw new FengsuiError('not-found', `${id} has no credentials`)
      audit(request, 'device.rotate', id, { keepOldS })
      return reply.code(201).send({ deviceId: id, credentials: { username: made.username, password: made.password } })
    },
  })

  app.delete('/api/v1/devices/:id/credentials', {
    config: { scope: 'devices:write' },
    schema: {
      summary: 'Take the credentials of a device away: its connections end at once. It stays registered',
      tags,
      params: byId,
      response: answers({ 204: { type: 'null' } }),
    },
    handler: async (request, reply) => {
      const { id } = request.params
      if (!credentials.suspend(id)) throw new FengsuiError('not-found', `${id} has no credentials`)
      audit(request, 'device.revoke', id)
      return reply.code(204).send()
    },
  })
}
