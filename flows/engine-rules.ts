// A tab of fire nodes only says nothing that the rules engine could not judge by itself: this takes its rules out, as a rule file. Pure.
import { parse } from 'yaml'
import { FengsuiError } from '#contracts/errors.ts'
import { wordOf, type FlowNode } from './link.ts'

const ONLY = new Set([
  'fire-reading',
  'fire-rule',
  'fire-alert',
  'fire-backtest',
  'comment',
  'group',
  'junction',
  'debug',
  'link in',
  'link out',
])

/**
 * The rule texts of a tab. @throws FengsuiError not-found, flow-refused: what on the tab the engine could not do
 */
export function rulesOfTab(flows: readonly FlowNode[], tabId: string): { label: string; texts: string[] } {
  const tab = flows.find(node => node.id === tabId && node.type === 'tab')
  if (tab === undefined) throw new FengsuiError('not-found', `there is no tab ${tabId}`)
  const nodes = flows.filter(node => node.z === tabId && node['d'] !== true)
  const foreign = nodes.filter(node => !ONLY.has(node.type))
  if (foreign.length > 0)
    throw new FengsuiError(
      'flow-refused',
      `only a tab of fire nodes can become an engine rule; it also has: ${[...new Set(foreign.map(n => n.type))].join(', ')}`,
    )
  const rules = nodes.filter(node => node.type === 'fire-rule')
  if (rules.length === 0) throw new FengsuiError('flow-refused', 'the tab has no fire-rule node')
  const byId = new Map(nodes.map(node => [node.id, node]))
  for (const rule of rules) {
    const [raised = [], ...others] = (rule['wires'] as string[][] | undefined) ?? []
    const goesOn = others.flat().some(id => !['debug', 'comment'].includes(byId.get(id)?.type ?? ''))
    if (goesOn || !raised.some(id => byId.get(id)?.type === 'fire-alert'))
      throw new FengsuiError('flow-refused', 'each fire-rule must lead straight to a fire-alert, and its other outputs nowhere else')
  }
  const ids = new Set(nodes.map(node => node.id))
  if (nodes.some(({ links }) => Array.isArray(links) && links.some(id => !ids.has(String(id)))))
    throw new FengsuiError('flow-refused', 'the tab has links to other tabs, which the engine does not have')
  const filtered = nodes.find(node => node.type === 'fire-reading' && wordOf(node, 'areas').trim() !== '')
  if (filtered !== undefined)
    throw new FengsuiError('flow-refused', 'a fire-reading filters by area: put the areas into the scope of the rule')
  const kinds = kindsHeard(nodes)
  const texts = rules.map(rule => wordOf(rule, 'rules'))
  if (kinds !== null && !texts.every(text => isWithin(text, kinds)))
    throw new FengsuiError(
      'flow-refused',
      `a fire-reading lets only ${[...kinds].join(', ')} pass, and the engine hears all kinds: put them into the scope of each rule (scope: { kinds: [...] })`,
    )
  return { label: wordOf(tab, 'label') || tabId, texts }
}

/** Of all nodes that read; null = every kind. */
function kindsHeard(nodes: readonly FlowNode[]): Set<string> | null {
  const lists = nodes.filter(node => node.type === 'fire-reading').map(node => listOf(wordOf(node, 'kinds')))
  return lists.some(list => list.length === 0) ? null : new Set(lists.flat())
}
const listOf = (text: string): string[] =>
  text
    .split(',')
    .map(one => one.trim())
    .filter(one => one !== '')

/** kinds that weigh what other rules raised, and no readings of their own */
const WEIGH = new Set(['corroborate', 'cluster', 'confirm', 'risk', 'fuse'])

/** What is no rule is said by the engine itself, in its own words. */
function isWithin(text: string, kinds: ReadonlySet<string>): boolean {
  let rules: unknown
  try {
    rules = parse(text)
  } catch {
    return true
  }
  const all = Array.isArray(rules) ? (rules as ({ scope?: { kinds?: unknown }; kind?: unknown } | null)[]) : []
  return all.every(rule => {
    const scope = rule?.scope?.kinds
    return WEIGH.has(String(rule?.kind)) || (Array.isArray(scope) && scope.length > 0 && scope.every(kind => kinds.has(String(kind))))
  })
}
