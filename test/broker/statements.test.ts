// Holds the table of normative statements in docs/mqtt.md to the tests that show them: what is said to hold has a test that names
// it, what a test names is in the table, and what does not hold has a reason.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const ROW = /^\| \[(MQTT-[\d.-]+)\] \| (.+?) \| (yes|client|no: .{10,}) \|$/
const CLAUSE = /\[(MQTT-[\d.-]+\d)\]/g

const section = readFileSync(join(root, 'docs/mqtt.md'), 'utf8').split('## Conformance')[1]?.split('\n## ')[0] ?? ''
const lines = section.split('\n').filter(line => line.startsWith('| [MQTT-'))
const rows = lines.map(line => ROW.exec(line))
/** the texts of tests, which are their names: comments and reasons do not count */
const named = new Set(
  globSync('test/broker/*.test.ts', { cwd: root }).flatMap(file =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .filter(line => /^\s*(test|\[?')|%s|test\.each/.test(line))
      .flatMap(line => [...line.matchAll(CLAUSE)].map(match => match[1] ?? '')),
  ),
)

/** how many statements each section of the standard has (its appendix B) */
const SECTIONS: Record<string, number> = {
  '1.5.3': 3,
  '2.2.2': 2,
  '2.3.1': 7,
  '3.1.0': 2,
  '3.1.2': 24,
  '3.1.3': 11,
  '3.1.4': 5,
  '3.2.0': 1,
  '3.2.2': 6,
  '3.3.1': 12,
  '3.3.2': 3,
  '3.3.4': 1,
  '3.3.5': 2,
  '3.6.1': 1,
  '3.8.1': 1,
  '3.8.3': 4,
  '3.8.4': 6,
  '3.9.3': 2,
  '3.10.1': 1,
  '3.10.3': 2,
  '3.10.4': 6,
  '3.12.4': 1,
  '3.14.1': 1,
  '3.14.4': 3,
  '4.1.0': 2,
  '4.2.0': 1,
  '4.3.1': 1,
  '4.3.2': 2,
  '4.3.3': 2,
  '4.4.0': 1,
  '4.5.0': 2,
  '4.6.0': 6,
  '4.7.1': 3,
  '4.7.2': 1,
  '4.7.3': 4,
  '4.8.0': 2,
  '6.0.0': 4,
  '7.0.0': 2,
}

test('the table has every statement of the standard, once', () => {
  expect(rows.map((row, i) => (row === null ? lines[i] : null)).filter(line => line !== null)).toEqual([])
  const counts: Record<string, number> = {}
  for (const [, id = ''] of rows.map(row => row ?? [])) {
    const place = id.replace('MQTT-', '').replace('3-8.3', '3.8.3').split('-')[0] ?? ''
    counts[place] = (counts[place] ?? 0) + 1
  }
  expect(counts).toEqual(SECTIONS)
  expect(new Set(rows.map(row => row?.[1])).size).toBe(rows.length)
})

test('what is said to hold has a test that names it', () => {
  expect(rows.filter(row => row?.[3] === 'yes' && !named.has(row[1] ?? '')).map(row => row?.[1])).toEqual([])
})

test('what a test names is in the table', () => {
  const known = new Set(rows.map(row => row?.[1]))
  expect([...named].filter(id => !known.has(id))).toEqual([])
})
