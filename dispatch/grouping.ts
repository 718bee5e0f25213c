// Which incident an alarm belongs to: the open one of its place and time, or a new one, at once. It never waits for a second alarm,
// never joins a closed incident, and never mixes a fire with a technical fault. The numbers are in docs/alarms.md.
import { createHash } from 'node:crypto'
import type { Alarm } from '#contracts/alarm.ts'
import type { Incident, IncidentCategory } from '#contracts/incident.ts'
import { categoryOf, spotOfAlarm } from './alarm-rows.ts'
import { absorb } from './merging.ts'
import { belongs, relate, type Spot } from './place.ts'
import type { Turn } from './turn.ts'
import { titleOf } from './words.ts'

/** An alarm joins while it is within this long, in event time, of the incident's first alarm and newest evidence. */
export const GROUP_WINDOW_MS = 30 * 60_000

/** Crockford's base 32: no I, L, O, U to mishear over the phone. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const ID_CHARACTERS = 6

const readable = (hash: Buffer, characters: number): string => [...hash.subarray(0, characters)].map(byte => ALPHABET[byte % 32]).join('')

/** F0312-7K3QX2: F fire or T technical, day of the first alarm in local time, and six characters of its hash; a replay makes the same. */
const newId = (turn: Turn, category: IncidentCategory, alarmId: string, atMs: number): string => {
  const day = turn.desk.zone.day(atMs).slice(5).replace('-', '')
  const hash = createHash('sha256').update(alarmId).digest()
  for (let characters = ID_CHARACTERS; ; characters += 1) {
    const id = `${category === 'fire' ? 'F' : 'T'}${day}-${readable(hash, characters)}`
    if (characters === hash.length || turn.incident(id) === undefined) return id
  }
}

type Candidate = { incident: Incident; gapMs: number }

/** How far `atMs` lies outside the incident's time; 0 inside. */
const gapTo = (incident: Incident, atMs: number): number =>
  Math.max(0, Date.parse(incident.openedAt) - atMs, atMs - Date.parse(incident.lastAt))

const byNearest = (a: Candidate, b: Candidate): number =>
  a.gapMs - b.gapMs || a.incident.openedAt.localeCompare(b.incident.openedAt) || a.incident.id.localeCompare(b.incident.id)

/** The very same place or device as one of its alarms (people may have merged two places into it), or one place with all of it. */
const isOf = (turn: Turn, { id, category }: Incident, spot: Spot): boolean =>
  turn.desk.alarms.exactSpots(id, category, spot).some(exact => relate(spot, exact) === 'same') ||
  belongs(spot, turn.desk.alarms.spotsOf(id))

const candidates = (turn: Turn, category: IncidentCategory, spot: Spot, atMs: number, drill: true | undefined): Candidate[] =>
  turn.desk.alarms
    .candidates(category, spot)
    .flatMap(id => turn.incident(id)?.incident ?? [])
    // a drill is never mixed with what is real
    .filter(incident => incident.drill === drill)
    .map(incident => ({ incident, gapMs: gapTo(incident, atMs) }))
    .filter(c => category === 'technical' || (c.gapMs <= turn.desk.groupWindowMs && isOf(turn, c.incident, spot)))
    .sort(byNearest)

const compatible = (turn: Turn, a: Candidate, b: Candidate): boolean => {
  const [here, there] = [a, b].map(c => turn.desk.alarms.spotsOf(c.incident.id)) as [Spot[], Spot[]]
  return !here.some(p => there.some(q => relate(p, q) === 'different'))
}

/**
 * An alarm that fits two open incidents shows that they are one. While nobody has taken either, the younger goes into the older;
 * once a person works on one, only a person merges.
 */
const bridge = (turn: Turn, found: Candidate[]): Candidate => {
  const [nearest, ...others] = found as [Candidate, ...Candidate[]]
  const same = [nearest, ...others.filter(other => compatible(turn, nearest, other))].filter(c => c.incident.state === 'new')
  if (same.length < 2 || nearest.incident.state !== 'new') return nearest
  const [oldest, ...younger] = same.toSorted((a, b) => byNearest({ ...a, gapMs: 0 }, { ...b, gapMs: 0 })) as [Candidate, ...Candidate[]]
  for (const { incident } of younger)
    absorb(turn, { from: incident.id, into: oldest.incident.id, actor: 'system', reason: 'an alarm belongs to both: one place and time' })
  return oldest
}

const openIncident = (turn: Turn, alarm: Omit<Alarm, 'incidentId'>, category: IncidentCategory, atMs: number): string => {
  const id = newId(turn, category, alarm.id, atMs)
  const at = new Date(atMs).toISOString()
  const incident: Incident = {
    id,
    category,
    kind: alarm.kind,
    severity: alarm.severity,
    state: 'new',
    title: titleOf(alarm.kind, alarm.place, alarm.deviceId ?? alarm.subject),
    openedAt: at,
    queuedAt: turn.now,
    lastAt: at,
    alarmIds: [],
    activeAlarms: 0,
    unacknowledgedAlarms: 0,
    deviceIds: [],
    ...(alarm.drill === true && { drill: true as const }),
  }
  turn.saveIncident({ incident, escalation: 0 })
  turn.afterCommit(meter => meter.count('fengsui_incidents_opened_total', { category }))
  return id
}

/** Where the alarm goes: the id of its incident, and whether that was opened for it. */
export const placeAlarm = (turn: Turn, alarm: Omit<Alarm, 'incidentId'>, atMs: number): { incidentId: string; opened: boolean } => {
  const category = categoryOf(alarm.kind)
  const found = candidates(turn, category, spotOfAlarm({ ...alarm, incidentId: '' }), atMs, alarm.drill)
  if (found.length === 0) return { incidentId: openIncident(turn, alarm, category, atMs), opened: true }
  return { incidentId: bridge(turn, found).incident.id, opened: false }
}

/** The incident's time now reaches from `fromMs` to `toMs` as well; the next alarm of the same turn must see that. */
export const extend = (turn: Turn, incidentId: string, fromMs: number, toMs: number): void => {
  const record = turn.incident(incidentId)
  if (record === undefined) return
  const { incident } = record
  const openedMs = Math.min(Date.parse(incident.openedAt), fromMs)
  const lastMs = Math.max(Date.parse(incident.lastAt), toMs)
  const openedAt = new Date(openedMs).toISOString()
  const lastAt = new Date(lastMs).toISOString()
  if (openedAt === incident.openedAt && lastAt === incident.lastAt) return
  turn.saveIncident({ ...record, incident: { ...incident, openedAt, lastAt } })
}
