// Incidents: alarms of one place and time, handled as one thing by people.
import type { AlarmKind, Severity, Text } from './alarm.ts'
import type { Place, Position } from './reading.ts'

export const INCIDENT_STATES = [
  'new',
  'acknowledged',
  'dispatched',
  'accepted',
  'en-route',
  'on-scene',
  'controlled',
  'closed',
  'merged',
] as const
export type IncidentState = (typeof INCIDENT_STATES)[number]

/** 'fire' = people may be in danger; 'technical' = faults, batteries, silence: handled in office hours, never mixed with a fire. */
export type IncidentCategory = 'fire' | 'technical'

export type TimelineEntry = {
  at: string
  /** rule:<id>, user:<name>, system */
  actor: string
  what: string
  text?: Text
  alarmId?: string
  note?: string
}

export type Incident = {
  id: string
  category: IncidentCategory
  /** kind of the gravest alarm */
  kind: AlarmKind
  severity: Severity
  state: IncidentState
  title: Text
  place?: Place
  position?: Position
  /** event time of the first alarm */
  openedAt: string
  /** server time at which the incident stood in the queue */
  queuedAt: string
  /** event time at which a second independent trigger confirmed it (GB 50116-2013 4.1.6) */
  confirmedAt?: string
  acknowledgedAt?: string
  acknowledgedBy?: string
  closedAt?: string
  closedBy?: string
  cause?: string
  falseAlarm?: boolean
  mergedInto?: string
  /** event time of the newest alarm or evidence */
  lastAt: string
  alarmIds: string[]
  /** alarms whose condition is still active */
  activeAlarms: number
  unacknowledgedAlarms: number
  deviceIds: string[]
}

export type IncidentDetail = Incident & { timeline: TimelineEntry[] }
