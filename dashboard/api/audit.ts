// How the API writes down what people and tokens did. The trail itself (hash-chained) is dispatch's; no secrets go in.
import type { FastifyRequest } from 'fastify'
import { actorOf, callerOf } from './auth.ts'

type Entry = { actor: string; action: string; subject: string; detail?: object }
export type Record = (o: Entry) => void
/** `action` is noun.verb, `subject` the id of what it was done to. */
export type Audit = (request: FastifyRequest, action: string, subject: string, detail?: object) => void
/** The same act on several, with one sync of the disk. */
export type AuditMany = (request: FastifyRequest, action: string, on: readonly { subject: string; detail?: object }[]) => void

export const createAudit =
  (o: { record: Record }): Audit =>
  (request, action, subject, detail) =>
    o.record({ actor: actorOf(callerOf(request)), action, subject, ...(detail === undefined ? {} : { detail }) })

export const createAuditMany =
  (o: { recordMany: (entries: Entry[]) => void }): AuditMany =>
  (request, action, on) => {
    const actor = actorOf(callerOf(request))
    o.recordMany(on.map(({ subject, detail }) => ({ actor, action, subject, ...(detail === undefined ? {} : { detail }) })))
  }
