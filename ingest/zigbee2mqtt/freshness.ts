// Is this state news, or the gateway's cache published again? Zigbee2MQTT re-sends every cached state after a restart. An alarm is
// never called stale unless the very same alarm state of the same contact has been seen before: a wrong clock cannot hide a fire.
import { createHash } from 'node:crypto'
import type { AlarmFlags } from '#contracts/reading.ts'
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
  const { last_seen: seen, linkquality: _, ...content } = o.payload
  const lastSeen = typeof seen === 'number' || typeof seen === 'string' ? String(seen).slice(0, 64) : undefined
  const alarmsSeen = JSON.stringify(Object.entries(o.alarms).sort(([a], [b]) => (a < b ? -1 : 1)))
  const hash = createHash('sha1').update(JSON.stringify(content)).digest('base64url').slice(0, 16)
  const sameContact = lastSeen !== undefined && !isRelative(lastSeen) && lastSeen === o.known.lastSeen && alarmsSeen === o.known.alarmsSeen
  const restartedMs = typeof o.onlineAtMs === 'number' ? o.receivedAtMs - o.onlineAtMs : Infinity
  const afterRestart = restartedMs >= 0 && restartedMs <= AFTER_RESTART_MS && hash === o.known.hash
  const marks = { hash, alarmsSeen, ...(lastSeen !== undefined && { lastSeen }) }
  return { stale: sameContact || afterRestart, marks }
}

const isRelative = (lastSeen: string): boolean => !/^\d/.test(lastSeen) || lastSeen.endsWith(' ago')
