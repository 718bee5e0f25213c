// What this browser remembers of its user's taste: language and theme. Storage may be refused (private window): then it forgets.
import { effect, signal } from '@preact/signals'
import { LOCALES, locale, speak } from './i18n.ts'
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

/** Ends when the words are there. */
export const startPreferences = async (root: HTMLElement): Promise<void> => {
  const language = LOCALES.find(one => one === recall('fengsui.locale')) ?? locale.value
  const words = speak(language)
  if (recall('fengsui.theme') === 'light') theme.value = 'light'
  effect(() => {
    root.dataset['theme'] = theme.value
    root.style.colorScheme = theme.value
    for (const [name, value] of cssOf(theme.value)) root.style.setProperty(name, value)
    remember('fengsui.theme', theme.value)
  })
  await words
  effect(() => {
    root.lang = locale.value
    remember('fengsui.locale', locale.value)
  })
}
