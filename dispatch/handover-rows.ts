// Hand-over packages on disk, append-only by trigger: what was given to the brigade is what it was.
import type { DatabaseSync } from 'node:sqlite'
import type { Handover } from '#contracts/handover.ts'

export const HANDOVER_TABLES = `
  CREATE TABLE handovers (id TEXT PRIMARY KEY, incident_id TEXT NOT NULL, at_ms INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
  CREATE INDEX handovers_incident ON handovers (incident_id, at_ms);
  CREATE TRIGGER handovers_no_update BEFORE UPDATE ON handovers BEGIN SELECT RAISE(ABORT, 'hand-over packages are append-only'); END;
  CREATE TRIGGER handovers_no_delete BEFORE DELETE ON handovers BEGIN SELECT RAISE(ABORT, 'hand-over packages are append-only'); END;
`

export type HandoverRows = ReturnType<typeof handoverRows>

export const handoverRows = (db: DatabaseSync) => {
  const insert = db.prepare('INSERT INTO handovers VALUES (?, ?, ?, ?)')
  // of what went into it too; by the order in which they were made, since a clock may have been set back between two
  const latest = db.prepare(
    `WITH RECURSIVE family (id) AS (VALUES (?) UNION SELECT incidents.id FROM incidents JOIN family ON incidents.merged_into = family.id)
     SELECT json FROM family JOIN handovers ON handovers.incident_id = family.id ORDER BY handovers.rowid DESC LIMIT 1`,
  )
  const count = db.prepare('SELECT count(*) AS n FROM handovers WHERE incident_id = ?')
  return {
    add: (h: Handover): void => void insert.run(h.id, h.incidentId, Date.parse(h.at), JSON.stringify(h)),
    latest(incidentId: string): Handover | undefined {
      const json = latest.get(incidentId)?.['json']
      return typeof json === 'string' ? (JSON.parse(json) as Handover) : undefined
    },
    countOf: (incidentId: string): number => Number(count.get(incidentId)?.['n']),
  }
}
