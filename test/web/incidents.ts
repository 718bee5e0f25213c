// Makes incidents, alarms and live messages for the page's tests; every field has a value that is allowed by the contract.
import * as fc from 'fast-check'
import type { Severity } from '#contracts/alarm.ts'
import { INCIDENT_STATES, type Incident, type IncidentState } from '#contracts/incident.ts'
import type { DeviceRow, Kpis, LiveMessage, QueueAlarm } from '#contracts/live.ts'

export const T0 = Date.parse('2026-11-21T14:40:00.000Z')
export const at = (ms: number): string => new Date(T0 + ms).toISOString()

export const incident = (id: string, o: Partial<Incident> = {}): Incident => ({
  id,
  category: 'fire',
  kind: 'fire-alarm',
  severity: 1,
  state: 'new',
  title: { zh: '住宅火灾', en: 'Dwelling fire' },
  place: { area: 'Chengxi', building: '2', floor: '14', room: '1405' },
  openedAt: at(0),
  queuedAt: at(100),
  lastAt: at(0),
  alarmIds: [`${id}-a`],
  activeAlarms: 1,
  unacknowledgedAlarms: o.state === undefined || o.state === 'new' ? 1 : 0,
  deviceIds: ['smoke-1'],
  ...o,
})

export const alarm = (id: string, incidentId: string): QueueAlarm => ({
  id,
  kind: 'fire-alarm',
  severity: 1,
  state: 'UNACK',
  origin: 'rule:smoke',
  subject: 'smoke-1',
  deviceId: 'smoke-1',
  raisedAt: at(0),
  late: false,
  latching: true,
  updates: 0,
  incidentId,
  text: { zh: '烟雾', en: 'Smoke' },
  waterfall: {},
})

export const kpis = (o: Partial<Kpis> = {}): Kpis => ({
  unacknowledged: 0,
  alarmsIn10Min: 0,
  mttaP50S: null,
  mttaP90S: null,
  openIncidents: 0,
  devicesTotal: 0,
  devicesOnline: 0,
  devicesStale: 0,
  devicesUnknown: 0,
  ...o,
})

type Snapshot = Extract<LiveMessage, { type: 'snapshot' }>
type Delta = Extract<LiveMessage, { type: 'delta' }>
type Heartbeat = Extract<LiveMessage, { type: 'heartbeat' }>

export const snapshot = (o: Partial<Snapshot> = {}): Snapshot => ({
  type: 'snapshot',
  seq: 10,
  epoch: 'e1',
  serverTime: at(0),
  incidents: [],
  alarms: [],
  devices: [],
  orders: [],
  resources: [],
  sights: [],
  posture: { mode: 'peacetime', since: at(0), by: 'system', reason: 'as installed' },
  kpis: kpis(),
  rooms: [{ room: 'journal', ok: true, detail: 'head 10' }],
  ...o,
})
export const delta = (seq: number, o: Partial<Delta> = {}): Delta => ({ type: 'delta', seq, serverTime: at(seq), ...o })
export const heartbeat = (seq: number, o: Partial<Heartbeat> = {}): Heartbeat => ({
  type: 'heartbeat',
  seq,
  serverTime: at(seq),
  kpis: kpis(),
  rooms: [],
  ...o,
})

const numbers = new Map<string, number>()
/** the number the server would name it by: one a device */
export const numberOf = (deviceId: string): number => {
  const number = numbers.get(deviceId) ?? numbers.size
  numbers.set(deviceId, number)
  return number
}

export const row = (deviceId: string, condition: string, lon: number | null = 118.8, lat: number | null = 31.9): DeviceRow => [
  deviceId,
  'smoke',
  lat,
  lon,
  condition,
  T0,
  null,
  '2',
  '14',
  '1405',
  numberOf(deviceId),
]

const anyState = fc.constantFrom(...INCIDENT_STATES)
export const anyIncident: fc.Arbitrary<Incident> = fc
  .record({
    id: fc.integer({ min: 1, max: 40 }).map(n => `i-${n}`),
    severity: fc.constantFrom<Severity>(1, 2, 3, 4),
    state: anyState as fc.Arbitrary<IncidentState>,
    category: fc.constantFrom('fire' as const, 'technical' as const),
    queuedMs: fc.integer({ min: 0, max: 5 }).map(n => n * 1000),
    unacknowledgedAlarms: fc.integer({ min: 0, max: 1 }),
  })
  .map(({ id, queuedMs, ...o }) => incident(id, { ...o, queuedAt: at(queuedMs) }))

/** Incidents with distinct ids. */
export const anyIncidents: fc.Arbitrary<Incident[]> = fc.uniqueArray(anyIncident, { selector: one => one.id, maxLength: 30 })
