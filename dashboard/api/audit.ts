// How the API writes down what people and tokens did. The trail itself (hash-chained) is dispatch's; no secrets go in.
import type { FastifyRequest } from 'fastify'
import { actorOf, callerOf } from './auth.ts'

export type Record = (o: { actor: string; action: string; subject: string; detail?: object }) => void
/** `action` is noun.verb, `subject` the id of what it was done to. */
export type Audit = (request: FastifyRequest, action: string, subject: string, detail?: object) => void

export const createAudit =
  (o: { record: Record }): Audit =>
  (request, action, subject, detail) =>
    o.record({ actor: actorOf(callerOf(request)), action, subject, ...(detail === undefined ? {} : { detail }) })
