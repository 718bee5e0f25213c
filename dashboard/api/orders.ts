// Orders over HTTP: the list, and what a crew (or an officer for it) says of one. A crew sees and moves the orders of its own resources only.
import { FengsuiError } from '#contracts/errors.ts'
import { ORDER_STATES, type Order } from '#contracts/order.ts'
import type { Principal } from '#contracts/people.ts'
import { emptyBody, note, reason, type Changes } from './alarms.ts'
import { callerOf, mayDo, nameOf } from './auth.ts'
import { answers } from './errors.ts'
import { integer, list, object, oneOf, ref, text, type App, type Schema, type Static } from './schema.ts'

type CrewAct = { by: string; onlyFor?: string; note?: string; reason?: string }
const REPORTS = ['need-help', 'found-false', 'picture'] as const
type OrderReport = { by: string; onlyFor?: string; key: string; what: (typeof REPORTS)[number]; note?: string; picture?: string }
/** the part of dispatch that keeps orders; each call is one transaction, audited there */
export type OrderDesk = {
  orders(f: { open?: boolean; incidentId?: string; resourceId?: string; account?: string; limit: number }): Order[]
  order(id: string): Order | undefined
  acceptOrder(id: string, o: CrewAct): Changes
  refuseOrder(id: string, o: CrewAct): Changes
  enRouteOrder(id: string, o: CrewAct): Changes
  onSceneOrder(id: string, o: CrewAct): Changes
  completeOrder(id: string, o: CrewAct): Changes
  withdrawOrder(id: string, o: { by: string; reason: string }): Changes
  reportOnOrder(id: string, o: OrderReport): Changes
  picture(incidentId: string, id: string): { type: string; bytes: Uint8Array } | undefined
}
export type OrderParts = { desk: OrderDesk; changed: (changes: Changes) => void }

const tags = ['orders']
/** a picture of 1 MiB in base64, and the words around it */
const REPORT_BYTES = 1_500_000
const LISTED = 200
const LISTED_MAX = 2000
const byId = object({ id: text({ maxLength: 200 }) })

/** Whoever handles incidents may act for any crew (they are on the phone with it). */
const isCrew = (caller: Principal): boolean => caller.role === 'station' || !mayDo(caller, 'incidents:handle')
const acting = (caller: Principal): { by: string; onlyFor?: string } => {
  const by = nameOf(caller)
  return isCrew(caller) ? { by, onlyFor: by } : { by }
}

export function orderRoutes(app: App, { desk, changed }: OrderParts): void {
  const orderOf = (id: string): Order => {
    const order = desk.order(id)
    if (order === undefined) throw new FengsuiError('not-found', `there is no order ${id}`)
    return order
  }

  app.get('/api/v1/orders', {
    config: { scope: 'read' },
    schema: {
      summary: 'Orders, newest first (open ones: oldest first); a crew sees its own',
      tags,
      querystring: object(
        {},
        {
          state: oneOf(['open', 'over'] as const, { description: `open, or over; states are ${ORDER_STATES.join(', ')}` }),
          incident: text({ maxLength: 200 }),
          resource: text({ maxLength: 200 }),
          limit: integer({ minimum: 1, maximum: LISTED_MAX, default: LISTED }),
        },
      ),
      response: answers({ 200: object({ orders: list(ref('Order')) }) }),
    },
    handler: async request => {
      const { state, incident, resource, limit = LISTED } = request.query
      const caller = callerOf(request)
      return {
        orders: desk.orders({
          limit,
          ...(state === undefined ? {} : { open: state === 'open' }),
          ...(incident === undefined ? {} : { incidentId: incident }),
          ...(resource === undefined ? {} : { resourceId: resource }),
          ...(caller.role === 'station' ? { account: nameOf(caller) } : {}),
        }),
      }
    },
  })

  /** POST /orders/:id/<verb>: answers the order as it is after. */
  function act<S extends Schema<unknown>>(
    verb: string,
    summary: string,
    body: S,
    work: (id: string, who: ReturnType<typeof acting>, given: Static<S>) => Changes,
    scope: 'orders:own' | 'incidents:handle' = 'orders:own',
  ) {
    app.post(
      `/api/v1/orders/:id/${verb}`,
      {
        config: { scope },
        preValidation: emptyBody,
        schema: { summary, tags, params: byId, body: body as Schema<unknown>, response: answers({ 200: ref('Order') }) },
      },
      async request => {
        changed(work(request.params.id, acting(callerOf(request)), request.body as Static<S>))
        return orderOf(request.params.id)
      },
    )
  }
  const noted = object({}, { note })
  act('accept', 'We take it', noted, (id, who, given) => desk.acceptOrder(id, { ...given, ...who }))
  act('refuse', 'We cannot: the next one is asked at once', object({ reason }), (id, who, given) =>
    desk.refuseOrder(id, { ...given, ...who }),
  )
  act('en-route', 'We are on the way', noted, (id, who, given) => desk.enRouteOrder(id, { ...given, ...who }))
  act('on-scene', 'We are there', noted, (id, who, given) => desk.onSceneOrder(id, { ...given, ...who }))
  act('complete', 'Done: what was found and done', noted, (id, who, given) => desk.completeOrder(id, { ...given, ...who }))
  app.post('/api/v1/orders/:id/report', {
    config: { scope: 'orders:own' },
    bodyLimit: REPORT_BYTES,
    schema: {
      summary: 'From the scene: help is needed, it is a false alarm, a picture; sent again under its key it is one report',
      tags,
      params: byId,
      body: object(
        { key: text({ minLength: 1, maxLength: 100 }), what: oneOf(REPORTS) },
        { note, picture: text({ maxLength: REPORT_BYTES, description: 'JPEG, PNG or WebP, base64, at most 1 MiB' }) },
      ),
      response: answers({ 200: ref('Order') }),
    },
    handler: async request => {
      changed(desk.reportOnOrder(request.params.id, { ...request.body, ...acting(callerOf(request)) }))
      return orderOf(request.params.id)
    },
  })

  app.get('/api/v1/incidents/:id/pictures/:picture', {
    config: { scope: 'read' },
    schema: {
      summary: 'A picture from the scene, as the timeline names it',
      tags,
      params: object({ id: text({ maxLength: 200 }), picture: text({ maxLength: 64 }) }),
      response: answers({ 200: { type: 'string', description: 'the picture itself' } }),
    },
    handler: async (request, reply) => {
      const { id, picture } = request.params
      const found = desk.picture(id, picture)
      if (found === undefined) throw new FengsuiError('not-found', `incident ${id} has no picture ${picture}`)
      return reply.type(found.type).header('cache-control', 'private, max-age=86400').send(Buffer.from(found.bytes))
    },
  })

  act(
    'withdraw',
    'Call it back; nobody else is asked',
    object({ reason }),
    (id, { by }, given) => desk.withdrawOrder(id, { ...given, by }),
    'incidents:handle',
  )
}
