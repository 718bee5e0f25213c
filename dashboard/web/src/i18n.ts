// The words of the page, from two flat catalogues; keys are typed from zh-CN. What the server says comes in both languages at once.
import { signal } from '@preact/signals'
import type { Text } from '#contracts/alarm.ts'
import en from './en.json' with { type: 'json' }
import zh from './zh-CN.json' with { type: 'json' }

export type Key = keyof typeof zh
export const LOCALES = ['zh-CN', 'en'] as const
export type Locale = (typeof LOCALES)[number]

const catalogues: Record<Locale, Record<Key, string>> = { 'zh-CN': zh, en }

export const locale = signal<Locale>('zh-CN')

/** The wording of `key`, with `{name}` replaced from `values`. */
export const t = (key: Key, values: Record<string, string | number> = {}): string =>
  catalogues[locale.value][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))

/** A key made at run time (`kind.${kind}`): its wording, or the raw name where the catalogue has none. Never an empty string. */
export const term = (group: string, name: string): string => {
  const key = `${group}.${name}`
  return key in zh ? t(key as Key) : name
}

export const say = (text: Text): string => (locale.value === 'en' ? text.en || text.zh : text.zh || text.en)
