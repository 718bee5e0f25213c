// What the API answers, as schemas for /api/openapi.json: the contracts' types in JSON Schema. Tests validate every answer
// against these. Fields may be added; `additionalProperties` is open so that a client never breaks on one.
import { OUTCOMES } from '#contracts/accounting.ts'
import { ALARM_KINDS, ALARM_STATES } from '#contracts/alarm.ts'
import { DEVICE_CONDITIONS } from '#contracts/device.ts'
import { ESCALATION_LEVELS, INCIDENT_STATES, TELLING_STATES } from '#contracts/incident.ts'
import { TROUBLES } from '#contracts/live.ts'
import { ORDER_STATES } from '#contracts/order.ts'
import { ROLES, SCOPES } from '#contracts/people.ts'
import { POSTURES } from '#contracts/posture.ts'
import { DISPOSITIONS, QUARANTINE_SOURCES } from '#contracts/quarantine.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { STAGE_STATUSES, STAGES } from '#contracts/waterfall.ts'
import { CAPABILITIES, REASON_CODES, RESOURCE_KINDS, RESOURCE_STATES, TRAVEL_MODES, TRAVEL_SOURCES } from '#contracts/resource.ts'
import { VIDEO_KINDS } from '#contracts/video.ts'
import { flag, integer, list, number, object, oneOf, open, ref, text, time, type App, type Schema } from './schema.ts'

type Fields = Record<string, Schema<unknown>>
const entity = ($id: string, required: Fields, optional: Fields = {}) => ({
  $id,
  ...object(required, optional, { additionalProperties: true }),
})

/** 1 = level I (gravest) to 4 */
export const severity = oneOf([1, 2, 3, 4] as const, { description: '1 = level I (gravest) to 4 = level IV' })
export const place = object(
  {},
  Object.fromEntries(['area', 'grid', 'building', 'floor', 'room'].map(name => [name, text({ maxLength: 200 })])),
)
const degrees = { lat: number({ minimum: -90, maximum: 90 }), lon: number({ minimum: -180, maximum: 180 }) }
const aboutPosition = {
  ellipsoidAltM: number(),
  mslAltM: number(),
  heightM: number(),
  floor: text({ maxLength: 50 }),
  accuracyM: number({ minimum: 0 }),
  crsWas: oneOf(['GCJ02', 'BD09', 'CGCS2000'] as const),
}
export const position = object(degrees, aboutPosition, { description: 'WGS84 degrees' })
export const givenPosition = object(
  degrees,
  { ...aboutPosition, crs: oneOf(['WGS84', 'CGCS2000', 'GCJ02', 'BD09'] as const) },
  { description: 'degrees in the reference `crs`, WGS84 unless said; stored in WGS84. In the district, or it is refused' },
)
export const wording = object({ zh: text({ minLength: 1, maxLength: 500 }), en: text({ minLength: 1, maxLength: 500 }) })
export const evidence = object(
  {
    seq: integer({ minimum: 0, description: 'place in the journal (`off` in the feed)' }),
    deviceId: text({ maxLength: 128 }),
    ts: time(),
    receivedAt: time(),
    what: text({ maxLength: 200, description: 'what was measured; the unit ends the name' }),
    value: { type: ['number', 'boolean', 'string'] } as Schema<number | boolean | string>,
  },
  { threshold: number(), note: text({ maxLength: 500 }) },
)

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
}
const orNull = (schema: Schema<number>): Schema<number | null> => ({ ...schema, type: [schema['type'] as string, 'null'] })

export const SHAPES: readonly { $id: string }[] = [
  { $id: 'Text', ...wording },
  { $id: 'Place', ...place },
  { $id: 'Position', ...position },
  { $id: 'Evidence', ...evidence },
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
  entity('Eta', { lowS: number(), likelyS: number(), highS: number() }),
  entity('Reason', { code: oneOf(REASON_CODES), text: ref('Text') }),
  entity('DutyShift', { from: time(), to: time(), crew: integer() }, { note: text() }),
  entity(
    'Resource',
    {
      id: text(),
      kind: oneOf(RESOURCE_KINDS),
      name: ref('Text'),
      mode: oneOf(TRAVEL_MODES),
      capabilities: list(oneOf(CAPABILITIES)),
      accounts: list(text()),
      state: oneOf(RESOURCE_STATES),
      reasons: list(ref('Reason'), { description: 'why it is not ready, or what is less than perfect' }),
    },
    {
      position: ref('Position'),
      at: ref('Position'),
      area: text(),
      grid: text(),
      deviceId: text(),
      crewRequired: integer(),
      crewOnDuty: integer(),
      outOfService: object({ by: text(), at: time(), reason: text() }),
      lastHeardAt: time(),
      orderId: text(),
      incidentId: text(),
    },
  ),
  entity(
    'Candidate',
    {
      resourceId: text(),
      kind: oneOf(RESOURCE_KINDS),
      name: ref('Text'),
      task: oneOf(['respond', 'look'] as const),
      rank: orNull(integer({ description: '1 = first of its task; null = may not be sent' })),
      state: oneOf(RESOURCE_STATES),
      capabilities: list(oneOf(CAPABILITIES)),
      reasons: list(ref('Reason')),
    },
    { eta: ref('Eta'), distanceM: number(), travel: oneOf(TRAVEL_SOURCES), coverageLossS: number() },
  ),
  entity(
    'Order',
    {
      id: text(),
      incidentId: text(),
      resourceId: text(),
      resourceName: ref('Text'),
      state: oneOf(ORDER_STATES),
      offeredAt: time(),
      offeredBy: text(),
      answerBy: time(),
      passesOn: flag({ description: 'refusal or silence asks the next one' }),
      steps: list(object({ state: oneOf(ORDER_STATES), at: time(), by: text() }, { reason: text() })),
    },
    {
      heardAt: time({ description: 'seen or heard at the terminal of the crew' }),
      acceptedAt: time(),
      enRouteAt: time(),
      onSceneAt: time(),
      endedAt: time(),
      reason: text(),
      eta: ref('Eta'),
      distanceM: number(),
      rank: integer(),
      insteadOf: text(),
      late: list(oneOf(['turn-out', 'on-scene', 'joint'] as const)),
      clock: object({ turnOutBy: time(), onSceneBy: time(), jointBy: time() }),
      drill: flag(),
    },
  ),
  entity(
    'Device',
    {
      deviceId: text(),
      kind: oneOf(DEVICE_KINDS),
      alarms: open({ description: 'true = active, false = known clear, absent = not reported' }),
      metrics: open({ description: 'newest values; the unit ends the name' }),
      gaps: integer(),
      readings: integer(),
      condition: oneOf(DEVICE_CONDITIONS, { description: 'the one honest word for it now' }),
    },
    {
      name: text(),
      via: text(),
      place: ref('Place'),
      position: ref('Position'),
      expectNextS: number(),
      lastTs: time(),
      lastReceivedAt: time(),
      online: flag(),
      video: oneOf(VIDEO_KINDS, { description: 'of one device that is asked for: what kind of video is registered' }),
    },
  ),
  entity('Credentials', { username: text(), password: text({ description: 'shown this once' }) }),
  entity('Reading', {
    off: integer(),
    deviceId: text(),
    kind: oneOf(DEVICE_KINDS),
    ts: time(),
    receivedAt: time(),
    metrics: open(),
    alarms: open(),
    flags: open(),
    source: open(),
  }),
  entity(
    'QuarantineEntry',
    {
      id: text(),
      source: oneOf(QUARANTINE_SOURCES),
      code: text(),
      reason: text(),
      disposition: oneOf(DISPOSITIONS),
      count: integer(),
      firstAt: time(),
      lastAt: time(),
      bytes: integer(),
    },
    {
      where: text(),
      identity: text(),
      clientId: text(),
      topic: text(),
      seq: integer(),
      decoder: text({ description: 'family and version of what could not read it' }),
      redriveOf: text({ description: 'the entry that this one came out of, held once more' }),
      redrives: integer(),
      settledAt: time(),
      settledBy: text(),
      payloadBase64: text(),
      isWhole: flag({ description: 'all bytes can be had, here or out of the journal' }),
    },
  ),
  entity('Kpis', {
    unacknowledged: integer(),
    alarmsIn10Min: integer(),
    mttaP50S: orNull(number()),
    mttaP90S: orNull(number()),
    openIncidents: integer(),
    devicesTotal: integer(),
    devicesOnline: integer(),
    devicesStale: integer(),
    devicesUnknown: integer(),
  }),
  entity(
    'RoomHealth',
    { room: text(), ok: flag(), detail: text() },
    { troubles: list(oneOf(TROUBLES), { description: 'what is wrong in a word, for machines' }) },
  ),
  entity(
    'Accounting',
    {
      at: time(),
      known: flag({ description: 'false: the store does not answer, its figures are those of asOf' }),
      accepted: integer({ description: 'messages acknowledged so far: the head of the journal' }),
      readers: list(object({ reader: text(), position: integer(), lag: integer() }, { oldestReceivedAt: time() })),
      journal: object({ files: integer(), bytes: integer() }),
      gaps: object({ missing: integer(), forgotten: integer(), devices: integer(), top: list(ref('DeviceGaps')) }),
      quarantine: object({ rows: integer(), open: integer({ description: 'held, not re-driven and not discarded' }) }),
    },
    {
      asOf: time(),
      account: object({
        since: integer({ description: 'position at which counting began' }),
        position: integer(),
        counts: object(Object.fromEntries(OUTCOMES.map(outcome => [outcome, integer()]))),
        storedWithNote: integer({ description: 'of the stored: something of it is in quarantine as well' }),
        inFlight: integer(),
        difference: integer({ description: 'counted too many (above 0) or too few; 0 when balanced' }),
        balanced: flag(),
      }),
    },
  ),
  entity(
    'DeviceGaps',
    {
      deviceId: text(),
      missing: integer(),
      ranges: list(object({ from: integer(), to: integer(), at: time() }, { boot: integer() })),
      forgotten: integer({ description: 'of the missing: their numbers are not remembered any more' }),
    },
    { name: text() },
  ),
  entity('Principal', { name: text(), kind: oneOf(['user', 'token'] as const), scopes: list(oneOf(SCOPES)) }, { role: oneOf(ROLES) }),
]

export function addShapes(app: App): void {
  for (const shape of SHAPES) app.addSchema(shape)
}
