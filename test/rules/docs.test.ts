// docs/rules.md names every kind with every parameter and every rule that ships, and nothing else.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { KINDS } from '../../rules/kinds/index.ts'
import { REPEATS_TOLD } from '../../rules/episode.ts'
import { LATENESS_BOUND_MS } from '../../rules/device-clock.ts'
import { loadRuleSet } from '../../rules/load.ts'
import { SUBJECTS_MAX } from '../../rules/memory.ts'
import { RULES_MAX } from '../../rules/schema.ts'

const root = join(import.meta.dirname, '../..')
const text = readFileSync(join(root, 'docs/rules.md'), 'utf8')
const section = (heading: RegExp): string => {
  const start = text.search(heading)
  if (start < 0) return ''
  const body = text.slice(text.indexOf('\n', start) + 1)
  const end = body.search(/^#{2,3} /m)
  return end < 0 ? body : body.slice(0, end)
}
const rows = (part: string): string[][] =>
  [...part.matchAll(/^\| `.*\|$/gm)].map(([row]) =>
    row
      .slice(1, -1)
      .split('|')
      .map(cell => cell.trim().replaceAll('`', '')),
  )

describe('kinds', () => {
  test('each has a section, and each section its kind', () => {
    const kindsPart = text.slice(text.indexOf('\n## Kinds'), text.indexOf('\n## The set that ships'))
    const headings = [...kindsPart.matchAll(/^### ([a-z-]+)$/gm)].map(m => m[1])
    expect(headings).toHaveLength(KINDS.length)
    expect(new Set(headings)).toEqual(new Set(KINDS.map(k => k.name)))
  })
  test.each(KINDS.map(k => [k.name, k.parameters['properties'] as object] as const))('%s: its parameters', (name, properties) => {
    expect(rows(section(new RegExp(`^### ${name}$`, 'm'))).map(r => r[0])).toEqual(Object.keys(properties))
  })
})

test('the table is the set that ships: rule, kind, alarm, severity', async () => {
  const { rules } = await loadRuleSet(join(root, 'rules/sets/default'))
  const shipped = rules.map(r => [r.id, r.kind, r.alarm.kind, r.alarm.severity].join(' | '))
  const told = rows(section(/^## The set that ships$/m)).map(r => r.slice(0, 4).join(' | '))
  expect(told).toHaveLength(shipped.length)
  expect(new Set(told)).toEqual(new Set(shipped))
})

test('the bounds are those of the code', () => {
  for (const fact of [
    `At most ${RULES_MAX} rules`,
    `first ${REPEATS_TOLD} repeats`,
    `Up to ${LATENESS_BOUND_MS / 1000} s`,
    `${SUBJECTS_MAX.toLocaleString('en')} devices`,
  ])
    expect(text).toContain(fact)
})
