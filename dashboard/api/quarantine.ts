// What could not be used: browsed with filters, seen with its bytes, corrected and sent through again once the cause is mended, or put
// away. Who did what is written down; what may be done is decided by ingest.
import { FengsuiError } from '#contracts/errors.ts'
import {
  DISPOSITIONS,
  QUARANTINE_SOURCES,
  type QuarantineEntry,
  type QuarantineFilter,
  type RedriveSummary,
} from '#contracts/quarantine.ts'
import { emptyBody } from './alarms.ts'
import type { Audit } from './audit.ts'
import { actorOf, callerOf } from './auth.ts'
import { answers } from './errors.ts'
import { flag, integer, list, object, oneOf, ref, text, time, type App, type Static } from './schema.ts'

export type QuarantineParts = {
  quarantine: {
    list(f: QuarantineFilter & { limit: number; offset?: number }): { entries: QuarantineEntry[]; total: number }
    get(id: string): QuarantineEntry | undefined
    codes(): string[]
  }
  redrive: {
    one(id: string, o: { by: string; payload?: Uint8Array; topic?: string; force?: boolean }): Promise<QuarantineEntry>
    all(filter: QuarantineFilter, o: { by: string; limit: number; upTo?: number }): Promise<RedriveSummary>
    discard(id: string, o: { by: string }): QuarantineEntry
    bytes(entry: QuarantineEntry): Uint8Array | undefined
  }
  audit: Audit
}

const tags = ['quarantine']
const byId = object({ id: text({ maxLength: 200 }) })
const filters = {
  code: text({ maxLength: 100 }),
  source: oneOf(QUARANTINE_SOURCES),
  topic: text({ minLength: 1, maxLength: 1000, description: 'how the topic begins' }),
  device: text({ minLength: 1, maxLength: 200, description: 'the credential that sent it, or a whole part of the topic' }),
  from: time({ description: 'last seen at or after' }),
  to: time({ description: 'first seen before' }),
}
const corrected = object(
  {},
  {
    payload: text({ maxLength: 200_000, description: 'corrected payload as text' }),
    payloadBase64: text({ maxLength: 200_000, pattern: '^[A-Za-z0-9+/]*={0,2}$', description: 'corrected payload as bytes' }),
    topic: text({ minLength: 1, maxLength: 1000, pattern: '^[^#+$][^#+]*$' }),
    force: flag({ description: 'also what was re-driven or discarded, or was used in spite of its note' }),
  },
)

export function quarantineRoutes(app: App, { quarantine, redrive, audit }: QuarantineParts): void {
  function entryOf(id: string): QuarantineEntry {
    const entry = quarantine.get(id)
    if (entry === undefined) throw new FengsuiError('not-found', `there is no quarantine entry ${id}`)
    return entry
  }
  const byWhom = (request: Parameters<Audit>[0]): string => actorOf(callerOf(request))

  app.get('/api/v1/quarantine', {
    config: { scope: 'read' },
    schema: {
      summary: 'What could not be used, newest first, without the bytes',
      tags,
      querystring: object(
        {},
        {
          ...filters,
          disposition: oneOf(DISPOSITIONS),
          limit: integer({ minimum: 1, maximum: 500, default: 100 }),
          offset: integer({ minimum: 0, default: 0 }),
        },
      ),
      response: answers({
        200: object({ entries: list(ref('QuarantineEntry')), total: integer(), codes: list(text({ description: 'all there are' })) }),
      }),
    },
    handler: async request => {
      const { limit = 100, ...rest } = request.query
      const { entries, total } = quarantine.list({ ...rest, limit })
      return { entries: entries.map(withoutBytes), total, codes: quarantine.codes() }
    },
  })

  app.get('/api/v1/quarantine/:id', {
    config: { scope: 'read' },
    schema: { summary: 'One entry with its bytes', tags, params: byId, response: answers({ 200: ref('QuarantineEntry') }) },
    handler: async request => {
      const entry = entryOf(request.params.id)
      return { ...entry, isWhole: redrive.bytes(entry)?.byteLength === entry.bytes && entry.bytes > 0 }
    },
  })

  app.get('/api/v1/quarantine/:id/payload', {
    config: { scope: 'read' },
    schema: {
      summary: 'All its bytes, out of the journal where the entry holds only the first 64 KiB',
      tags,
      params: byId,
      response: answers({ 200: { type: 'string', format: 'binary' } }),
    },
    handler: async (request, reply) => {
      const entry = entryOf(request.params.id)
      const bytes = redrive.bytes(entry)
      if (bytes === undefined) throw new FengsuiError('not-found', `the bytes of ${entry.id} are not there (any more)`)
      // a device's bytes are never shown as a page of ours
      void reply.header('content-disposition', 'attachment; filename="payload.bin"').type('application/octet-stream')
      return reply.send(Buffer.from(bytes))
    },
  })

  app.post('/api/v1/quarantine/:id/redrive', {
    config: { scope: 'quarantine:write' },
    preValidation: emptyBody,
    schema: {
      summary: 'Send it through again: the kept bytes, or corrected ones',
      tags,
      params: byId,
      body: corrected,
      response: answers({ 200: ref('QuarantineEntry') }),
    },
    handler: async request => {
      const { id } = request.params
      const { topic, force = false } = request.body
      const payload = payloadOf(request.body)
      const by = byWhom(request)
      const entry = await redrive.one(id, { by, force, ...(payload !== undefined && { payload }), ...(topic !== undefined && { topic }) })
      const edited = { ...(payload !== undefined && { bytes: payload.byteLength }), ...(topic !== undefined && { topic }) }
      audit(request, 'quarantine.redrive', id, { code: entry.code, try: entry.redrives, ...(Object.keys(edited).length > 0 && { edited }) })
      return withoutBytes(entry)
    },
  })

  app.post('/api/v1/quarantine/redrive', {
    config: { scope: 'quarantine:write' },
    preValidation: emptyBody,
    schema: {
      summary: 'Send everything through again that is held and fits, oldest first, after a decoder or a registration was mended',
      tags,
      body: object(
        {},
        {
          ...filters,
          limit: integer({ minimum: 1, maximum: 1000, default: 500 }),
          upTo: integer({ minimum: 0, description: 'of the answer before, to go on: what came back unmended since is left alone' }),
        },
      ),
      response: answers({
        200: object({
          redriven: list(text()),
          failed: list(object({ id: text(), reason: text() })),
          remaining: integer({ description: 'still held: ask again with `upTo` where it is more than failed' }),
          upTo: integer(),
        }),
      }),
    },
    handler: async request => {
      const { limit = 500, upTo, ...filter } = request.body
      const summary = await redrive.all(filter, { by: byWhom(request), limit, ...(upTo !== undefined && { upTo }) })
      if (summary.redriven.length > 0) audit(request, 'quarantine.redrive-all', 'quarantine', { filter, ids: summary.redriven })
      return summary
    },
  })

  app.post('/api/v1/quarantine/:id/discard', {
    config: { scope: 'quarantine:write' },
    preValidation: emptyBody,
    schema: {
      summary: 'Put it away: it is of no use',
      tags,
      params: byId,
      body: object({}),
      response: answers({ 200: ref('QuarantineEntry') }),
    },
    handler: async request => {
      const entry = redrive.discard(request.params.id, { by: byWhom(request) })
      audit(request, 'quarantine.discard', entry.id, { code: entry.code })
      return withoutBytes(entry)
    },
  })
}

function payloadOf({ payload, payloadBase64 }: Static<typeof corrected>): Uint8Array | undefined {
  if (payload !== undefined && payloadBase64 !== undefined)
    throw new FengsuiError('invalid-request', 'body.payload and body.payloadBase64 are two payloads: give one')
  if (payload !== undefined) return Buffer.from(payload)
  return payloadBase64 === undefined ? undefined : Buffer.from(payloadBase64, 'base64')
}

function withoutBytes(entry: QuarantineEntry): QuarantineEntry {
  const { payloadBase64: _payloadBase64, ...rest } = entry
  return rest
}
