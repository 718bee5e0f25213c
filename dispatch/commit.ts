// The journal's side of the queue: what the rules said up to one journal position and the position itself, in one transaction. What the
// rules remember is kept less often, at a place behind it: a restart judges again from there and lets go what was said up to the position.
// So after any crash the position, the rules' memory and the alarms agree: no alarm is doubled and none is lost.
import type { AlarmSignal } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { moveAlarm } from './alarm-moves.ts'
import type { AlarmRecord } from './alarm-rows.ts'
import { addEvidence } from './evidence.ts'
import { extend } from './grouping.ts'
import { raiseAlarm, type Trace } from './raising.ts'
import { unshelveExpired } from './shelf.ts'
import type { StateRows } from '#contracts/state-rows.ts'
import type { KeptPortion, KeptTable } from './kept-table.ts'
import type { StateTable } from './state-table.ts'
import type { Turn } from './turn.ts'
import { severityWords } from './words.ts'

export type Commit = {
  /** journal position up to which the rules have read */
  position: number
  signals: { signal: AlarmSignal; trace: Trace }[]
  /** single rows of rooms, there at once */
  rows: { room: string; rows: StateRows }[]
  /** state of the fold, in portions; none lies behind the position */
  kept?: KeptPortion[]
}

const timeOf = (signal: AlarmSignal): number => {
  const atMs = Date.parse(signal.at)
  if (!Number.isFinite(atMs))
    throw new FengsuiError('internal', `signal ${signal.type} of alarm ${signal.alarmId}: at "${signal.at}" is not a time`)
  return atMs
}

const raised = (turn: Turn, signal: Extract<AlarmSignal, { type: 'raise' }>, trace: Trace): void => {
  const { type: _type, alarmId, at, ...rest } = signal
  raiseAlarm(turn, { ...rest, id: alarmId, origin: `rule:${signal.rule.id}`, raisedAt: at }, timeOf(signal), trace)
}

const withEvidence = (record: AlarmRecord, signal: Exclude<AlarmSignal, { type: 'raise' }>, atMs: number): AlarmRecord => ({
  ...record,
  alarm: {
    ...record.alarm,
    updates: record.alarm.updates + (signal.evidence.length > 0 ? 1 : 0),
    evidence: addEvidence(record.alarm.evidence, signal.evidence),
    ...(signal.type === 'update' &&
      signal.counterEvidence !== undefined && { counterEvidence: addEvidence(record.alarm.counterEvidence, signal.counterEvidence) }),
  },
  evidenceCount: record.evidenceCount + signal.evidence.length,
  // that it is over is no evidence of it: a detector that is reset after an hour must not make the next fire the same
  lastMs: signal.type === 'clear' ? record.lastMs : Math.max(record.lastMs, atMs),
})

/** A graver level re-alarms, unless the alarm is over (NORM): that one stays as it was handled. */
const rise = (turn: Turn, record: AlarmRecord, signal: Extract<AlarmSignal, { type: 'update' }>): AlarmRecord => {
  const { severity } = signal
  const was = record.alarm.severity
  if (severity === undefined || severity >= was) return record
  const moved = moveAlarm(turn, { ...record, alarm: { ...record.alarm, severity } }, 'rise', { by: 'system', at: signal.at })
  if (moved === null) return record
  turn.tell(record.alarm.incidentId, {
    actor: record.alarm.origin,
    what: 're-alarm',
    alarmId: record.alarm.id,
    text: severityWords(was, severity),
  })
  return moved
}

const cleared = (turn: Turn, record: AlarmRecord, signal: AlarmSignal): AlarmRecord => {
  if (!record.active) return record
  const moved = moveAlarm(turn, record, 'clear', { by: 'system', at: signal.at })
  if (moved === null) return record
  turn.tell(record.alarm.incidentId, { actor: record.alarm.origin, what: 'cleared', alarmId: record.alarm.id, detail: { at: signal.at } })
  return moved
}

export const continueAlarm = (turn: Turn, signal: Exclude<AlarmSignal, { type: 'raise' }>): void => {
  const found = turn.alarm(signal.alarmId)
  if (found === undefined) {
    // cannot happen while rules and queue share a transaction; if it does, the path goes on and a person finds it
    turn.desk.log.error({ alarmId: signal.alarmId, signal: signal.type }, 'signal for an alarm that is not in the queue')
    turn.desk.audit.append({ at: turn.now, actor: 'system', action: 'alarm.unknown', subject: signal.alarmId, detail: signal })
    return
  }
  const atMs = timeOf(signal)
  const record = withEvidence(found, signal, atMs)
  const moved = signal.type === 'clear' ? cleared(turn, record, signal) : rise(turn, record, signal)
  if (moved === record) turn.saveAlarm(record)
  if (signal.type !== 'clear') extend(turn, record.alarm.incidentId, atMs, atMs)
}

/**
 * At a position already stored the signals are known and only state rows are written (a room may save between messages); at an
 * earlier one nothing is, since its rows are older than what is stored. The position never goes back.
 */
export const commit = (turn: Turn, { state, kept }: { state: StateTable; kept: KeptTable }, o: Commit): void => {
  if (!Number.isSafeInteger(o.position) || o.position < 0)
    throw new FengsuiError('internal', `commit at position ${o.position}: a journal position is a whole number from 0`)
  const stored = state.position()
  if (o.position < stored) {
    turn.desk.log.warn({ position: o.position, stored }, 'commit at a position before the stored one: nothing to do')
    return
  }
  if (o.position > stored) {
    for (const { signal, trace } of o.signals) {
      if (signal.type === 'raise') raised(turn, signal, trace)
      else continueAlarm(turn, signal)
    }
    state.setPosition(o.position)
  }
  for (const { room, rows } of o.rows) state.write(room, rows)
  for (const portion of o.kept ?? []) kept.write(portion, o.position)
  unshelveExpired(turn, turn.nowMs)
}
