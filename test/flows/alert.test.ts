// From msg.alert to the request: the key that makes a repeat harmless, defaults, and what is refused.
import { expect, test } from 'vitest'
import { alarmRequest, keyOf, type Alert, type Defaults } from '../../flows/nodes/lib/alert.ts'
import { reading } from './room.ts'

const defaults: Defaults = { rule: 'r', kind: 'pre-alarm', severity: 3, zh: '测试', en: 'test', revision: '0123456789abcdef' }
const of = (alert: Alert, r: object | undefined = reading(7)) => alarmRequest(alert, r, defaults)

test('takes what is missing from the reading and the node', () => {
  const r = reading(7, { place: { building: 'A' } })
  expect(of({}, r)).toEqual({
    idempotencyKey: keyOf('r', 'd-7', r.ts),
    rule: 'r',
    origin: 'flow:0123456789ab',
    kind: 'pre-alarm',
    severity: 3,
    subject: 'd-7',
    deviceId: 'd-7',
    place: { building: 'A' },
    at: r.ts,
    text: { zh: '测试', en: 'test' },
    evidence: [{ seq: 7, deviceId: 'd-7', ts: r.ts, receivedAt: r.receivedAt, what: 'reading', value: true }],
  })
})

test('one key for one rule, subject and episode, whatever else differs', () => {
  const key = (a: Alert) => of(a).idempotencyKey
  expect(key({ subject: 'A', episode: 'e', at: '2026-03-01T00:00:00Z' })).toBe(
    key({ subject: 'A', episode: 'e', severity: 1, text: { en: 'other' } }),
  )
  expect(new Set([key({}), key({ subject: 'A' }), key({ episode: 'e' }), key({ rule: 's' })]).size).toBe(4)
})

test('a text in one language stands for both', () => expect(of({ text: { zh: '火' } }).text).toEqual({ zh: '火', en: '火' }))

test('bounds evidence and text', () => {
  const one = of({}).evidence[0]!
  const big = of({ text: { en: 'x'.repeat(9000) }, evidence: Array.from({ length: 200 }, () => one) })
  expect(big.evidence).toHaveLength(50)
  expect(big.text.en).toHaveLength(500)
})

test.each<[string, Alert, object | undefined, RegExp]>([
  ['an unknown kind', { kind: 'fire' as never }, undefined, /no kind of alarm; allowed: fire-alarm/],
  ['severity 0', { severity: 0 as never }, undefined, /1 \(gravest\) to 4/],
  ['no time', { subject: 'a' }, {}, /RFC 3339/],
  ['a time that is none', { at: 'soon' }, undefined, /RFC 3339/],
  ['no subject', { at: '2026-03-01T00:00:00Z' }, {}, /subject or a deviceId/],
])('refuses %s', (_, alert, r, why) => {
  expect(() => of(alert, r)).toThrow(why)
})
