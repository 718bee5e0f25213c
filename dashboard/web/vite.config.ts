// Builds the page into dashboard/web/dist, each text file also compressed beside itself (the server sends those as they are).
// Every byte the page needs lies in that folder: no request leaves the origin.
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

const TEXT = /\.(js|mjs|css|html|svg|json)$/
/** Smaller ones gain nothing. */
const LEAST_BYTES = 1024
/** 11, the default, takes ten times as long for a few per cent: a first start waits for this. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }

const compressed = (): Plugin => ({
  name: 'compressed',
  apply: 'build',
  async writeBundle({ dir }) {
    if (dir === undefined) return
    for (const file of await readdir(dir, { recursive: true })) {
      if (!TEXT.test(file)) continue
      const path = join(dir, file)
      const bytes = await readFile(path)
      if (bytes.byteLength < LEAST_BYTES) continue
      await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }))
      await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, BROTLI))
    }
  },
})

/** The words of the district's language come with the page, not when its script asks for them. */
const wordsAhead = (): Plugin => ({
  name: 'words-ahead',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler: (_, { bundle }) => {
      const words = Object.values(bundle ?? {}).find(one => one.type === 'chunk' && one.name === 'zh-CN')
      if (words === undefined) throw new Error('the build has no words')
      return [{ tag: 'link', attrs: { rel: 'modulepreload', crossorigin: true, href: `/${words.fileName}` }, injectTo: 'head' }]
    },
  },
})

type Graph = { getModuleInfo(id: string): { importedIds: readonly string[] } | null }
const ENTRY = join(import.meta.dirname, 'src/main.tsx')
/** What has to be there before anything is drawn, in one file: a request for each small part of it costs a thin line more than the part. */
const createShell = (): ((id: string, graph: Graph) => string | null) => {
  const found = new Set<string>()
  const walk = (id: string, graph: Graph): void => {
    if (found.has(id)) return
    found.add(id)
    for (const next of graph.getModuleInfo(id)?.importedIds ?? []) walk(next, graph)
  }
  return (id, graph) => {
    if (found.size < 2) {
      found.clear()
      walk(ENTRY, graph)
    }
    return found.has(id) ? 'shell' : null
  }
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [wordsAhead(), compressed()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    manifest: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 3000,
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: createShell(), debugName: 'shell' }] } } },
  },
})
