// Shelved alarms whose time is over come back by themselves: an active one must be acknowledged again.
import { moveAlarm } from './alarm-moves.ts'
import type { Turn } from './turn.ts'

/** How many come back in one transaction; the rest a second later. */
const AT_ONCE = 500

export const unshelveExpired = (turn: Turn, nowMs: number): void => {
  for (const found of turn.desk.alarms.expired(nowMs, AT_ONCE)) {
    const record = turn.alarm(found.alarm.id) ?? found
    if (moveAlarm(turn, record, 'unshelve', { by: 'system' }) === null) continue
    turn.tell(record.alarm.incidentId, { actor: 'system', what: 'unshelved', alarmId: record.alarm.id, note: 'its time is over' })
  }
}
