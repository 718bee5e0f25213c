// The level an alarm has when whoever raised it did not say: I = people may be in danger now, IV = look after it this week.
// Rules say their own; this is for people, flows and other systems that post alarms.
import type { AlarmKind, Severity } from '#contracts/alarm.ts'

export const DEFAULT_SEVERITY: Record<AlarmKind, Severity> = {
  'fire-alarm': 1,
  'manual-call': 1,
  'gas-alarm': 1,
  'co-alarm': 1,
  heat: 2,
  'electrical-fire': 2,
  'pre-alarm': 3,
  'water-leak': 3,
  'pressure-low': 3,
  'pressure-high': 3,
  'level-low': 3,
  'level-high': 4,
  fault: 3,
  tamper: 3,
  'gateway-offline': 3,
  'sensor-fault': 4,
  'station-not-ready': 3,
  health: 3,
  'low-battery': 4,
  'device-offline': 4,
  'drone-offline': 4,
  test: 4,
}

/**
 * Kinds that count as one of two independent triggers (GB 50116-2013 4.1.6). A pre-alarm, gas, CO or a residual current does not
 * say "fire" by itself: it makes an incident at once, it does not confirm one.
 */
const TRIGGERS: ReadonlySet<AlarmKind> = new Set(['fire-alarm', 'heat', 'manual-call'])
export const isTrigger = (kind: AlarmKind): boolean => TRIGGERS.has(kind)
