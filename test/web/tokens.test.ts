// Every pair of colours that meets on the screen has the contrast WCAG 2.2 asks for, in both themes; axe cannot see most of them.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { STEP_MS } from '../../dashboard/web/src/flash.ts'
import { PAIRS, THEMES, contrast, cssOf, type Theme } from '../../dashboard/web/src/tokens.ts'

const STYLE = join(import.meta.dirname, '../../dashboard/web/src/style')
const sheet = readdirSync(STYLE)
  .map(file => readFileSync(join(STYLE, file), 'utf8'))
  .join('\n')

test('the formula: black on white is 21, a colour on itself 1, and a published pair', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5)
  expect(contrast('#777777', '#777777')).toBe(1)
  expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2)
})

describe.each(['dark', 'light'] as Theme[])('%s', theme => {
  test.each(PAIRS)('%s on %s reaches %d', (text, ground, least) => {
    expect(contrast(THEMES[theme][text], THEMES[theme][ground])).toBeGreaterThanOrEqual(least)
  })
})

test('the style sheet uses only colours that are tokens, and none of its own', () => {
  const known = new Set([...cssOf('dark').map(([name]) => name), '--level'])
  const used = new Set([...sheet.matchAll(/var\((--[a-z0-9-]+)\)/g)].map(match => match[1]))
  expect([...used].filter(name => !known.has(name ?? ''))).toEqual([])
  expect(sheet.match(/#[0-9a-f]{3,8}\b/gi)).toBeNull()
})

test('flashing is a step, at most three times a second, and stops for reduced motion', () => {
  expect(1000 / (2 * STEP_MS)).toBeLessThanOrEqual(3)
  expect(sheet).not.toMatch(/animation: flash/)
  const rules = [...sheet.matchAll(/\.dim [^{]*\{/g)].map(({ index }) => sheet.slice(0, index))
  expect(rules).toHaveLength(2)
  for (const before of rules) expect(before).toMatch(/@media \(prefers-reduced-motion: no-preference\) \{\s*$/)
})
