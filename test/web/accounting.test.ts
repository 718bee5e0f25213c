// The page of the account: its sum is what the report says, advice fits the trouble, ranges read like ranges; bytes read like bytes.
import { afterEach, describe, expect, test } from 'vitest'
import { emptyCounts, type AccountingReport } from '#contracts/accounting.ts'
import { byteCount } from '../../dashboard/web/src/format.ts'
import { learn, learnPages, locale } from '../../dashboard/web/src/i18n.ts'
import { adviceOf, rangesInWords, termsOf } from '../../dashboard/web/src/pages/account-terms.ts'
import { bytesOf, hexOf, textOf } from '../../dashboard/web/src/pages/bytes.ts'
import en from '../../dashboard/web/src/pages/words-en.json' with { type: 'json' }

await learnPages()
await learn('en')
afterEach(() => {
  locale.value = 'zh-CN'
})

const AT = '2026-07-22T14:40:00.000Z'
type Own = NonNullable<AccountingReport['account']>
const account = (o: Partial<Own> = {}): Own => ({
  since: 0,
  position: 9,
  counts: { ...emptyCounts(), stored: 8, duplicate: 1 },
  storedWithNote: 0,
  inFlight: 1,
  difference: 0,
  balanced: true,
  ...o,
})
const report = (o: Partial<AccountingReport> = {}): AccountingReport => ({
  at: AT,
  known: true,
  asOf: AT,
  accepted: 10,
  account: account(),
  readers: [],
  journal: { files: 1, bytes: 1 },
  gaps: { missing: 0, forgotten: 0, devices: 0, top: [] },
  quarantine: { rows: 0, open: 0 },
  ...o,
})

describe('the sum', () => {
  test('adds up to what was accepted, with every term that may be zero', () => {
    const terms = termsOf(report())
    expect(terms.map(({ name }) => name)).toEqual(['stored', 'quarantined', 'duplicate', 'without-readings', 'in-flight'])
    expect(terms.reduce((sum, { messages }) => sum + messages, 0)).toBe(10)
  })
  test('names what lies before counting and what was passed over, only where there is any', () => {
    const odd = termsOf({ account: account({ since: 5, counts: { ...emptyCounts(), 'passed-over': 4 } }) })
    expect(odd.map(({ name }) => name)).toEqual(expect.arrayContaining(['before', 'passed-over']))
    expect(odd.reduce((sum, { messages }) => sum + messages, 0)).toBe(10)
    expect(termsOf({})).toEqual([])
  })
})

describe('advice', () => {
  const lag = (reader: string, ms: number) => ({
    reader,
    position: 1,
    lag: 9,
    oldestReceivedAt: new Date(Date.parse(AT) - ms).toISOString(),
  })
  test.each<[string, Partial<AccountingReport>]>([
    ['nothing', {}],
    ['nothing', { readers: [lag('store', 5_000), lag('rules', 5_000)] }],
    ['unbalanced', { account: account({ balanced: false, difference: 1 }) }],
    ['store-silent', { known: false }],
    ['rules-behind', { readers: [lag('rules', 90_000)] }],
    ['store-behind', { readers: [lag('store', 90_000)] }],
    ['passed-over', { account: account({ counts: { ...emptyCounts(), 'passed-over': 1 } }) }],
    ['quarantine', { quarantine: { rows: 2, open: 1 } }],
    ['gaps', { gaps: { missing: 1, forgotten: 0, devices: 1, top: [] } }],
  ])('%s', (name, o) => {
    expect(adviceOf(report(o))).toEqual([name])
    expect(Object.keys(en)).toContain(`advice.${name}`)
  })
})

test('ranges are told newest last, by boot, and the rest is counted', () => {
  const range = (from: number, to: number, boot?: number) => ({ from, to, at: AT, ...(boot !== undefined && { boot }) })
  expect(rangesInWords([range(3, 4), range(9, 9, 2), range(11, 12, 2)])).toEqual({ words: '3–4; #2: 9, 11–12', more: 0 })
  expect(rangesInWords(Array.from({ length: 10 }, (_, i) => range(i, i)))).toEqual({ words: '2, 3, 4, 5, 6, 7, 8, 9', more: 2 })
})

test('bytes as text where they are text, as hex always', () => {
  expect(textOf(bytesOf(btoa('{"v":1}\n')))).toBe('{"v":1}\n')
  expect(textOf(new Uint8Array([0xff, 0xfe]))).toBeUndefined()
  expect(textOf(new Uint8Array([0x40, 0x00, 0x41]))).toBeUndefined()
  expect(textOf(new TextEncoder().encode('烟 \u{1f525}'))).toBe('烟 \u{1f525}')
  const lines = hexOf(new TextEncoder().encode('0123456789abcdef\u0001Z')).split('\n')
  expect(lines).toEqual([
    '0000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef',
    '0010  01 5a                                            .Z',
  ])
  expect(hexOf(new Uint8Array(100_000)).length).toBeLessThan(20_000)
})

test('sizes', () => {
  locale.value = 'en'
  expect([0, 999, 1_500, 1_234_567, 987_654_321_000].map(byteCount)).toEqual(['0 B', '999 B', '1.5 kB', '1.2 MB', '988 GB'])
})
