// The flows over HTTP: how they stand, a check, a backtest, a candidate in shadow and its report, putting it into force, and a tab that becomes a
// rule of the engine. Whether flows are sound is decided by the flows room; this checks who asks and writes down who changed what.
import type { IncomingHttpHeaders } from 'node:http'
import { FengsuiError } from '#contracts/errors.ts'
import { isNestedDeeper } from '#contracts/nesting.ts'
import type { Audit } from './audit.ts'
import { actorOf, callerOf } from './auth.ts'
import { answers } from './errors.ts'
import { flag, list, object, open, text, time, type App, type Schema } from './schema.ts'
import type { RulesParts } from './rules.ts'

export type FlowsDeskParts = {
  /** null = flows are switched off */
  flowsDesk: ((question: string, asked: object) => Promise<object>) | null
  rules?: Pick<RulesParts['rules'], 'get' | 'replace'>
  audit: Audit
}

const BODY_MAX = 8 * 1024 * 1024
/** levels of lists and objects; no node has a tenth of it, and what is nested without end cannot be handed on */
const NESTED_MAX = 100
const tags = ['flows']
const nodes: Schema<Record<string, unknown>[]> = list(open(), { maxItems: 20_000, description: "the editor's whole list of nodes" })
const some = object({}, {}, { additionalProperties: true })
const recorded = {
  recordings: list(text({ minLength: 1, maxLength: 200 }), { minItems: 1, maxItems: 20 }),
  journal: object({ from: time(), to: time() }),
}

export function flowsRoutes(app: App, { flowsDesk, rules, audit }: FlowsDeskParts): void {
  const ask = async (question: string, asked: object): Promise<Record<string, unknown>> => {
    if (flowsDesk === null) throw new FengsuiError('not-found', 'flows are switched off (FENGSUI_FLOWS_PORT is 0)')
    if (isNestedDeeper(asked, NESTED_MAX)) throw new FengsuiError('invalid-request', `flows are nested deeper than ${NESTED_MAX} levels`)
    return (await flowsDesk(question, asked)) as Record<string, unknown>
  }

  app.get(
    '/api/v1/flows',
    {
      config: { scope: 'flows:read' },
      schema: { summary: 'Revision in force, its history, the candidate', tags, response: answers({ 200: some }) },
    },
    async () => ask('status', {}),
  )

  app.post('/api/v1/flows/check', {
    config: { scope: 'flows:write' },
    bodyLimit: BODY_MAX,
    schema: {
      summary: 'What the gate would say to these flows; nothing is changed',
      tags,
      body: object({ flows: nodes }),
      response: answers({ 200: some }),
    },
    handler: async request => ask('check', { ...request.body, ...reads(request) }),
  })

  app.post('/api/v1/flows/backtest', {
    config: { scope: 'flows:write' },
    bodyLimit: BODY_MAX,
    schema: {
      summary: 'What flows would have raised on recordings or on a span of the journal, against the flows in force',
      tags,
      body: object({}, { flows: nodes, ...recorded }),
      response: answers({ 200: some }),
    },
    handler: async request => ask('backtest', request.body),
  })

  app.put('/api/v1/flows/candidate', {
    config: { scope: 'flows:write' },
    bodyLimit: BODY_MAX,
    schema: {
      summary: 'These flows in shadow, in the place of an older candidate; they must pass the gate',
      tags,
      body: object({ flows: nodes }),
      response: answers({ 200: some }),
    },
    handler: async request => ask('propose', { flows: request.body.flows, by: callerOf(request).name, ...reads(request) }),
  })

  app.delete('/api/v1/flows/candidate', {
    config: { scope: 'flows:write' },
    schema: { summary: 'Takes the candidate back', tags, response: answers({ 200: some }) },
    handler: async request => ask('withdraw', { by: callerOf(request).name }),
  })

  app.get(
    '/api/v1/flows/shadow',
    {
      config: { scope: 'flows:read' },
      schema: {
        summary: 'What the candidate would have missed and would have added since it began',
        tags,
        response: answers({ 200: some }),
      },
    },
    async () => ask('shadow', {}),
  )

  app.post('/api/v1/flows/promote', {
    config: { scope: 'flows:approve' },
    schema: {
      summary: 'Puts the candidate into force; not by who proposed it',
      tags,
      body: object({ rev: text({ minLength: 64, maxLength: 64 }) }),
      response: answers({ 200: some }),
    },
    handler: async request => ask('promote', { rev: request.body.rev, by: callerOf(request).name }),
  })

  app.post('/api/v1/flows/tabs/:id/promote', {
    config: { scope: 'flows:approve' },
    schema: {
      summary:
        'The rules of a tab of fire nodes into the rules engine, where they judge also while Node-RED is stopped; the tab is disabled',
      tags,
      params: object({ id: text({ maxLength: 64 }) }),
      body: object({}, { dryRun: flag({ description: 'only says what would be added to the rule set' }) }),
      response: answers({ 200: some }),
    },
    handler: async request => {
      if (rules === undefined) throw new FengsuiError('room-unavailable', 'the rules cannot be changed here')
      const { id } = request.params
      const caller = callerOf(request)
      const { label, texts } = (await ask('tab', { id, by: caller.name })) as { label: string; texts: string[] }
      const before = rules.get() as { version: string; files?: Record<string, string> }
      const added = Object.fromEntries(texts.map((rule, i) => [`flow-${fileOf(id)}${i === 0 ? '' : `-${i + 1}`}.yaml`, rule]))
      const files = { ...before.files, ...added }
      if (request.body.dryRun === true) return { label, files: added }
      const after = await rules.replace({ files, by: actorOf(caller), ifVersion: before.version })
      audit(request, 'rules.replace', after.version, { before: before.version, rules: after.rules.length, fromTab: id, label })
      // the engine judges already: from now on the tab would only say the same again
      await ask('tab', { id, by: caller.name, disable: true })
      return { label, files: added, version: after.version }
    },
  })
}

/** Why flows are refused is said in the language of who asks. */
const reads = ({ headers }: { headers: IncomingHttpHeaders }): object =>
  headers['accept-language'] === undefined ? {} : { accepted: headers['accept-language'].slice(0, 200) }

const fileOf = (id: string): string => id.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
