// The rules room: loads rule sets, folds readings into alarm signals, and scores rules against recordings.
export { createFold, type Fold } from './fold.ts'
export { loadRuleSet, ruleSetOf } from './load.ts'
export type { Rule, RuleSet, Scope } from './schema.ts'
export type { StateRows } from './memory.ts'
