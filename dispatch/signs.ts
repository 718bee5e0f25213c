// What kind of sign of a fire an alarm is. A surge, dust or fog makes many detectors of one kind speak at once; smoke and heat, or smoke and a
// person at a call point, it does not. So among many fires by the letter those with several kinds of sign stand on top. Pure.
import type { AlarmKind } from '#contracts/alarm.ts'

export type Sign = 'smoke' | 'heat' | 'sight' | 'call' | 'co' | 'gas'

const OF_KIND: Partial<Record<AlarmKind, Sign>> = { heat: 'heat', 'manual-call': 'call', 'co-alarm': 'co', 'gas-alarm': 'gas' }
const HEAT: ReadonlySet<string> = new Set(['alarms.heat', 'temperature_c'])

/** Rules that only count what other alarms said. */
const SECOND_HAND: ReadonlySet<string> = new Set(['corroborate', 'cluster', 'fuse'])

/** `what`: what its first piece of evidence measured; `ruleKind`: absent where people or flows raised it. null = no sign, or a weak one. */
export const signOf = (kind: AlarmKind, what: string | undefined, ruleKind: string | undefined): Sign | null => {
  if (ruleKind !== undefined && SECOND_HAND.has(ruleKind)) return null
  if (kind !== 'fire-alarm') return OF_KIND[kind] ?? null
  if (what === undefined) return 'smoke'
  if (HEAT.has(what)) return 'heat'
  return what === 'alarms.flame' || what.startsWith('detections.') ? 'sight' : 'smoke'
}
