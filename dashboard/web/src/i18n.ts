// The words of the page, from flat catalogues of which only those of the chosen language are fetched: the desk's at the start, those of
// the other pages with the first of them. Keys are typed from the Chinese ones. What the server says comes in both languages at once.
import { signal } from '@preact/signals'
import type { Text } from '#contracts/alarm.ts'
import type pagesZh from './pages/words-zh.json'
import type zh from './zh-CN.json'

export type Key = keyof typeof zh | keyof typeof pagesZh
export const LOCALES = ['zh-CN', 'en'] as const
export type Locale = (typeof LOCALES)[number]

type Catalogue = Partial<Record<string, string>>
type Fetch = () => Promise<{ default: Catalogue }>
const BOOKS: Record<'desk' | 'pages', Record<Locale, Fetch>> = {
  desk: {
    'zh-CN': () => import('./zh-CN.json', { with: { type: 'json' } }),
    en: () => import('./en.json', { with: { type: 'json' } }),
  },
  pages: {
    'zh-CN': () => import('./pages/words-zh.json', { with: { type: 'json' } }),
    en: () => import('./pages/words-en.json', { with: { type: 'json' } }),
  },
}
type Book = keyof typeof BOOKS

const words: Partial<Record<Locale, Catalogue>> = {}
const opened = new Set<Book>(['desk'])

export const locale = signal<Locale>('zh-CN')

/** Fetches the catalogues in use; until they are there, keys stand for their words. */
export const learn = async (language: Locale): Promise<void> => {
  const found = await Promise.all([...opened].map(async book => (await BOOKS[book][language]()).default))
  words[language] = Object.assign({}, ...found)
}

/** From now on also the words of the pages beside the desk. */
export const learnPages = async (): Promise<void> => {
  opened.add('pages')
  await learn(locale.value)
}

/** Speaks `language` from now on. A catalogue that cannot be had leaves the one before. */
export const speak = async (language: Locale): Promise<void> => {
  await learn(language)
  locale.value = language
}

/** The wording of `key`, with `{name}` replaced from `values`. */
export const t = (key: Key, values: Record<string, string | number> = {}): string =>
  (words[locale.value]?.[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))

/** A key made at run time (`kind.${kind}`): its wording, or the raw name where the catalogue has none. Never an empty string. */
export const term = (group: string, name: string): string => words[locale.value]?.[`${group}.${name}`] ?? name

export const say = (text: Text): string => (locale.value === 'en' ? text.en || text.zh : text.zh || text.en)
