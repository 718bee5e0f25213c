// The published schema of a rule file is the one the loader checks with. After a kind has changed: UPDATE_SCHEMA=1.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { beforeAll, describe, expect, test } from 'vitest'
import { readRuleFiles } from '../../rules/folder.ts'
import { KINDS } from '../../rules/kinds/index.ts'
import { loadRuleSet } from '../../rules/load.ts'
import { ruleSetSchema } from '../../rules/schema-file.ts'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '../..')
const file = join(root, 'contracts/schema/rule-set.schema.json')
const shipped = join(root, 'rules/sets/default')

test('contracts/schema/rule-set.schema.json is what the loader checks', () => {
  const made = JSON.parse(JSON.stringify(ruleSetSchema())) as object
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(file, `${JSON.stringify(made, null, 1)}\n`)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(made)
})

describe('a validator with nothing but the file', () => {
  const schema = () => JSON.parse(readFileSync(file, 'utf8')) as object
  const validate = (value: unknown) => compiled(value)
  let compiled: ReturnType<Ajv2020['compile']>
  beforeAll(() => void (compiled = new Ajv2020({ strictTypes: false, strictRequired: false }).compile(schema())))
  test('takes every file that ships', async () => {
    for (const [name, text] of Object.entries(await readRuleFiles(shipped)))
      expect([name, validate(parse(text)), compiled.errors]).toEqual([name, true, null])
  })
  test('knows the parameters of each kind: one too many is refused in every one', async () => {
    const { rules } = await loadRuleSet(shipped)
    const seen = new Set<string>()
    for (const rule of rules) {
      seen.add(rule.kind)
      expect(validate([rule]), rule.id).toBe(true)
      expect(validate([{ ...rule, parameters: { ...rule.parameters, wrong: 1 } }]), rule.id).toBe(false)
    }
    for (const kind of KINDS.filter(k => seen.has(k.name))) expect(kind.parameters['additionalProperties']).toBe(false)
  })
})
