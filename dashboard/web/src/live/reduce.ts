// The desk's memory of the live socket, as a pure fold over its messages. It never guesses: a number it does not have is
// null, and a sequence that does not follow stops the fold and asks for a resync instead of going on with a hole.
import type { Incident } from '#contracts/incident.ts'
import type { Kpis, LiveMessage, QueueAlarm, RoomHealth } from '#contracts/live.ts'
import type { RowsFrame } from '#contracts/live-rows.ts'

export type Desk = {
  /** which life of the server the sequence belongs to; null = no snapshot yet */
  epoch: string | null
  seq: number
  incidents: ReadonlyMap<string, Incident>
  alarms: ReadonlyMap<string, QueueAlarm>
  kpis: Kpis | null
  rooms: readonly RoomHealth[] | null
  /** the newest server time the picture is true for */
  asOf: string | null
}

export const EMPTY_DESK: Desk = {
  epoch: null,
  seq: 0,
  incidents: new Map(),
  alarms: new Map(),
  kpis: null,
  rooms: null,
  asOf: null,
}

export type Outcome =
  | { type: 'applied'; desk: Desk; /** incidents not known before, or that need an answer again */ arrived: Incident[] }
  | { type: 'ignored'; desk: Desk; why: 'duplicate' | 'no-snapshot' }
  | { type: 'gap'; desk: Desk; missed: number }

export const isOpen = (incident: Incident): boolean => incident.state !== 'closed' && incident.state !== 'merged'

/** True while somebody still has to say "I have it": a new incident, or a known one to which an unacknowledged alarm was added. */
export const needsAnswer = (incident: Incident): boolean =>
  isOpen(incident) && (incident.state === 'new' || incident.unacknowledgedAlarms > 0)

const keyed = <T extends { id: string }>(items: readonly T[]): Map<string, T> => new Map(items.map(item => [item.id, item]))

const arrivals = (before: ReadonlyMap<string, Incident>, incoming: readonly Incident[]): Incident[] =>
  incoming.filter(incident => {
    if (!needsAnswer(incident)) return false
    const known = before.get(incident.id)
    return known === undefined || !needsAnswer(known) || known.severity > incident.severity
  })

const snapshot = (desk: Desk, message: Extract<LiveMessage, { type: 'snapshot' }>): Outcome => {
  const open = message.incidents.filter(isOpen)
  const known = new Set(open.map(incident => incident.id))
  return {
    type: 'applied',
    arrived: arrivals(desk.incidents, open),
    desk: {
      epoch: message.epoch,
      seq: message.seq,
      incidents: keyed(open),
      alarms: keyed(message.alarms.filter(alarm => known.has(alarm.incidentId))),
      kpis: message.kpis,
      rooms: message.rooms,
      asOf: message.serverTime,
    },
  }
}

/** Those just closed leave together with their alarms, so that the memory is bounded by what is open. */
const dropClosed = (touched: readonly Incident[], incidents: Map<string, Incident>, alarms: Map<string, QueueAlarm>): void => {
  const gone = new Set<string>()
  for (const { id } of touched) {
    const now = incidents.get(id)
    if (now !== undefined && !isOpen(now)) gone.add(id)
  }
  for (const id of gone) incidents.delete(id)
  if (gone.size === 0) return
  for (const [id, alarm] of alarms) if (gone.has(alarm.incidentId)) alarms.delete(id)
}

/** A map as it may be changed: a copy, or itself where nobody has seen it. */
const opened = <T>(map: ReadonlyMap<string, T>, seen: ReadonlyMap<string, T>): Map<string, T> =>
  map !== seen && map instanceof Map ? map : new Map(map)

const delta = (desk: Desk, message: Extract<LiveMessage, { type: 'delta' }>, seen: Desk): Outcome => {
  if (message.seq <= desk.seq) return { type: 'ignored', desk, why: 'duplicate' }
  if (message.seq !== desk.seq + 1) return { type: 'gap', desk, missed: message.seq - desk.seq - 1 }
  const next: Desk = { ...desk, seq: message.seq, asOf: message.serverTime }
  const touched = message.incidents ?? []
  const gone = message.removed
  const arrived = arrivals(desk.incidents, touched)
  if (touched.length > 0 || message.alarms !== undefined || gone?.incidents !== undefined || gone?.alarms !== undefined) {
    const incidents = opened(desk.incidents, seen.incidents)
    const alarms = opened(desk.alarms, seen.alarms)
    for (const incident of touched) incidents.set(incident.id, incident)
    for (const alarm of message.alarms ?? []) alarms.set(alarm.id, alarm)
    for (const id of gone?.incidents ?? []) incidents.delete(id)
    for (const id of gone?.alarms ?? []) alarms.delete(id)
    dropClosed(touched, incidents, alarms)
    next.incidents = incidents
    next.alarms = alarms
  }
  return { type: 'applied', desk: next, arrived }
}

/** A small frame takes the place of a delta: the devices are not kept here, but its number belongs to the one sequence. */
const rows = (desk: Desk, { seq, serverTimeMs }: RowsFrame): Outcome => {
  if (seq <= desk.seq) return { type: 'ignored', desk, why: 'duplicate' }
  if (seq !== desk.seq + 1) return { type: 'gap', desk, missed: seq - desk.seq - 1 }
  return { type: 'applied', arrived: [], desk: { ...desk, seq, asOf: new Date(serverTimeMs).toISOString() } }
}

/** A heartbeat carries the newest sequence sent before it: if that is beyond ours, the tail was lost. */
const heartbeat = (desk: Desk, message: Extract<LiveMessage, { type: 'heartbeat' }>): Outcome => {
  if (message.seq > desk.seq) return { type: 'gap', desk, missed: message.seq - desk.seq }
  return { type: 'applied', arrived: [], desk: { ...desk, kpis: message.kpis, rooms: message.rooms, asOf: message.serverTime } }
}

/**
 * One message folded in. A 'gap' leaves the desk as it was: reconnect with `since=desk.seq` and go on from there. Maps that `seen` holds are
 * copied, others changed in place: in a flood, copying ten thousand alarms for each of ten thousand messages is most of the work.
 */
export const receive = (desk: Desk, message: LiveMessage | RowsFrame, seen: Desk = desk): Outcome => {
  if (message.type === 'snapshot') return snapshot(desk, message)
  if (desk.epoch === null) return { type: 'ignored', desk, why: 'no-snapshot' }
  if (message.type === 'rows') return rows(desk, message)
  // the devices are not kept here
  if (message.type === 'devices') return { type: 'applied', arrived: [], desk }
  return message.type === 'delta' ? delta(desk, message, seen) : heartbeat(desk, message)
}
