// What a tab may contain that raises alarms or judges readings. A rule must give the same answer for the same readings, whenever they come:
// so no timers, no clock, no nodes that hold messages back, nothing that talks to somebody else. Pure; says what, where and what instead.
import { wordOf, type FlowNode } from './link.ts'
import { wrongSettings } from './lint-code.ts'
import { feeders } from './tabs-linked.ts'

export type Problem = { tab: string; node?: string; zh: string; en: string }

/** Everything that passes messages on at once and keeps none. What is not here is refused by name. */
const ALLOWED = new Set([
  'fire-server', 'fire-reading', 'fire-rule', 'fire-alert', 'fire-incident', 'fire-command', 'fire-backtest',
  'function', 'switch', 'change', 'range', 'template', 'rbe', 'split', 'sort', 'json', 'csv', 'xml', 'yaml', 'html',
  'debug', 'comment', 'catch', 'status', 'complete', 'link in', 'link out', 'link call', 'junction', 'group', 'inject', 'tab', 'global-config',
]) // prettier-ignore
const WHY: Record<string, [zh: string, en: string]> = {
  delay: ['会扣住消息,崩溃时丢失;请用 fire-rule 的延时参数', 'holds messages back and loses them in a crash; use the delays of fire-rule'],
  trigger: ['按系统时钟动作;请用 fire-rule', 'acts by the clock of the server; use fire-rule'],
  join: ['会攒消息,崩溃时丢失', 'holds messages back and loses them in a crash'],
  batch: ['会攒消息,崩溃时丢失', 'holds messages back and loses them in a crash'],
  sort: ['会攒消息,崩溃时丢失', 'holds messages back and loses them in a crash'],
  'http request': ['连接外部网络', 'talks to another system'],
  'mqtt in': ['不经日志读取消息,崩溃时丢失;请用 fire-reading', 'reads past the journal and loses messages in a crash; use fire-reading'],
  'mqtt out': ['连接外部网络', 'talks to another system'],
}
/** A tab that reads the feed or raises alarms. */
export const isRuleTab = (nodes: readonly FlowNode[]): boolean =>
  nodes.some(node => node.type === 'fire-reading' || node.type === 'fire-alert' || node.type === 'fire-rule')

export type Tab = { id: string; label: string; nodes: FlowNode[]; isSubflow: boolean }

/** Enabled tabs with their nodes; subflows too, since what they contain runs in tabs. */
export function tabsOf(flows: readonly FlowNode[]): Tab[] {
  const on = new Map<string, FlowNode[]>()
  for (const node of flows) {
    if (typeof node.z !== 'string' || node['d'] === true) continue
    if (on.get(node.z)?.push(node) === undefined) on.set(node.z, [node])
  }
  return flows
    .filter(node => (node.type === 'tab' && node['disabled'] !== true) || node.type === 'subflow')
    .map(tab => ({
      id: tab.id,
      label: wordOf(tab, 'label') || wordOf(tab, 'name') || tab.id,
      nodes: on.get(tab.id) ?? [],
      isSubflow: tab.type === 'subflow',
    }))
}

/** Everything that runs on the tab: its own nodes and those of the subflows it uses. */
export const contentsOf = (tab: Tab, tabs: ReadonlyMap<string, Tab>): FlowNode[] => [
  ...tab.nodes,
  ...subflowsIn(tab.nodes, tabs).flatMap(one => one.nodes),
]
export const byIdOf = (tabs: readonly Tab[]): Map<string, Tab> => new Map(tabs.map(tab => [tab.id, tab]))

export function lint(flows: readonly FlowNode[]): Problem[] {
  const all = tabsOf(flows)
  const byId = byIdOf(all)
  const before = feeders(all)
  /** tab that must be sound -> the tab it is judged for, where that is another one */
  const judged = new Map<Tab, Tab>()
  for (const tab of all) {
    if (tab.isSubflow || !isRuleTab(contentsOf(tab, byId))) continue
    judged.set(tab, tab)
    for (const id of before.get(tab.id) ?? []) judged.set(byId.get(id)!, judged.get(byId.get(id)!) ?? tab)
  }
  for (const tab of judged.keys()) for (const inside of subflowsIn(tab.nodes, byId)) judged.set(inside, inside)
  return [...judged].flatMap(([tab, whose]) => {
    const where = tab === whose ? tab.label : `${tab.label} → ${whose.label}`
    return tab.nodes.flatMap(node => wrong(where, node))
  })
}

function subflowsIn(nodes: readonly FlowNode[], tabs: ReadonlyMap<string, Tab>, seen = new Set<Tab>()): Tab[] {
  for (const node of nodes) {
    if (!node.type.startsWith('subflow:')) continue
    const subflow = tabs.get(node.type.slice('subflow:'.length))
    if (subflow === undefined || seen.has(subflow)) continue
    seen.add(subflow)
    subflowsIn(subflow.nodes, tabs, seen)
  }
  return [...seen]
}

function wrong(tab: string, node: FlowNode): Problem[] {
  const said = (zh: string, en: string): Problem => ({ tab, node: nameOf(node), zh, en })
  if (node.type === 'sort' && node['target'] !== undefined && node['targetType'] !== 'seq') return []
  const [zh, en] = WHY[node.type] ?? []
  if (zh !== undefined && en !== undefined) return [said(zh, en)]
  if (node.type.startsWith('subflow:')) return []
  if (!ALLOWED.has(node.type))
    return [said(`${node.type} 节点不能用在报警流程中`, `nodes of type ${node.type} cannot stand in a tab that raises alarms`)]
  return wrongSettings(node).map(({ zh, en }) => said(zh, en))
}

export const nameOf = (node: FlowNode): string => wordOf(node, 'name') || `${node.type} ${node.id}`
