// Is this state news, or the gateway's cache published again? Zigbee2MQTT re-sends every cached state after a restart. An alarm is
// never called stale unless the very same alarm state of the same contact has been seen before: a wrong clock cannot hide a fire.
import { ALARM_FLAGS, type AlarmFlags } from '#contracts/reading.ts'
import type { Json } from '../decoder.ts'
import type { Known } from './known.ts'

/** after `bridge/state` online the cache is published at once */
const AFTER_RESTART_MS = 10_000

export function freshness(o: {
  known: Known
  payload: Record<string, unknown>
  alarms: AlarmFlags
  onlineAtMs: Json | undefined
  receivedAtMs: number
}): { stale: boolean; marks: Pick<Known, 'lastSeen' | 'alarmsSeen' | 'hash'> } {
  const seen = o.payload['last_seen']
  const lastSeen = typeof seen === 'number' || typeof seen === 'string' ? String(seen).slice(0, 64) : undefined
  const alarmsSeen = wordOf(o.alarms)
  const hash = hashOf(o.payload)
  const sameContact = lastSeen !== undefined && !isRelative(lastSeen) && lastSeen === o.known.lastSeen && alarmsSeen === o.known.alarmsSeen
  const restartedMs = typeof o.onlineAtMs === 'number' ? o.receivedAtMs - o.onlineAtMs : Infinity
  const afterRestart = restartedMs >= 0 && restartedMs <= AFTER_RESTART_MS && hash === o.known.hash
  const marks = { hash, alarmsSeen, ...(lastSeen !== undefined && { lastSeen }) }
  return { stale: sameContact || afterRestart, marks }
}

const isRelative = (lastSeen: string): boolean => !/^\d/.test(lastSeen) || lastSeen.endsWith(' ago')

/** One letter a flag: on, off, not reported. */
function wordOf(alarms: AlarmFlags): string {
  let word = ''
  for (const flag of ALARM_FLAGS) {
    const on = alarms[flag]
    word += on === undefined ? '-' : on ? '1' : '0'
  }
  return word.replace(/-+$/, '')
}

/** What changes with every contact, whatever the device says. */
const APART: ReadonlySet<string> = new Set(['last_seen', 'linkquality'])
const SCALAR: ReadonlySet<string> = new Set(['string', 'number', 'boolean'])

/** 64 bits of the content, two lanes of FNV-1a over its characters: cheap, and nobody gains by making two states of his own device look alike. */
function hashOf(payload: Record<string, unknown>): string {
  let a = 0x811c9dc5
  let b = 0x01000193
  for (const key in payload) {
    if (APART.has(key)) continue
    const value = payload[key]
    const text = `${key}\u0001${SCALAR.has(typeof value) ? String(value) : JSON.stringify(value)}\u0002`
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i)
      a = Math.imul(a ^ c, 0x01000193)
      b = Math.imul(b ^ c, 0x85ebca6b) + i
    }
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36)
}
