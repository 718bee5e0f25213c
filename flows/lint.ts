// What a tab may contain that raises alarms or judges readings. A rule must give the same answer for the same readings, whenever they come:
// so no timers, no clock, no nodes that hold messages back, nothing that talks to somebody else. Pure; says what, where and what instead.
import { wordOf, type FlowNode } from './link.ts'

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
const CODE: [RegExp, string, string][] = [
  [/\bset(?:Timeout|Interval|Immediate)\b/, '函数使用了定时器', 'the function sets a timer'],
  [
    /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bDate\s*\(\s*\)/,
    '函数读取系统时钟;请用读数的 ts',
    "the function reads the clock; use the reading's ts",
  ],
  [/\bMath\s*\.\s*random\b/, '函数使用随机数', 'the function uses chance'],
  [/\bfetch\s*\(|\bXMLHttpRequest\b/, '函数连接外部网络', 'the function talks to another system'],
  [/\bglobal\s*\.\s*[gs]et\b/, '函数依赖全局记忆;请用 flow', 'the function remembers for all tabs; use flow'],
]

/** A tab that reads the feed or raises alarms. */
export const isRuleTab = (nodes: readonly FlowNode[]): boolean =>
  nodes.some(node => node.type === 'fire-reading' || node.type === 'fire-alert' || node.type === 'fire-rule')

export type Tab = { id: string; label: string; nodes: FlowNode[]; isSubflow: boolean }

/** Enabled tabs with their nodes; subflows too, since what they contain runs in tabs. */
export function tabsOf(flows: readonly FlowNode[]): Tab[] {
  return flows
    .filter(node => (node.type === 'tab' && node['disabled'] !== true) || node.type === 'subflow')
    .map(tab => ({
      id: tab.id,
      label: wordOf(tab, 'label') || wordOf(tab, 'name') || tab.id,
      nodes: flows.filter(node => node.z === tab.id && node['d'] !== true),
      isSubflow: tab.type === 'subflow',
    }))
}

export function lint(flows: readonly FlowNode[]): Problem[] {
  const tabs = tabsOf(flows)
  const used = new Set(tabs.filter(tab => isRuleTab(tab.nodes)).flatMap(tab => subflowsIn(tab.nodes, tabs)))
  return tabs
    .filter(tab => (tab.isSubflow ? used.has(tab.id) : isRuleTab(tab.nodes)))
    .flatMap(tab => tab.nodes.flatMap(node => wrong(tab, node)))
}

function subflowsIn(nodes: readonly FlowNode[], tabs: readonly Tab[], seen = new Set<string>()): string[] {
  for (const node of nodes) {
    if (!node.type.startsWith('subflow:')) continue
    const id = node.type.slice('subflow:'.length)
    if (seen.has(id)) continue
    seen.add(id)
    subflowsIn(tabs.find(tab => tab.id === id)?.nodes ?? [], tabs, seen)
  }
  return [...seen]
}

function wrong(tab: Tab, node: FlowNode): Problem[] {
  const said = (zh: string, en: string): Problem => ({ tab: tab.label, node: nameOf(node), zh, en })
  if (node.type === 'sort' && node['target'] !== undefined && node['targetType'] !== 'seq') return []
  const [zh, en] = WHY[node.type] ?? []
  if (zh !== undefined && en !== undefined) return [said(zh, en)]
  if (node.type.startsWith('subflow:')) return []
  if (!ALLOWED.has(node.type))
    return [said(`${node.type} 节点不能用在报警流程中`, `nodes of type ${node.type} cannot stand in a tab that raises alarms`)]
  if (node.type === 'inject' && (wordOf(node, 'repeat') !== '' || wordOf(node, 'crontab') !== '' || node['once'] === true))
    return [said('inject 节点定时触发', 'inject goes off by itself')]
  if (node.type === 'function') {
    const code = ['func', 'initialize', 'finalize'].map(part => wordOf(node, part)).join('\n')
    return CODE.filter(([pattern]) => pattern.test(withoutComments(code))).map(([, zh, en]) => said(zh, en))
  }
  return []
}

const withoutComments = (code: string): string => code.replaceAll(/\/\*[\s\S]*?\*\/|(^|\s)\/\/[^\n]*/g, '$1')
export const nameOf = (node: FlowNode): string => wordOf(node, 'name') || `${node.type} ${node.id}`
