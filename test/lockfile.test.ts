// `npm ci` refuses a lockfile in which an optional package of another platform is missing, on every machine.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

type Package = { optionalDependencies?: Record<string, string>; resolved?: string }
const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8')) as { packages: Record<string, Package> }
const paths = Object.keys(lock.packages)

test('every platform’s optional packages are in the lockfile (node bin/complete-lockfile.mjs adds them)', () => {
  const missing = Object.values(lock.packages).flatMap(p =>
    Object.keys(p.optionalDependencies ?? {}).filter(
      name => !paths.some(path => path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`)),
    ),
  )
  expect(missing).toEqual([])
})

test('the lockfile names no registry host', () => {
  expect(Object.values(lock.packages).filter(p => p.resolved !== undefined)).toEqual([])
})
