// The tables of dispatch.db, as a list of steps: user_version says how many have run. A step that was released is never
// edited, only followed by another. The audit trail and the timelines are append-only by trigger, not by promise.
import type { DatabaseSync } from 'node:sqlite'
import { FengsuiError } from '#contracts/errors.ts'
import { inTransaction } from './database.ts'
import { DEADLINE_TABLES } from './deadline-rows.ts'
import { HANDOVER_TABLES } from './handover-rows.ts'
import { KEPT_TABLES } from './kept-table.ts'
import { LEAN_TABLES } from './schema-lean.ts'
import { ORDER_TABLES } from './order-tables.ts'
import { COMMAND_TABLES } from './schema-commands.ts'
import { OBSERVATION_TABLES } from './schema-observations.ts'
import { REPORT_TABLES } from './report-tables.ts'
import { TELLING_TABLES } from './schema-telling.ts'

const STEPS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
  INSERT INTO meta VALUES ('position', '0');

  -- state of other rooms at 'position'; opaque here
  CREATE TABLE fold_state (room TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (room, key)) WITHOUT ROWID, STRICT;

  CREATE TABLE incidents (
    id TEXT PRIMARY KEY, category TEXT NOT NULL, state TEXT NOT NULL, open INTEGER NOT NULL, severity INTEGER NOT NULL,
    unacknowledged INTEGER NOT NULL, opened_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, queued_ms INTEGER NOT NULL,
    acknowledged_ms INTEGER, closed_ms INTEGER, merged_into TEXT REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED, escalation INTEGER NOT NULL, json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX incidents_open ON incidents (unacknowledged, severity, queued_ms) WHERE open = 1;
  CREATE INDEX incidents_done ON incidents (queued_ms) WHERE open = 0;
  CREATE INDEX incidents_queued ON incidents (queued_ms, acknowledged_ms);
  CREATE INDEX incidents_merged ON incidents (merged_into) WHERE merged_into IS NOT NULL;

  -- live = the alarm's incident is open: only these are looked at to group a new alarm
  CREATE TABLE alarms (
    id TEXT PRIMARY KEY, incident_id TEXT NOT NULL REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED, live INTEGER NOT NULL, category TEXT NOT NULL, kind TEXT NOT NULL,
    severity INTEGER NOT NULL, state TEXT NOT NULL, active INTEGER NOT NULL, acknowledged INTEGER NOT NULL, origin TEXT NOT NULL,
    device_id TEXT, device_key TEXT NOT NULL, building_key TEXT, area TEXT, grid TEXT, lat REAL, lon REAL,
    at_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, queued_ms INTEGER NOT NULL, shelved_until_ms INTEGER, evidence_count INTEGER NOT NULL,
    json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX alarms_incident ON alarms (incident_id, at_ms, id);
  CREATE INDEX alarms_building ON alarms (category, building_key, incident_id) WHERE live = 1;
  CREATE INDEX alarms_device ON alarms (category, device_key, incident_id) WHERE live = 1;
  CREATE INDEX alarms_near ON alarms (category, lat, lon, incident_id) WHERE live = 1;
  CREATE INDEX alarms_queued ON alarms (queued_ms);
  CREATE INDEX alarms_standing ON alarms (state, severity, queued_ms) WHERE state <> 'NORM';
  CREATE INDEX alarms_shelved ON alarms (shelved_until_ms) WHERE shelved_until_ms IS NOT NULL;

  CREATE TABLE timeline (id INTEGER PRIMARY KEY, incident_id TEXT NOT NULL REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED, json TEXT NOT NULL) STRICT;
  CREATE INDEX timeline_incident ON timeline (incident_id, id);
  CREATE TRIGGER timeline_no_update BEFORE UPDATE ON timeline BEGIN SELECT RAISE(ABORT, 'timelines are append-only'); END;
  CREATE TRIGGER timeline_no_delete BEFORE DELETE ON timeline BEGIN SELECT RAISE(ABORT, 'timelines are append-only'); END;

  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT,
    prev_hash TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
  CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
  CREATE TRIGGER audit_in_order BEFORE INSERT ON audit WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM audit)
    BEGIN SELECT RAISE(ABORT, 'the audit trail grows at its end only'); END;
  `,
  `
  -- what is to be told outside; seq is never used again, so that the order of an incident's rows is that of its events
  CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, channel TEXT NOT NULL,
    incident_id TEXT NOT NULL REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED, state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'gave-up')),
    attempts INTEGER NOT NULL, created_ms INTEGER NOT NULL, due_ms INTEGER, reason TEXT, json TEXT NOT NULL, UNIQUE (id, channel)
  ) STRICT;
  CREATE INDEX outbox_due ON outbox (channel, due_ms, seq) WHERE due_ms IS NOT NULL;
  CREATE INDEX outbox_waiting ON outbox (channel, incident_id, seq, created_ms) WHERE state = 'waiting';
  CREATE INDEX outbox_state ON outbox (state, seq);
  `,
  `
  -- the desk as it stood at any instant; what is open now is its first version, the past before this step is not known
  CREATE TABLE desk_versions (
    seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, subject TEXT NOT NULL CHECK (subject IN ('incident', 'alarm')), subject_id TEXT NOT NULL,
    incident_id TEXT NOT NULL, mark TEXT NOT NULL, json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX desk_versions_subject ON desk_versions (subject, subject_id, seq);
  CREATE INDEX desk_versions_alarms ON desk_versions (incident_id, subject_id, at_ms) WHERE subject = 'alarm';
  CREATE INDEX desk_versions_time ON desk_versions (at_ms);
  CREATE TRIGGER desk_versions_no_update BEFORE UPDATE ON desk_versions BEGIN SELECT RAISE(ABORT, 'the past is append-only'); END;
  CREATE TRIGGER desk_versions_no_delete BEFORE DELETE ON desk_versions BEGIN SELECT RAISE(ABORT, 'the past is append-only'); END;
  INSERT INTO desk_versions (at_ms, subject, subject_id, incident_id, mark, json)
    SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER), 'incident', id, id, '', json_set(json, '$.alarmIds', json('[]'), '$.deviceIds', json('[]'))
    FROM incidents WHERE open = 1;
  INSERT INTO desk_versions (at_ms, subject, subject_id, incident_id, mark, json)
    SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER), 'alarm', id, incident_id, '', json_remove(json, '$.evidence', '$.counterEvidence')
    FROM alarms WHERE live = 1;
  `,
  ORDER_TABLES,
  TELLING_TABLES,
  COMMAND_TABLES,
  `${DEADLINE_TABLES} ${HANDOVER_TABLES}`,
  OBSERVATION_TABLES,
  REPORT_TABLES,
  `
  -- what lets a fire rise among other rows of its level
  ALTER TABLE incidents ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE incidents ADD COLUMN signs INTEGER NOT NULL DEFAULT 0;
  UPDATE incidents SET confirmed = 1 WHERE json_extract(json, '$.confirmedAt') IS NOT NULL;
  DROP INDEX incidents_open;
  CREATE INDEX incidents_open ON incidents (unacknowledged DESC, severity, confirmed DESC, signs DESC, queued_ms, id) WHERE open = 1;
  `,
  KEPT_TABLES,
  // a new incident is written after what refers to it; without this SQLite looks through the whole outbox for each one
  'CREATE INDEX outbox_incident ON outbox (incident_id);',
  'ALTER TABLE tellings ADD COLUMN refused_ms INTEGER;',
  LEAN_TABLES,
]

const versionOf = (db: DatabaseSync): number => Number(db.prepare('PRAGMA user_version').get()?.['user_version'])

/** `upTo`: fewer steps, for tests of what comes to an older database. */
export const migrate = (db: DatabaseSync, file: string, upTo = STEPS.length): void => {
  const found = versionOf(db)
  if (found > STEPS.length)
    throw new FengsuiError('setting-invalid', `${file} has version ${found}, this program knows ${STEPS.length}: start the newer program`)
  for (const [i, step] of STEPS.entries()) {
    if (i < found || i >= upTo) continue
    inTransaction(db, () => db.exec(`${step}; PRAGMA user_version = ${i + 1}`))
  }
}
