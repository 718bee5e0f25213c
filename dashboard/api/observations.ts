// Observations over HTTP: as JSON, or as a form with photos; and the photos, for who is signed in. Keeps no rules: dispatch decides whose
// evidence it is, and the photo store what a picture is.
import multipart from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { FengsuiError } from '#contracts/errors.ts'
import { OBSERVATION_SOURCES, PHOTO_TYPES, type Observation, type Photo } from '#contracts/observation.ts'
import { actorOf, callerOf } from './auth.ts'
import type { Changes } from './alarms.ts'
import { answers } from './errors.ts'
import { describeViolation, integer, list, object, oneOf, ref, text, time, validatorCompiler, type App, type Static } from './schema.ts'
import { place, position } from './shape-parts.ts'

export type ObservationParts = {
  observations: {
    add(o: Body & { photos: readonly Photo[]; by: string }): { observation: Observation; created: boolean; changes: Changes }
    get(id: string): Observation | undefined
    list(o: { incidentId?: string; limit: number }): Observation[]
  }
  photos: {
    save(chunks: AsyncIterable<Uint8Array>): Promise<Photo>
    keep(photos: readonly Photo[]): void
    remove(photos: readonly Photo[]): void
    read(id: string): NodeJS.ReadableStream | null
  }
  changed(changes: Changes): void
}

const PHOTOS_MAX = 6
/** the store says no at 10 MiB; this only ends what is far beyond */
const PART_BYTES_MAX = 64 * 1024 * 1024
const LISTED = 50
const LISTED_MAX = 200
const tags = ['observations']

const body = object(
  {
    source: oneOf(OBSERVATION_SOURCES),
    text: text({ minLength: 1, maxLength: 1000 }),
    idempotencyKey: text({
      minLength: 1,
      maxLength: 200,
      description: 'the ticket number of the hotline, the id of the snapshot: makes a retry harmless',
    }),
  },
  { at: time({ description: 'event time; default now' }), place, position },
)
type Body = Static<typeof body>
const isBody = validatorCompiler({ schema: body, httpPart: 'body' })

const photo = object({ id: text(), type: oneOf(PHOTO_TYPES), bytes: integer(), sha256: text() })
export const observationShape = {
  $id: 'Observation',
  ...object(
    {
      id: text(),
      source: oneOf(OBSERVATION_SOURCES),
      text: text(),
      at: time(),
      receivedAt: time(),
      by: text(),
      incidentId: text(),
      alarmId: text(),
      status: oneOf(['evidence', 'to-be-confirmed'] as const, {
        description: 'joined an open incident, or opened one that has to be confirmed',
      }),
      photos: list(photo),
    },
    { distanceM: integer({ description: 'from the nearest alarm of the incident' }), place: ref('Place'), position: ref('Position') },
    { additionalProperties: true },
  ),
}

function bodyOf(value: unknown): Body {
  if (isBody(value)) return value as Body
  throw new FengsuiError('invalid-request', describeViolation(isBody.errors ?? [], 'observation'))
}

/** What the reader of forms throws says no code: the bytes are no form, or end before it does. What the disk throws has one. */
const unreadable = (error: unknown): boolean =>
  error instanceof Error && Object.getPrototypeOf(error) === Error.prototype && !('code' in error)

/** A form: the field `observation` holds the JSON, each file is a photo. The JSON may come before or after the photos. */
async function readForm(request: FastifyRequest, { photos }: ObservationParts): Promise<{ body: Body; saved: Photo[] }> {
  const saved: Photo[] = []
  let written: string | undefined
  try {
    for await (const part of request.parts({ limits: { files: PHOTOS_MAX, fields: 1, fileSize: PART_BYTES_MAX, fieldSize: 64 * 1024 } })) {
      if (part.type === 'file') saved.push(await photos.save(part.file))
      else if (part.fieldname === 'observation') written = String(part.value)
      else throw new FengsuiError('invalid-request', 'the form has a field that is not known: `observation` and files are')
    }
    if (written === undefined) throw new FengsuiError('invalid-request', 'the form has no field `observation`')
    let value: unknown
    try {
      value = JSON.parse(written)
    } catch {
      throw new FengsuiError('invalid-request', 'the field `observation` is not valid JSON')
    }
    return { body: bodyOf(value), saved }
  } catch (error) {
    photos.remove(saved)
    if (!unreadable(error)) throw error
    throw new FengsuiError('invalid-request', 'the form cannot be read: it has no boundary, or ends before its last part does', {
      cause: error,
    })
  }
}

const EXTENSIONS: Record<string, string> = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp', 'image/heic': 'heic' }

export async function observationRoutes(app: App, parts: ObservationParts): Promise<void> {
  const { observations, photos } = parts
  app.addSchema(observationShape)
  await app.register(multipart, { throwFileSizeLimit: false })

  function known(id: string): Observation {
    const found = observations.get(id)
    if (found === undefined) throw new FengsuiError('not-found', `there is no observation ${id}`)
    return found
  }

  /** Once it is written down its photos stay, whatever fails after that. */
  function taken({ at, ...rest }: Body, saved: Photo[], by: string) {
    try {
      return observations.add({ ...rest, ...(at !== undefined && { at: new Date(at).toISOString() }), photos: saved, by })
    } catch (error) {
      photos.remove(saved)
      throw error
    }
  }

  app.post('/api/v1/observations', {
    config: { scope: 'observations:write' },
    schema: {
      summary: 'What somebody saw: evidence of the incident near by, else an incident to be confirmed (201; 200 when known)',
      description: 'JSON, or multipart/form-data with the JSON in the field `observation` and up to 6 photos of 10 MiB each.',
      tags,
      consumes: ['application/json', 'multipart/form-data'],
      response: answers({ 200: ref('Observation'), 201: ref('Observation') }),
    },
    handler: async (request, reply) => {
      const { body: given, saved } = request.isMultipart()
        ? await readForm(request, parts)
        : { body: bodyOf(request.body), saved: [] as Photo[] }
      const made = taken(given, saved, actorOf(callerOf(request)))
      // known already: the photos of the first time stand
      if (made.created) photos.keep(saved)
      else photos.remove(saved)
      parts.changed(made.changes)
      return reply.code(made.created ? 201 : 200).send(made.observation)
    },
  })

  app.get('/api/v1/observations', {
    config: { scope: 'read' },
    schema: {
      summary: 'Observations, newest first',
      tags,
      querystring: object({}, { incident: text({ maxLength: 200 }), limit: integer({ minimum: 1, maximum: LISTED_MAX, default: LISTED }) }),
      response: answers({ 200: object({ observations: list(ref('Observation')) }) }),
    },
    handler: async request => {
      const { incident, limit = LISTED } = request.query
      return { observations: observations.list({ limit, ...(incident !== undefined && { incidentId: incident }) }) }
    },
  })

  app.get('/api/v1/observations/:id', {
    config: { scope: 'read' },
    schema: {
      summary: 'One observation',
      tags,
      params: object({ id: text({ maxLength: 64 }) }),
      response: answers({ 200: ref('Observation') }),
    },
    handler: async request => known(request.params.id),
  })

  app.get('/api/v1/observations/:id/photos/:photo', {
    config: { scope: 'read' },
    schema: {
      summary: 'A photo of an observation',
      tags,
      params: object({ id: text({ maxLength: 64 }), photo: text({ maxLength: 64 }) }),
      response: answers({
        200: {
          content: Object.fromEntries(PHOTO_TYPES.map(type => [type, { schema: text() }])),
          description: 'the picture as it was sent',
        },
      }),
    },
    handler: async (request, reply) => {
      const { id, photo: photoId } = request.params
      const found = known(id).photos.find(one => one.id === photoId)
      const bytes = found === undefined ? null : photos.read(found.id)
      if (found === undefined || bytes === null) throw new FengsuiError('not-found', `observation ${id} has no photo ${photoId}`)
      // whatever the bytes are, nothing in them may run here
      return reply
        .type(found.type)
        .header('content-length', found.bytes)
        .header('content-disposition', `inline; filename="${found.id}.${EXTENSIONS[found.type]}"`)
        .header('content-security-policy', "default-src 'none'; sandbox")
        .header('cache-control', 'private, max-age=86400, immutable')
        .send(bytes)
    },
  })
}
