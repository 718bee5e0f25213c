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

export default defineConfig({
  root: import.meta.dirname,
  plugins: [compressed()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { outDir: 'dist', emptyOutDir: true, manifest: true, target: 'es2023', assetsInlineLimit: 0, chunkSizeWarningLimit: 3000 },
})
