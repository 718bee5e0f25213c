// Builds the page into a temporary folder and prints, chunk by chunk, what a browser has to fetch (gzip), against the budgets:
// the shell (queue, incident and the words of one language) 40 kB of script, the map with its worker 720 kB, the building view 150 kB. Exit 1 when one is over.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const BUDGET_KB = { shell: 40, map: 720, building: 150 }

type Chunk = { file: string; isEntry?: boolean; imports?: string[]; dynamicImports?: string[] }
type Manifest = Record<string, Chunk>

/** Every file that has to be there before `key` runs: itself and its static imports. */
const needed = (manifest: Manifest, key: string, found = new Set<string>()): Set<string> => {
  const chunk = manifest[key]
  if (chunk === undefined || found.has(chunk.file)) return found
  found.add(chunk.file)
  for (const next of chunk.imports ?? []) needed(manifest, next, found)
  return found
}

const gzKb = (dir: string, file: string): number => gzipSync(readFileSync(join(dir, file)), { level: 9 }).byteLength / 1000
const sum = (dir: string, files: Iterable<string>): number => [...files].reduce((total, file) => total + gzKb(dir, file), 0)

const keyOf = (manifest: Manifest, end: string): string => {
  const key = Object.keys(manifest).find(name => name.endsWith(end))
  if (key === undefined) throw new Error(`the build has no ${end}`)
  return key
}

const measure = async (dir: string): Promise<{ name: string; kb: number; budgetKb: number | null }[]> => {
  await build({ configFile: join(import.meta.dirname, '../dashboard/web/vite.config.ts'), logLevel: 'warn', build: { outDir: dir } })
  const manifest = JSON.parse(readFileSync(join(dir, '.vite/manifest.json'), 'utf8')) as Manifest
  const entry = Object.keys(manifest).find(key => manifest[key]?.isEntry === true) ?? ''
  const shell = needed(manifest, entry)
  const worker = manifest[keyOf(manifest, 'maplibre-gl-worker.mjs')]?.file ?? ''
  const beyond = (key: string): Set<string> => new Set([...needed(manifest, keyOf(manifest, key))].filter(file => !shell.has(file)))
  // a page speaks one language: the longer one counts
  const words = Math.max(...['zh-CN.json', 'en.json'].map(name => sum(dir, beyond(name))))
  const map = new Set([...beyond('map/gl.ts'), ...beyond('map/pane.tsx'), worker])
  // deck.gl asks for its WebGL adapter at run time
  for (const chunk of Object.values(manifest)) if (/webgl/.test(chunk.file) && chunk.file.endsWith('.js')) map.add(chunk.file)
  return [
    { name: 'shell (queue, incident, words)', kb: sum(dir, shell) + words, budgetKb: BUDGET_KB.shell },
    { name: 'map in WebGL, with its worker', kb: sum(dir, map), budgetKb: BUDGET_KB.map },
    { name: 'map without a GPU', kb: sum(dir, new Set([...beyond('map/canvas.ts'), ...beyond('map/pane.tsx')])), budgetKb: null },
    { name: 'building view', kb: sum(dir, beyond('building/view.tsx')), budgetKb: BUDGET_KB.building },
    { name: 'chart beside the evidence', kb: sum(dir, beyond('incident/chart.ts')), budgetKb: null },
  ]
}

const dir = await mkdtemp(join(tmpdir(), 'fengsui-bundle-'))
try {
  for (const { name, kb, budgetKb } of await measure(dir)) {
    const over = budgetKb !== null && kb > budgetKb
    console.log(
      `${name.padEnd(34)} ${kb.toFixed(1).padStart(7)} kB gz ${budgetKb === null ? '' : `of ${budgetKb} kB${over ? '  OVER' : ''}`}`,
    )
    if (over) process.exitCode = 1
  }
} finally {
  await rm(dir, { recursive: true, force: true })
}
