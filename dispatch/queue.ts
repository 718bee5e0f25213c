// Reading the queue: lists in the order in which they are to be worked, single alarms and incidents. Every list is bounded: asked
// for more than its most, it gives its most, and what must be answered stands first, so that a cut never hides it.
import type { DatabaseSync } from 'node:sqlite'
import { ALARM_STATES, type Alarm, type AlarmState } from '#contracts/alarm.ts'
import { INCIDENT_STATES, type Incident, type IncidentCategory, type IncidentDetail, type IncidentState } from '#contracts/incident.ts'
import { isOpenOrder, type Order } from '#contracts/order.ts'
import { ALARM_COLUMNS, toAlarm, toRecord } from './alarm-rows.ts'
import { isUnacknowledged } from './alarm-states.ts'
import { candidatesOf } from './candidates.ts'
import { listLimit, oneOf, timeMs } from './checks.ts'
import { isOpen } from './incident-states.ts'
import type { Desk } from './turn.ts'
import { wayOf } from './way.ts'

export const ALARMS_LISTED_MAX = 5000
export const INCIDENTS_LISTED_MAX = 5000
export const TIMELINE_LISTED_MAX = 1000

export type AlarmFilter = {
  states?: AlarmState[]
  area?: string
  /** alarms that stood in the queue at or after this time (server time, so that a late alarm is not missed) */
  since?: string
  limit: number
}
export type IncidentFilter = { states?: IncidentState[]; category?: IncidentCategory; limit: number }

type Where = { sql: string; values: (string | number)[] }
const inList = (column: string, values: readonly (string | number)[]): Where => ({
  sql: `${column} IN (${values.map(() => '?').join(', ')})`,
  values: [...values],
})
const both = (parts: Where[]): Where => ({ sql: parts.map(p => p.sql).join(' AND ') || '1', values: parts.flatMap(p => p.values) })

const alarmWhere = (f: AlarmFilter): Where[] => [
  ...(f.area === undefined ? [] : [{ sql: 'area = ?', values: [f.area.normalize('NFKC').trim().toLowerCase()] }]),
  ...(f.since === undefined ? [] : [{ sql: 'queued_ms >= ?', values: [timeMs('since', f.since)] }]),
]

const rowsIn = (db: DatabaseSync, table: string, columns: string, where: Where, order: string, limit: number): unknown[] =>
  limit <= 0 ? [] : db.prepare(`SELECT ${columns} FROM ${table} WHERE ${where.sql} ORDER BY ${order} LIMIT ?`).all(...where.values, limit)

/** Said in these words, SQLite uses the index over alarms that are not over; years of history are not read. */
const standing = (states: AlarmState[]): Where[] => (states.includes('NORM') ? [] : [{ sql: "state <> 'NORM'", values: [] }])

/** Unacknowledged first, level I to IV, oldest first; then all other states, newest first. */
export const listAlarms = (desk: Desk, f: AlarmFilter): Alarm[] => {
  const limit = listLimit(f.limit, ALARMS_LISTED_MAX)
  const states = (f.states ?? ALARM_STATES).map(state => oneOf('state', state, ALARM_STATES))
  const where = alarmWhere(f)
  const pick = (some: AlarmState[], order: string, most: number): unknown[] =>
    some.length === 0
      ? []
      : rowsIn(desk.db, 'alarms', ALARM_COLUMNS, both([inList('state', some), ...standing(some), ...where]), order, most)
  const owed = pick(states.filter(isUnacknowledged), 'severity, queued_ms, id', limit)
  const rest = states.filter(state => !isUnacknowledged(state))
  const others = pick(rest, 'queued_ms DESC, id', limit - owed.length)
  return [...owed, ...others].map(row => toAlarm(toRecord(row)))
}

/** Open ones first: unacknowledged, then level I to IV, then confirmed, then by the kinds of sign, then oldest; after them the closed and merged, newest first. */
export const listIncidents = (desk: Desk, f: IncidentFilter): Incident[] => {
  const limit = listLimit(f.limit, INCIDENTS_LISTED_MAX)
  const states = (f.states ?? INCIDENT_STATES).map(state => oneOf('state', state, INCIDENT_STATES))
  const category = f.category === undefined ? [] : [inList('category', [oneOf('category', f.category, ['fire', 'technical'])])]
  const pick = (some: IncidentState[], open: 0 | 1, order: string, most: number): unknown[] => {
    const where = both([{ sql: `open = ${open}`, values: [] }, inList('state', some), ...category])
    return some.length === 0 ? [] : rowsIn(desk.db, 'incidents', 'json', where, order, most)
  }
  const open = pick(states.filter(isOpen), 1, 'unacknowledged DESC, severity, confirmed DESC, signs DESC, queued_ms, id', limit)
  const done = pick(
    states.filter(state => !isOpen(state)),
    0,
    'queued_ms DESC, id',
    limit - open.length,
  )
  return [...open, ...done].map(row => JSON.parse((row as { json: string }).json) as Incident)
}

export type OrderFilter = {
  open?: boolean
  incidentId?: string
  resourceId?: string
  /** only of resources whose crew this account is of */
  account?: string
  limit: number
}

export const ORDERS_LISTED_MAX = 2000

/** Open ones oldest first where only those are asked for; else newest first. */
export const listOrders = (desk: Desk, f: OrderFilter): Order[] => {
  const limit = listLimit(f.limit, ORDERS_LISTED_MAX)
  const { account } = f
  const own =
    account === undefined
      ? undefined
      : new Set(desk.resources.all().flatMap(({ profile }) => (profile.accounts.includes(account) ? [profile.id] : [])))
  const all = (): Order[] => {
    if (f.incidentId !== undefined) return desk.orders.ofIncident(f.incidentId)
    if (f.open === true) return desk.orders.open()
    if (f.resourceId !== undefined) return desk.orders.ofResource(f.resourceId, limit)
    if (own === undefined) return desk.orders.newest(limit)
    return [...own].flatMap(id => desk.orders.ofResource(id, limit)).toSorted((a, b) => b.offeredAt.localeCompare(a.offeredAt))
  }
  return all()
    .filter(
      order =>
        (f.open === undefined || isOpenOrder(order.state) === f.open) &&
        (f.resourceId === undefined || order.resourceId === f.resourceId) &&
        (own?.has(order.resourceId) ?? true),
    )
    .slice(0, limit)
}

export const alarmById = (desk: Desk, id: string): Alarm | undefined => {
  const record = desk.alarms.get(id)
  return record === undefined ? undefined : toAlarm(record)
}

/** The same with its whole way, to the crew on scene. */
export const alarmWithWay = (desk: Desk, id: string): Alarm | undefined => {
  const alarm = alarmById(desk, id)
  return alarm && { ...alarm, waterfall: wayOf(desk, alarm, desk.incidents.get(alarm.incidentId)?.incident) }
}

/** of one incident; who was told before that stands in the timeline */
const TELLINGS_LISTED_MAX = 200

/** With its newest 1,000 timeline lines, oldest first; lines of incidents merged into it are among them. */
export const incidentById = (desk: Desk, id: string): IncidentDetail | undefined => {
  const record = desk.incidents.get(id)
  if (record === undefined) return undefined
  const first = desk.alarms.firstOf(id)
  return {
    ...record.incident,
    waterfall: first === undefined ? {} : wayOf(desk, first.alarm, record.incident),
    timeline: desk.incidents.timeline(id, TIMELINE_LISTED_MAX),
    orders: desk.orders.ofIncident(id),
    candidates: candidatesOf(desk, { incident: desk.incidents.get, nowMs: desk.clock.nowMs() }, id),
    tellings: desk.tellings.of(id, TELLINGS_LISTED_MAX),
  }
}
