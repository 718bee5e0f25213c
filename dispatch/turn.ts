// One change of the dispatch queue: everything that happens in one transaction, with what changed remembered for the answer.
// Alarms are written at once, since grouping looks for them; incidents once, at the end. Time stands still inside a turn; what the
// meter counts is counted only after the commit.
import type { DatabaseSync } from 'node:sqlite'
import type { Alarm, Text } from '#contracts/alarm.ts'
import type { Clock, Log } from '#contracts/clock.ts'
import type { Incident } from '#contracts/incident.ts'
import type { Device } from '#contracts/device.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Order } from '#contracts/order.ts'
import type { Posture } from '#contracts/posture.ts'
import type { Zone } from '#contracts/zone.ts'
import { alarmRows, toAlarm, type AlarmRecord, type AlarmRows } from './alarm-rows.ts'
import { openAuditTrail, type AuditTrail } from './audit.ts'
import { inTransaction } from './database.ts'
import { deadlineRows, type DeadlineRows } from './deadline-rows.ts'
import { withDeadline } from './deadlines.ts'
import { handoverRows, type HandoverRows } from './handover-rows.ts'
import { openHeard, type Heard } from './heard.ts'
import { incidentRows, type IncidentRecord, type IncidentRows } from './incident-rows.ts'
import { orderRows, type OrderRows } from './order-rows.ts'
import { outboxRows, type Outbox } from './outbox.ts'
import { pastRows, type PastRows } from './past.ts'
import type { DispatchPlan } from './plan.ts'
import { openPosture } from './posture.ts'
import { reportRows, type ReportRows } from './report-rows.ts'
import { resourceRows, type ResourceRows } from './resource-rows.ts'
import { settle } from './settle.ts'
import type { Travel } from './travel/travel.ts'
import { capRows, type CapRows } from './cap-rows.ts'
import type { Recipient } from './recipients.ts'
import { openAnnouncer, type Announcer } from './telling.ts'
import { tellingRows, type Tellings } from './tellings.ts'
import { WHAT } from './words.ts'

/** Every alarm, incident and order that changed, in its newest state. */
export type Changes = { alarms: Alarm[]; incidents: Incident[]; orders: Order[] }

export type Desk = {
  db: DatabaseSync
  clock: Clock
  log: Log
  meter: Meter
  groupWindowMs: number
  /** the district's local time */
  zone: Zone
  alarms: AlarmRows
  incidents: IncidentRows
  audit: AuditTrail
  outbox: Outbox
  past: PastRows
  reports: ReportRows
  orders: OrderRows
  resources: ResourceRows
  heard: Heard
  deadlines: DeadlineRows
  handovers: HandoverRows
  posture(): Posture
  setPosture(posture: Posture): void
  plan: DispatchPlan
  travel: Travel
  /** what is known of a device now */
  device(id: string): Device | undefined
  tellings: Tellings
  cap: CapRows
  announcer: Announcer
}

/** whom the outside is: channels told of everything, and people with ladders */
export type Outside = { channels: readonly string[]; recipients: readonly Recipient[]; capSender: string }
type Own =
  | 'alarms'
  | 'incidents'
  | 'audit'
  | 'outbox'
  | 'tellings'
  | 'cap'
  | 'announcer'
  | 'past'
  | 'reports'
  | 'orders'
  | 'resources'
  | 'heard'
  | 'deadlines'
  | 'handovers'
  | 'posture'
  | 'setPosture'

export type Telling = {
  actor: string
  what: string
  text?: Text
  alarmId?: string
  orderId?: string
  note?: string
  pictureId?: string
  detail?: Record<string, unknown>
}

export type Turn = {
  readonly nowMs: number
  readonly now: string
  readonly desk: Desk
  alarm(id: string): AlarmRecord | undefined
  saveAlarm(record: AlarmRecord): void
  incident(id: string): IncidentRecord | undefined
  saveIncident(record: IncidentRecord): void
  order(id: string): Order | undefined
  /** Written at once: the next look for who is free must see it. */
  saveOrder(order: Order): void
  /** The incident's summary is made anew at the end of the turn. */
  touch(incidentId: string): void
  touched(): string[]
  /** an alarm of it was written in this turn */
  hasMovedAlarms(incidentId: string): boolean
  /** One line in the incident's timeline and one in the audit trail. */
  tell(incidentId: string, telling: Telling): void
  afterCommit(count: (meter: Meter) => void): void
}

export const openDesk = ({ channels, recipients, capSender, ...o }: Omit<Desk, Own> & Outside): Desk => {
  const handovers = handoverRows(o.db)
  const outbox = outboxRows(o.db, channels)
  const tellings = tellingRows(o.db)
  const cap = capRows(o.db, { sender: capSender, zone: o.zone })
  return {
    ...o,
    alarms: alarmRows(o.db),
    incidents: incidentRows(o.db),
    audit: openAuditTrail(o.db),
    outbox,
    tellings,
    cap,
    past: pastRows(o.db),
    reports: reportRows(o.db),
    orders: orderRows(o.db),
    resources: resourceRows(o.db),
    heard: openHeard(o.db),
    deadlines: deadlineRows(o.db),
    handovers,
    ...openPosture(o.db),
    announcer: openAnnouncer({ outbox, handovers, tellings, cap, recipients, zone: o.zone }),
  }
}

/** What is remembered of alarms and resources beside the database must not outlive a roll-back. */
const inOneTransaction = <T>(desk: Desk, work: () => T, o: { isSynced?: boolean }): T => {
  try {
    return inTransaction(desk.db, work, o)
  } catch (error) {
    desk.alarms.forgetAllLines()
    desk.resources.forget()
    throw error
  }
}

export const runTurn = <T>(desk: Desk, act: (turn: Turn) => T, o: { isSynced?: boolean } = {}): { result: T; changes: Changes } => {
  const nowMs = desk.clock.nowMs()
  const now = new Date(nowMs).toISOString()
  const alarms = new Map<string, AlarmRecord>()
  const incidents = new Map<string, IncidentRecord>()
  // incidents as they stand on disk: written only at the end, so each is read once
  const stored = new Map<string, IncidentRecord>()
  const orders = new Map<string, Order>()
  const touched = new Set<string>()
  const moved = new Set<string>()
  const counts: ((meter: Meter) => void)[] = []

  const storedIncident = (id: string): IncidentRecord | undefined => {
    const record = stored.get(id) ?? desk.incidents.get(id)
    if (record !== undefined) stored.set(id, record)
    return record
  }

  const turn: Turn = {
    nowMs,
    now,
    desk,
    alarm: id => alarms.get(id) ?? desk.alarms.get(id),
    saveAlarm(record) {
      desk.alarms.save(record)
      alarms.set(record.alarm.id, record)
      touched.add(record.alarm.incidentId)
      moved.add(record.alarm.incidentId)
    },
    incident: id => incidents.get(id) ?? storedIncident(id),
    saveIncident: record => void incidents.set(record.incident.id, record),
    order: id => orders.get(id) ?? desk.orders.get(id),
    saveOrder(order) {
      desk.orders.save(order)
      orders.set(order.id, order)
    },
    touch: id => void touched.add(id),
    touched: () => [...touched],
    hasMovedAlarms: id => moved.has(id),
    tell(incidentId, { actor, what, text = WHAT[what], alarmId, orderId, note, pictureId, detail }) {
      const entry = {
        at: now,
        actor,
        what,
        ...(text && { text }),
        ...(alarmId && { alarmId }),
        ...(orderId && { orderId }),
        ...(note && { note }),
        ...(pictureId && { pictureId }),
      }
      desk.incidents.tell(incidentId, entry)
      const about = {
        ...(alarmId && { alarmId }),
        ...(orderId && { orderId }),
        ...(note && { note }),
        ...(pictureId && { pictureId }),
        ...detail,
      }
      desk.audit.append({
        at: now,
        actor,
        action: `incident.${what}`,
        subject: incidentId,
        detail: Object.keys(about).length > 0 ? about : undefined,
      })
    },
    afterCommit: count => void counts.push(count),
  }

  const all = (): T => {
    const made = act(turn)
    settle(turn)
    for (const changed of incidents.values()) {
      // read before it is overwritten: its deadline, and what is told outside, follow from the difference of the two
      const before = storedIncident(changed.incident.id)
      const record = withDeadline(desk, before, changed, nowMs)
      incidents.set(record.incident.id, record)
      desk.incidents.save(record)
      desk.past.keepIncident(record.incident, nowMs)
      desk.announcer.announce(before?.incident, record.incident, nowMs)
    }
    for (const { alarm } of alarms.values()) desk.past.keepAlarm(alarm, nowMs)
    return made
  }
  const result = inOneTransaction(desk, all, o)
  for (const count of counts) count(desk.meter)
  const changes = {
    alarms: [...alarms.values()].map(toAlarm),
    incidents: [...incidents.values()].map(record => record.incident),
    orders: [...orders.values()],
  }
  return { result, changes }
}
