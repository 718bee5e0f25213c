// The quick loop: format, lint, types (server and page) and the unit tests. Stops at the first that fails and says which.
// `--static` leaves the tests out, for those who run all of them anyway.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const steps: [string, string[]][] = [
  ['format', ['node_modules/oxfmt/bin/oxfmt', '--check', '.']],
  ['lint', ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '.']],
  ['types', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']],
  ['types of the page', ['node_modules/typescript/bin/tsc', '-p', 'dashboard/web/tsconfig.json']],
  ['unit tests', ['node_modules/vitest/vitest.mjs', 'run', '--exclude', 'test/system/**', '--reporter', 'dot']],
]
const wanted = process.argv.includes('--static') ? steps.slice(0, -1) : steps
for (const [what, args] of wanted) {
  const started = Date.now()
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${what} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  if (status !== 0) process.exit(1)
}
