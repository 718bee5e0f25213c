// The life of one incident, as one table. An alarm that joins does not undo the handling state: the re-alarm shows in
// unacknowledgedAlarms, so that who took it first, and when, stays known. Pure; docs/alarms.md shows the same table.
import { INCIDENT_STATES, type IncidentState } from '#contracts/incident.ts'

export const INCIDENT_EVENTS = [
  'alarm',
  'acknowledge',
  'escalate',
  'note',
  'dispatch',
  'accept',
  'en-route',
  'on-scene',
  'control',
  'give-back',
  'merge',
  'close',
  're-open',
] as const
export type IncidentEvent = (typeof INCIDENT_EVENTS)[number]
export type IncidentTransition = { from: IncidentState; event: IncidentEvent; to: IncidentState }

export const isOpen = (state: IncidentState): boolean => state !== 'closed' && state !== 'merged'
const OPEN = INCIDENT_STATES.filter(isOpen)

const UNDER_WAY = ['dispatched', 'accepted', 'en-route', 'on-scene'] as const

/** The furthest of several crews counts: who comes later does not undo it. */
const reaches = (event: IncidentEvent, to: (typeof UNDER_WAY)[number]): IncidentTransition[] => {
  const rank = UNDER_WAY.indexOf(to)
  return UNDER_WAY.map((from, i) => ({ from, event, to: i < rank ? to : from }))
}

export const INCIDENT_TRANSITIONS: readonly IncidentTransition[] = [
  ...OPEN.flatMap((from): IncidentTransition[] => [
    { from, event: 'alarm', to: from },
    { from, event: 'acknowledge', to: from === 'new' ? 'acknowledged' : from },
    { from, event: 'escalate', to: from },
    { from, event: 'note', to: from },
    { from, event: 'merge', to: 'merged' },
    { from, event: 'close', to: 'closed' },
  ]),
  // a further order does not undo how far the first one has come
  { from: 'new', event: 'dispatch', to: 'dispatched' },
  { from: 'acknowledged', event: 'dispatch', to: 'dispatched' },
  ...UNDER_WAY.map((from): IncidentTransition => ({ from, event: 'dispatch', to: from })),
  { from: 'controlled', event: 'dispatch', to: 'dispatched' },
  ...reaches('accept', 'accepted'),
  ...reaches('en-route', 'en-route'),
  ...reaches('on-scene', 'on-scene'),
  { from: 'on-scene', event: 'control', to: 'controlled' },
  // nobody is left who has it: refused, silent or withdrawn
  ...UNDER_WAY.map((from): IncidentTransition => ({ from, event: 'give-back', to: 'acknowledged' })),

  { from: 'closed', event: 'note', to: 'closed' },
  { from: 'closed', event: 're-open', to: 'new' },
]

/** The state after `event`, or null where the table has no such step. */
export const incidentStep = (from: IncidentState, event: IncidentEvent): IncidentState | null =>
  INCIDENT_TRANSITIONS.find(t => t.from === from && t.event === event)?.to ?? null

export const allowedIncidentEvents = (from: IncidentState): IncidentEvent[] =>
  INCIDENT_TRANSITIONS.filter(t => t.from === from).map(t => t.event)
