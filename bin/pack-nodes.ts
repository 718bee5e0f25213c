// `npm run pack [-- FOLDER]`: the Node-RED nodes as a package that any Node-RED 5 installs (`npm install fengsui-nodes-*.tgz` in its user
// folder, or the upload of its palette). Built JavaScript with the rules engine inside, no dependencies; what is built is never kept in the sources.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { build } from 'vite'

const root = join(import.meta.dirname, '..')
const nodes = join(root, 'flows/nodes')
const folder = resolve(process.argv[2] ?? root)
const work = mkdtempSync(join(tmpdir(), 'fengsui-nodes-'))
try {
  const entries = readdirSync(nodes).filter(name => name.endsWith('.js'))
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: true,
      target: 'node22',
      outDir: work,
      emptyOutDir: false,
      // one file of each node beside its dialog, as Node-RED finds them; what they share is there once
      rolldownOptions: {
        input: Object.fromEntries(entries.map(name => [basename(name, '.js'), join(nodes, name)])),
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'lib/[name]-[hash].js' },
      },
    },
  })
  for (const name of readdirSync(nodes))
    if (!/\.js$|^lib$|^package\.json$/.test(name)) cpSync(join(nodes, name), join(work, name), { recursive: true })
  cpSync(join(root, 'LICENSE'), join(work, 'LICENSE'))
  cpSync(join(root, 'docs/flows-nodes.md'), join(work, 'README.md'))
  const { private: _private, ...manifest } = JSON.parse(readFileSync(join(nodes, 'package.json'), 'utf8')) as Record<string, unknown>
  writeFileSync(join(work, 'package.json'), `${JSON.stringify({ ...manifest, engines: { node: '>=22.9' } }, null, 2)}\n`)
  mkdirSync(folder, { recursive: true })
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: work, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm pack: ${stderr}`)
  console.log(join(folder, stdout.trim()))
} finally {
  rmSync(work, { recursive: true, force: true })
}
