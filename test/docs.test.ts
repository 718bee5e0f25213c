// What the documentation names must exist: error codes, settings, metrics, paths, commands, alarm kinds.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ERROR_CODES } from '#contracts/errors.ts'
import { METRICS } from '#contracts/metrics.ts'
import { SETTINGS } from '../settings.ts'

const root = join(import.meta.dirname, '..')
const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })].map(file => ({
  file,
  text: readFileSync(join(root, file), 'utf8'),
}))
const page = (file: string) => pages.find(p => p.file === file)?.text ?? ''
const firstCells = (text: string) => [...text.matchAll(/^\|\s*`([^`]+)`/gm)].map(m => m[1])

describe('lists are complete and true', () => {
  test('docs/errors.md = contracts/errors.ts', () =>
    expect(firstCells(page('docs/errors.md')).sort()).toEqual(Object.keys(ERROR_CODES).sort()))
  test('docs/metrics.md = contracts/metrics.ts', () =>
    expect(firstCells(page('docs/metrics.md')).sort()).toEqual(Object.keys(METRICS).sort()))
  test('docs/settings.md = settings.ts', () => {
    expect(firstCells(page('docs/settings.md')).sort()).toEqual(
      Object.keys(SETTINGS)
        .map(name => `FENGSUI_${name}`)
        .sort(),
    )
  })
})

describe('names used anywhere in the docs exist', () => {
  const each = (pattern: RegExp, exists: (name: string) => boolean) =>
    pages.flatMap(({ file, text }) =>
      [...text.matchAll(pattern)]
        .map(m => m[1] ?? '')
        .filter(name => !exists(name))
        .map(name => `${file}: ${name}`),
    )

  test('settings', () => expect(each(/\bFENGSUI_([A-Z_]+)\b/g, name => name in SETTINGS)).toEqual([]))
  test('metrics', () =>
    expect(each(/\b(fengsui_[a-z_]+)\b/g, name => name in METRICS || Object.keys(METRICS).some(m => name.startsWith(m)))).toEqual([]))
  test('files and folders', () => {
    const inTree =
      /`((?:broker|contracts|journal|ingest|rules|dispatch|flows|dashboard|simulators|test|bench|docs|bin|processes)\/[A-Za-z0-9_./-]*|[a-z-]+\.(?:ts|json|yml|md|mjs))`/g
    expect(
      each(
        inTree,
        name => existsSync(join(root, name)) || existsSync(join(root, 'dashboard', name)) || existsSync(join(root, 'docs', name)),
      ),
    ).toEqual([])
  })
  test('links between pages', () => {
    const wrong = pages.flatMap(({ file, text }) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
        .map(m => m[1] ?? '')
        .filter(target => !existsSync(join(root, file, '..', target)))
        .map(target => `${file}: ${target}`),
    )
    expect(wrong).toEqual([])
  })
  test('npm commands', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
    expect(each(/npm run (?:-s )?([a-z]+)/g, name => name in scripts)).toEqual([])
  })
})
