// The words that rules write beside a value, as a reader of either language reads them.
import { t } from '../i18n.ts'

/** What the rules note beside a value, in the reader's language where it is one of their own words; anything else as it was written. */
export const noteOf = (note: string): string => {
  const [, n] = /^repeat (\d+)$/.exec(note) ?? []
  if (n !== undefined) return t('evidence.repeat', { n })
  const [, from, to] = /^belief (\S+) -> (\S+)$/.exec(note) ?? []
  return from === undefined || to === undefined ? note : t('evidence.belief', { from, to })
}
