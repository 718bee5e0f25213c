// Which set was in force from which place of the journal on. Its rows are stored with that place, in the transaction that begins it, so
// that the same journal and the same history make the same alarms, and the last good set is there when its files are not.
import type { StateRows } from '#contracts/state-rows.ts'
import type { RuleSet } from './schema.ts'

/** `position`: messages behind this one are judged by the set. Two changes at one place follow each other by `n`. */
export type SetChange = { n: number; position: number; version: string; name: string; at: string; by: string }
export type RuleHistory = {
  /** oldest first */
  changes(): readonly SetChange[]
  newest(): { change: SetChange; ruleSet: RuleSet } | undefined
  setOf(version: string): RuleSet | undefined
  /** notes the change and answers what is to be stored of it */
  add(ruleSet: RuleSet, change: { position: number; at: string; by: string }): StateRows
}

/** beyond this many the oldest change is forgotten, and its set with it when nothing else names it */
export const CHANGES_MAX = 200
const CHANGE = 'change/'
const SET = 'set/'
const keyOf = (n: number): string => CHANGE + String(n).padStart(12, '0')

export function createRuleHistory(rows: Iterable<[string, string]> = []): RuleHistory {
  const changes: SetChange[] = []
  const sets = new Map<string, RuleSet>()
  for (const [key, json] of rows) {
    if (key.startsWith(CHANGE)) changes.push(JSON.parse(json) as SetChange)
    else if (key.startsWith(SET)) sets.set(key.slice(SET.length), JSON.parse(json) as RuleSet)
  }
  changes.sort((a, b) => a.n - b.n)

  const forgotten = (): StateRows => {
    const gone = changes.splice(0, Math.max(0, changes.length - CHANGES_MAX))
    const versions = [...new Set(gone.map(change => change.version))].filter(v => !changes.some(change => change.version === v))
    for (const version of versions) sets.delete(version)
    return [...gone.map(({ n }): StateRows[number] => [keyOf(n), null]), ...versions.map((v): StateRows[number] => [SET + v, null])]
  }

  return {
    changes: () => changes,
    newest() {
      const change = changes.at(-1)
      const ruleSet = change && sets.get(change.version)
      return change && ruleSet && { change, ruleSet }
    },
    setOf: version => sets.get(version),
    add(ruleSet, { position, at, by }) {
      const change: SetChange = { n: (changes.at(-1)?.n ?? 0) + 1, position, version: ruleSet.version, name: ruleSet.name, at, by }
      changes.push(change)
      const rows: StateRows = [[keyOf(change.n), JSON.stringify(change)]]
      if (!sets.has(ruleSet.version)) rows.push([SET + ruleSet.version, JSON.stringify(ruleSet)])
      sets.set(ruleSet.version, ruleSet)
      return [...rows, ...forgotten()]
    },
  }
}
