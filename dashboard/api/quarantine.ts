// What could not be used, and sending it through again once the cause is mended.
import { FengsuiError } from '#contracts/errors.ts'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import type { Audit } from './audit.ts'
import { answers } from './errors.ts'
import { integer, list, object, oneOf, ref, text, type App } from './schema.ts'
import { emptyBody } from './alarms.ts'

export type QuarantineParts = {
  quarantine: {
    list(f: { limit: number; offset?: number; code?: string; source?: QuarantineEntry['source'] }): {
      entries: QuarantineEntry[]
      total: number
    }
    get(id: string): QuarantineEntry | undefined
    mark(id: string, disposition: QuarantineEntry['disposition']): unknown
  }
  /** resolves when the bytes are in the journal again */
  redrive: (entry: QuarantineEntry) => Promise<void>
  audit: Audit
}

const tags = ['quarantine']
const byId = object({ id: text({ maxLength: 200 }) })

export function quarantineRoutes(app: App, { quarantine, redrive, audit }: QuarantineParts): void {
  function entryOf(id: string): QuarantineEntry {
    const entry = quarantine.get(id)
    if (entry === undefined) throw new FengsuiError('not-found', `there is no quarantine entry ${id}`)
    return entry
  }

  app.get('/api/v1/quarantine', {
    config: { scope: 'read' },
    schema: {
      summary: 'What could not be used, newest first, without the bytes',
      tags,
      querystring: object(
        {},
        {
          code: text({ maxLength: 100 }),
          source: oneOf(['door', 'decoder', 'store'] as const),
          limit: integer({ minimum: 1, maximum: 500, default: 100 }),
          offset: integer({ minimum: 0, default: 0 }),
        },
      ),
      response: answers({ 200: object({ entries: list(ref('QuarantineEntry')), total: integer() }) }),
    },
    handler: async request => {
      const { limit = 100, ...rest } = request.query
      const { entries, total } = quarantine.list({ ...rest, limit })
      return { entries: entries.map(withoutBytes), total }
    },
  })

  app.get('/api/v1/quarantine/:id', {
    config: { scope: 'read' },
    schema: { summary: 'One entry with its bytes', tags, params: byId, response: answers({ 200: ref('QuarantineEntry') }) },
    handler: async request => entryOf(request.params.id),
  })

  app.post('/api/v1/quarantine/:id/redrive', {
    config: { scope: 'quarantine:write' },
    preValidation: emptyBody,
    schema: {
      summary: 'Send the kept bytes through again',
      tags,
      params: byId,
      body: object({}),
      response: answers({ 200: ref('QuarantineEntry') }),
    },
    handler: async request => {
      const entry = entryOf(request.params.id)
      if (entry.disposition === 'redriven') throw new FengsuiError('conflict', `${entry.id} was sent through again already`)
      if (entry.payloadBase64 === undefined || entry.topic === undefined) {
        throw new FengsuiError('conflict', `${entry.id} has no bytes to send: refused before they were read`)
      }
      await redrive(entry)
      quarantine.mark(entry.id, 'redriven')
      audit(request, 'quarantine.redrive', entry.id, { code: entry.code })
      return entryOf(entry.id)
    },
  })
}

function withoutBytes(entry: QuarantineEntry): QuarantineEntry {
  const { payloadBase64: _payloadBase64, ...rest } = entry
  return rest
}
