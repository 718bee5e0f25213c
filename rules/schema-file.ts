// The schema of a rule file as others can use it: editors, generators, the API. It is the loader's own check with the parameters of
// every kind in it; contracts/schema/rule-set.schema.json is its copy, and a test holds the two together.
import type { AnyKind, JsonSchema } from './kind.ts'
import { KINDS } from './kinds/index.ts'
import { ruleFileSchema } from './schema.ts'

export function ruleSetSchema(known: readonly AnyKind[] = KINDS): JsonSchema {
  const { items, ...file } = ruleFileSchema(known)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:fengsui:rule-set:1',
    title: 'A file of a rule set: a list of rules (docs/rules.md)',
    ...file,
    items: {
      ...(items as object),
      anyOf: known.map(({ name, parameters }) => ({ properties: { kind: { const: name }, parameters } })),
    },
  }
}
