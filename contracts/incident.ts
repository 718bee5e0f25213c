// Incidents: alarms of one place and time, handled as one thing by people.
import type { AlarmKind, Severity, Text, Waterfall } from './alarm.ts'
import type { Order } from './order.ts'
import type { Place, Position } from './reading.ts'
import type { Candidate } from './resource.ts'

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

/** Whom an unanswered incident goes to next, one step at a time. */
export const ESCALATION_LEVELS = ['grid', 'community', 'street', 'district', 'city'] as const
export type EscalationLevel = (typeof ESCALATION_LEVELS)[number]

/** 'fire' = people may be in danger; 'technical' = faults, batteries, silence: handled in office hours, never mixed with a fire. */
export type IncidentCategory = 'fire' | 'technical'

export type TimelineEntry = {
  at: string
  /** rule:<id>, user:<name>, system */
  actor: string
  what: string
  text?: Text
  alarmId?: string
  orderId?: string
  note?: string
  /** shown with it: GET /api/v1/incidents/:id/pictures/:pictureId */
  pictureId?: string
}

/** How soon an incident was answered that was closed and opened again: the first answer, and the first crew that came on scene. */
export type FirstHandling = {
  acknowledgedAt?: string
  dispatchedAt?: string
  acceptedAt?: string
  enRouteAt?: string
  onSceneAt?: string
  controlledAt?: string
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
  /** how many different kinds of sign speak for a fire (smoke, heat, sight, call point, CO, gas); absent = none */
  signs?: number
  acknowledgedAt?: string
  acknowledgedBy?: string
  /** first order of this handling: offered, accepted, under way, there */
  dispatchedAt?: string
  acceptedAt?: string
  enRouteAt?: string
  onSceneAt?: string
  controlledAt?: string
  controlledBy?: string
  /** where it was closed and opened again */
  firstHandling?: FirstHandling
  /** server time since when it is in its state, and until when it may be before it goes a step up */
  stateSince?: string
  dueAt?: string
  /** newest deadline that passed */
  missedAt?: string
  /** 119 was given the newest hand-over package */
  handoverAt?: string
  /** whose it is now on the way grid to city; absent = the grid's */
  escalation?: EscalationLevel
  closedAt?: string
  closedBy?: string
  cause?: string
  /** what was found and done, in the words of who closed it */
  feedback?: string
  falseAlarm?: boolean
  mergedInto?: string
  /** a crew at the scene asked for help, and nobody has been sent since */
  helpAskedAt?: string
  /** practised, not real: nothing of it goes out */
  drill?: true
  /** event time of the newest alarm or evidence; that an alarm is over is none */
  lastAt: string
  alarmIds: string[]
  /** alarms whose condition is still active */
  activeAlarms: number
  unacknowledgedAlarms: number
  deviceIds: string[]
}

/** The ladder of one notification to one recipient: "delivered" is what a machine said, "heard" and "accepted" what a person said. */
export const TELLING_STATES = ['sent', 'delivered', 'heard', 'accepted', 'refused', 'unheard', 'answered', 'superseded'] as const
export type TellingState = (typeof TELLING_STATES)[number]
export type TellingLine = {
  recipient: string
  /** what was told: opened, confirmed, closed, ... */
  event: string
  state: TellingState
  /** which of the recipient's channels was tried last, the first = 1 */
  step: number
  /** its name, where the notify file still has it */
  channel?: string
  at: string
  deliveredAt?: string
  heardAt?: string
  acceptedAt?: string
}

/** candidates: everybody who was looked at, as of now; empty once the incident is over */
export type IncidentDetail = Incident & {
  timeline: TimelineEntry[]
  orders: Order[]
  candidates: Candidate[]
  /** the way of the alarm that opened it */
  waterfall: Waterfall
  /** who was told, newest first; empty where nobody is to be told */
  tellings: TellingLine[]
}
