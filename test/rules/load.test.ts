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
const MEASURED = GOOD.replace('device-alarm', 'threshold').replace(
  '{ flags: [smoke] }',
  '{ metric: co_ppm, direction: above, threshold: 50, clearAt: 40, onDelayS: 1, onReadings: 2, offDelayS: 1, maxGapS: 9 }',
)
const BOMB = ['a: &a [x, x, x, x, x, x, x, x, x]', ...['b', 'c', 'd'].map((at, i) => `${at}: &${at} [${`*${'abc'[i]}, `.repeat(9)}]`)].join(
  '\n',
)
let dir = ''
beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'rules-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

const load = async (files: Record<string, string | Buffer>) => {
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return loadRuleSet(dir)
}
const problemOf = async (files: Record<string, string | Buffer>): Promise<string> => {
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

test('anchors, Windows line ends and a byte-order mark are no mistakes', async () => {
  const plain = await load({ 'a.yaml': GOOD })
  const set = await load({
    'a.yaml': `\uFEFF${GOOD.replaceAll('\n', '\r\n').replace('zh: 火警', 'zh: &fire 火警').replace('en: Fire', 'en: *fire')}`,
  })
  expect(set.rules).toEqual(plain.rules.map(rule => ({ ...rule, text: { zh: '火警', en: '火警' } })))
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
    ['a flag list without a flag', GOOD.replace('[smoke]', '[]'), /a\.yaml:7: \/0\/parameters\/flags/],
    ['an unreadable character', GOOD.replace('Fire', 'Fi\u0000re'), /a\.yaml:6: \/0\/text\/en must be text without control characters/],
    ['a metric without a unit', MEASURED.replace('co_ppm', 'co'), /a\.yaml:7: \/0\/parameters\/metric must be .*_ppm, .*not "co"/],
    [
      'a metric in a unit that readings do not have',
      MEASURED.replace('co_ppm', 'temperature_f'),
      /metric must be .* _c, .*"temperature_f"/,
    ],
    ['another unit of time', MEASURED.replace('onDelayS', 'onDelayMs'), /a\.yaml:7: \/0\/parameters\/onDelayMs .*allowed: .*onDelayS/],
    ['a number with its unit', MEASURED.replace('onDelayS: 1', 'onDelayS: 1 min'), /a\.yaml:7: \/0\/parameters\/onDelayS must be number/],
    ['a number beyond all measure', MEASURED.replace('50', '99999999999'), /a\.yaml:7: \/0\/parameters\/threshold must be <= 1000000000/],
    ['no number', MEASURED.replace('50', '.nan'), /a\.yaml:7: \/0\/parameters\/threshold must be number/],
    ['tabs', GOOD.replace('  version', '\tversion'), /a\.yaml:3: not valid YAML.*spaces, not tabs/],
    ['a name for what is not there', GOOD.replace('{ flags: [smoke] }', '*nope'), /a\.yaml:7: not valid YAML.*nope/],
    ['names that multiply', BOMB, /a\.yaml:1: not valid YAML.*alias/],
    ['nothing', '', /a\.yaml:1: \/ must be array: there is no rule in this file/],
    ['a comment only', '# later\n', /a\.yaml:1: \/ must be array: there is no rule in this file/],
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
  test('limits that contradict each other', async () => {
    const sustained = (clearAt: number) =>
      GOOD.replace('device-alarm', 'sustained').replace(
        '{ flags: [smoke] }',
        `{ metric: co_ppm, direction: below, limit: 50, clearAt: ${clearAt}, forS: 9, offDelayS: 0, believedS: 60 }`,
      )
    expect(await problemOf({ 'a.yaml': sustained(40) })).toMatch(/a\.yaml:7: .*clearAt must lie on the safe side of limit 50/)
    const fuse = (to: number, clearAt: number) =>
      GOOD.replace('device-alarm', 'fuse').replace(
        '{ flags: [smoke] }',
        `{ within: room, terms: [{ metric: co_ppm, from: 6, to: ${to}, weight: 1, climbOverS: 40 }], raiseAt: 1, clearAt: ${clearAt}, signs: 2, devices: 2, onReadings: 2, freshS: 9, offDelayS: 0 }`,
      )
    expect(await problemOf({ 'a.yaml': fuse(5, 0.5) })).toMatch(/a\.yaml:7: .*terms\/0\/to must be more than from \(6\)/)
    expect(await problemOf({ 'a.yaml': fuse(9, 1) })).toMatch(/a\.yaml:7: .*clearAt must be less than raiseAt/)
  })
  test('bytes of another encoding, with their line', async () => {
    const gbk = Buffer.concat([
      Buffer.from(GOOD.slice(0, GOOD.indexOf('火警'))),
      Buffer.from([0xbb, 0xf0, 0xbe, 0xaf]),
      Buffer.from(', en: Fire }'),
    ])
    expect(await problemOf({ 'a.yaml': gbk })).toMatch(/a\.yaml:6: not UTF-8/)
  })
  test('an empty folder and one that is not there', async () => {
    expect(await problemOf({})).toMatch(/a rule set is a folder/)
    await expect(loadRuleSet(join(dir, 'nowhere'))).rejects.toThrow(/nowhere: the rules folder cannot be read/)
  })
})
