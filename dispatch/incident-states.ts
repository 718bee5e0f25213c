// The life of one incident, as one table. An alarm that joins does not undo the handling state: the re-alarm shows in
// unacknowledgedAlarms, so that who took it first, and when, stays known. Pure; docs/alarms.md shows the same table.
import { INCIDENT_STATES, type IncidentState } from '#contracts/incident.ts'

export const INCIDENT_EVENTS = ['alarm', 'acknowledge', 'escalate', 'note', 'merge', 'close', 're-open'] as const
export type IncidentEvent = (typeof INCIDENT_EVENTS)[number]
export type IncidentTransition = { from: IncidentState; event: IncidentEvent; to: IncidentState }

export const isOpen = (state: IncidentState): boolean => state !== 'closed' && state !== 'merged'
const OPEN = INCIDENT_STATES.filter(isOpen)

export const INCIDENT_TRANSITIONS: readonly IncidentTransition[] = [
  ...OPEN.flatMap((from): IncidentTransition[] => [
    { from, event: 'alarm', to: from },
    { from, event: 'acknowledge', to: from === 'new' ? 'acknowledged' : from },
    { from, event: 'escalate', to: from },
    { from, event: 'note', to: from },
    { from, event: 'merge', to: 'merged' },
    { from, event: 'close', to: 'closed' },
  ]),
  { from: 'closed', event: 'note', to: 'closed' },
  { from: 'closed', event: 're-open', to: 'new' },
]

/** The state after `event`, or null where the table has no such step. */
export const incidentStep = (from: IncidentState, event: IncidentEvent): IncidentState | null =>
  INCIDENT_TRANSITIONS.find(t => t.from === from && t.event === event)?.to ?? null

/** Whom an unanswered incident goes to next, one step at a time. */
export const ESCALATION = ['grid', 'community', 'street', 'district', 'city'] as const
