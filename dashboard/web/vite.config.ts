// Builds the page into dashboard/web/dist. Every byte it needs lies in that folder: no request leaves the origin.
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { outDir: 'dist', emptyOutDir: true, manifest: true, target: 'es2023', assetsInlineLimit: 0, chunkSizeWarningLimit: 3000 },
})
