// Is this state news, or the gateway's cache published again? Zigbee2MQTT re-sends every cached state after a restart. An alarm is
// never called stale unless the very same alarm state of the same contact has been seen before: a wrong clock cannot hide a fire.
import { ALARM_FLAGS, type AlarmFlag, type AlarmFlags } from '#contracts/reading.ts'
import type { Json } from '../decoder.ts'
import type { Known } from './known.ts'

/** after `bridge/state` online the cache is published at once */
const AFTER_RESTART_MS = 10_000

export type Marks = Pick<Known, 'lastSeen' | 'alarmsSeen' | 'hash'>

/** `marks` undefined = they are those that are known. */
export function freshness(o: {
  known: Known
  seen: unknown
  hash: number
  alarms: AlarmFlags
  onlineAtMs: Json | undefined
  receivedAtMs: number
}): { stale: boolean; marks: Marks | undefined } {
  const { seen, hash } = o
  const lastSeen = typeof seen === 'number' || typeof seen === 'string' ? String(seen).slice(0, 64) : undefined
  const alarmsSeen = wordOf(o.alarms)
  const sameContact = lastSeen !== undefined && !isRelative(lastSeen) && lastSeen === o.known.lastSeen && alarmsSeen === o.known.alarmsSeen
  const restartedMs = typeof o.onlineAtMs === 'number' ? o.receivedAtMs - o.onlineAtMs : Infinity
  const afterRestart = restartedMs >= 0 && restartedMs <= AFTER_RESTART_MS && hash === o.known.hash
  const stale = sameContact || afterRestart
  const isAsKnown = hash === o.known.hash && alarmsSeen === o.known.alarmsSeen && (lastSeen === undefined || lastSeen === o.known.lastSeen)
  if (isAsKnown) return { stale, marks: undefined }
  return { stale, marks: { hash, alarmsSeen, ...(lastSeen !== undefined && { lastSeen }) } }
}

const isRelative = (lastSeen: string): boolean => !/^\d/.test(lastSeen) || lastSeen.endsWith(' ago')

/** One letter a flag: on, off, not reported. The words are few, and each is asked for with every message. */
function wordOf(alarms: AlarmFlags): string {
  let said = 0
  let on = 0
  for (const flag in alarms) {
    const bit = BIT_OF[flag] ?? 0
    said |= bit
    if (alarms[flag as AlarmFlag] === true) on |= bit
  }
  const ofSaid = WORDS.get(said)
  const known = ofSaid?.get(on)
  if (known !== undefined) return known
  const word = ALARM_FLAGS.map((_, i) => ((said & (1 << i)) === 0 ? '-' : (on & (1 << i)) === 0 ? '0' : '1')).join('')
  const made = word.replace(/-+$/, '')
  if (ofSaid !== undefined && ofSaid.size < WORDS_MAX) ofSaid.set(on, made)
  else {
    if (WORDS.size >= WORDS_MAX) WORDS.clear()
    WORDS.set(said, new Map([[on, made]]))
  }
  return made
}
const BIT_OF: Readonly<Record<string, number>> = Object.fromEntries(ALARM_FLAGS.map((flag, i) => [flag, 1 << i]))
const WORDS = new Map<number, Map<number, string>>()
const WORDS_MAX = 100
