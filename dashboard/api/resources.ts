// Resources over HTTP: who can be sent, how they are now and why, their duty rosters. Keeps no rules: dispatch decides.
import { FengsuiError } from '#contracts/errors.ts'
import type { Text } from '#contracts/alarm.ts'
import {
  CAPABILITIES,
  RESOURCE_KINDS,
  RESOURCE_STATES,
  TRAVEL_MODES,
  type DutyShift,
  type Resource,
  type ResourceProfile,
} from '#contracts/resource.ts'
import { emptyBody } from './alarms.ts'
import { callerOf, mayDo, nameOf } from './auth.ts'
import { answers } from './errors.ts'
import { either, integer, list, object, oneOf, ref, text, time, type App, type Schema } from './schema.ts'
import { position, wording } from './shape-parts.ts'

type Given = Partial<Omit<ResourceProfile, 'id' | 'outOfService'>> & { id: string }
type Patch = Partial<Omit<ResourceProfile, 'id' | 'outOfService' | 'deviceId'>> & { deviceId?: string | null; outOfService?: string | null }

/** the part of dispatch that keeps resources; each change is one transaction, audited there */
export type ResourceDesk = {
  resources(): Resource[]
  resource(id: string): Resource | undefined
  addResource(given: Given, by: string): string
  changeResource(id: string, patch: Patch, by: string): void
  removeResource(id: string, by: string): void
  roster(id: string, fromMs: number, toMs: number): DutyShift[]
  setRoster(id: string, shifts: readonly DutyShift[], by: string): void
  checkIn(id: string, o: { by: string; onlyFor?: string }): void
}
export type ResourceParts = { desk: ResourceDesk; changed: (c: { resources?: Resource[]; removedResources?: string[] }) => void }

const tags = ['resources']
const LISTED = 1000
const LISTED_MAX = 5000
const WEEK_MS = 7 * 86_400_000
const byId = object({ id: text({ maxLength: 200 }) })
const orNull = (schema: Schema<string>): Schema<string | null> => ({ ...schema, type: ['string', 'null'] })

const fields = {
  kind: oneOf(RESOURCE_KINDS),
  name: either(text({ minLength: 1, maxLength: 200 }), wording),
  mode: oneOf(TRAVEL_MODES),
  capabilities: list(oneOf(CAPABILITIES), { maxItems: CAPABILITIES.length }),
  position,
  area: text({ maxLength: 200 }),
  grid: text({ maxLength: 200 }),
  accounts: list(text({ minLength: 1, maxLength: 100 }), {
    maxItems: 50,
    description: 'user names of the crew: who may act on its orders',
  }),
  crewRequired: integer({ minimum: 0, maximum: 200 }),
}
const { kind, ...more } = fields
const added = object({ id: text({ minLength: 1, maxLength: 128 }), kind }, { ...more, deviceId: text({ minLength: 1, maxLength: 128 }) })
const patched = object(
  {},
  {
    ...fields,
    deviceId: orNull(text({ minLength: 1, maxLength: 128 })),
    outOfService: orNull(text({ minLength: 1, maxLength: 500, description: 'the reason; null ends it' })),
  },
)
const shift = object({ from: time(), to: time(), crew: integer({ minimum: 0, maximum: 200 }) }, { note: text({ maxLength: 200 }) })

const inBoth = (name: string | Text): Text => (typeof name === 'string' ? { zh: name, en: name } : name)

export function resourceRoutes(app: App, { desk, changed }: ResourceParts): void {
  function resourceOf(id: string): Resource {
    const resource = desk.resource(id)
    if (resource === undefined) throw new FengsuiError('not-found', `there is no resource ${id}`)
    return resource
  }
  const told = (id: string): Resource => {
    const resource = resourceOf(id)
    changed({ resources: [resource] })
    return resource
  }

  app.get('/api/v1/resources', {
    config: { scope: 'read' },
    schema: {
      summary: 'Everybody and everything that can be sent, each with its state and why',
      tags,
      querystring: object(
        {},
        {
          kind: oneOf(RESOURCE_KINDS),
          state: oneOf(RESOURCE_STATES),
          area: text({ maxLength: 200 }),
          limit: integer({ minimum: 1, maximum: LISTED_MAX, default: LISTED }),
        },
      ),
      response: answers({ 200: object({ resources: list(ref('Resource')), total: integer() }) }),
    },
    handler: async request => {
      const { kind: only, state, area, limit = LISTED } = request.query
      const found = desk
        .resources()
        .filter(
          r =>
            (only === undefined || r.kind === only) &&
            (state === undefined || r.state === state) &&
            (area === undefined || r.area === area),
        )
      return { resources: found.slice(0, limit), total: found.length }
    },
  })

  app.post('/api/v1/resources', {
    config: { scope: 'resources:write' },
    schema: { summary: 'Add one', tags, body: added, response: answers({ 201: ref('Resource') }) },
    handler: async (request, reply) => {
      const { name, ...given } = request.body
      const id = desk.addResource({ ...given, ...(name === undefined ? {} : { name: inBoth(name) }) } as Given, nameOf(callerOf(request)))
      return reply.code(201).send(told(id))
    },
  })

  app.get('/api/v1/resources/:id', {
    config: { scope: 'read' },
    schema: { summary: 'One resource as it is now', tags, params: byId, response: answers({ 200: ref('Resource') }) },
    handler: async request => resourceOf(request.params.id),
  })

  app.patch('/api/v1/resources/:id', {
    config: { scope: 'resources:write' },
    preValidation: emptyBody,
    schema: {
      summary: 'Correct it; deviceId or outOfService null take them away',
      tags,
      params: byId,
      body: patched,
      response: answers({ 200: ref('Resource') }),
    },
    handler: async request => {
      const { name, ...given } = request.body
      const patch = { ...given, ...(name === undefined ? {} : { name: inBoth(name) }) } as Patch
      desk.changeResource(request.params.id, patch, nameOf(callerOf(request)))
      return told(request.params.id)
    },
  })

  app.delete('/api/v1/resources/:id', {
    config: { scope: 'resources:write' },
    schema: { summary: 'Take it away; not while it has an order', tags, params: byId, response: answers({ 204: { type: 'null' } }) },
    handler: async (request, reply) => {
      desk.removeResource(request.params.id, nameOf(callerOf(request)))
      changed({ removedResources: [request.params.id] })
      return reply.code(204).send()
    },
  })

  app.get('/api/v1/resources/:id/roster', {
    config: { scope: 'read' },
    schema: {
      summary: 'Its turns of duty',
      tags,
      params: byId,
      querystring: object({}, { from: time({ description: 'default: now' }), to: time({ description: 'default: a week after from' }) }),
      response: answers({ 200: object({ shifts: list(ref('DutyShift')) }) }),
    },
    handler: async request => {
      resourceOf(request.params.id)
      const fromMs = request.query.from === undefined ? Date.now() : Date.parse(request.query.from)
      const toMs = request.query.to === undefined ? fromMs + WEEK_MS : Date.parse(request.query.to)
      return { shifts: desk.roster(request.params.id, fromMs, toMs) }
    },
  })

  app.put('/api/v1/resources/:id/roster', {
    config: { scope: 'resources:write' },
    schema: {
      summary: 'Its whole roster: with one, no shift means nobody is on duty; an empty list ends the roster',
      tags,
      params: byId,
      body: object({ shifts: list(shift, { maxItems: 400 }) }),
      response: answers({ 200: ref('Resource') }),
    },
    handler: async request => {
      desk.setRoster(request.params.id, request.body.shifts, nameOf(callerOf(request)))
      return told(request.params.id)
    },
  })

  app.post('/api/v1/resources/:id/check-in', {
    config: { scope: 'orders:own' },
    preValidation: emptyBody,
    schema: {
      summary: '"We are here": for one without a device',
      tags,
      params: byId,
      body: object({}),
      response: answers({ 200: ref('Resource') }),
    },
    handler: async request => {
      const caller = callerOf(request)
      const by = nameOf(caller)
      desk.checkIn(request.params.id, { by, ...(mayDo(caller, 'incidents:handle') ? {} : { onlyFor: by }) })
      return told(request.params.id)
    },
  })
}
