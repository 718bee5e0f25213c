// What a list of nodes must be before anybody looks at what it does: ids that can be names of files and lines, none twice, every node on a tab that is
// there, wires within one tab. What the editor draws is always so; what comes over the API or from an import need not be. Pure and bounded.
import { isNode, type FlowNode } from './link.ts'
import type { Problem } from './lint.ts'

export const NODES_MAX = 20_000
const PROBLEMS_MAX = 20
const CHARS_SHOWN = 40
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export function misshapen(flows: readonly unknown[]): Problem[] {
  if (flows.length > NODES_MAX) return [said('', `节点超过 ${NODES_MAX} 个`, `more than ${NODES_MAX} nodes`)]
  const problems: Problem[] = []
  const owners = new Map<string, FlowNode>()
  const nodes = new Map<string, FlowNode>()
  for (const one of flows) {
    if (problems.length >= PROBLEMS_MAX) return problems
    if (!isNode(one)) {
      problems.push(said(shown(one), '不是节点:需要文字 id 和 type', 'is no node: id and type must be text'))
      continue
    }
    if (!ID.test(one.id))
      problems.push(said(shown(one.id), 'id 只能是字母、数字和 . _ -,最多 64 个', 'an id is letters, digits and . _ -, at most 64'))
    if (nodes.has(one.id)) problems.push(said(shown(one.id), '这个 id 出现两次', 'stands there twice: an id belongs to one node'))
    nodes.set(one.id, one)
    if (isOwner(one)) owners.set(one.id, one)
  }
  for (const node of nodes.values()) {
    if (problems.length >= PROBLEMS_MAX) break
    problems.push(...misplaced(node, owners), ...miswired(node, nodes))
  }
  return problems.slice(0, PROBLEMS_MAX)
}

/** Node-RED makes a tab for a node whose tab is not there, and runs it: nobody would see it. */
function misplaced(node: FlowNode, owners: ReadonlyMap<string, FlowNode>): Problem[] {
  const { z } = node
  if (isOwner(node) || (typeof z === 'string' && owners.has(z))) return []
  if (z !== undefined && z !== '')
    return [said(nameOf(node), `所在的标签页 ${shown(z)} 不存在`, `stands on the tab ${shown(z)}, which is not there`)]
  const isFlow =
    (node.type.startsWith('fire-') && node.type !== 'fire-server') || (Array.isArray(node['wires']) && node['wires'].length > 0)
  return isFlow ? [said(nameOf(node), '不在任何标签页上', 'stands on no tab')] : []
}

function miswired(node: FlowNode, nodes: ReadonlyMap<string, FlowNode>): Problem[] {
  const { wires } = node
  if (wires === undefined) return []
  const isList = Array.isArray(wires) && wires.every(output => Array.isArray(output) && output.every(id => typeof id === 'string'))
  if (!isList) return [said(nameOf(node), '连线必须是 id 列表的列表', 'its wires must be a list of lists of ids')]
  const away = (wires as string[][]).flat().find(id => nodes.has(id) && nodes.get(id)?.z !== node.z)
  return away === undefined
    ? []
    : [
        said(
          nameOf(node),
          `连线到另一个标签页的 ${shown(away)};请用 link 节点`,
          `is wired to ${shown(away)} of another tab; use link nodes`,
        ),
      ]
}

const said = (tab: string, zh: string, en: string): Problem => ({ tab, zh, en })
const isOwner = ({ type }: FlowNode): boolean => type === 'tab' || type === 'subflow'
const nameOf = ({ type, id }: FlowNode): string => `${shown(type)} ${shown(id)}`
const shown = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, CHARS_SHOWN)
