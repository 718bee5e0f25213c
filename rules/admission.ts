// Which kinds may see a reading, as bits. History and stale readings are stored, never judged; what is only heard raises nothing.
import type { Reading } from '#contracts/reading.ts'
import type { Admits } from './kind.ts'

export const ADMITS: Record<Admits, number> = { live: 1, test: 2, presence: 4, heard: 8 }
export const HEARD_ONLY = ADMITS.heard
const ALL = ADMITS.live | ADMITS.test | ADMITS.presence | ADMITS.heard

/** 0 = nobody. */
export function admitted({ flags, alarms, online }: Reading): number {
  // what a gateway repeats from its memory says nothing of now
  if (flags.stale === true) return 0
  if (flags.history === true) return HEARD_ONLY
  const isTest = flags.test === true || alarms.test === true
  if (flags.retained === true) return online === undefined || isTest ? HEARD_ONLY : ADMITS.presence | ADMITS.heard
  return isTest ? ADMITS.test | ADMITS.heard : ALL
}
