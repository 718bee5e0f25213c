// The flow file and its history, owned by the supervisor: the Node-RED process runs without the right to fsync or to touch
// these files. Keeps at most REVISIONS_MAX revisions, each with its credentials, so that a bad deploy can be undone as a whole.
import { createHash } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock, type Clock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { FlowNode } from './link.ts'
import { contentOf, filesOf, flowsOf, LAYOUT_SUFFIX } from './tabs.ts'

const REVISIONS_MAX = 50
/** Node-RED's own limit on a deploy (apiMaxLength) with room for pretty printing. */
const FILE_BYTES_MAX = 16 * 1024 * 1024

export type Revision = { rev: string; savedAt: string; by: string; proven: boolean; added: number; changed: number; removed: number }
type Kept = { flows: FlowNode[]; credentials: Record<string, unknown> }

export type FlowStore = {
  flows: () => { flows: FlowNode[]; rev: string }
  save: (flows: FlowNode[], by: string) => Revision
  credentials: () => Record<string, unknown>
  /** written with the next save, and not before */
  saveCredentials: (credentials: Record<string, unknown>) => void
  dropCredentials: () => void
  settings: () => Record<string, unknown>
  saveSettings: (settings: Record<string, unknown>) => void
  current: () => Revision
  /** this revision has run long enough to be trusted */
  prove: (rev: string) => void
  /** newest proven revision before the current one, else the one before; null = nothing to go back to */
  putBack: () => Revision | null
  history: () => readonly Revision[]
  /** flows of a kept revision; null = not kept any more */
  revision: (rev: string) => FlowNode[] | null
  /** what people changed in the files of the tabs (git pull, an editor), to be judged before it is used; null = nothing */
  found: () => FlowNode[] | null
}

/** @throws FengsuiError data-dir-unwritable */
export function openFlowStore(o: { dir: string; first: () => FlowNode[]; clock?: Clock }): FlowStore {
  const { dir, clock = systemClock } = o
  const revisions = join(dir, 'revisions')
  try {
    mkdirSync(revisions, { recursive: true })
  } catch (cause) {
    throw new FengsuiError('data-dir-unwritable', `the folder for flows, ${dir}, cannot be made`, { cause })
  }
  const file = (name: string) => join(dir, `${name}.json`)
  const kept = (rev: string) => join(revisions, `${rev}.json`)
  const tabs = join(dir, 'tabs')
  /** a deploy's credentials, until its flows are saved: a refused deploy leaves none behind */
  let heldBack: Record<string, unknown> | null = null
  const history = read<Revision[]>(file('history'), [])

  function save(flows: FlowNode[], by: string): Revision {
    if (!Array.isArray(flows)) throw new FengsuiError('invalid-request', 'flows must be a list of nodes')
    const previous = existsSync(file('flows')) ? read<FlowNode[]>(file('flows'), []) : []
    const rev = revisionOf(flows)
    const revision = { rev, savedAt: new Date(clock.nowMs()).toISOString(), by, proven: false, ...difference(previous, flows) }
    const credentials = heldBack ?? store.credentials()
    heldBack = null
    // what is too large is refused by the first, before anything else is touched
    writeDurably(kept(rev), { flows, credentials } satisfies Kept)
    writeDurably(file('credentials'), credentials)
    writeDurably(file('flows'), flows)
    writeTabs(flows)
    remember(revision)
    return revision
  }

  /** For people and git; the list in flows.json is what runs. Only what changed is written. */
  function writeTabs(flows: FlowNode[]): void {
    mkdirSync(tabs, { recursive: true })
    const files = filesOf(flows)
    for (const name of tabFiles()) if (!files.has(name)) rmSync(join(tabs, name), { force: true })
    for (const [name, text] of files) {
      const path = join(tabs, name)
      if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeTextDurably(path, text)
    }
  }
  const tabFiles = (): string[] =>
    existsSync(tabs) ? readdirSync(tabs).filter(name => name.endsWith('.json') || name.endsWith(LAYOUT_SUFFIX)) : []

  /** The same content deployed again moves to the end and keeps what is known about it. */
  function remember(revision: Revision): void {
    const before = history.findIndex(r => r.rev === revision.rev)
    if (before >= 0) revision.proven = history.splice(before, 1)[0]?.proven ?? false
    history.push(revision)
    while (history.length > REVISIONS_MAX) rmSync(kept(history.shift()!.rev), { force: true })
    writeDurably(file('history'), history)
  }

  const store: FlowStore = {
    save,
    flows() {
      const flows = read<FlowNode[]>(file('flows'), [])
      return { flows, rev: revisionOf(flows) }
    },
    credentials: () => read(file('credentials'), {}),
    saveCredentials: credentials => void (heldBack = credentials),
    dropCredentials: () => void (heldBack = null),
    settings: () => read(file('settings'), {}),
    saveSettings: settings => writeDurably(file('settings'), settings),
    current: () => history.at(-1)!,
    prove(rev) {
      const revision = history.find(r => r.rev === rev)
      if (revision === undefined || revision.proven) return
      revision.proven = true
      writeDurably(file('history'), history)
    },
    putBack() {
      const bad = history.at(-1)
      const older = history.slice(0, -1).filter(r => r.rev !== bad?.rev && existsSync(kept(r.rev)))
      const good = older.findLast(r => r.proven) ?? older.at(-1)
      if (good === undefined) return null
      const { flows, credentials } = read<Kept>(kept(good.rev), { flows: [], credentials: {} })
      store.saveCredentials(credentials)
      return save(flows, `system:put-back (was ${bad?.rev.slice(0, 12)} by ${bad?.by})`)
    },
    history: () => history,
    revision: rev =>
      /^[0-9a-f]{64}$/.test(rev) && existsSync(kept(rev)) ? read<Kept>(kept(rev), { flows: [], credentials: {} }).flows : null,
    found() {
      const names = tabFiles()
      if (!names.some(name => name.endsWith('.json'))) return null
      const flows = flowsOf(new Map(names.map(name => [name, readFileSync(join(tabs, name), 'utf8')])))
      return contentOf(flows) === contentOf(store.flows().flows) ? null : flows
    },
  }
  const files = tabFiles()
  if (!existsSync(file('flows'))) save(o.first(), 'system:shipped')
  if (history.length === 0) save(store.flows().flows, 'system:found')
  if (files.length === 0) writeTabs(store.flows().flows)
  return store
}

/** Node-RED's own revision: the editor compares it before a deploy. */
export const revisionOf = (flows: FlowNode[]): string => createHash('sha256').update(JSON.stringify(flows)).digest('hex')

function difference(before: FlowNode[], after: FlowNode[]): { added: number; changed: number; removed: number } {
  const old = new Map(before.map(node => [node.id, JSON.stringify(node)]))
  const added = after.filter(node => !old.has(node.id)).length
  const changed = after.filter(node => old.has(node.id) && old.get(node.id) !== JSON.stringify(node)).length
  const ids = new Set(after.map(node => node.id))
  return { added, changed, removed: before.filter(node => !ids.has(node.id)).length }
}

function read<T>(path: string, otherwise: T): T {
  if (!existsSync(path)) return otherwise
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch (cause) {
    throw new FengsuiError('internal', `${path} is not valid JSON; put back a revision from ${join(path, '..', 'revisions')}`, { cause })
  }
}

/** Whole file or old file, also after a power cut: write beside, fsync, rename, fsync the folder. */
function writeDurably(path: string, value: unknown): void {
  const readable = `${JSON.stringify(value, null, 2)}\n`
  // indenting may make ten times of much that is empty
  writeTextDurably(path, Buffer.byteLength(readable) > FILE_BYTES_MAX ? `${JSON.stringify(value)}\n` : readable)
}

export function writeTextDurably(path: string, text: string): void {
  if (Buffer.byteLength(text) > FILE_BYTES_MAX)
    throw new FengsuiError('payload-too-large', `${path} would be larger than ${FILE_BYTES_MAX} bytes`)
  const beside = `${path}.new`
  const fd = openSync(beside, 'w', 0o600)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(beside, path)
  const folder = openSync(join(path, '..'), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
