// What this browser remembers of its user's taste: language and theme. Storage may be refused (private window): then it forgets.
import { effect, signal } from '@preact/signals'
import { LOCALES, locale, type Locale } from './i18n.ts'
import { cssOf, type Theme } from './tokens.ts'

export const theme = signal<Theme>('dark')

const recall = (key: string): string | null => {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}
const remember = (key: string, value: string): void => {
  try {
    localStorage.setItem(key, value)
  } catch {
    // Not remembered; the choice still holds for this visit.
  }
}

export const startPreferences = (root: HTMLElement): void => {
  const language = recall('fengsui.locale')
  if (LOCALES.includes(language as Locale)) locale.value = language as Locale
  if (recall('fengsui.theme') === 'light') theme.value = 'light'
  effect(() => {
    root.lang = locale.value
    remember('fengsui.locale', locale.value)
  })
  effect(() => {
    root.dataset['theme'] = theme.value
    root.style.colorScheme = theme.value
    for (const [name, value] of cssOf(theme.value)) root.style.setProperty(name, value)
    remember('fengsui.theme', theme.value)
  })
}
