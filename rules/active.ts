// The rules of a set as the fold runs them: each with its kind, and what can be known of it before a reading comes.
import type { RuleRef } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { ADMITS } from './admission.ts'
import { ruleRefOf } from './episode.ts'
import type { AnyKind, Keeping } from './kind.ts'
import type { Rule, RuleSet } from './schema.ts'

/**
 * What every reading asks of a rule is copied out of rule and kind: those have many forms, since much in them may be absent, and looking into
 * them costs more than most steps. Objects of this form are all alike.
 */
export type Active = {
  rule: Rule
  ref: RuleRef
  kind: AnyKind
  id: string
  parameters: Rule['parameters']
  admits: number
  keeping: Keeping
  everywhere: boolean
  /** `wants` is asked for each reading, not once for all of a shape */
  asks: boolean
  rest: AnyKind['rest']
  /** place of its numbers in the row of a device, where `rest` is: see rest.ts */
  at: number
  dueMs: AnyKind['dueMs'] | undefined
}

/** A rule that threw, and at which message. */
export type Disabled = { rule: string; reason: string; sinceSeq: number }

/** @throws FengsuiError rules-invalid: a kind that does not exist */
export const activeRules = (set: RuleSet, kinds: readonly AnyKind[], timeZone: string): Active[] =>
  set.rules.map(rule => activeRule(rule, set, kinds, timeZone))

function activeRule(given: Rule, set: RuleSet, kinds: readonly AnyKind[], timeZone: string): Active {
  const kind = kinds.find(k => k.name === given.kind)
  if (kind === undefined)
    throw new FengsuiError('rules-invalid', `rule ${given.id}: no kind '${given.kind}'; allowed: ${kinds.map(k => k.name).join(', ')}`)
  const rule = inZone(given, kind, timeZone)
  const { areas, buildings, notBuildings } = rule.scope
  return {
    rule,
    ref: ruleRefOf(rule, set),
    kind,
    id: rule.id,
    parameters: rule.parameters,
    admits: ADMITS[kind.admits],
    keeping: kind.keeps?.(rule.parameters) ?? 'device',
    everywhere: areas === undefined && buildings === undefined && notBuildings === undefined,
    asks: kind.byShape !== true,
    rest: kind.rest,
    at: -1,
    dueMs: kind.dueMs,
  }
}

/** A rule that looks at the clock on the wall and does not say which means that of the district; its evidence then says which that was. */
const inZone = (rule: Rule, kind: AnyKind, timeZone: string): Rule =>
  kind.localTime !== true || rule.parameters['timeZone'] !== undefined || rule.parameters['utcOffsetMinutes'] !== undefined
    ? rule
    : { ...rule, parameters: { ...rule.parameters, timeZone } }
