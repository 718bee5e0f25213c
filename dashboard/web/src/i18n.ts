// The words of the page, from two flat catalogues of which only the chosen one is fetched; keys are typed from zh-CN. What the
// server says comes in both languages at once.
import { signal } from '@preact/signals'
import type { Text } from '#contracts/alarm.ts'
import type zh from './zh-CN.json'

type Words = typeof zh
export type Key = keyof Words
export const LOCALES = ['zh-CN', 'en'] as const
export type Locale = (typeof LOCALES)[number]

const FETCH: Record<Locale, () => Promise<{ default: Words }>> = {
  'zh-CN': () => import('./zh-CN.json', { with: { type: 'json' } }),
  en: () => import('./en.json', { with: { type: 'json' } }),
}
const catalogues: Partial<Record<Locale, Words>> = {}

export const locale = signal<Locale>('zh-CN')

/** Fetches a catalogue; until it is there, keys stand for their words. */
export const learn = async (language: Locale): Promise<void> => {
  catalogues[language] ??= (await FETCH[language]()).default
}

/** Speaks `language` from now on. A catalogue that cannot be had leaves the one before. */
export const speak = async (language: Locale): Promise<void> => {
  await learn(language)
  locale.value = language
}

/** The wording of `key`, with `{name}` replaced from `values`. */
export const t = (key: Key, values: Record<string, string | number> = {}): string =>
  (catalogues[locale.value]?.[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))

/** A key made at run time (`kind.${kind}`): its wording, or the raw name where the catalogue has none. Never an empty string. */
export const term = (group: string, name: string): string => catalogues[locale.value]?.[`${group}.${name}` as Key] ?? name

export const say = (text: Text): string => (locale.value === 'en' ? text.en || text.zh : text.zh || text.en)
