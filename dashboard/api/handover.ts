// The hand-over package for 119 over HTTP: as JSON for systems, as a page that prints on one or two sheets for people.
import type { Handover } from '#contracts/handover.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { openZone } from '#contracts/zone.ts'
import { emptyBody, type Changes } from './alarms.ts'
import { callerOf, nameOf } from './auth.ts'
import { answers } from './errors.ts'
import { handoverPage } from './handover-page.ts'
import { object, oneOf, ref, text, type App } from './schema.ts'

export type HandoverDesk = {
  handover(incidentId: string): Handover | undefined
  handoverIncident(id: string, o: { by: string }): Changes
}
export type HandoverParts = { desk: HandoverDesk; changed: (changes: Changes) => void; timeZone: string }

const tags = ['incidents']
const byId = object({ id: text({ maxLength: 200 }) })

export function handoverRoutes(app: App, { desk, changed, timeZone }: HandoverParts): void {
  const zone = openZone(timeZone)
  function packageOf(id: string): Handover {
    const found = desk.handover(id)
    if (found === undefined)
      throw new FengsuiError('not-found', `incident ${id} has no hand-over package yet: POST makes one, a confirmed fire has one by itself`)
    return found
  }

  app.get('/api/v1/incidents/:id/handover', {
    config: { scope: 'read' },
    schema: { summary: 'The newest hand-over package for 119', tags, params: byId, response: answers({ 200: ref('Handover') }) },
    handler: async request => packageOf(request.params.id),
  })

  app.post('/api/v1/incidents/:id/handover', {
    config: { scope: 'incidents:handle' },
    preValidation: emptyBody,
    schema: {
      summary: 'Make a hand-over package of now, and tell it',
      tags,
      params: byId,
      body: object({}),
      response: answers({ 201: ref('Handover') }),
    },
    handler: async (request, reply) => {
      changed(desk.handoverIncident(request.params.id, { by: nameOf(callerOf(request)) }))
      return reply.code(201).send(packageOf(request.params.id))
    },
  })

  app.get('/api/v1/incidents/:id/handover/print', {
    config: { scope: 'read' },
    schema: {
      summary: 'The same, to print',
      tags,
      params: byId,
      querystring: object({}, { lang: oneOf(['zh-CN', 'en'] as const) }),
      response: { 200: { type: 'string', description: 'HTML' }, ...answers({}) },
    },
    handler: async (request, reply) => {
      const html = handoverPage(packageOf(request.params.id), request.query.lang ?? 'zh-CN', zone)
      // its own: no script runs on it, whatever stands in a note
      return reply
        .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
        .type('text/html; charset=utf-8')
        .send(html)
    },
  })
}
