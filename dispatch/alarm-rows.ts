// Alarms on disk: the whole alarm as JSON, and beside it the columns that queries and grouping look at. No decisions.
import type { DatabaseSync } from 'node:sqlite'
import { isHazard, type Alarm, type AlarmKind, type AlarmState, type Severity } from '#contracts/alarm.ts'
import type { IncidentCategory } from '#contracts/incident.ts'
import { shownEvidence } from './evidence.ts'
import { boxAround, spotOf, type Spot } from './place.ts'

export type AlarmRecord = {
  alarm: Alarm
  active: boolean
  acknowledged: boolean
  evidenceCount: number
  /** event time of the newest evidence */
  lastMs: number
  /** server time at which it stood in the queue */
  queuedMs: number
  shelvedUntilMs: number | null
}

/** One alarm as the summary of its incident needs it. */
export type AlarmLine = {
  id: string
  kind: AlarmKind
  severity: Severity
  state: AlarmState
  active: boolean
  deviceId: string | null
  origin: string
  atMs: number
  lastMs: number
  placed: boolean
  positioned: boolean
}

type Row = {
  id: string
  active: number
  acknowledged: number
  evidence_count: number
  last_ms: number
  queued_ms: number
  shelved_until_ms: number | null
  json: string
}

const toRecord = (r: Row): AlarmRecord => ({
  alarm: JSON.parse(r.json) as Alarm,
  active: r.active === 1,
  acknowledged: r.acknowledged === 1,
  evidenceCount: r.evidence_count,
  lastMs: r.last_ms,
  queuedMs: r.queued_ms,
  shelvedUntilMs: r.shelved_until_ms,
})

/** The alarm as the outside sees it. */
export const toAlarm = (r: AlarmRecord): Alarm => ({ ...r.alarm, evidence: shownEvidence(r.alarm.evidence, r.evidenceCount) })

export const categoryOf = (kind: AlarmKind): IncidentCategory => (isHazard(kind) ? 'fire' : 'technical')
export const spotOfAlarm = (a: Alarm): Spot => spotOf({ place: a.place, position: a.position, device: a.deviceId ?? a.subject })

const COLUMNS = 'id, active, acknowledged, evidence_count, last_ms, queued_ms, shelved_until_ms, json'

/** How many different places of one incident are compared; in practice a building has a few. */
const PLACES_MAX = 200

export type AlarmRows = ReturnType<typeof alarmRows>

export const alarmRows = (db: DatabaseSync) => {
  const byId = db.prepare(`SELECT ${COLUMNS} FROM alarms WHERE id = ?`)
  const upsert = db.prepare(
    `INSERT INTO alarms VALUES (:id, :incident_id, 1, :category, :kind, :severity, :state, :active, :acknowledged, :origin, :device_id, :device_key,
      :building_key, :area, :grid, :lat, :lon, :at_ms, :last_ms, :queued_ms, :shelved_until_ms, :evidence_count, :json)
     ON CONFLICT (id) DO UPDATE SET incident_id = excluded.incident_id, severity = excluded.severity, state = excluded.state,
      active = excluded.active, acknowledged = excluded.acknowledged, last_ms = excluded.last_ms,
      shelved_until_ms = excluded.shelved_until_ms, evidence_count = excluded.evidence_count, json = excluded.json`,
  )
  const setLive = db.prepare('UPDATE alarms SET live = ? WHERE incident_id = ?')
  const lines = db.prepare(
    `SELECT id, kind, severity, state, active, device_id, origin, at_ms, last_ms, lat IS NOT NULL AS positioned,
      (building_key IS NOT NULL OR area IS NOT NULL) AS placed FROM alarms WHERE incident_id = ? ORDER BY at_ms, id`,
  )
  const idsOf = db.prepare('SELECT id FROM alarms WHERE incident_id = ? ORDER BY at_ms, id')
  const exact = db.prepare(
    `SELECT building_key AS building, area, grid, lat, lon, device_key AS device FROM alarms
     WHERE incident_id = ? AND (device_key = ? OR (building_key = ? AND area IS ? AND grid IS ?)) LIMIT 1`,
  )
  const spots = db.prepare(
    `SELECT building_key AS building, area, grid, lat, lon, min(device_key) AS device FROM alarms WHERE incident_id = ?
     GROUP BY building_key, area, grid, lat, lon LIMIT ${PLACES_MAX}`,
  )
  const ofDevice = db.prepare('SELECT DISTINCT incident_id FROM alarms WHERE live = 1 AND category = ? AND device_key = ?')
  const ofBuilding = db.prepare("SELECT DISTINCT incident_id FROM alarms WHERE live = 1 AND category = 'fire' AND building_key = ?")
  const near = db.prepare(
    "SELECT DISTINCT incident_id FROM alarms WHERE live = 1 AND category = 'fire' AND lat BETWEEN ? AND ? AND lon BETWEEN ? AND ?",
  )
  const expired = db.prepare(`SELECT ${COLUMNS} FROM alarms WHERE shelved_until_ms <= ? ORDER BY shelved_until_ms LIMIT ?`)

  const activeOf = db.prepare(`SELECT ${COLUMNS} FROM alarms WHERE active = 1 AND origin = ?`)

  const incidentIds = (found: unknown[]): string[] => (found as { incident_id: string }[]).map(row => row.incident_id)

  return {
    get(id: string): AlarmRecord | undefined {
      const row = byId.get(id) as Row | undefined
      return row === undefined ? undefined : toRecord(row)
    },
    save(r: AlarmRecord): void {
      const { alarm } = r
      const spot = spotOfAlarm(alarm)
      upsert.run({
        id: alarm.id,
        incident_id: alarm.incidentId,
        category: categoryOf(alarm.kind),
        kind: alarm.kind,
        severity: alarm.severity,
        state: alarm.state,
        active: Number(r.active),
        acknowledged: Number(r.acknowledged),
        origin: alarm.origin,
        device_id: alarm.deviceId ?? null,
        device_key: spot.device,
        building_key: spot.building,
        area: spot.area,
        grid: spot.grid,
        lat: spot.lat,
        lon: spot.lon,
        at_ms: Date.parse(alarm.raisedAt),
        last_ms: r.lastMs,
        queued_ms: r.queuedMs,
        shelved_until_ms: r.shelvedUntilMs,
        evidence_count: r.evidenceCount,
        json: JSON.stringify(alarm),
      })
    },
    setLive: (incidentId: string, live: boolean): void => void setLive.run(Number(live), incidentId),
    linesOf: (incidentId: string): AlarmLine[] =>
      lines.all(incidentId).map(r => ({
        id: r['id'] as string,
        kind: r['kind'] as AlarmKind,
        severity: r['severity'] as Severity,
        state: r['state'] as AlarmState,
        active: r['active'] === 1,
        deviceId: r['device_id'] as string | null,
        origin: r['origin'] as string,
        atMs: r['at_ms'] as number,
        lastMs: r['last_ms'] as number,
        placed: r['placed'] === 1,
        positioned: r['positioned'] === 1,
      })),
    idsOf: (incidentId: string): string[] => idsOf.all(incidentId).map(r => r['id'] as string),
    /** One alarm of the incident with the very same device or place words; one look even in a flood of thousands. */
    exactSpot: (incidentId: string, s: Spot): Spot | undefined =>
      exact.get(incidentId, s.device, s.building, s.area, s.grid) as unknown as Spot | undefined,
    /** Its different places, at most 200. */
    spotsOf: (incidentId: string): Spot[] => spots.all(incidentId) as unknown as Spot[],
    /** Open incidents that may be of one place with `spot`; who asks decides with relate(). */
    candidates(category: IncidentCategory, spot: Spot): string[] {
      const found = new Set(incidentIds(ofDevice.all(category, spot.device)))
      if (category === 'technical') return [...found]
      if (spot.building !== null) for (const id of incidentIds(ofBuilding.all(spot.building))) found.add(id)
      if (spot.lat !== null && spot.lon !== null) {
        const box = boxAround(spot.lat, spot.lon)
        for (const id of incidentIds(near.all(box.south, box.north, box.west, box.east))) found.add(id)
      }
      return [...found]
    },
    /** Looks at every alarm: for what is asked rarely. */
    activeOf: (origin: string): AlarmRecord[] => (activeOf.all(origin) as unknown as Row[]).map(toRecord),
    expired: (nowMs: number, limit: number): AlarmRecord[] => (expired.all(nowMs, limit) as unknown as Row[]).map(toRecord),
  }
}
