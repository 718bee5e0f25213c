// Incidents over HTTP: the queue, one incident with its timeline and alarms, and what an officer does with it.
// The second officer to acknowledge gets 409 with the name of the first; dispatch decides, this only carries it.
import type { Alarm } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import {
  ESCALATION_LEVELS,
  INCIDENT_STATES,
  type EscalationLevel,
  type Incident,
  type IncidentCategory,
  type IncidentDetail,
  type IncidentState,
} from '#contracts/incident.ts'
import { eachOf, emptyBody, limit, LISTED, LISTED_MAX, note, queueAlarm, reason, type Changes } from './alarms.ts'
import { callerOf, nameOf } from './auth.ts'
import { answers } from './errors.ts'
import { flag, list, object, oneOf, ref, text, type App, type Schema, type Static } from './schema.ts'

/** the part of dispatch that handles incidents; each call is one transaction, audited there */
export type IncidentDesk = {
  incidents(f: { states?: IncidentState[]; category?: IncidentCategory; limit: number }): Incident[]
  incident(id: string): IncidentDetail | undefined
  alarmOfQueue(id: string): Alarm | undefined
  acknowledgeIncident(id: string, o: { by: string; note?: string }): Changes
  noteIncident(id: string, o: { by: string; note: string }): Changes
  escalateIncident(id: string, o: { by: string; note?: string; seen?: EscalationLevel }): Changes
  mergeIncident(id: string, o: { by: string; into: string; reason: string }): Changes
  closeIncident(id: string, o: { by: string; cause: string; falseAlarm: boolean; feedback?: string; note?: string }): Changes
  controlIncident(id: string, o: { by: string; note?: string }): Changes
  reopenIncident(id: string, o: { by: string; reason: string }): Changes
  dispatchIncident(id: string, o: { by: string; resourceIds?: string[]; reason?: string; evenIfNotReady?: boolean }): Changes
}
export type IncidentParts = { desk: IncidentDesk; changed: (changes: Changes) => void }

export const OPEN_STATES = INCIDENT_STATES.filter(state => state !== 'closed' && state !== 'merged')
/** alarms shown with one incident; the rest are found through GET /api/v1/alarms/:id by alarmIds */
const ALARMS_SHOWN_MAX = 500
const tags = ['incidents']
const byId = object({ id: text({ maxLength: 200 }) })

export function incidentRoutes(app: App, { desk, changed }: IncidentParts): void {
  function detailOf(id: string) {
    const incident = desk.incident(id)
    if (incident === undefined) throw new FengsuiError('not-found', `there is no incident ${id}`)
    const alarms = incident.alarmIds.slice(0, ALARMS_SHOWN_MAX).flatMap(alarmId => {
      const alarm = desk.alarmOfQueue(alarmId)
      return alarm === undefined ? [] : [queueAlarm(alarm)]
    })
    return { ...incident, alarms }
  }

  app.get('/api/v1/incidents', {
    config: { scope: 'read' },
    schema: {
      summary: 'Incidents',
      tags,
      querystring: object(
        {},
        {
          state: text({ maxLength: 200, description: `open, or of ${INCIDENT_STATES.join(', ')}; several with commas; default: all` }),
          category: oneOf(['fire', 'technical'] as const),
          limit,
        },
      ),
      response: answers({ 200: object({ incidents: list(ref('Incident')) }) }),
    },
    handler: async request => {
      const { state, category, limit: asked = LISTED } = request.query
      const states = state === undefined ? undefined : statesOf(state)
      return {
        incidents: desk.incidents({
          limit: Math.min(asked, LISTED_MAX),
          ...(states === undefined ? {} : { states }),
          ...(category === undefined ? {} : { category }),
        }),
      }
    },
  })

  app.get('/api/v1/incidents/:id', {
    config: { scope: 'read' },
    schema: {
      summary: 'One incident: timeline, alarms, orders, and who could be sent and why',
      tags,
      params: byId,
      response: answers({ 200: ref('IncidentDetail') }),
    },
    handler: async request => detailOf(request.params.id),
  })

  /** POST /incidents/:id/<verb>: answers the incident as it is after. */
  function act<S extends Schema<unknown>>(
    verb: string,
    summary: string,
    body: S,
    work: (id: string, by: string, given: Static<S>) => Changes,
  ) {
    app.post(
      `/api/v1/incidents/:id/${verb}`,
      {
        config: { scope: 'incidents:handle' },
        preValidation: emptyBody,
        schema: { summary, tags, params: byId, body: body as Schema<unknown>, response: answers({ 200: ref('IncidentDetail') }) },
      },
      async request => {
        changed(work(request.params.id, nameOf(callerOf(request)), request.body as Static<S>))
        return detailOf(request.params.id)
      },
    )
  }
  const noted = object({}, { note })

  act('acknowledge', 'I have it: also acknowledges its alarms', noted, (id, by, given) => desk.acknowledgeIncident(id, { ...given, by }))
  const escalating = object(
    {},
    { note, seen: oneOf(ESCALATION_LEVELS, { description: 'the step it was seen at: 409 where it is not there any more' }) },
  )
  act('escalate', 'One level up the chain', escalating, (id, by, given) => desk.escalateIncident(id, { ...given, by }))
  act('note', 'Add to the timeline', object({ note }), (id, by, given) => desk.noteIncident(id, { ...given, by }))
  act('merge', 'It is the same as another', object({ into: text({ minLength: 1, maxLength: 200 }), reason }), (id, by, given) =>
    desk.mergeIncident(id, { ...given, by }),
  )
  act('control', 'The fire is under control', noted, (id, by, given) => desk.controlIncident(id, { ...given, by }))
  act('reopen', 'Closed too soon: back into the queue', object({ reason }), (id, by, given) => desk.reopenIncident(id, { ...given, by }))
  const sending = object(
    {},
    {
      resourceIds: list(text({ minLength: 1, maxLength: 200 }), { maxItems: 20, description: 'absent: the first of the candidates' }),
      reason,
      evenIfNotReady: flag({ description: 'sends one that is not ready, on record; needs a reason' }),
    },
  )
  act('dispatch', 'Send: one order a resource; refusal or silence asks the next', sending, (id, by, given) =>
    desk.dispatchIncident(id, { ...given, by }),
  )
  const closing = object({ cause: text({ minLength: 1, maxLength: 500 }), falseAlarm: flag() }, { feedback: note, note })
  act('close', 'Done, with the cause', closing, (id, by, given) => desk.closeIncident(id, { ...given, by }))
}

const statesOf = (state: string): IncidentState[] =>
  state === 'open' ? [...OPEN_STATES] : eachOf(state, INCIDENT_STATES, 'querystring.state')
