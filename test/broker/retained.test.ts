// The tree of retained messages against the plain definition, and through a broker.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { topicMatches } from '#contracts/topic.ts'
import { RetainedTree } from '../../broker/retained.ts'
import { lay, until } from './table.ts'

const level = fc.constantFrom('a', 'b', 'c', '', '$x')
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map(levels => levels.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, open]) => [...levels, ...(open || levels.length === 0 ? ['#'] : [])].join('/'))

test('finds exactly what the filter matches, after any history', () => {
  const step = fc.record({ topic, payload: fc.constantFrom('', 'x', 'yy') })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), filter, (steps, asked) => {
      const tree = new RetainedTree(1000, 1000)
      const plain = new Map<string, string>()
      for (const { topic, payload } of steps) {
        tree.store({ topic, payload: Buffer.from(payload) })
        if (payload === '') plain.delete(topic)
        else plain.set(topic, payload)
      }
      const found = [...tree.matching(asked)].map(p => `${p.topic}=${Buffer.from(p.payload).toString()}`).toSorted()
      const wanted = [...plain].filter(([t]) => topicMatches(asked, t)).map(([t, p]) => `${t}=${p}`)
      expect(found).toEqual(wanted.toSorted())
      expect(tree.count).toBe(plain.size)
    }),
    { numRuns: 2000 },
  )
})

test('has room for so many and so much', () => {
  const tree = new RetainedTree(2, 10)
  expect(tree.store({ topic: 'a', payload: Buffer.from('1234') })).toBe(true)
  expect(tree.store({ topic: 'b', payload: Buffer.from('1234567') })).toBe(false)
  expect(tree.store({ topic: 'b', payload: Buffer.from('123456') })).toBe(true)
  expect(tree.store({ topic: 'c', payload: Buffer.from('') })).toBe(true)
  expect(tree.store({ topic: 'c', payload: Buffer.from('1') })).toBe(false)
  expect(tree.store({ topic: 'a', payload: Buffer.from('') })).toBe(true)
  expect(tree.store({ topic: 'c', payload: Buffer.from('1') })).toBe(true)
})

test('a late subscriber gets what was retained, once, marked so', async () => {
  await using table = await lay({ anonymous: true })
  const device = await table.client(null)
  await device.publishAsync('a/status', 'online', { qos: 1, retain: true })
  await device.publishAsync('b/status', 'online', { qos: 1, retain: true })
  await device.publishAsync('b/status', '', { qos: 1, retain: true })
  const late = await table.client(null)
  const seen: [string, boolean][] = []
  late.on('message', (topic, _payload, packet) => seen.push([topic, packet.retain]))
  await late.subscribeAsync('+/status', { qos: 1 })
  await device.publishAsync('c/status', 'live', { qos: 1 })
  await until(
    () => seen.length,
    n => n === 2,
  )
  expect(seen).toEqual([
    ['a/status', true],
    ['c/status', false],
  ])
  expect(table.journal.messages.map(m => m.retain)).toEqual([true, true, true, false])
})
