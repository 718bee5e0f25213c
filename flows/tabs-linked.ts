// Which tabs take part in what another tab judges: those whose messages go on to it through link nodes, and those it calls. What holds a message back on
// its way is as bad there as here, and a scenario that is played without them hears nothing. Pure.
import { wordOf, type FlowNode } from './link.ts'

type Tab = { id: string; nodes: readonly FlowNode[] }

/** Tab by id -> the ids of all tabs before it, near and far, itself not included. */
export function feeders(tabs: readonly Tab[]): Map<string, Set<string>> {
  const near = nearFeeders(tabs)
  return new Map(
    tabs.map(({ id }) => {
      const seen = new Set<string>()
      const open = [id]
      for (let next = open.pop(); next !== undefined; next = open.pop())
        for (const other of near.get(next) ?? [])
          if (other !== id && !seen.has(other)) {
            seen.add(other)
            open.push(other)
          }
      return [id, seen] as const
    }),
  )
}

function nearFeeders(tabs: readonly Tab[]): Map<string, Set<string>> {
  const ofType = (type: string) => tabs.flatMap(({ id, nodes }) => nodes.flatMap(node => (node.type === type ? [{ tab: id, node }] : [])))
  const entrances = new Map(ofType('link in').map(({ tab, node }) => [node.id, { tab, links: linksOf(node) }]))
  const near = new Map<string, Set<string>>()
  const feeds = (from: string, to: string): void => {
    if (from !== to) near.set(to, (near.get(to) ?? new Set()).add(from))
  }
  const exits = new Map(ofType('link out').map(({ tab, node }) => [node.id, { tab, node }]))
  for (const { tab, node } of exits.values()) {
    // one that returns goes back to its caller, wherever that is
    if (wordOf(node, 'mode') === 'return') continue
    for (const id of linksOf(node)) if (entrances.has(id)) feeds(tab, entrances.get(id)!.tab)
  }
  // Node-RED takes a link that only one of its ends knows
  for (const { tab, links } of entrances.values())
    for (const id of links) {
      const exit = exits.get(id)
      if (exit !== undefined && wordOf(exit.node, 'mode') !== 'return') feeds(exit.tab, tab)
    }
  for (const { tab, node } of ofType('link call')) for (const id of linksOf(node)) if (entrances.has(id)) feeds(entrances.get(id)!.tab, tab)
  return near
}

const linksOf = (node: FlowNode): string[] => (Array.isArray(node['links']) ? node['links'].filter(id => typeof id === 'string') : [])
