// Every import of ours is found where Node itself would find it, and nothing else is answered for it.
import { globSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { placeOf } from '../../processes/resolving.ts'

const root = join(import.meta.dirname, '../..')
const ROOMS =
  '{accounting-watch,alarm-path,app,main,settings}.ts,{bin,broker,contracts,dashboard/api,dispatch,flows,ingest,journal,parts,processes,rules}/**/*.ts'
const files = globSync(`{${ROOMS}}`, { cwd: root }).map(file => join(root, file))
const IMPORTED = /(?:from|import\()\s*'([^']+)'/g

test('of every module of ours: what is answered is what Node finds', () => {
  let found = 0
  for (const file of files) {
    const require = createRequire(file)
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(IMPORTED)) {
      const place = placeOf(specifier, pathToFileURL(file).href)
      if (place === undefined) continue
      found += 1
      // require.resolve follows package.json and symbolic links, as an import does
      expect(fileURLToPath(place), `${specifier} in ${file}`).toBe(realpathSync(require.resolve(specifier)))
    }
  }
  expect(found).toBeGreaterThan(1_000)
})

test.each([
  ['a package', 'yaml'],
  ['a builtin', 'node:fs'],
  ['plain JavaScript', './bootstrap.mjs'],
  ['with a query', './app.ts?again'],
])('%s is left to Node', (_, specifier) => expect(placeOf(specifier, pathToFileURL(join(root, 'main.ts')).href)).toBeUndefined())

test('what a package imports is left to Node', () => {
  expect(placeOf('./own.ts', 'file:///elsewhere/index.ts')).toBeUndefined()
  expect(placeOf('./own.ts', pathToFileURL(join(root, 'node_modules/some/index.ts')).href)).toBeUndefined()
  expect(placeOf('./own.ts', undefined)).toBeUndefined()
})
