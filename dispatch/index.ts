// The dispatch queue: alarms become incidents, people handle them, and everything is on disk before it is answered. Every function is
// synchronous and one transaction; the only way in for the rules is commit(), which carries the journal position with it.
import { existsSync } from 'node:fs'
import type { Alarm } from '#contracts/alarm.ts'
import type { Device } from '#contracts/device.ts'
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Handover } from '#contracts/handover.ts'
import type { Incident, IncidentDetail } from '#contracts/incident.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Order } from '#contracts/order.ts'
import type { Posture } from '#contracts/posture.ts'
import { DEFAULT_TIME_ZONE, openZone } from '#contracts/zone.ts'
import type { Candidate, DutyShift, Resource } from '#contracts/resource.ts'
import { adopt, unknownOf, type Station } from './adoption.ts'
import { auditHead as headOf, verifyChain, type AuditEntry, type AuditFilter, type AuditFound, type AuditVerdict } from './audit.ts'
import { openAuditor, type Finding } from './auditor.ts'
import { candidatesOf } from './candidates.ts'
import { actorOf, listLimit, required } from './checks.ts'
import { openCommands } from './commands.ts'
import { openClockBack } from './clock-back.ts'
import { commit, type Commit } from './commit.ts'
import { openDatabase } from './database.ts'
import { doWhatIsDue, retimeAll } from './deadlines.ts'
import { openDeliveries } from './deliveries.ts'
import { GROUP_WINDOW_MS } from './grouping.ts'
import { openKpis, type QueueKpis } from './kpis.ts'
import { passOnSilent } from './offers.ts'
import { openObservations } from './observations.ts'
import * as onAlarm from './people-alarms.ts'
import * as onIncident from './people-incidents.ts'
import type { PastDesk, StripBar } from './past.ts'
import * as onOrder from './people-orders.ts'
import { reportOnOrder } from './people-reports.ts'
import type { Picture } from './report-rows.ts'
import * as onResource from './people-resources.ts'
import { DEFAULT_PLAN, type DispatchPlan } from './plan.ts'
import { postAlarm, type Posting } from './posting.ts'
import {
  alarmById,
  alarmWithWay,
  incidentById,
  listAlarms,
  listIncidents,
  listOrders,
  type AlarmFilter,
  type IncidentFilter,
  type OrderFilter,
} from './queue.ts'
import { changePosture } from './posture.ts'
import { resourceById, resourcesNow } from './resources-now.ts'
import type { Recipient } from './recipients.ts'
import { openReports, type DailyReport } from './report.ts'
import { migrate } from './schema.ts'
import { clearSelf, raiseSelf, type SelfAlarm } from './self.ts'
import { unshelveExpired } from './shelf.ts'
import { keptTable } from './kept-table.ts'
import { stateTable } from './state-table.ts'
import { openSyncing, syncLogOf } from './syncing.ts'
import { stepsSaid, takeSteps } from './telemetry-orders.ts'
import { waysAhead } from './travel/ahead.ts'
import { byDistance } from './travel/distance.ts'
import { handledRuns, type HandledRun } from './travel/runs.ts'
import type { Travel } from './travel/travel.ts'
import { openDesk, runTurn, type Changes, type Turn } from './turn.ts'

export type {
  AlarmFilter,
  AuditEntry,
  AuditVerdict,
  Changes,
  Commit,
  DailyReport,
  IncidentFilter,
  OrderFilter,
  PastDesk,
  Posting,
  QueueKpis,
  Station,
  StripBar,
}

const AUDIT_LISTED_MAX = 1000
const NOTHING: Changes = { alarms: [], incidents: [], orders: [] }
/** CAP 1.2, 3.2.1: without white space, commas, < and & */
const CAP_SENDER = 'fengsui'

export type DispatchOptions = {
  /** path of dispatch.db, or ':memory:' */
  file: string
  clock: Clock
  log: Log
  meter: Meter
  /** how long, in event time, after its newest evidence an incident still takes alarms of its place; 30 min */
  groupWindowMs?: number
  /** the district's local time: for days, quiet hours and what is printed; an IANA name */
  timeZone?: string
  /** names of the notifiers that are set up: each is told of every fire, through the outbox; none = nobody outside */
  channels?: readonly string[]
  /** what is known of a device now: the readiness of resources is read off it */
  device?: (id: string) => Device | undefined
  plan?: DispatchPlan
  travel?: Travel
  /** people and rooms that are told by level, kind and area, over a ladder of channels */
  recipients?: readonly Recipient[]
  /** who speaks in CAP messages; no spaces, commas, < or & */
  capSender?: string
}

type Act = { actor: string; action: string; subject: string; detail?: unknown }
export type Raised = { alarm: Alarm; incident: Incident; created: boolean; changes: Changes }
export type Dispatch = ReturnType<typeof openDispatch>

export const openDispatch = (o: DispatchOptions) => {
  const { file, groupWindowMs = GROUP_WINDOW_MS, timeZone = DEFAULT_TIME_ZONE, channels = [], recipients = [], ...given } = o
  const { capSender = CAP_SENDER, ...more } = given
  const zone = openZone(timeZone)
  const { plan = DEFAULT_PLAN, device = () => undefined } = given
  const travel = given.travel ?? byDistance(plan.travel)
  const db = openDatabase(file)
  migrate(db, file)
  const desk = openDesk({ ...more, db, groupWindowMs, zone, channels, recipients, capSender, plan, device, travel })
  const state = stateTable(db)
  const kept = keptTable(db)
  kept.tidy()
  const kpis = openKpis(db, zone)
  const isDue = db.prepare(
    `SELECT 1 WHERE EXISTS (SELECT 1 FROM alarms WHERE shelved_until_ms <= :now) OR EXISTS (SELECT 1 FROM orders WHERE answer_by_ms <= :now)
      OR EXISTS (SELECT 1 FROM deadlines WHERE due_ms <= :now)`,
  )
  const keepCanary = db.prepare("INSERT INTO meta VALUES ('canary', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
  const keepTold = db.prepare("INSERT INTO meta VALUES ('told', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
  /** a commit of the rules may not be on disk yet */
  let owesSync = false
  /** Who counts events must not meet one of their numbers on another event after a power cut. */
  const syncEvents = (): void => {
    if (!owesSync) return
    keepTold.run(String(desk.incidents.lastEvent()))
    owesSync = false
  }
  const openIds = db.prepare('SELECT id FROM incidents WHERE open = 1')
  const auditor = openAuditor(db)
  const clockBack = openClockBack(desk)

  const lookAhead = waysAhead(desk)

  const change = (act: (turn: Turn) => void, o: { isSynced?: boolean } = {}): Changes => {
    const { changes } = runTurn(desk, act, o)
    owesSync ||= o.isSynced === false
    lookAhead(changes.incidents)
    return changes
  }
  /** An act of a person on one alarm or incident, from its own file. */
  const acting =
    <O>(act: (turn: Turn, id: string, o: O) => void) =>
    (id: string, o: O): Changes =>
      change(turn => act(turn, id, o))

  const recordMany = (acts: readonly Act[]): void => {
    const entries = acts.map(act => ({ ...act, actor: actorOf(act.actor).actor, action: required('action', act.action, 100) }))
    runTurn(desk, turn => {
      for (const entry of entries) desk.audit.append({ ...entry, at: turn.now })
    })
  }

  const raise = (posting: Posting, { isSynced = true } = {}): Raised => {
    const { result, changes } = runTurn(desk, turn => postAlarm(turn, posting), { isSynced })
    owesSync ||= !isSynced
    lookAhead(changes.incidents)
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
    /** journal position at which the state of the fold was kept, and its rows then */
    keptAt: (): number => kept.at(),
    kept: (room: string): Iterable<[string, string]> => kept.rows(room),
    // what rules found is found again from the state kept before it; that state once it is whole, and what no message of the journal brought, is not
    commit: (c: Commit): Changes =>
      change(turn => commit(turn, { state, kept }, c), { isSynced: c.rows.length > 0 || c.kept?.some(({ isLast }) => isLast) === true }),
    /** What time alone changes, and what terminals say of orders; call it a few times a second. `isCatchingUp`: what came while this was down is unread. */
    tick(nowMs: number, { isCatchingUp = false } = {}): Changes {
      const said = stepsSaid(desk)
      const backMs = clockBack.look(nowMs)
      if (backMs === 0 && said.length === 0 && isDue.get({ now: nowMs }) === undefined) return NOTHING
      return change(turn => {
        if (backMs > 0) clockBack.bringForward(turn, backMs)
        takeSteps(turn, said)
        unshelveExpired(turn, nowMs)
        // what was answered in time may still wait in the journal
        if (isCatchingUp) return
        passOnSilent(turn, nowMs)
        doWhatIsDue(turn, nowMs)
      })
    },
    /** `isSynced` false: nobody may be answered before synced() has resolved */
    raise,
    synced: openSyncing(syncLogOf(file)).synced,
    /** One small commit, as a proof that the queue can be written. */
    keepCanary: (at: string): void => void keepCanary.run(at),
    /** The system about itself: one alarm a condition while it stands. */
    raiseSelf: (alarm: SelfAlarm): Changes => change(turn => void raiseSelf(turn, alarm)),
    clearSelf: (condition: string): Changes => change(turn => clearSelf(turn, condition)),

    alarms: (f: AlarmFilter): Alarm[] => listAlarms(desk, f),
    /** with its whole way, to the crew on scene */
    alarm: (id: string): Alarm | undefined => alarmWithWay(desk, id),
    /** as it stands in lists */
    alarmOfQueue: (id: string): Alarm | undefined => alarmById(desk, id),
    acknowledgeAlarm: acting(onAlarm.acknowledgeAlarm),
    shelveAlarm: acting(onAlarm.shelveAlarm),
    unshelveAlarm: acting(onAlarm.unshelveAlarm),
    suppressAlarm: acting(onAlarm.suppressAlarm),
    outOfServiceAlarm: acting(onAlarm.outOfServiceAlarm),
    returnToServiceAlarm: acting(onAlarm.returnToServiceAlarm),

    incidents: (f: IncidentFilter): Incident[] => listIncidents(desk, f),
    /** What happened to incidents, in order, from after a place on; each with its incident as it is now. */
    incidentEvents(after: number, limit: number) {
      const found = desk.incidents.events(after, limit)
      if (found.length > 0) syncEvents()
      return found.map(event => ({ ...event, incident: desk.incidents.get(event.incidentId)?.incident ?? null }))
    },
    lastIncidentEvent(): number {
      syncEvents()
      return desk.incidents.lastEvent()
    },
    incident(id: string): IncidentDetail | undefined {
      const detail = incidentById(desk, id)
      if (detail === undefined) return undefined
      lookAhead([detail])
      const ladders = new Map(recipients.map(one => [one.name, one.ladder]))
      const tellings = detail.tellings.map(line => {
        const channel = ladders.get(line.recipient)?.[line.step - 1]?.channel
        return channel === undefined ? line : { ...line, channel }
      })
      return { ...detail, tellings }
    },
    acknowledgeIncident: acting(onIncident.acknowledgeIncident),
    noteIncident: acting(onIncident.noteIncident),
    escalateIncident: acting(onIncident.escalateIncident),
    mergeIncident: acting(onIncident.mergeIncident),
    closeIncident: acting(onIncident.closeIncident),

    controlIncident: acting(onIncident.controlIncident),
    reopenIncident: acting(onIncident.reopenIncident),
    dispatchIncident: acting(onOrder.dispatchIncident),
    candidates: (id: string): Candidate[] => candidatesOf(desk, { incident: desk.incidents.get, nowMs: o.clock.nowMs() }, id),

    orders: (f: OrderFilter): Order[] => listOrders(desk, f),
    order: (id: string): Order | undefined => desk.orders.get(id),
    acceptOrder: acting(onOrder.acceptOrder),
    refuseOrder: acting(onOrder.refuseOrder),
    enRouteOrder: acting(onOrder.enRouteOrder),
    onSceneOrder: acting(onOrder.onSceneOrder),
    completeOrder: acting(onOrder.completeOrder),
    withdrawOrder: acting(onOrder.withdrawOrder),
    reportOnOrder: acting(reportOnOrder),
    picture: (incidentId: string, id: string): Picture | undefined => desk.reports.picture(incidentId, id),

    resources: (): Resource[] => resourcesNow(desk, o.clock.nowMs()),
    resource: (id: string): Resource | undefined => resourceById(desk, o.clock.nowMs(), id),
    /** Takes what is a resource by its kind and not known yet. */
    adoptResources(devices: Iterable<Device>, stations: readonly Station[]): void {
      const unknown = unknownOf(desk, devices, stations)
      if (unknown.length > 0) change(turn => adopt(turn, unknown))
    },
    addResource: (given: onResource.GivenResource, by: string): string =>
      runTurn(desk, turn => onResource.addResource(turn, given, { by })).result,
    changeResource: (id: string, patch: onResource.ResourcePatch, by: string): void =>
      void change(turn => onResource.changeResource(turn, id, patch, { by })),
    removeResource: (id: string, by: string): void => void change(turn => onResource.removeResource(turn, id, { by })),
    setRoster: (id: string, shifts: readonly DutyShift[], by: string): void =>
      void change(turn => onResource.setRoster(turn, id, shifts, { by })),
    roster: (id: string, fromMs: number, toMs: number): DutyShift[] => desk.resources.shifts(id, fromMs, toMs),
    checkIn: (id: string, act: { by: string; onlyFor?: string }): void => void change(turn => onResource.checkIn(turn, id, act)),

    handoverIncident: acting(onIncident.handoverIncident),
    handover: (id: string): Handover | undefined => desk.handovers.latest(id),
    posture: (): Posture => desk.posture(),
    setPosture: (p: { by: string; mode: string; reason: string }): Changes =>
      change(turn =>
        changePosture(turn, p, (t, was) =>
          retimeAll(
            t,
            openIds.all().map(row => row['id'] as string),
            was,
          ),
        ),
      ),
    /** What is stuck; ask once a minute. */
    stuck: (nowMs: number): Finding[] => auditor(nowMs),

    /** for notify.ts */
    outbox: openDeliveries(desk, new Map(recipients.map(r => [r.name, r]))),
    cap: { newest: desk.cap.newest, xml: desk.cap.xml },
    commands: openCommands(desk),
    observations: openObservations(desk),

    kpis: (nowMs: number): QueueKpis => kpis(nowMs),
    /** What is wrong with the travel model; undefined = nothing. */
    travelTrouble: (): string | undefined => (travel.troubled?.() === true ? travel.status?.() : undefined),
    /** What crews really took, for fitting the travel figures. */
    runs: (span: { fromMs?: number; toMs?: number } = {}): HandledRun[] => handledRuns(db, span),
    reports: openReports(db, zone),
    timeZone,
    /** the queue as it stood at an instant that has passed; the same each time it is asked for */
    deskAt: (atMs: number): PastDesk => desk.past.deskAt(atMs),
    /** how many alarms came in, bar by bar, for the strip under the map */
    strip: (o: { fromMs: number; toMs: number; stepMs: number }): StripBar[] => desk.past.strip(o),

    audit: (f: { limit: number; before?: number }): AuditEntry[] => desk.audit.list(listLimit(f.limit, AUDIT_LISTED_MAX), f.before),
    searchAudit: ({ limit, ...asked }: AuditFilter & { limit: number; before?: number }): AuditFound =>
      desk.audit.search({ ...asked, limit: listLimit(limit, AUDIT_LISTED_MAX) }),
    /** Acts of other rooms (log-ins, devices, rules) in the same chain. */
    record: (act: Act): void => recordMany([act]),
    recordMany,
    verifyAudit: (): AuditVerdict => verifyChain(db),
    close: (): void => db.close(),
    [Symbol.dispose]: (): void => (db.isOpen ? db.close() : undefined),
  }
}

/** The audit chain of a dispatch.db, whether it is in use or not; nothing is written. No file yet = an empty trail. */
export const verifyAuditFile = (o: { file: string }): AuditVerdict => {
  if (!existsSync(o.file)) return { ok: true, entries: 0 }
  let db: ReturnType<typeof openDatabase>
  try {
    db = openDatabase(o.file, { readOnly: true })
  } catch (error) {
    return { ok: false, entries: 0, problem: (error as Error).message }
  }
  try {
    return verifyChain(db)
  } finally {
    db.close()
  }
}

/** The head of the audit chain of a dispatch.db; empty where there is none. */
export const auditHead = (o: { file: string }): string => {
  if (!existsSync(o.file)) return ''
  const db = openDatabase(o.file, { readOnly: true })
  try {
    return headOf(db)
  } finally {
    db.close()
  }
}

/** What crews really took, out of a dispatch.db, whether it is in use or not; nothing is written. No file yet = none. */
export const readRuns = (o: { file: string; fromMs?: number; toMs?: number }): HandledRun[] => {
  if (!existsSync(o.file)) return []
  const db = openDatabase(o.file, { readOnly: true })
  try {
    return handledRuns(db, o)
  } finally {
    db.close()
  }
}

/** State rows of a room in a dispatch.db, whether it is in use or not; nothing is written. No file yet = no rows. */
export const readState = (o: { file: string; room: string }): [string, string][] => {
  if (!existsSync(o.file)) return []
  const db = openDatabase(o.file, { readOnly: true })
  try {
    return o.room === 'catalogue' || o.room === 'directory' ? [...keptTable(db).rows(o.room)] : [...stateTable(db).rows(o.room)]
  } finally {
    db.close()
  }
}
