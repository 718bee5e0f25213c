// Alarms of the system about itself. One condition has one alarm while it stands, however often it is raised and whoever restarts;
// it clears when the condition ends and stays until a person has seen it. Never of a hazard kind, so never in a fire's incident.
import type { Severity, Text } from '#contracts/alarm.ts'
import { moveAlarm } from './alarm-moves.ts'
import { postAlarm } from './posting.ts'
import type { Turn } from './turn.ts'

export type SelfAlarm = { /** short name, the alarm's subject */ condition: string; severity: Severity; text: Text }

const originOf = (condition: string): string => `system:${condition}`

/** The alarm's id; undefined where it stands already. */
export const raiseSelf = (turn: Turn, { condition, severity, text }: SelfAlarm): string | undefined => {
  const origin = originOf(condition)
  if (turn.desk.alarms.activeOf(origin).length > 0) return undefined
  const posting = { idempotencyKey: `at ${turn.now}`, origin, kind: 'health' as const, severity, subject: origin, text, by: 'system' }
  return postAlarm(turn, posting).alarmId
}

export const clearSelf = (turn: Turn, condition: string): void => {
  for (const record of turn.desk.alarms.activeOf(originOf(condition))) {
    if (moveAlarm(turn, record, 'clear', { by: 'system' }) === null) continue
    turn.tell(record.alarm.incidentId, { actor: record.alarm.origin, what: 'cleared', alarmId: record.alarm.id })
  }
}
