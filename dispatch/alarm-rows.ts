// Alarms on disk: the whole alarm as JSON, and beside it the columns that queries and grouping look at. No decisions.
import type { DatabaseSync } from 'node:sqlite'
import { isHazard, type Alarm, type AlarmKind, type AlarmState, type Severity } from '#contracts/alarm.ts'
import type { IncidentCategory } from '#contracts/incident.ts'
import { alarmLines, type AlarmLine } from './alarm-lines.ts'
import { alarmPlaces } from './alarm-places.ts'
import { shownEvidence } from './evidence.ts'
import { spotOf, type Spot } from './place.ts'
import { signOf } from './signs.ts'

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

/** Of a row with ALARM_COLUMNS. */
export const toRecord = (row: unknown): AlarmRecord => {
  const r = row as Row
  return {
    alarm: JSON.parse(r.json) as Alarm,
    active: r.active === 1,
    acknowledged: r.acknowledged === 1,
    evidenceCount: r.evidence_count,
    lastMs: r.last_ms,
    queuedMs: r.queued_ms,
    shelvedUntilMs: r.shelved_until_ms,
  }
}

/** The alarm as the outside sees it. */
export const toAlarm = (r: AlarmRecord): Alarm => ({ ...r.alarm, evidence: shownEvidence(r.alarm.evidence, r.evidenceCount) })

export const categoryOf = (kind: AlarmKind): IncidentCategory => (isHazard(kind) ? 'fire' : 'technical')
export const spotOfAlarm = (a: Alarm): Spot => spotOf({ place: a.place, position: a.position, device: a.deviceId ?? a.subject })

export const ALARM_COLUMNS = 'id, active, acknowledged, evidence_count, last_ms, queued_ms, shelved_until_ms, json'

export type AlarmRows = ReturnType<typeof alarmRows>

export const alarmRows = (db: DatabaseSync) => {
  const byId = db.prepare(`SELECT ${ALARM_COLUMNS} FROM alarms WHERE id = ?`)
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
      (building_key IS NOT NULL OR area IS NOT NULL) AS placed, json_extract(json, '$.evidence[0].what') AS what,
      json_extract(json, '$.rule.kind') AS rule_kind FROM alarms WHERE incident_id = ? ORDER BY at_ms, id`,
  )
  const idsOf = db.prepare('SELECT id FROM alarms WHERE incident_id = ? ORDER BY at_ms, id')
  const first = db.prepare(`SELECT ${ALARM_COLUMNS} FROM alarms WHERE incident_id = ? ORDER BY queued_ms, at_ms, id LIMIT 1`)
  const expired = db.prepare(`SELECT ${ALARM_COLUMNS} FROM alarms WHERE shelved_until_ms <= ? ORDER BY shelved_until_ms LIMIT ? + 0`)

  const activeOf = db.prepare(`SELECT ${ALARM_COLUMNS} FROM alarms WHERE active = 1 AND origin = ?`)

  const toLine = (r: Record<string, unknown>): AlarmLine => ({
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
    sign: signOf(r['kind'] as AlarmKind, (r['what'] as string | null) ?? undefined, (r['rule_kind'] as string | null) ?? undefined),
  })
  const known = alarmLines(incidentId => lines.all(incidentId).map(toLine))

  return {
    get(id: string): AlarmRecord | undefined {
      const row = byId.get(id)
      return row === undefined ? undefined : toRecord(row)
    },
    /** The one that came into the queue first. */
    firstOf(incidentId: string): AlarmRecord | undefined {
      const row = first.get(incidentId) as Row | undefined
      return row === undefined ? undefined : toRecord(row)
    },
    save(r: AlarmRecord): void {
      const { alarm } = r
      const spot = spotOfAlarm(alarm)
      const atMs = Date.parse(alarm.raisedAt)
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
        at_ms: atMs,
        last_ms: r.lastMs,
        queued_ms: r.queuedMs,
        shelved_until_ms: r.shelvedUntilMs,
        evidence_count: r.evidenceCount,
        json: JSON.stringify(alarm),
      })
      known.put(alarm.incidentId, {
        id: alarm.id,
        kind: alarm.kind,
        severity: alarm.severity,
        state: alarm.state,
        active: r.active,
        deviceId: alarm.deviceId ?? null,
        origin: alarm.origin,
        atMs,
        lastMs: r.lastMs,
        placed: spot.building !== null || spot.area !== null,
        positioned: spot.lat !== null,
        sign: signOf(alarm.kind, alarm.evidence[0]?.what, alarm.rule?.kind),
      })
    },
    setLive: (incidentId: string, live: boolean): void => void setLive.run(Number(live), incidentId),
    /** In event-time order; not to be changed by who asks. */
    linesOf: known.of,
    /** Its alarms were moved into another. */
    forgetLines: known.forget,
    /** A transaction was rolled back: what was written in it is not so. */
    forgetAllLines: known.clear,
    idsOf: (incidentId: string): string[] => idsOf.all(incidentId).map(r => r['id'] as string),
    ...alarmPlaces(db),
    /** Looks at every alarm: for what is asked rarely. */
    activeOf: (origin: string): AlarmRecord[] => activeOf.all(origin).map(toRecord),
    expired: (nowMs: number, limit: number): AlarmRecord[] => expired.all(nowMs, limit).map(toRecord),
  }
}
