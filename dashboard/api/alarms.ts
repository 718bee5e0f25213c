// Alarms over HTTP: the list, one alarm with its evidence and waterfall, raising (idempotent), and what an officer may do
// with one. Keeps no rules: dispatch decides what is allowed and answers not-found, conflict or invalid-request.
import {
  ALARM_KINDS,
  ALARM_STATES,
  type Alarm,
  type AlarmKind,
  type AlarmState,
  type Evidence,
  type Severity,
  type Text,
} from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Incident } from '#contracts/incident.ts'
import type { QueueAlarm } from '#contracts/live.ts'
import type { Order } from '#contracts/order.ts'
import type { Place, Position } from '#contracts/reading.ts'
import { actorOf, callerOf, nameOf } from './auth.ts'
import { answers } from './errors.ts'
import { either, flag, integer, list, object, oneOf, ref, text, time, type App, type Schema, type Static } from './schema.ts'
import { evidence, place, position, severity, wording } from './shape-parts.ts'

export type Changes = { alarms: Alarm[]; incidents: Incident[]; orders: Order[] }
export type Raise = {
  idempotencyKey: string
  origin: string
  kind: AlarmKind
  severity?: Severity
  subject?: string
  deviceId?: string
  place?: Place
  position?: Position
  at?: string
  text: Text
  evidence?: Evidence[]
  drill?: boolean
  by: string
}
/** the part of dispatch that handles alarms; each call is one transaction, audited there */
export type AlarmDesk = {
  alarms(f: { states?: AlarmState[]; area?: string; since?: string; limit: number }): Alarm[]
  alarm(id: string): Alarm | undefined
  /** `isSynced` false: it is on disk when synced() has resolved */
  raise(o: Raise, how: { isSynced: boolean }): { alarm: Alarm; incident: Incident; created: boolean; changes: Changes }
  synced(): Promise<void>
  acknowledgeAlarm(id: string, o: { by: string; note?: string }): Changes
  shelveAlarm(id: string, o: { by: string; reason: string; until: string }): Changes
  unshelveAlarm(id: string, o: { by: string }): Changes
  suppressAlarm(id: string, o: { by: string; reason: string }): Changes
  outOfServiceAlarm(id: string, o: { by: string; reason: string }): Changes
  returnToServiceAlarm(id: string, o: { by: string }): Changes
}
export type AlarmParts = { desk: AlarmDesk; changed: (changes: Changes) => void }

const tags = ['alarms']
export const LISTED = 200
export const LISTED_MAX = 5000
export const limit = integer({
  minimum: 1,
  default: LISTED,
  description: `never more than ${LISTED_MAX} are given; what must be answered comes first`,
})
const byId = object({ id: text({ maxLength: 200 }) })
export const note = text({ minLength: 1, maxLength: 2000 })
export const reason = text({ minLength: 1, maxLength: 500 })
/** header and body name the same thing; both are accepted, and must agree */
const idempotencyKey = text({ minLength: 1, maxLength: 200 })

const raised = object(
  { kind: oneOf(ALARM_KINDS), text: either(text({ minLength: 1, maxLength: 500 }), wording) },
  {
    idempotencyKey,
    origin: text({ pattern: '^flow:[A-Za-z0-9._-]{1,100}$', description: 'for service tokens: which flow revision raised it' }),
    severity,
    subject: text({ minLength: 1, maxLength: 200 }),
    deviceId: text({ minLength: 1, maxLength: 128 }),
    place,
    position,
    at: time({ description: 'event time; default now' }),
    evidence: list(evidence, { maxItems: 100 }),
    drill: flag({ description: 'practised: the same way, kept apart from real ones, and nothing of it goes out' }),
  },
)

/** `UNACK,RTNUN` -> states, refusing what is not one. */
export function eachOf<T extends string>(given: string, allowed: readonly T[], where: string): T[] {
  const names = given.split(',').map(name => name.trim())
  const unknown = names.find(name => !allowed.includes(name as T))
  if (unknown !== undefined) throw new FengsuiError('invalid-request', `${where} must be of ${allowed.join(', ')}, with commas between`)
  return names as T[]
}

export function alarmRoutes(app: App, { desk, changed }: AlarmParts): void {
  function alarmOf(id: string): Alarm {
    const alarm = desk.alarm(id)
    if (alarm === undefined) throw new FengsuiError('not-found', `there is no alarm ${id}`)
    return alarm
  }

  app.get('/api/v1/alarms', {
    config: { scope: 'read' },
    schema: {
      summary: 'Alarms, without their evidence',
      tags,
      querystring: object(
        {},
        {
          state: text({ maxLength: 100, description: `of ${ALARM_STATES.join(', ')}; several with commas; default: all` }),
          area: text({ maxLength: 200 }),
          since: time({ description: 'raised at or after' }),
          limit,
        },
      ),
      response: answers({ 200: object({ alarms: list(ref('QueueAlarm')) }) }),
    },
    handler: async request => {
      const { state, area, since, limit: asked = LISTED } = request.query
      const alarms = desk.alarms({
        limit: Math.min(asked, LISTED_MAX),
        ...(state === undefined ? {} : { states: eachOf(state, ALARM_STATES, 'querystring.state') }),
        ...(area === undefined ? {} : { area }),
        ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
      })
      return { alarms: alarms.map(queueAlarm) }
    },
  })

  app.post('/api/v1/alarms', {
    config: { scope: 'alarms:raise' },
    schema: {
      summary: 'Raise an alarm; the same idempotencyKey makes it once (201 created, 200 merged into what is there)',
      tags,
      headers: { type: 'object', properties: { 'idempotency-key': idempotencyKey } },
      body: raised,
      response: answers({
        200: object({ alarm: ref('Alarm'), incident: ref('Incident'), status: oneOf(['created', 'merged'] as const) }),
        201: object({ alarm: ref('Alarm'), incident: ref('Incident'), status: oneOf(['created', 'merged'] as const) }),
      }),
    },
    handler: async (request, reply) => {
      const { idempotencyKey: inBody, origin, text, at, ...given } = request.body
      const caller = callerOf(request)
      const key = keyOf(inBody, request.headers['idempotency-key'])
      if (origin !== undefined && caller.kind !== 'token') {
        throw new FengsuiError('invalid-request', 'body.origin is for service tokens; a person raises in their own name')
      }
      // flows raise many, and ask again until they are answered: the disk is waited for here, and not by the alarms behind this one
      const isSynced = origin === undefined
      const made = desk.raise(
        {
          ...given,
          ...(at === undefined ? {} : { at: new Date(at).toISOString() }),
          idempotencyKey: key,
          origin: origin ?? actorOf(caller),
          text: typeof text === 'string' ? { zh: text, en: text } : text,
          by: nameOf(caller),
        },
        { isSynced },
      )
      // shown at once, as what rules found is: where the disk then fails, who asks again changes nothing and would tell nobody
      changed(made.changes)
      if (!isSynced) await desk.synced()
      return reply
        .code(made.created ? 201 : 200)
        .send({ alarm: made.alarm, incident: made.incident, status: made.created ? 'created' : 'merged' })
    },
  })

  app.get('/api/v1/alarms/:id', {
    config: { scope: 'read' },
    schema: {
      summary: 'One alarm: evidence, counter-evidence, rule, waterfall',
      tags,
      params: byId,
      response: answers({ 200: ref('Alarm') }),
    },
    handler: async request => alarmOf(request.params.id),
  })

  /** POST /alarms/:id/<verb>: answers the alarm as it is after. */
  function act<S extends Schema<unknown>>(
    verb: string,
    summary: string,
    body: S,
    work: (id: string, by: string, given: Static<S>) => Changes,
  ) {
    app.post(
      `/api/v1/alarms/:id/${verb}`,
      {
        config: { scope: 'alarms:handle' },
        preValidation: emptyBody,
        schema: { summary, tags, params: byId, body: body as Schema<unknown>, response: answers({ 200: ref('Alarm') }) },
      },
      async request => {
        changed(work(request.params.id, nameOf(callerOf(request)), request.body as Static<S>))
        return alarmOf(request.params.id)
      },
    )
  }
  const because = object({ reason })
  const nothing = object({})

  act('acknowledge', 'I have it', object({}, { note }), (id, by, given) => desk.acknowledgeAlarm(id, { ...given, by }))
  act('shelve', 'Out of the queue until a time, at most 8 h, never severity 1', object({ reason, until: time() }), (id, by, given) =>
    desk.shelveAlarm(id, { reason: given.reason, until: new Date(given.until).toISOString(), by }),
  )
  act('unshelve', 'Back into the queue', nothing, (id, by) => desk.unshelveAlarm(id, { by }))
  act('suppress', 'Suppressed by design', because, (id, by, given) => desk.suppressAlarm(id, { ...given, by }))
  act('out-of-service', 'The device is being worked on', because, (id, by, given) => desk.outOfServiceAlarm(id, { ...given, by }))
  act('return-to-service', 'Ends suppress and out-of-service', nothing, (id, by) => desk.returnToServiceAlarm(id, { by }))
}

export function queueAlarm(alarm: Alarm): QueueAlarm {
  const { evidence: _evidence, counterEvidence: _counterEvidence, ...rest } = alarm
  return rest
}

/** A verb without a body is a body without fields. */
export const emptyBody = async (request: { body?: unknown }): Promise<void> => {
  request.body ??= {}
}

function keyOf(inBody: string | undefined, inHeader: unknown): string {
  if (typeof inHeader === 'string' && inBody !== undefined && inHeader !== inBody) {
    throw new FengsuiError('invalid-request', 'body.idempotencyKey and the header Idempotency-Key differ')
  }
  const key = inBody ?? inHeader
  if (typeof key !== 'string') {
    throw new FengsuiError('invalid-request', 'body.idempotencyKey (or the header Idempotency-Key) is missing: it makes a retry harmless')
  }
  return key
}
