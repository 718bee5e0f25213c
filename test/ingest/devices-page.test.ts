// The examples of docs/devices.md are true: what it says a payload becomes is what it becomes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCatalogue, loadDecoders } from '../../ingest/index.ts'
import { difference } from './canonical.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/devices.md'), 'utf8')
const blocks = [...page.matchAll(/```json\n(.+)\n```/g)].map(m => m[1] ?? '')
const inline = [...page.matchAll(/`(\{[^`]+\})`/g)].map(m => m[1] ?? '')
const catalogue = createCatalogue({ decoders: await loadDecoders() })
const decode = (topic: string, payload: string) =>
  catalogue.decode({ topic, payload: Buffer.from(payload), receivedAtMs: Date.parse('2026-01-01T02:13:06+08:00'), retain: false })

test('the native alarm', () => {
  const [payload = '', becomes = ''] = blocks
  expect(difference(JSON.parse(becomes), decode('fire/v1/smoke/smk-jn-000123/event', payload).readings[0])).toBeNull()
})

test('the rejected payload', () => {
  const { rejected } = decode('fire/v1/smoke/s1/event', inline.find(text => text.includes('"temperature":21')) ?? '')
  expect(rejected).toMatchObject({ code: 'schema-violation', where: '/metrics' })
  const shown = /"reason":"(.+?)\.\.\."/.exec(blocks[2] ?? '')?.[1]?.replaceAll(String.raw`\"`, '"')
  expect(rejected?.reason.startsWith(shown ?? 'no reason shown')).toBe(true)
})

test('the Zigbee2MQTT detector', () => {
  const payload = inline.find(text => text.includes('smoke_density_dbm')) ?? ''
  expect(difference(JSON.parse(blocks[3] ?? ''), decode('zigbee2mqtt/楼道/3层', payload).readings[0])).toBeNull()
})
