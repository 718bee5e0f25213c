// The words of the page: both languages say the same things, every term of the contracts has a name, no wording hides in the code.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ALARM_KINDS, ALARM_STATES } from '#contracts/alarm.ts'
import { DEVICE_CONDITIONS } from '#contracts/device.ts'
import { INCIDENT_STATES } from '#contracts/incident.ts'
import { ROLES } from '#contracts/people.ts'
import { ORDER_STATES } from '#contracts/order.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { WHAT } from '../../dispatch/words.ts'
import { noteOf } from '../../dashboard/web/src/incident/note.ts'
import { actWords } from '../../dashboard/web/src/pages/audit-words.ts'
import { amount, clockTime, count, elapsed, exactPlace, fullPlace, latency, metric, seconds } from '../../dashboard/web/src/format.ts'
import { learn, learnPages, locale, say, t, term } from '../../dashboard/web/src/i18n.ts'
import deskEn from '../../dashboard/web/src/en.json' with { type: 'json' }
import pagesEn from '../../dashboard/web/src/pages/words-en.json' with { type: 'json' }
import pagesZh from '../../dashboard/web/src/pages/words-zh.json' with { type: 'json' }
import deskZh from '../../dashboard/web/src/zh-CN.json' with { type: 'json' }

const en = { ...deskEn, ...pagesEn }
const zh = { ...deskZh, ...pagesZh }
const SOURCE = join(import.meta.dirname, '../../dashboard/web/src')
const sources = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter(file => /\.tsx?$/.test(file))
  .map(file => ({ file, text: readFileSync(join(SOURCE, file), 'utf8') }))
const blanks = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(match => match[0]).sort()

await learnPages()
await learn('zh-CN')
await learn('en')
afterEach(() => {
  locale.value = 'zh-CN'
})

test('what a rule notes beside a value is said in the language of the reader', () => {
  expect(['repeat 3', 'belief 0.21 -> 0.61', '2 of 3'].map(noteOf)).toEqual(['第 3 次重复', '可信度 0.21 → 0.61', '2 of 3'])
})

test('every act in the life of an incident has words in the audit trail', () => {
  const acts = [...Object.keys(WHAT), ...ORDER_STATES.map(state => `order-${state}`)]
  for (const language of ['zh-CN', 'en'] as const) {
    locale.value = language
    const raw = acts.filter(act => /^[a-z]+-[a-z-]+$/.test(actWords(`incident.${act}`).split(' · ').at(-1) ?? ''))
    expect(raw, language).toEqual([])
    if (language === 'zh-CN') expect(acts.filter(act => /[a-z]/.test(actWords(`incident.${act}`)))).toEqual([])
  }
})

describe('catalogues', () => {
  test('have the same keys in the same order', () => {
    expect(Object.keys(deskEn)).toEqual(Object.keys(deskZh))
    expect(Object.keys(pagesEn)).toEqual(Object.keys(pagesZh))
    expect(Object.keys(deskZh).filter(key => key in pagesZh)).toEqual([])
  })
  test('the desk speaks without the catalogue of the other pages', () => {
    // film comes with that catalogue (video/slot.tsx)
    const needed = sources.filter(({ file }) => !/^(pages|video)\//.test(file) || /^pages\/(login|help)\.tsx$/.test(file))
    const used = needed.flatMap(({ text }) => [...text.matchAll(/(?<![\w.])t\('([^']+)'/g)].map(match => match[1]!))
    expect(used.filter(key => key in pagesZh)).toEqual([])
  })
  test('say something under every key, with the same blanks to fill', () => {
    for (const [key, text] of Object.entries(zh)) {
      const other = en[key as keyof typeof en]
      expect(text.trim(), key).not.toBe('')
      expect(other.trim(), key).not.toBe('')
      expect(blanks(other), key).toEqual(blanks(text))
    }
  })
  test('the English one has no Chinese in it, save the switch to Chinese', () => {
    const strays = Object.entries(en).filter(([key, text]) => /\p{Script=Han}/u.test(text) && !key.startsWith('switch.language'))
    expect(strays).toEqual([])
  })
  test('no key is left over', () => {
    const all = sources.map(one => one.text).join('\n')
    const groups = new Set([...all.matchAll(/(?:term\('|t\(`)([a-z-]+)(?:'|\.\$\{)/g)].map(match => match[1]))
    const unused = Object.keys(zh).filter(
      key => !all.includes(`'${key}'`) && !all.includes(`"${key}"`) && !groups.has(key.split('.', 1)[0] ?? ''),
    )
    expect(unused).toEqual([])
  })
  test('the code itself carries no Chinese', () => {
    expect(sources.filter(({ text }) => /\p{Script=Han}/u.test(text)).map(one => one.file)).toEqual([])
  })
})

test.each([
  ['condition', DEVICE_CONDITIONS],
  ['device-kind', DEVICE_KINDS],
  ['state', INCIDENT_STATES],
  ['alarm-state', ALARM_STATES],
  ['kind', ALARM_KINDS],
  ['role', ROLES],
] as const)('every %s of the contracts has a name', (group, names) => {
  for (const name of names) expect(Object.keys(zh)).toContain(`${group}.${name}`)
})

describe('wording', () => {
  test('follows the language, fills blanks, falls back to the raw term', () => {
    expect(t('stamp.as-of', { at: '02:13:40' })).toBe('截至 02:13:40')
    expect(say({ zh: '烟', en: 'smoke' })).toBe('烟')
    locale.value = 'en'
    expect(t('stamp.as-of', { at: '02:13:40' })).toBe('as of 02:13:40')
    expect(say({ zh: '烟', en: '' })).toBe('烟')
    expect(term('device-kind', 'a-new-kind')).toBe('a-new-kind')
  })
  test('unknown is a dash, never a zero', () => {
    expect([count(undefined), count(null), seconds(null), clockTime('nonsense')]).toEqual(['—', '—', '—', '—'])
    expect([count(0), seconds(0)]).toEqual(['0', '00:00'])
  })
  test('times and amounts', () => {
    expect([elapsed(75_000), elapsed(3_675_000), elapsed(-5)]).toEqual(['01:15', '1:01:15', '00:00'])
    expect(elapsed(5 * 86_400_000)).toBe('5 天')
    expect([latency(17), latency(-3), latency(12_345)]).toEqual(['17 ms', '-3 ms', '12.3 s'])
    expect(amount(0.30594)).toBe('0.3059')
  })
  test('a place is read out from the building inwards; names that are whole already stay', () => {
    expect(exactPlace({ building: '2', floor: '14', room: '1405' })).toBe('2 幢 14 层 1405 室')
    expect(exactPlace({ building: '锦屏里 5 幢', floor: 'B1' })).toBe('锦屏里 5 幢 B1 层')
    locale.value = 'en'
    expect(exactPlace({ building: '2', floor: '14', room: '1405' })).toBe('Building 2, floor 14, room 1405')
    expect(fullPlace(undefined)).toBe('Place unknown')
  })
  test('a metric’s name carries its unit', () => {
    locale.value = 'en'
    expect(metric('obscuration_db_per_m')).toEqual({ name: 'Obscuration', unit: 'dB/m' })
    expect(metric('obscuration_pct_per_m')).toEqual({ name: 'Obscuration', unit: '%/m' })
    expect(metric('gas_lel_pct')).toEqual({ name: 'Gas', unit: '%LEL' })
    expect(metric('odd_thing_raw')).toEqual({ name: 'odd thing', unit: '' })
  })
})
