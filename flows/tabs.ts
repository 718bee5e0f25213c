// The flows as files that people merge with git: one file a tab, one setting a line, each line named by node and setting and so like no other,
// in a stable order; where nodes stand is apart. Then git sees what belongs together, and two new nodes rarely meet. Pure: flows to files and back.
import { createHash } from 'node:crypto'
import { FengsuiError } from '#contracts/errors.ts'
import { wordOf, type FlowNode } from './link.ts'

export type Files = Map<string, string>

const LAYOUT = ['x', 'y', 'w', 'h'] as const
export const LAYOUT_SUFFIX = '.layout'
/** Layout lines of both sides are right together: git's own driver joins them. */
export const ATTRIBUTES = `*${LAYOUT_SUFFIX} merge=union\n`

export function filesOf(flows: readonly FlowNode[]): Files {
  const files: Files = new Map([['.gitattributes', ATTRIBUTES]])
  const owners = flows.filter(node => node.type === 'tab' || node.type === 'subflow')
  const ids = new Set(owners.map(node => node.id))
  const shared: FlowNode[] = []
  const on = new Map<string, FlowNode[]>(owners.map(owner => [owner.id, [owner]]))
  for (const node of flows) if (!ids.has(node.id)) (on.get(node.z ?? '') ?? shared).push(node)
  for (const owner of owners) put(files, `${owner.type === 'tab' ? 'tab' : 'subflow'}-${slug(owner)}`, on.get(owner.id) ?? [])
  if (shared.length > 0) put(files, 'shared', shared)
  return files
}

/** @throws FengsuiError invalid-request: which file, and what is wrong (a conflict mark, a node twice) */
export function flowsOf(files: Files): FlowNode[] {
  const flows: FlowNode[] = []
  const seen = new Map<string, string>()
  for (const [name, text] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.endsWith('.json')) continue
    if (/^(<<<<<<<|=======|>>>>>>>)/m.test(text)) throw new FengsuiError('invalid-request', `${name}: a merge conflict is not resolved`)
    let nodes: FlowNode[]
    try {
      nodes = nodesOf(JSON.parse(text) as Record<string, unknown>)
    } catch (cause) {
      throw new FengsuiError('invalid-request', `${name} is not valid JSON: ${cause instanceof Error ? cause.message : ''}`, { cause })
    }
    const layout = layoutOf(files.get(name.replace(/\.json$/, LAYOUT_SUFFIX)) ?? '')
    for (const node of nodes) {
      const other = seen.get(node.id)
      if (other !== undefined) throw new FengsuiError('invalid-request', `${name}: node ${node.id} stands in ${other} too`)
      seen.set(node.id, name)
      flows.push({ ...node, ...layout.get(node.id) })
    }
  }
  return flows.sort(byOwner)
}

/** The same nodes, whatever order they and their settings are in. */
export const contentOf = (flows: readonly FlowNode[]): string => {
  const hash = createHash('sha256')
  for (const [name, text] of [...filesOf(flows)].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${name}\n${text}\n`)
  return hash.digest('hex')
}

function put(files: Files, name: string, nodes: readonly FlowNode[]): void {
  const sorted = nodes.toSorted((a, b) => (rank(a) === rank(b) ? (a.id < b.id ? -1 : 1) : rank(a) - rank(b)))
  const free = files.has(`${name}.json`) ? `${name}-${inName(nodes[0]?.id ?? '')}` : name
  const lines = withAnchors(sorted)
  files.set(`${free}.json`, `{\n${lines.join(',\n')},\n${END}\n}\n`)
  const layout = sorted.flatMap(node => {
    const places = LAYOUT.map(key => node[key])
    return places.some(place => place !== undefined) ? [`${node.id} ${LAYOUT.map(key => wordOf(node, key) || '-').join(' ')}`] : []
  })
  files.set(`${free}${LAYOUT_SUFFIX}`, layout.length === 0 ? '' : `${layout.sort().join('\n')}\n`)
}

/** The tab itself first, its nodes by id. */
const rank = (node: FlowNode): number => (node.type === 'tab' || node.type === 'subflow' ? 0 : 1)
const byOwner = (a: FlowNode, b: FlowNode): number => rank(a) - rank(b)

/** always last, so that a setting before it always ends with a comma */
const END = ' "~": 0'
/** text of several lines, one a line */
type Lines = { '~lines': string[] }

/**
 * Lines that are in every file, among which the nodes stand: two new nodes conflict only where no anchor and no node lies between them.
 */
function withAnchors(nodes: readonly FlowNode[]): string[] {
  const lines: string[] = []
  const anchors = '0123456789abcdef'.split('')
  for (const node of nodes) {
    while (rank(node) > 0 && anchors[0] !== undefined && anchors[0] <= node.id) lines.push(anchorOf(anchors.shift()!))
    lines.push(...linesOf(node))
  }
  return [...lines, ...anchors.map(anchorOf)]
}
const anchorOf = (digit: string): string => ` "~${digit}": 0`

function linesOf(node: FlowNode): string[] {
  const keys = Object.keys(node).filter(key => !(LAYOUT as readonly string[]).includes(key) && key !== 'id' && node[key] !== undefined)
  return keys.sort(typeFirst).map(key => ` ${JSON.stringify(`${node.id}/${key}`)}: ${valueOf(node[key])}`)
}
const typeFirst = (a: string, b: string): number => Number(b === 'type') - Number(a === 'type') || (a < b ? -1 : 1)

function valueOf(value: unknown): string {
  if (typeof value !== 'string' || !value.includes('\n')) return JSON.stringify(value)
  return JSON.stringify({ '~lines': value.split('\n') } satisfies Lines, null, 1).replaceAll('\n', '\n  ')
}

function nodesOf(settings: Record<string, unknown>): FlowNode[] {
  const nodes = new Map<string, FlowNode>()
  for (const [name, value] of Object.entries(settings)) {
    const cut = name.indexOf('/')
    if (cut < 0) continue
    const id = name.slice(0, cut)
    const node = nodes.get(id) ?? ({ id } as FlowNode)
    const lines = (value as Partial<Lines> | null)?.['~lines']
    node[name.slice(cut + 1)] = Array.isArray(lines) ? lines.join('\n') : value
    nodes.set(id, node)
  }
  return [...nodes.values()]
}

/** Of two lines about one node, as a merge may leave them, the last counts. */
function layoutOf(text: string): Map<string, Record<string, number>> {
  const layout = new Map<string, Record<string, number>>()
  for (const line of text.split('\n')) {
    const [id = '', ...places] = line.split(' ')
    if (id === '') continue
    layout.set(
      id,
      Object.fromEntries(
        LAYOUT.flatMap((key, i) =>
          Number.isFinite(Number(places[i])) && places[i] !== undefined ? [[key, Number(places[i])] as const] : [],
        ),
      ),
    )
  }
  return layout
}

/** Readable, and unique by its end. */
function slug(owner: FlowNode): string {
  const words = (wordOf(owner, 'label') || wordOf(owner, 'name'))
    .toLowerCase()
    .replaceAll(/[^a-z0-9\p{Script=Han}]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40)
  return `${words === '' ? 'tab' : words}-${inName(owner.id.slice(-6))}`
}

/** The gate lets no such id through; whoever gets one here all the same must not get out of the folder by it. */
const inName = (id: string): string => id.replaceAll(/[^A-Za-z0-9._-]/g, '-')
