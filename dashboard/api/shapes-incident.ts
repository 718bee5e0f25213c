// Alarms and incidents as the API answers them: the alarm with its evidence and the way it came, the incident with its timeline, who was
// told of it, and the package for 119.
import { ALARM_KINDS, ALARM_STATES } from '#contracts/alarm.ts'
import { ESCALATION_LEVELS, INCIDENT_STATES, TELLING_STATES } from '#contracts/incident.ts'
import { POSTURES } from '#contracts/posture.ts'
import { STAGE_STATUSES, STAGES } from '#contracts/waterfall.ts'
import { flag, integer, list, number, object, oneOf, open, ref, text, time, type Schema } from './schema.ts'
import { entity, severity, type Fields } from './shape-parts.ts'

const stageTime = object(
  { stage: oneOf(STAGES), status: oneOf(STAGE_STATUSES, { description: 'earlier: its incident had got so far before this alarm joined' }) },
  { at: time(), ms: number({ description: 'since the known stage before' }) },
  { additionalProperties: true },
)

const alarmFields: Fields = {
  id: text(),
  kind: oneOf(ALARM_KINDS),
  severity,
  state: oneOf(ALARM_STATES, { description: 'ISA-18.2' }),
  origin: text({ description: 'rule:<id>, flow:<rev>, user:<name>, token:<name>, system:<room>' }),
  subject: text(),
  raisedAt: time({ description: 'event time of the first evidence' }),
  late: flag(),
  latching: flag(),
  updates: integer(),
  incidentId: text(),
  text: ref('Text'),
  waterfall: ref('Waterfall'),
}
const alarmMore: Fields = {
  rule: open({ description: 'id, version, kind, set, setVersion, parameters' }),
  deviceId: text(),
  place: ref('Place'),
  position: ref('Position'),
  clearedAt: time(),
  shelvedUntil: time({ description: 'while it is shelved: when it comes back by itself' }),
  acknowledgedAt: time(),
  acknowledgedBy: text(),
  drill: flag(),
  guidance: ref('Text'),
}
const incidentFields: Fields = {
  id: text(),
  category: oneOf(['fire', 'technical'] as const),
  kind: oneOf(ALARM_KINDS),
  severity,
  state: oneOf(INCIDENT_STATES),
  title: ref('Text'),
  openedAt: time({ description: 'event time' }),
  queuedAt: time({ description: 'server time' }),
  lastAt: time(),
  alarmIds: list(text()),
  activeAlarms: integer(),
  unacknowledgedAlarms: integer(),
  deviceIds: list(text()),
}
const incidentMore: Fields = {
  place: ref('Place'),
  position: ref('Position'),
  confirmedAt: time(),
  signs: integer({ description: 'how many different kinds of sign speak for a fire: smoke, heat, sight, call point, CO, gas' }),
  acknowledgedAt: time(),
  acknowledgedBy: text(),
  closedAt: time(),
  closedBy: text(),
  cause: text(),
  falseAlarm: flag(),
  mergedInto: text(),
  feedback: text(),
  drill: flag({ description: 'practised: nothing of it goes out' }),
  escalation: oneOf(ESCALATION_LEVELS),
  stateSince: time({ description: 'server time since when it is in its state' }),
  dueAt: time({ description: 'until when it may be in it before it goes a step up' }),
  missedAt: time(),
  handoverAt: time({ description: 'when the newest package for 119 was made' }),
  dispatchedAt: time(),
  acceptedAt: time(),
  enRouteAt: time(),
  onSceneAt: time(),
  controlledAt: time(),
  helpAskedAt: time({ description: 'a crew asked for help and nobody has been sent since' }),
  controlledBy: text(),
  firstHandling: open({ description: 'closed and opened again: when it was first acknowledged, and the times of the first crew on scene' }),
}

export const INCIDENT_SHAPES: readonly { $id: string }[] = [
  entity(
    'Waterfall',
    {},
    Object.fromEntries(
      [...STAGES, 'shown']
        .map((stage): [string, Schema<unknown>] => [`${stage}At`, time()])
        .concat([
          ['stages', list(stageTime, { description: 'every stage once, in order; where one alarm or incident is asked for' })],
          ['totalMs', number({ description: 'the sum of the known stages' })],
        ]),
    ),
  ),
  entity('QueueAlarm', alarmFields, alarmMore),
  entity('Alarm', { ...alarmFields, evidence: list(ref('Evidence')), counterEvidence: list(ref('Evidence')) }, alarmMore),
  entity(
    'TimelineEntry',
    { at: time(), actor: text(), what: text() },
    { text: ref('Text'), alarmId: text(), orderId: text(), note: text(), pictureId: text() },
  ),
  entity(
    'TellingLine',
    {
      recipient: text(),
      event: text(),
      state: oneOf(TELLING_STATES),
      step: integer({ minimum: 1, description: 'which of their channels was tried last' }),
      at: time(),
    },
    { channel: text(), deliveredAt: time(), heardAt: time(), acceptedAt: time() },
  ),
  entity('Incident', incidentFields, incidentMore),
  entity(
    'IncidentDetail',
    {
      ...incidentFields,
      timeline: list(ref('TimelineEntry')),
      alarms: list(ref('QueueAlarm')),
      orders: list(ref('Order')),
      candidates: list(ref('Candidate'), { description: 'ranked ones first; then who may not be sent, and why' }),
      waterfall: ref('Waterfall'),
      tellings: list(ref('TellingLine'), {
        description: 'who was told, newest first: sent, delivered (by a machine), heard and accepted (by a person)',
      }),
    },
    incidentMore,
  ),
  entity(
    'Posture',
    { mode: oneOf(POSTURES), since: time(), by: text(), reason: text() },
    { rules: object({ ok: flag(), detail: text() }, {}, { description: 'whether the emergency parameters of the rules are in force' }) },
  ),
  entity(
    'Handover',
    {
      version: integer(),
      id: text(),
      incidentId: text(),
      at: time(),
      by: text(),
      why: oneOf(['confirmed', 'by-hand'] as const),
      title: ref('Text'),
      kind: oneOf(ALARM_KINDS),
      severity,
      firstAlarmAt: time(),
      alarms: list(open()),
      alarmsInAll: integer(),
      sent: list(open()),
      water: list(open()),
      notes: list(object({ at: time(), by: text(), note: text() })),
    },
    { drill: flag(), place: ref('Place'), position: ref('Position'), confirmedAt: time() },
  ),
]
