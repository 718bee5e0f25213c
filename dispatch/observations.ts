// Other eyes: what citizens, callers and patrols report becomes evidence of the fire that is near in place and time, else an incident that
// has to be confirmed. A report alone confirms nothing and changes no level: it is no trigger in the sense of GB 50116-2013 4.1.6.
import { createHash } from 'node:crypto'
import type { Alarm, Evidence } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { OBSERVATION_SOURCES, type Observation, type ObservationSource, type Photo } from '#contracts/observation.ts'
import type { Place, Position } from '#contracts/reading.ts'
import type { AlarmRecord } from './alarm-rows.ts'
import { spotOfAlarm } from './alarm-rows.ts'
import { isSetAside } from './alarm-states.ts'
import { actorOf, oneOf, required, timeMs } from './checks.ts'
import { addEvidence } from './evidence.ts'
import { extend } from './grouping.ts'
import { boxAround, distanceM, relate, spotOf, type Spot } from './place.ts'
import { placeGiven } from './posting.ts'
import { raiseAlarm } from './raising.ts'
import { runTurn, type Changes, type Desk, type Turn } from './turn.ts'

/** People report from where they stand, which is across the street */
export const NEAR_M = 200
export const TEXT_CHARACTERS_MAX = 1_000
export const PHOTOS_MAX = 6
export const OBSERVATIONS_LISTED_MAX = 200
const KEY_CHARACTERS_MAX = 200
const EVIDENCE_CHARACTERS_MAX = 200
const PAST_MS_MAX = 24 * 3_600_000
const FUTURE_MS_MAX = 2 * 60_000
const LATE_MS = 5 * 60_000

export type Report = {
  source: ObservationSource
  text: string
  idempotencyKey: string
  at?: string
  place?: Place
  position?: Position
  photos: readonly Photo[]
  by: string
}

const SOURCE_NAMES: Record<ObservationSource, { zh: string; en: string }> = {
  citizen: { zh: '随手拍', en: 'Citizen snapshot' },
  hotline: { zh: '12345 热线', en: 'Hotline 12345' },
  patrol: { zh: '巡查', en: 'Patrol' },
  other: { zh: '其他来源', en: 'Other report' },
}

const clipped = (text: string): string => Array.from(text).slice(0, EVIDENCE_CHARACTERS_MAX).join('')

const eventTime = (turn: Turn, at: string | undefined): number => {
  const atMs = at === undefined ? turn.nowMs : timeMs('at', at)
  if (atMs < turn.nowMs - PAST_MS_MAX || atMs > turn.nowMs + FUTURE_MS_MAX)
    throw new FengsuiError('invalid-request', `at is ${at}: from 24 h before to 2 min after now (${turn.now}) is believed`)
  return atMs
}

const checkWhere = ({ place, position }: Report): void => {
  const isPlaced = [place?.building, place?.area, place?.grid].some(word => word !== undefined && word.trim() !== '')
  if (!isPlaced && position === undefined)
    throw new FengsuiError('invalid-request', 'place or position is missing: nobody could find what was seen')
  if (position !== undefined && position.lat === 0 && position.lon === 0)
    throw new FengsuiError('invalid-request', 'position is 0/0, which is never a position')
}

type Near = { record: AlarmRecord; distanceM: number | null }

export const openObservations = (desk: Desk) => {
  const { db } = desk
  const byKey = db.prepare('SELECT json FROM observations WHERE by_whom = ? AND key = ?')
  const byId = db.prepare(
    'SELECT o.json, a.incident_id AS incidentId FROM observations o JOIN alarms a ON a.id = o.alarm_id WHERE o.id = ?',
  )
  const ofIncident = db.prepare(
    `SELECT o.json, a.incident_id AS incidentId FROM alarms a JOIN observations o ON o.alarm_id = a.id WHERE a.incident_id = ?
     ORDER BY o.seq DESC LIMIT ? + 0`,
  )
  const newest = db.prepare(
    'SELECT o.json, a.incident_id AS incidentId FROM observations o JOIN alarms a ON a.id = o.alarm_id ORDER BY o.seq DESC LIMIT ? + 0',
  )
  const ofPhoto = db.prepare(
    "SELECT 1 FROM observations, json_each(observations.json, '$.photos') AS photo WHERE photo.value ->> 'id' = ? LIMIT 1",
  )
  const insert = db.prepare(
    'INSERT INTO observations (id, by_whom, key, alarm_id, at_ms, json) VALUES (:id, :by, :key, :alarm, :at, :json)',
  )
  const inBox = db.prepare(
    "SELECT id FROM alarms WHERE live = 1 AND category = 'fire' AND lat BETWEEN ? AND ? AND lon BETWEEN ? AND ? ORDER BY at_ms DESC LIMIT 500",
  )
  const inBuilding = db.prepare(
    "SELECT id FROM alarms WHERE live = 1 AND category = 'fire' AND building_key = ? ORDER BY at_ms DESC LIMIT 50",
  )

  const idsNear = (spot: Spot): string[] => {
    const ids = new Set<string>()
    if (spot.building !== null) for (const row of inBuilding.all(spot.building)) ids.add(String(row['id']))
    if (spot.lat !== null && spot.lon !== null) {
      const box = boxAround(spot.lat, spot.lon, NEAR_M)
      for (const row of inBox.all(box.south, box.north, box.west, box.east)) ids.add(String(row['id']))
    }
    return [...ids]
  }

  /** In the same building, or near enough to have been seen. */
  const isNear = (spot: Spot, alarm: Alarm): { distanceM: number | null } | null => {
    const there = spotOfAlarm(alarm)
    const apartM = distanceM(spot, there)
    if (apartM !== null) return apartM <= NEAR_M ? { distanceM: apartM } : null
    return relate(spot, there) === 'same' ? { distanceM: null } : null
  }

  const nearest = (turn: Turn, spot: Spot, atMs: number): Near | undefined => {
    const found = idsNear(spot).flatMap((id): Near[] => {
      const record = turn.alarm(id)
      const incident = record && turn.incident(record.alarm.incidentId)?.incident
      // a practised fire must not swallow a real one
      if (record === undefined || incident === undefined || incident.drill === true) return []
      // nobody looks at what is set aside: a fire that people see beside it must be answered
      if (isSetAside(record.alarm.state)) return []
      const gapMs = Math.max(0, Date.parse(incident.openedAt) - atMs, atMs - Date.parse(incident.lastAt))
      const near = gapMs <= desk.groupWindowMs ? isNear(spot, record.alarm) : null
      return near === null ? [] : [{ record, ...near }]
    })
    return found.toSorted(
      (a, b) => (a.distanceM ?? 0) - (b.distanceM ?? 0) || a.record.alarm.raisedAt.localeCompare(b.record.alarm.raisedAt),
    )[0]
  }

  const evidenceOf = (id: string, source: ObservationSource, text: string, atMs: number, now: string, photos: number): Evidence => ({
    seq: 0,
    deviceId: `observation:${id}`,
    ts: new Date(atMs).toISOString(),
    receivedAt: now,
    what: `${source} report`,
    value: clipped(text),
    ...(photos > 0 && { note: `${photos} photo(s)` }),
  })

  const join = (turn: Turn, { record }: Near, piece: Evidence, atMs: number): void => {
    const { alarm } = record
    turn.saveAlarm({
      ...record,
      alarm: { ...alarm, updates: alarm.updates + 1, evidence: addEvidence(alarm.evidence, [piece]) },
      evidenceCount: record.evidenceCount + 1,
      lastMs: Math.max(record.lastMs, atMs),
    })
    extend(turn, alarm.incidentId, atMs, atMs)
  }

  const open = (turn: Turn, o: Report, id: string, piece: Evidence, atMs: number): string => {
    const names = SOURCE_NAMES[o.source]
    const alarmId = `obs-${id}`
    const text = { zh: `${names.zh}（待核实）：${clipped(o.text)}`, en: `${names.en}, to be confirmed: ${clipped(o.text)}` }
    const where = { ...(o.place !== undefined && { place: o.place }), ...(o.position !== undefined && { position: o.position }) }
    const alarm = {
      id: alarmId,
      kind: 'pre-alarm' as const,
      severity: 3 as const,
      origin: `observation:${o.source}`,
      subject: alarmId,
      ...where,
      raisedAt: piece.ts,
      late: turn.nowMs - atMs > LATE_MS,
      latching: true,
      text,
      evidence: [piece],
      counterEvidence: [],
    }
    raiseAlarm(turn, alarm, atMs, {})
    return alarmId
  }

  const observe = (turn: Turn, given: Report): { id: string; created: boolean } => {
    const place = placeGiven(given.place)
    const o = { ...given, ...(place !== undefined && { place }) }
    const { actor: by } = actorOf(o.by)
    const source = oneOf('source', o.source, OBSERVATION_SOURCES)
    const text = required('text', o.text, TEXT_CHARACTERS_MAX)
    const key = required('idempotencyKey', o.idempotencyKey, KEY_CHARACTERS_MAX)
    const known = byKey.get(by, key)
    if (known !== undefined) return { id: (JSON.parse(String(known['json'])) as Observation).id, created: false }
    checkWhere(o)
    const atMs = eventTime(turn, o.at)
    const id = createHash('sha256')
      .update(JSON.stringify([by, key]))
      .digest('hex')
      .slice(0, 20)
    const spot = spotOf({ place: o.place, position: o.position, device: `observation:${id}` })
    const near = nearest(turn, spot, atMs)
    const piece = evidenceOf(id, source, text, atMs, turn.now, o.photos.length)
    if (near !== undefined) join(turn, near, piece, atMs)
    const alarmId = near?.record.alarm.id ?? open(turn, { ...o, text }, id, piece, atMs)
    const incidentId = turn.alarm(alarmId)?.alarm.incidentId ?? ''
    const observation: Observation = {
      id,
      source,
      text,
      at: piece.ts,
      receivedAt: turn.now,
      by,
      incidentId,
      alarmId,
      status: near === undefined ? 'to-be-confirmed' : 'evidence',
      ...(near !== undefined && near.distanceM !== null && { distanceM: Math.round(near.distanceM) }),
      ...(o.place !== undefined && { place: o.place }),
      ...(o.position !== undefined && { position: o.position }),
      photos: [...o.photos],
    }
    insert.run({ id, by, key, alarm: alarmId, at: atMs, json: JSON.stringify(observation) })
    const names = SOURCE_NAMES[source]
    turn.tell(incidentId, {
      actor: by,
      what: 'observation',
      text: { zh: `${names.zh}：${clipped(text)}`, en: `${names.en}: ${clipped(text)}` },
      alarmId,
      ...(o.photos.length > 0 && { note: `${o.photos.length} photo(s)` }),
      detail: { observation: id, status: observation.status, photos: o.photos.map(photo => photo.sha256) },
    })
    return { id, created: true }
  }

  const toObservation = (row: Record<string, unknown>): Observation => ({
    ...(JSON.parse(String(row['json'])) as Observation),
    incidentId: String(row['incidentId']),
  })
  const get = (id: string): Observation | undefined => {
    const row = byId.get(id)
    return row === undefined ? undefined : toObservation(row)
  }

  return {
    /** @throws FengsuiError invalid-request; nothing is changed then */
    add(o: Report): { observation: Observation; created: boolean; changes: Changes } {
      const { result, changes } = runTurn(desk, turn => observe(turn, o))
      const observation = get(result.id)
      if (observation === undefined) throw new FengsuiError('internal', `observation ${result.id} was written but cannot be read`)
      return { observation, created: result.created, changes }
    },
    get,
    /** Looks through all: for the few photos that a crash left unclaimed. */
    hasPhoto: (photoId: string): boolean => ofPhoto.get(photoId) !== undefined,
    /** Newest first. */
    list: (o: { incidentId?: string; limit: number }): Observation[] => {
      const limit = Math.min(o.limit, OBSERVATIONS_LISTED_MAX)
      const rows = o.incidentId === undefined ? newest.all(limit) : ofIncident.all(o.incidentId, limit)
      return rows.map(toObservation)
    },
  }
}
export type Observations = ReturnType<typeof openObservations>
