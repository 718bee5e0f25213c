// The flows as files: there and back, stable, and merged by git itself where two engineers work on one tab.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { FlowNode } from '../../flows/link.ts'
import { contentOf, filesOf, flowsOf } from '../../flows/tabs.ts'

/** mulberry32: a test that fails says with which seed */
function randomOf(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
const half = (random: () => number): string =>
  Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')
const idOf = (random: () => number): string => half(random) + half(random)
function node(random: () => number, z: string, to?: string): FlowNode {
  const [id, x, y] = [idOf(random), Math.round(random() * 900), Math.round(random() * 900)]
  return {
    id,
    type: 'function',
    z,
    name: `step ${id.slice(0, 4)}`,
    func: `return msg // ${id}`,
    outputs: 1,
    x,
    y,
    wires: to === undefined ? [[]] : [[to]],
  }
}
function tabOf(random: () => number, nodes: number): FlowNode[] {
  const tab: FlowNode = { id: idOf(random), type: 'tab', label: '消防栓 pressure' }
  const all = [tab]
  for (let i = 0; i < nodes; i++) all.push(node(random, tab.id, all.at(-1)?.type === 'function' ? all.at(-1)!.id : undefined))
  return all
}

test('to files and back: the same nodes, each file the same for any order', () => {
  const random = randomOf(1)
  const flows = [...tabOf(random, 8), ...tabOf(random, 3), { id: 'srv', type: 'fire-server', url: '' }]
  const files = filesOf(flows)
  expect([...files.keys()].filter(name => name.endsWith('.json'))).toHaveLength(3)
  const back = flowsOf(files)
  const byId = (a: FlowNode, b: FlowNode) => (a.id < b.id ? -1 : 1)
  expect(back.toSorted(byId)).toEqual(flows.toSorted(byId))
  expect(filesOf(flows.toReversed())).toEqual(filesOf(back))
  expect(contentOf(flows.map(n => ({ ...n, x: 1 })))).not.toBe(contentOf(flows))
})

test('a conflict that was not resolved, and a node that stands twice, are said by file', () => {
  const files = filesOf(tabOf(randomOf(2), 2))
  const [name] = [...files.keys()].filter(key => key.endsWith('.json'))
  expect(() => flowsOf(new Map([...files, [name!, `<<<<<<< ours\n${files.get(name!)}`]]))).toThrow(/merge conflict is not resolved/)
  expect(() => flowsOf(new Map([...files, ['tab-other.json', files.get(name!)!]]))).toThrow(/stands in/)
})

type Form = (flows: FlowNode[]) => Map<string, string>
const stock: Form = flows => new Map([['flows.json', JSON.stringify(flows, null, 4)]])

/** Two engineers branch off, each changes something, git merges: how many of the trials are clean, and read back as both changes. */
function merges(form: Form, trials: number, seed: number, change: (flows: FlowNode[], random: () => number) => FlowNode[]): number {
  const random = randomOf(seed)
  const dir = mkdtempSync(join(tmpdir(), 'flow-merge-'))
  // nobody needs these commits after a fall of the power
  const settings = ['user.name=t', 'user.email=t@t', 'core.fsync=none', 'gc.auto=0'].flatMap(one => ['-c', one])
  const git = (...args: string[]) => execFileSync('git', [...settings, ...args], { cwd: dir, stdio: 'pipe' }).toString()
  const write = (flows: FlowNode[]) => {
    for (const name of readdirSync(dir)) if (name !== '.git') rmSync(join(dir, name), { recursive: true })
    for (const [name, text] of form(flows)) writeFileSync(join(dir, name), text)
  }
  let clean = 0
  try {
    mkdirSync(dir, { recursive: true })
    git('init', '-q', '-b', 'main')
    for (let i = 0; i < trials; i++) {
      const base = tabOf(random, 12)
      write(base)
      git('add', '-A')
      git('commit', '-q', '--allow-empty', '-m', `base ${i}`)
      const at = git('rev-parse', 'HEAD').trim()
      const both = [change(base, random), change(base, random)]
      for (const [side, flows] of both.entries()) {
        git('checkout', '-q', '-B', `side${side}`, at)
        write(flows)
        git('add', '-A')
        git('commit', '-q', '-m', `side ${side}`)
      }
      const merged = spawnSync('git', [...settings, 'merge', '-q', '--no-edit', 'side0'], { cwd: dir })
      if (merged.status === 0) {
        if (form !== stock) {
          const files = new Map(
            readdirSync(dir).flatMap(name => (name === '.git' ? [] : [[name, readFileSync(join(dir, name), 'utf8')] as const])),
          )
          const ids = new Set(flowsOf(files).map(n => n.id))
          expect(
            both.flat().every(n => ids.has(n.id)),
            `seed ${seed}, trial ${i}`,
          ).toBe(true)
        }
        clean++
      } else git('merge', '--abort')
      git('checkout', '-q', 'main')
    }
    return clean
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** As the editor saves it: the new node at the end of its list. */
const addsNode = (flows: FlowNode[], random: () => number): FlowNode[] => [...flows, node(random, flows[0]!.id)]

test('two engineers each add a node on the same tab: git merges most of it, and none of the stock file', () => {
  const seed = 20261130
  const [ours, theirs] = [merges(filesOf, 20, seed, addsNode), merges(stock, 5, seed, addsNode)]
  console.log(`clean merges of a new node each on one tab: ours ${ours} of 20, one pretty file ${theirs} of 5 (seed ${seed})`)
  expect(ours / 20).toBeGreaterThanOrEqual(0.7)
  expect(theirs).toBe(0)
})

test('two engineers each add a tab: always clean', () => {
  expect(merges(filesOf, 5, 7, (flows, random) => [...flows, ...tabOf(random, 2)])).toBe(5)
})
