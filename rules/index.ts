// The rules room: loads rule sets, folds readings into alarm signals, and scores rules against recordings.
export { backtest, delaysOf, type Backtest, type BacktestParts, type Queue, type RecordingScore } from './backtest.ts'
export { createFold, type Fold } from './fold.ts'
export { loadRuleSet, ruleSetOf } from './load.ts'
export type { StateRows } from './memory.ts'
export { messagesOf, truthOf, type LabelledFire, type Recording, type Truth } from './recording.ts'
export type { Rule, RuleSet, Scope } from './schema.ts'
