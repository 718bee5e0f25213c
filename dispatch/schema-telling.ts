// The tables of telling people: who was told of what, how far that has come, the first times of each incident, and the CAP feed. A step
// of schema.ts that stands apart.

export const TELLING_TABLES = `
  -- '' = the channel has one receiver, told of everything
  ALTER TABLE outbox ADD COLUMN recipient TEXT NOT NULL DEFAULT '';

  -- one row a notification and person: the ladder sent -> delivered -> heard -> accepted; next_ms = when the next channel is tried
  CREATE TABLE IF NOT EXISTS tellings (
    id TEXT NOT NULL, recipient TEXT NOT NULL, incident_id TEXT NOT NULL REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED,
    event TEXT NOT NULL, step INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN
      ('sent', 'delivered', 'heard', 'accepted', 'refused', 'unheard', 'answered', 'superseded')),
    created_ms INTEGER NOT NULL, delivered_ms INTEGER, heard_ms INTEGER, accepted_ms INTEGER, next_ms INTEGER, json TEXT NOT NULL,
    PRIMARY KEY (id, recipient)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS tellings_next ON tellings (next_ms) WHERE next_ms IS NOT NULL;
  CREATE INDEX IF NOT EXISTS tellings_incident ON tellings (incident_id, created_ms);
  CREATE INDEX IF NOT EXISTS tellings_done ON tellings (created_ms) WHERE next_ms IS NULL;

  -- the first time of each, by whomever
  CREATE TABLE IF NOT EXISTS told (
    incident_id TEXT PRIMARY KEY REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED, notified_ms INTEGER, heard_ms INTEGER, accepted_ms INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS cap_messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, identifier TEXT NOT NULL UNIQUE, incident_id TEXT NOT NULL, sent TEXT NOT NULL, sent_ms INTEGER NOT NULL,
    headline TEXT NOT NULL, xml TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS cap_messages_incident ON cap_messages (incident_id, seq);
  `
