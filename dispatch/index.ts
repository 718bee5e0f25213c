// The dispatch queue: alarms become incidents, people handle them, and everything is on disk before it is answered. Every function is
// synchronous and one transaction; the only way in for the rules is commit(), which carries the journal position with it.
import { existsSync } from 'node:fs'
import type { Alarm } from '#contracts/alarm.ts'
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Incident, IncidentDetail } from '#contracts/incident.ts'
import type { Meter } from '#contracts/metrics.ts'
import { verifyChain, type AuditEntry, type AuditVerdict } from './audit.ts'
import { actorOf, listLimit, required } from './checks.ts'
import { commit, type Commit } from './commit.ts'
import { openDatabase } from './database.ts'
import { openDeliveries, type Deliveries } from './deliveries.ts'
import { GROUP_WINDOW_MS } from './grouping.ts'
import { openKpis, type QueueKpis } from './kpis.ts'
import * as onAlarm from './people-alarms.ts'
import * as onIncident from './people-incidents.ts'
import type { PastDesk, StripBar } from './past.ts'
import { postAlarm, type Posting } from './posting.ts'
import { alarmById, incidentById, listAlarms, listIncidents, type AlarmFilter, type IncidentFilter } from './queue.ts'
import { migrate } from './schema.ts'
import { clearSelf, raiseSelf, type SelfAlarm } from './self.ts'
import { unshelveExpired } from './shelf.ts'
import { stateTable, type StateRows } from './state-table.ts'
import { openDesk, runTurn, type Changes, type Turn } from './turn.ts'

export type { AlarmFilter, AuditEntry, AuditVerdict, Changes, Commit, IncidentFilter, PastDesk, Posting, QueueKpis, StateRows, StripBar }

const AUDIT_LISTED_MAX = 1000
const UTC_OFFSET_MINUTES = 480
const NOTHING: Changes = { alarms: [], incidents: [] }

export type DispatchOptions = {
  /** path of dispatch.db, or ':memory:' */
  file: string
  clock: Clock
  log: Log
  meter: Meter
  /** how long, in event time, after its newest evidence an incident still takes alarms of its place; 30 min */
  groupWindowMs?: number
  /** the district's local time, for "today" and for the day in an incident's id; China: 480 */
  utcOffsetMinutes?: number
  /** names of the notifiers that are set up: each is told of every fire, through the outbox; none = nobody outside */
  channels?: readonly string[]
}

export type Raised = { alarm: Alarm; incident: Incident; created: boolean; changes: Changes }
export type Dispatch = ReturnType<typeof openDispatch>

export const openDispatch = (o: DispatchOptions) => {
  const { file, groupWindowMs = GROUP_WINDOW_MS, utcOffsetMinutes = UTC_OFFSET_MINUTES, channels = [], ...given } = o
  const db = openDatabase(file)
  migrate(db, file)
  const desk = openDesk({ ...given, db, groupWindowMs, utcOffsetMinutes, channels })
  const state = stateTable(db)
  const kpis = openKpis(db, utcOffsetMinutes)
  const isDue = db.prepare('SELECT 1 FROM alarms WHERE shelved_until_ms <= ? LIMIT 1')

  const change = (act: (turn: Turn) => void): Changes => runTurn(desk, act).changes
  /** An act of a person on one alarm or incident, from its own file. */
  const acting =
    <O>(act: (turn: Turn, id: string, o: O) => void) =>
    (id: string, o: O): Changes =>
      change(turn => act(turn, id, o))

  const raise = (posting: Posting): Raised => {
    const { result, changes } = runTurn(desk, turn => postAlarm(turn, posting))
    const alarm = alarmById(desk, result.alarmId)
    const incident = alarm && desk.incidents.get(alarm.incidentId)?.incident
    if (alarm === undefined || incident === undefined)
      throw new FengsuiError('internal', `alarm ${result.alarmId} was raised but cannot be read`)
    return { alarm, incident, created: result.created, changes }
  }

  return {
    /** journal position of the last commit; 0 = none */
    position: (): number => state.position(),
    rows: (room: string): Iterable<[string, string]> => state.rows(room),
    commit: (c: Commit): Changes => change(turn => commit(turn, state, c)),
    /** What time alone changes; call it each second. */
    tick: (nowMs: number): Changes => (isDue.get(nowMs) === undefined ? NOTHING : change(turn => unshelveExpired(turn, nowMs))),
    raise,
    /** The system about itself: one alarm a condition while it stands. */
    raiseSelf: (alarm: SelfAlarm): Changes => change(turn => void raiseSelf(turn, alarm)),
    clearSelf: (condition: string): Changes => change(turn => clearSelf(turn, condition)),

    alarms: (f: AlarmFilter): Alarm[] => listAlarms(desk, f),
    alarm: (id: string): Alarm | undefined => alarmById(desk, id),
    acknowledgeAlarm: acting(onAlarm.acknowledgeAlarm),
    shelveAlarm: acting(onAlarm.shelveAlarm),
    unshelveAlarm: acting(onAlarm.unshelveAlarm),
    suppressAlarm: acting(onAlarm.suppressAlarm),
    outOfServiceAlarm: acting(onAlarm.outOfServiceAlarm),
    returnToServiceAlarm: acting(onAlarm.returnToServiceAlarm),

    incidents: (f: IncidentFilter): Incident[] => listIncidents(desk, f),
    incident: (id: string): IncidentDetail | undefined => incidentById(desk, id),
    acknowledgeIncident: acting(onIncident.acknowledgeIncident),
    noteIncident: acting(onIncident.noteIncident),
    escalateIncident: acting(onIncident.escalateIncident),
    mergeIncident: acting(onIncident.mergeIncident),
    closeIncident: acting(onIncident.closeIncident),

    /** for notify.ts */
    outbox: openDeliveries(desk) satisfies Deliveries,

    kpis: (nowMs: number): QueueKpis => kpis(nowMs),
    /** the queue as it stood at an instant that has passed; the same each time it is asked for */
    deskAt: (atMs: number): PastDesk => desk.past.deskAt(atMs),
    /** how many alarms came in, bar by bar, for the strip under the map */
    strip: (o: { fromMs: number; toMs: number; stepMs: number }): StripBar[] => desk.past.strip(o),

    audit: (f: { limit: number; before?: number }): AuditEntry[] => desk.audit.list(listLimit(f.limit, AUDIT_LISTED_MAX), f.before),
    /** Acts of other rooms (log-ins, devices, rules) in the same chain. */
    record(e: { actor: string; action: string; subject: string; detail?: unknown }): void {
      const entry = { ...e, actor: actorOf(e.actor).actor, action: required('action', e.action, 100) }
      runTurn(desk, turn => desk.audit.append({ ...entry, at: turn.now }))
    },
    verifyAudit: (): AuditVerdict => verifyChain(db),
    close: (): void => db.close(),
    [Symbol.dispose]: (): void => (db.isOpen ? db.close() : undefined),
  }
}

/** The audit chain of a dispatch.db, whether it is in use or not; nothing is written. No file yet = an empty trail. */
export const verifyAuditFile = (o: { file: string }): AuditVerdict => {
  if (!existsSync(o.file)) return { ok: true, entries: 0 }
  const db = openDatabase(o.file, { readOnly: true })
  try {
    return verifyChain(db)
  } finally {
    db.close()
  }
}

/** State rows of a room in a dispatch.db, whether it is in use or not; nothing is written. No file yet = no rows. */
export const readState = (o: { file: string; room: string }): [string, string][] => {
  if (!existsSync(o.file)) return []
  const db = openDatabase(o.file, { readOnly: true })
  try {
    return [...stateTable(db).rows(o.room)]
  } finally {
    db.close()
  }
}
