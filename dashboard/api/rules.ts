// The rules as engineers see and change them: the set in force with its files, another set in its place, and a try of rules on what
// was recorded. Whether a set is sound is decided by the rules room; this checks who asks and writes down who changed it.
import type { Audit } from './audit.ts'
import { actorOf, callerOf } from './auth.ts'
import { answers } from './errors.ts'
import { either, flag, list, number, object, oneOf, open, text, time, type App, type Schema } from './schema.ts'

type Files = Record<string, string>
export type BacktestRequest = {
  rules?: 'current' | 'shipped' | { files: Files }
  against?: 'current' | 'shipped' | { files: Files }
  recordings?: string[]
  journal?: { from: string; to: string }
}
export type RulesParts = {
  rules: {
    get(): { version: string }
    schema(): object
    /** @throws FengsuiError rules-invalid, rules-unwritable, conflict; nothing is changed then */
    replace(o: { files: Files; by: string; ifVersion?: string }): Promise<{ version: string; rules: readonly object[] }>
    /** @throws FengsuiError rules-invalid, invalid-request, too-many-requests, backtest-too-large */
    backtest(o: BacktestRequest): Promise<object>
    /** names of what a backtest can be run over */
    recordings(): { name: string; isLabelled: boolean }[]
  }
  audit: Audit
}

/** a set may be 2 Mi characters, and is JSON inside JSON */
const BODY_MAX = 8 * 1024 * 1024
const RECORDINGS_MAX = 100
const tags = ['rules']

const files: Schema<Files> = {
  type: 'object',
  minProperties: 1,
  maxProperties: 500,
  additionalProperties: { type: 'string' },
  description: 'file name (NAME.yaml or NAME.json) -> its text: all files of the set',
}
const ruleSet = {
  name: text(),
  version: text({ description: 'hash of the rules: equal rules, equal version' }),
  rules: list(open()),
  files: { type: 'object', additionalProperties: { type: 'string' } } as Schema<Files>,
  since: { anyOf: [open({ description: 'position in the journal, at, by' }), { type: 'null' }] } as Schema<unknown>,
  problem: { type: ['string', 'null'], description: 'why the folder holds another set than this; null = it does not' } as Schema<unknown>,
  disabled: list(object({ rule: text(), reason: text() }, {}, { additionalProperties: true }), {
    description: 'rules of the set that broke and judge nothing until another set is in force',
  }),
  history: list(open(), { description: 'which set came into force at which place of the journal, newest first' }),
}
const some = { additionalProperties: true }
const chosen = either(oneOf(['current', 'shipped'] as const), object({ files }))
const result = object(
  {
    recordings: list(
      object({ name: text(), alarms: list(open()), incidents: list(open()), missed: list(open()), falseAlarms: list(open()) }, {}, some),
    ),
    logHash: text(),
    readingsPerSecond: number(),
  },
  {},
  some,
)

export function rulesRoutes(app: App, { rules, audit }: RulesParts): void {
  app.get(
    '/api/v1/rules',
    { config: { scope: 'read' }, schema: { summary: 'The rule set in force', tags, response: answers({ 200: object(ruleSet) }) } },
    async () => rules.get(),
  )

  app.get(
    '/api/v1/rules/schema',
    {
      config: { scope: 'read' },
      schema: { summary: 'JSON Schema of a rule file, with the parameters of every kind', tags, response: answers({ 200: open() }) },
    },
    async () => rules.schema(),
  )

  app.get(
    '/api/v1/rules/recordings',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What a backtest can be run over, by name',
        tags,
        response: answers({
          200: object({ recordings: list(object({ name: text(), isLabelled: flag({ description: 'what burnt is known' }) })) }),
        }),
      },
    },
    async () => ({ recordings: rules.recordings() }),
  )

  app.put('/api/v1/rules', {
    config: { scope: 'rules:write' },
    bodyLimit: BODY_MAX,
    schema: {
      summary: 'Another rule set in the place of this one',
      description: 'All or nothing: a set with one mistake is refused with every mistake named, and nothing is changed.',
      tags,
      body: object({ files }, { ifVersion: text({ maxLength: 64, description: 'refused when another version is in force' }) }),
      response: answers({ 200: object(ruleSet) }),
    },
    handler: async request => {
      const before = rules.get().version
      const after = await rules.replace({ ...request.body, by: actorOf(callerOf(request)) })
      audit(request, 'rules.replace', after.version, { before, rules: after.rules.length, files: Object.keys(request.body.files) })
      return after
    },
  })

  app.post('/api/v1/rules/backtest', {
    config: { scope: 'rules:write' },
    bodyLimit: 2 * BODY_MAX,
    schema: {
      summary: 'What rules would have made of recordings, or of a span of the journal',
      description: 'Runs beside the alarm path and never touches it. Without recordings and journal: all recordings that ship.',
      tags,
      body: object(
        {},
        {
          rules: chosen,
          against: chosen,
          recordings: list(text({ minLength: 1, maxLength: 200 }), { minItems: 1, maxItems: RECORDINGS_MAX }),
          journal: object({ from: time(), to: time() }),
        },
      ),
      response: answers({ 200: result }),
    },
    handler: async request => rules.backtest(request.body),
  })
}
