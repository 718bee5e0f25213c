// Is this the first time? So that a device which is wrong all day makes one line in the log, not one per message.

/** keys remembered; beyond it nothing counts as a first time any more, so that a flood of new keys cannot flood the log */
export const FIRST_TIME_KEYS_MAX = 10_000

export function createFirstTime(keysMax = FIRST_TIME_KEYS_MAX): (key: string) => boolean {
  const seen = new Set<string>()
  return key => {
    if (seen.has(key) || seen.size >= keysMax) return false
    seen.add(key)
    return true
  }
}
