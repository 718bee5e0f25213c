// The rules of a set as the fold runs them: each with its kind, and what can be known of it before a reading comes.
import type { RuleRef } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { ADMITS } from './admission.ts'
import { ruleRefOf } from './episode.ts'
import type { AnyKind, Keeping } from './kind.ts'
import type { Rule, RuleSet } from './schema.ts'

export type Active = { rule: Rule; ref: RuleRef; kind: AnyKind; admits: number; keeping: Keeping; everywhere: boolean }

/** A rule that threw, and at which message. */
export type Disabled = { rule: string; reason: string; sinceSeq: number }

/** @throws FengsuiError rules-invalid: a kind that does not exist */
export const activeRules = (set: RuleSet, kinds: readonly AnyKind[]): Active[] => set.rules.map(rule => activeRule(rule, set, kinds))

function activeRule(rule: Rule, set: RuleSet, kinds: readonly AnyKind[]): Active {
  const kind = kinds.find(k => k.name === rule.kind)
  if (kind === undefined)
    throw new FengsuiError('rules-invalid', `rule ${rule.id}: no kind '${rule.kind}'; allowed: ${kinds.map(k => k.name).join(', ')}`)
  const { areas, buildings, notBuildings } = rule.scope
  return {
    rule,
    ref: ruleRefOf(rule, set),
    kind,
    admits: ADMITS[kind.admits],
    keeping: kind.keeps?.(rule.parameters) ?? 'device',
    everywhere: areas === undefined && buildings === undefined && notBuildings === undefined,
  }
}
