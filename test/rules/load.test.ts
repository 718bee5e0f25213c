// Rule files: what is wrong is said with file, line, path and what is allowed, and a wrong set is not used at all.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FengsuiError } from '#contracts/errors.ts'
import { loadRuleSet } from '../../rules/load.ts'

const GOOD = `# a comment
- id: smoke-here
  version: 1
  kind: device-alarm
  alarm: { kind: fire-alarm, severity: 1, latching: true }
  text: { zh: 火警, en: Fire }
  parameters: { flags: [smoke] }
`
let dir = ''
beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'rules-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

const load = async (files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return loadRuleSet(dir)
}
const problemOf = async (files: Record<string, string>): Promise<string> => {
  const error = await load(files).then(
    () => undefined,
    (e: unknown) => e,
  )
  if (!(error instanceof FengsuiError)) throw new Error('the set was taken')
  expect(error.code).toBe('rules-invalid')
  return error.message
}

test('YAML and JSON are the same rules; files, order and comments do not change the version', async () => {
  const yaml = await load({ 'a.yaml': GOOD, 'b.yaml': GOOD.replaceAll('smoke', 'heat') })
  await rm(join(dir, 'a.yaml'))
  await rm(join(dir, 'b.yaml'))
  const rules = yaml.rules.toReversed().map(({ scope: _scope, ...rule }) => rule)
  const json = await load({ 'all.json': JSON.stringify(rules) })
  expect(json.version).toBe(yaml.version)
  expect(json.rules).toEqual(yaml.rules)
})

test('a changed parameter is another version', async () => {
  const before = await load({ 'a.yaml': GOOD })
  const after = await load({ 'a.yaml': GOOD.replace('flags: [smoke]', 'flags: [heat]') })
  expect(after.version).not.toBe(before.version)
})

describe('what is wrong is said', () => {
  test.each([
    ['an unknown kind', GOOD.replace('device-alarm', 'magic'), /a\.yaml:4: \/0\/kind .*device-alarm, device-test, presence/],
    ['an unknown flag', GOOD.replace('[smoke]', '[smok]'), /a\.yaml:7: \/0\/parameters\/flags\/0 .*fire, smoke, heat/],
    [
      'an unknown parameter',
      GOOD.replace('flags:', 'seconds: 3, flags:'),
      /a\.yaml:7: \/0\/parameters\/seconds .*allowed: flags, detections/,
    ],
    ['a missing text', GOOD.replace(', en: Fire', ''), /a\.yaml:6: \/0\/text .*'en'/],
    ['a wrong severity', GOOD.replace('severity: 1', 'severity: 5'), /a\.yaml:5: \/0\/alarm\/severity .*1, 2, 3, 4/],
    [
      'a hazard that does not latch',
      GOOD.replace('latching: true', 'latching: false'),
      /a\.yaml:5: \/0\/alarm\/latching must be true for fire-alarm/,
    ],
    ['an unknown placeholder', GOOD.replace('Fire }', "'Fire {room}' }"), /a\.yaml:6: \/0\/text\/en/],
    [
      'a test that is a fire',
      GOOD.replace('device-alarm', 'device-test').replace('{ flags: [smoke] }', '{}'),
      /\/0\/alarm\/kind 'test' belongs to kind device-test/,
    ],
    ['broken YAML', `${GOOD}  bad: [1, 2`, /a\.yaml:\d+: not valid YAML/],
    ['no list', 'id: x', /a\.yaml:1: \/ must be array/],
  ])('%s', async (_, text, expected) => expect(await problemOf({ 'a.yaml': text })).toMatch(expected))

  test('an id used twice, with both places', async () =>
    expect(await problemOf({ 'a.yaml': GOOD, 'b.yaml': `\n${GOOD}` })).toMatch(/b\.yaml:3: .*'smoke-here' is already used at a\.yaml:2/))
  test('several at once', async () =>
    expect(
      (
        await problemOf({ 'a.yaml': GOOD.replace('severity: 1', 'severity: 9'), 'b.yaml': GOOD.replace('kind: device-alarm', 'kind: no') })
      ).split('\n').length,
    ).toBe(3))
  test('a dead band on the wrong side', async () => {
    const rule = GOOD.replace('device-alarm', 'threshold').replace(
      '{ flags: [smoke] }',
      '{ metric: co_ppm, direction: above, threshold: 50, clearAt: 60, onDelayS: 1, onReadings: 2, offDelayS: 1, maxGapS: 9 }',
    )
    expect(await problemOf({ 'a.yaml': rule })).toMatch(/a\.yaml:7: \/0\/parameters\/clearAt must lie on the safe side of threshold 50/)
  })
  test('an empty folder and one that is not there', async () => {
    expect(await problemOf({})).toMatch(/a rule set is a folder/)
    await expect(loadRuleSet(join(dir, 'nowhere'))).rejects.toThrow(/nowhere: the rules folder cannot be read/)
  })
})
