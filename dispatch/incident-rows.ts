// Incidents and their timelines on disk: the whole incident as JSON, and beside it the columns that queries look at. No decisions.
import type { DatabaseSync } from 'node:sqlite'
import type { Incident, TimelineEntry } from '#contracts/incident.ts'
import { isOpen } from './incident-states.ts'

export type IncidentRecord = {
  incident: Incident
  /** steps taken up the chain grid -> community -> street -> district -> city */
  escalation: number
}

/** One line of an incident's timeline and its place among those of all incidents. */
export type IncidentEvent = { seq: number; incidentId: string; entry: TimelineEntry }

type Row = { json: string; escalation: number }
const ms = (time: string | undefined): number | null => (time === undefined ? null : Date.parse(time))

export type IncidentRows = ReturnType<typeof incidentRows>

export const incidentRows = (db: DatabaseSync) => {
  const byId = db.prepare('SELECT json, escalation FROM incidents WHERE id = ?')
  const upsert = db.prepare(
    `INSERT INTO incidents VALUES (:id, :category, :state, :open, :severity, :unacknowledged, :opened_ms, :last_ms, :queued_ms, :acknowledged_ms,
      :closed_ms, :merged_into, :escalation, :json, :confirmed, :signs)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, open = excluded.open, severity = excluded.severity,
      unacknowledged = excluded.unacknowledged, opened_ms = excluded.opened_ms, last_ms = excluded.last_ms,
      acknowledged_ms = excluded.acknowledged_ms, closed_ms = excluded.closed_ms, merged_into = excluded.merged_into,
      escalation = excluded.escalation, json = excluded.json, confirmed = excluded.confirmed, signs = excluded.signs`,
  )
  const tell = db.prepare('INSERT INTO timeline (incident_id, json) VALUES (?, ?)')
  // an incident's timeline includes those of the incidents that were merged into it
  const timeline = db.prepare(
    `WITH RECURSIVE family (id) AS (VALUES (?) UNION SELECT incidents.id FROM incidents JOIN family ON incidents.merged_into = family.id)
     SELECT json FROM family CROSS JOIN timeline INDEXED BY timeline_incident ON timeline.incident_id = family.id
     ORDER BY timeline.id DESC LIMIT ? + 0`,
  )
  const hasTakenIn = db.prepare('SELECT 1 FROM incidents WHERE merged_into = ? LIMIT 1')
  const own = db.prepare('SELECT json FROM timeline WHERE incident_id = ? ORDER BY id DESC LIMIT ? + 0')
  const events = db.prepare('SELECT id, incident_id, json FROM timeline WHERE id > ? ORDER BY id LIMIT ? + 0')
  const lastEvent = db.prepare('SELECT coalesce(max(id), 0) AS id FROM timeline')

  return {
    /** Lines of all incidents in the order in which they were written. */
    events: (after: number, limit: number): IncidentEvent[] =>
      events.all(after, limit).map(row => ({
        seq: Number(row['id']),
        incidentId: String(row['incident_id']),
        entry: JSON.parse(String(row['json'])) as TimelineEntry,
      })),
    lastEvent: (): number => Number(lastEvent.get()?.['id'] ?? 0),
    get(id: string): IncidentRecord | undefined {
      const row = byId.get(id) as Row | undefined
      return row === undefined ? undefined : { incident: JSON.parse(row.json) as Incident, escalation: row.escalation }
    },
    save({ incident, escalation }: IncidentRecord): void {
      upsert.run({
        id: incident.id,
        category: incident.category,
        state: incident.state,
        open: Number(isOpen(incident.state)),
        severity: incident.severity,
        unacknowledged: Number(incident.unacknowledgedAlarms > 0),
        opened_ms: Date.parse(incident.openedAt),
        last_ms: Date.parse(incident.lastAt),
        queued_ms: Date.parse(incident.queuedAt),
        acknowledged_ms: ms(incident.firstHandling?.acknowledgedAt ?? incident.acknowledgedAt),
        closed_ms: ms(incident.closedAt),
        merged_into: incident.mergedInto ?? null,
        escalation,
        json: JSON.stringify(incident),
        confirmed: Number(incident.confirmedAt !== undefined),
        signs: incident.signs ?? 0,
      })
    },
    tell: (incidentId: string, entry: TimelineEntry): void => void tell.run(incidentId, JSON.stringify(entry)),
    /** The newest `limit` entries, oldest first. */
    timeline: (id: string, limit: number): TimelineEntry[] =>
      // nearly all have taken in no other, and need no walk through the family
      (hasTakenIn.get(id) === undefined ? own : timeline)
        .all(id, limit)
        .map(row => JSON.parse(row['json'] as string) as TimelineEntry)
        .toReversed(),
  }
}
