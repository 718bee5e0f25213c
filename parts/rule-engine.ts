// The rules engine as the flows' fire-rule node gets it: where the rooms of rules and flows meet. Bundled into the node package.
import { createFold } from '../rules/fold.ts'
import { createRuleParser } from '../rules/load.ts'
import { ruleSetSchema } from '../rules/schema-file.ts'
import type { RuleSet } from '../rules/schema.ts'
import type { Engine } from '../flows/nodes/lib/engine.ts'

export const engine: Engine = {
  parse: (name, text) => createRuleParser()(name, { 'rules.yaml': text }),
  createFold: ({ ruleSet, rows }) => createFold({ ruleSet: ruleSet as RuleSet, ...(rows !== undefined && { rows }) }),
  schema: () => ruleSetSchema(),
}
