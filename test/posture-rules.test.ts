// The rules follow the posture: emergency parameters in their place, peacetime's set put back as it was, also over a crash between the switch and
// the rules, and never over what people changed by hand meanwhile. On a real queue and the set that ships.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { DEFAULT_PLAN } from '../dispatch/plan.ts'
import { createRuleParser } from '../rules/index.ts'
import { followPosture, withParameters } from '../parts/posture-rules.ts'
import { folder, openDesk } from './dispatch/desk.ts'

const SET = join(import.meta.dirname, '../rules/sets/default')
const shipped = Object.fromEntries(readdirSync(SET).map(name => [name, readFileSync(join(SET, name), 'utf8')]))
const overlay = DEFAULT_PLAN.emergencyRules

/** The rules desk as core has it, as far as the posture sees it; `fail`: the next replacement is refused. */
const rulesOf = (files: Record<string, string>) => {
  let n = 1
  const rules = {
    files,
    by: '',
    fail: null as Error | null,
    get: () => ({ version: `v${n}`, files: rules.files }),
    async replace(o: { files: Record<string, string>; by: string }) {
      if (rules.fail !== null) throw rules.fail
      createRuleParser()('test', o.files)
      rules.files = o.files
      rules.by = o.by
      n += 1
      return { version: `v${n}` }
    },
  }
  return rules
}
const parametersOf = (files: Record<string, string>, id: string): Record<string, unknown> | undefined =>
  createRuleParser()('test', files).rules.find(rule => rule.id === id)?.parameters as Record<string, unknown> | undefined

describe('other parameters', () => {
  it('take their place in the set that ships, which stays a good one; comments and all else stand', () => {
    const { files, unknown } = withParameters(shipped, overlay)
    expect(unknown).toEqual([])
    for (const [id, parameters] of Object.entries(overlay)) expect(parametersOf(files, id)).toMatchObject(parameters)
    const touched = Object.keys(files).filter(name => files[name] !== shipped[name])
    expect(touched.toSorted()).toEqual(['measured-fire.yaml', 'together.yaml'])
    expect(files['measured-fire.yaml']).toContain('# EN 54-5 class A1')
    expect(parametersOf(files, 'heat-fixed')).toEqual(parametersOf(shipped, 'heat-fixed'))
  })

  it('of a rule that no file has are named; a file that is no list of rules is left alone', () => {
    const files = { 'a.yaml': '- id: one\n  parameters: { a: 1 }\n', 'b.yaml': 'not: rules\n' }
    expect(withParameters(files, { one: { a: 2 }, none: { b: 1 } })).toEqual({
      files: { 'a.yaml': '- id: one\n  parameters: { a: 2 }\n', 'b.yaml': 'not: rules\n' },
      unknown: ['none'],
    })
  })
})

describe('the rules', () => {
  const open = (file?: string) => {
    const desk = openDesk(file === undefined ? {} : { file })
    const rules = rulesOf(shipped)
    const posture = followPosture({ dispatch: desk.dispatch, rules, overlay, log: noLog })
    const to = (mode: string) => desk.dispatch.setPosture({ by: 'li', mode, reason: 'factory fire' })
    return { ...desk, rules, posture, to }
  }

  it('are others in an emergency, said at the posture, and in peacetime again to the letter what they were', async () => {
    const { rules, posture, to } = open()
    await posture.follow()
    expect([rules.by, posture.now().rules]).toEqual(['', undefined])
    to('emergency')
    await posture.follow()
    expect(parametersOf(rules.files, 'smoke-density')).toMatchObject({ threshold: overlay['smoke-density']?.['threshold'] })
    expect(posture.now()).toMatchObject({ mode: 'emergency', rules: { ok: true } })
    expect(rules.by).toBe('system:posture')
    // asked again, nothing is replaced again
    const inForce = rules.get().version
    await posture.follow()
    expect(rules.get().version).toBe(inForce)
    to('peacetime')
    await posture.follow()
    expect(rules.files).toEqual(shipped)
    expect(posture.now().rules).toBeUndefined()
    expect(posture.problem()).toBeNull()
  })

  it('that people changed by hand in an emergency are left as they are, and that is said', async () => {
    const { rules, posture, to } = open()
    to('emergency')
    await posture.follow()
    const byHand = { ...rules.files, 'water.yaml': `${rules.files['water.yaml'] ?? ''}\n# looked over\n` }
    await rules.replace({ files: byHand, by: 'user:eng' })
    to('peacetime')
    await posture.follow()
    expect(rules.files).toEqual(byHand)
    expect(posture.problem()).toContain('changed by hand')
  })

  it('that could not follow are said; the posture stands, and the next look tries again', async () => {
    const { rules, posture, to } = open()
    rules.fail = new Error('the folder cannot be written')
    to('emergency')
    await posture.follow()
    expect(posture.problem()).toContain('the folder cannot be written')
    expect(posture.now().mode).toBe('emergency')
    expect(rules.files).toEqual(shipped)
    rules.fail = null
    await posture.follow()
    expect(posture.problem()).toBeNull()
    expect(parametersOf(rules.files, 'weak-signs')).toMatchObject(overlay['weak-signs'] ?? {})
  })

  it('follow after a crash between the switch and the rules, and the set of peacetime is not forgotten by it', async () => {
    using dir = folder()
    const before = open(dir.file)
    before.to('emergency')
    // the crash: the switch is on disk, the rules were replaced, and nobody wrote down that they were
    before.rules.fail = new Error('killed')
    await before.posture.follow()
    const { files } = withParameters(shipped, overlay)
    before.dispatch.close()

    const after = openDesk({ file: dir.file })
    const rules = rulesOf(files)
    const posture = followPosture({ dispatch: after.dispatch, rules, overlay, log: noLog })
    await posture.follow()
    expect(posture.now()).toMatchObject({ mode: 'emergency', rules: { ok: true } })
    after.dispatch.setPosture({ by: 'li', mode: 'peacetime', reason: 'over' })
    await posture.follow()
    expect(rules.files).toEqual(shipped)
    after.dispatch.close()
  })
})
