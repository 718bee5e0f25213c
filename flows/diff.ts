// What one set of flows changes against another, in the words of who reads it: which node of which tab, which of its settings, from what to
// what, what it is wired to. Where a node stands on the page does not count. Pure and bounded.
import { nameOf } from './lint.ts'
import { wordOf, type FlowNode } from './link.ts'

export type Change = {
  tab: string
  node: string
  type: string
  what: 'added' | 'removed' | 'changed'
  /** settings by name: before and after, as text */
  settings?: Record<string, [before: string, after: string]>
}

const CHANGES_MAX = 200
const CHARS_MAX = 120
/** where a node stands says nothing about what it does */
const LAYOUT = new Set(['x', 'y', 'w', 'h'])

export function changesOf(before: readonly FlowNode[], after: readonly FlowNode[]): Change[] {
  const old = byId(before)
  const next = byId(after)
  const changes: Change[] = []
  for (const node of after) {
    if (changes.length >= CHANGES_MAX) return changes
    const was = old.get(node.id)
    if (was === undefined) changes.push({ ...said(node, next), what: 'added' })
    else {
      const settings = differing(was, node)
      if (Object.keys(settings).length > 0) changes.push({ ...said(node, next), what: 'changed', settings })
    }
  }
  for (const node of before) {
    if (changes.length >= CHANGES_MAX) return changes
    if (!next.has(node.id)) changes.push({ ...said(node, old), what: 'removed' })
  }
  return changes
}

const byId = (nodes: readonly FlowNode[]): Map<string, FlowNode> => new Map(nodes.map(node => [node.id, node]))

/** The same in what it does, wherever it stands. */
export const isSame = (a: readonly FlowNode[], b: readonly FlowNode[]): boolean => a.length === b.length && changesOf(a, b).length === 0

function differing(was: FlowNode, is: FlowNode): Record<string, [string, string]> {
  const names = new Set([...Object.keys(was), ...Object.keys(is)])
  const settings: Record<string, [string, string]> = {}
  for (const name of names) {
    if (LAYOUT.has(name) || name === 'credentials') continue
    const [before, after] = [textOf(was[name]), textOf(is[name])]
    if (before !== after) settings[name] = around(before, after)
  }
  return settings
}

/** The part that differs, with a little before it. */
function around(before: string, after: string): [string, string] {
  let at = 0
  while (at < before.length && before[at] === after[at]) at++
  const from = Math.max(0, at - 20)
  return [before.slice(from, from + CHARS_MAX), after.slice(from, from + CHARS_MAX)]
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

function said(node: FlowNode, all: ReadonlyMap<string, FlowNode>): Pick<Change, 'tab' | 'node' | 'type'> {
  const tab = node.type === 'tab' ? node : all.get(node.z ?? '')
  return {
    tab: tab === undefined ? '' : wordOf(tab, 'label') || tab.id,
    node: node.type === 'tab' ? wordOf(node, 'label') || node.id : nameOf(node),
    type: node.type,
  }
}
