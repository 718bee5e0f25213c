// Moves one alarm along the state table and keeps its document in step with it. Whether a move is allowed is the table's word;
// what is told about it is the caller's.
import type { Alarm } from '#contracts/alarm.ts'
import { step, type AlarmEvent } from './alarm-states.ts'
import type { AlarmRecord } from './alarm-rows.ts'
import type { Turn } from './turn.ts'

export type MoveDetail = { by: string; /** event time, RFC 3339; the turn's own where absent */ at?: string; shelvedUntilMs?: number }

const acknowledged = (turn: Turn, alarm: Alarm, by: string): Alarm => ({
  ...alarm,
  acknowledgedAt: turn.now,
  acknowledgedBy: by,
  waterfall: { ...alarm.waterfall, acknowledgedAt: alarm.waterfall.acknowledgedAt ?? turn.now },
})

/** An alarm that must be acknowledged again shows no acknowledgement; the timeline keeps who gave the earlier one. */
const unanswered = ({ acknowledgedAt: _at, acknowledgedBy: _by, ...alarm }: Alarm): Alarm => alarm

/** The alarm after `event`, saved; null where the state table has no such step and nothing was changed. */
export const moveAlarm = (turn: Turn, record: AlarmRecord, event: AlarmEvent, o: MoveDetail): AlarmRecord | null => {
  const { alarm, active, acknowledged: wasAcknowledged } = record
  const memory = step({ state: alarm.state, active, acknowledged: wasAcknowledged, latching: alarm.latching }, event)
  if (memory === null) return null
  const { shelvedUntil: _until, ...shown } = alarm
  const shelvedUntilMs = memory.state === 'SHLVD' ? (o.shelvedUntilMs ?? record.shelvedUntilMs) : null
  let next: Alarm = {
    ...shown,
    state: memory.state,
    ...(shelvedUntilMs !== null && { shelvedUntil: new Date(shelvedUntilMs).toISOString() }),
  }
  if (event === 'acknowledge') next = acknowledged(turn, next, o.by)
  else if (!memory.acknowledged) next = unanswered(next)
  if (event === 'clear') next = { ...next, clearedAt: next.clearedAt ?? o.at ?? turn.now }
  const moved: AlarmRecord = {
    ...record,
    alarm: next,
    active: memory.active,
    acknowledged: memory.acknowledged,
    shelvedUntilMs,
  }
  turn.saveAlarm(moved)
  return moved
}
