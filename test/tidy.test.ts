// Keeps the house in order: which room may import which, and what tsc accepts but Node's type stripping does not run.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const ROOMS = [
  'contracts',
  'journal',
  'broker',
  'ingest',
  'rules',
  'dispatch',
  'flows',
  'dashboard/api',
  'dashboard/basemap',
  'dashboard/web',
  'simulators',
  'processes',
]
/** where rooms meet */
const MEETING_PLACES = ['app.ts', 'parts/', 'main.ts', 'vitest.config.ts', 'bin/', 'test/', 'bench/']

const files = globSync('**/*.{ts,tsx,mjs,js}', {
  cwd: root,
  exclude: f => /(^|\/)(node_modules|dist|data|\.cache|fixtures)(\/|$)/.test(f),
}).map(f => f.replaceAll('\\', '/'))
const importsOf = (text: string) =>
  [
    ...text.matchAll(
      /^\s*(?:import|export)\b[^'"\n]*?from\s+['"]([^'"]+)['"]|^\s*import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm,
    ),
  ].map(m => m[1] ?? m[2] ?? m[3] ?? '')
const roomOf = (path: string) => ROOMS.find(room => path === room || path.startsWith(`${room}/`)) ?? null
const sources = files.map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }))

describe('imports', () => {
  test('finds the sources it is to judge', () => expect(files.length).toBeGreaterThan(40))

  test('a room imports contracts and itself', () => {
    const wrong = sources.flatMap(({ file, text }) => {
      const room = roomOf(file)
      if (room === null || MEETING_PLACES.some(place => file === place || file.startsWith(place))) return []
      return importsOf(text)
        .filter(spec => spec.startsWith('.'))
        .map(spec => normalize(join(dirname(file), spec)).replaceAll('\\', '/'))
        .filter(target => roomOf(target) !== room && !target.startsWith('contracts/') && roomOf(target) !== null)
        .map(target => `${file} imports ${target}`)
    })
    expect(wrong).toEqual([])
  })

  test('contracts run in a browser: no node: module, nothing of ours', () => {
    const wrong = sources
      .filter(s => s.file.startsWith('contracts/'))
      .flatMap(({ file, text }) =>
        importsOf(text)
          .filter(spec => spec.startsWith('node:') || spec.startsWith('#') || (spec.startsWith('.') && spec.includes('..')))
          .map(spec => `${file} imports ${spec}`),
      )
    expect(wrong).toEqual([])
  })

  test('production code never imports simulators, tests or benchmarks', () => {
    const wrong = sources
      .filter(s => !/^(simulators|test|bench|bin)\//.test(s.file))
      .flatMap(({ file, text }) =>
        importsOf(text)
          .filter(spec => spec.startsWith('.'))
          .map(spec => normalize(join(dirname(file), spec)))
          .filter(target => /^(simulators|test|bench)\//.test(target))
          .map(target => `${file} imports ${target}`),
      )
    expect(wrong).toEqual([])
  })
})

describe('what Node can run without a compiler', () => {
  const server = sources.filter(s => s.file.endsWith('.ts') && !s.file.startsWith('dashboard/web/'))
  const without = (pattern: RegExp) => server.filter(s => pattern.test(s.text)).map(s => s.file)
  test('imports name .ts files as .ts', () => {
    const wrong = server.flatMap(({ file, text }) =>
      importsOf(text)
        .filter(spec => spec.startsWith('.') && spec.endsWith('.js'))
        .filter(spec => !files.includes(normalize(join(dirname(file), spec))))
        .map(spec => `${file}: ${spec}`),
    )
    expect(wrong).toEqual([])
  })
  test('no enum, namespace, parameter property or decorator', () => {
    expect(without(/^\s*(export\s+)?(const\s+)?enum\s+\w+/m)).toEqual([])
    expect(without(/^\s*(export\s+)?namespace\s+\w+/m)).toEqual([])
    expect(without(/constructor\s*\([^)]*\b(private|public|protected|readonly)\s+\w+/)).toEqual([])
    expect(without(/^\s*@\w+(\([^)]*\))?\s*$/m)).toEqual([])
  })
})

describe('names', () => {
  test('no file is called after nothing', () => {
    expect(files.filter(f => /(^|\/)(utils?|helpers?|types|common|misc|manager|service)\.[a-z]+$/i.test(f))).toEqual([])
  })
  test('every source opens with what it does', () => {
    const silent = sources.filter(s => s.file.endsWith('.ts') && !/^(#!.*\n)?(\/\/|\/\*)/.test(s.text)).map(s => s.file)
    expect(silent).toEqual([])
  })
})
