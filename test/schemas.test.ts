// The schemas of what is read at a start are not held against the schema of schemas there, because that takes longer than reading: it is done here.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { channelSchema, NOTIFY_FILE_SCHEMA } from '../dispatch/notify-file.ts'
import { CHANNEL_TYPES } from '../dispatch/notifiers/channel-types.ts'
import { PLAN_SCHEMA } from '../dispatch/plan.ts'
import { KINDS } from '../rules/kinds/index.ts'
import { ruleFileSchema } from '../rules/schema.ts'
import { SETTINGS_SCHEMA } from '../settings.ts'

const native = (name: string): object =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../contracts/schema/native-${name}.schema.json`), 'utf8')) as object

const DRAFT_7: [string, object][] = [
  ['settings', SETTINGS_SCHEMA],
  ['the dispatch plan', PLAN_SCHEMA],
]
const DRAFT_2020: [string, object][] = [
  ['the notify file', NOTIFY_FILE_SCHEMA],
  ...Object.entries(CHANNEL_TYPES).map(([name, type]): [string, object] => [`channel ${name}`, channelSchema(type)]),
  ['a rule file', ruleFileSchema(KINDS)],
  ...KINDS.map((kind): [string, object] => [`rule kind ${kind.name}`, kind.parameters]),
  ...['reading', 'status', 'about'].map((name): [string, object] => [`native ${name}`, native(name)]),
]
const draft7 = new Ajv({ allErrors: true, allowUnionTypes: true })
const draft2020 = new Ajv2020({ allErrors: true, strictTypes: false, strictRequired: false })

test.each(DRAFT_7)('%s: a good JSON schema', (_, schema) => {
  void draft7.validateSchema(schema)
  expect(draft7.errors ?? []).toEqual([])
})

test.each(DRAFT_2020)('%s: a good JSON schema', (_, schema) => {
  void draft2020.validateSchema(schema)
  expect(draft2020.errors ?? []).toEqual([])
})

test('a wrong one would be told', () => {
  expect(draft7.validateSchema({ type: 'nothing' })).toBe(false)
  expect(draft2020.validateSchema({ minLength: 'many' })).toBe(false)
})
