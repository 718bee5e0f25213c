// What is told outside and the past, in tables with no more indexes than are asked: every alarm writes into each of them, and an index is
// a page of each commit. They are moved as they are; a reference to incidents would need an index of its own. A step of schema.ts.

/** The due time of a row that waits for an earlier one: past every clock, so that all that waits stands in one index. */
export const BEHIND_MS = 8_640_000_000_000_000

export const LEAN_TABLES = `
  -- seq is never used again: the newest row is never deleted
  CREATE TABLE outbox_lean (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, channel TEXT NOT NULL, recipient TEXT NOT NULL DEFAULT '', incident_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'gave-up')), attempts INTEGER NOT NULL, created_ms INTEGER NOT NULL,
    due_ms INTEGER CHECK ((state = 'waiting') = (due_ms IS NOT NULL)), reason TEXT, json TEXT NOT NULL
  ) STRICT;
  INSERT INTO outbox_lean SELECT seq, id, channel, recipient, incident_id, state, attempts, created_ms,
    CASE state WHEN 'waiting' THEN coalesce(due_ms, ${BEHIND_MS}) END, reason, json FROM outbox ORDER BY seq;
  DROP TABLE outbox;
  ALTER TABLE outbox_lean RENAME TO outbox;
  CREATE UNIQUE INDEX outbox_once ON outbox (incident_id, recipient, channel, id);
  CREATE INDEX outbox_due ON outbox (channel, due_ms) WHERE due_ms IS NOT NULL;
  CREATE INDEX outbox_finished ON outbox (state) WHERE state <> 'waiting';

  CREATE TABLE tellings_lean (
    incident_id TEXT NOT NULL, recipient TEXT NOT NULL, id TEXT NOT NULL, event TEXT NOT NULL, step INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sent', 'delivered', 'heard', 'accepted', 'refused', 'unheard', 'answered', 'superseded')),
    created_ms INTEGER NOT NULL, delivered_ms INTEGER, heard_ms INTEGER, accepted_ms INTEGER, refused_ms INTEGER, next_ms INTEGER,
    json TEXT NOT NULL, UNIQUE (incident_id, recipient, id)
  ) STRICT;
  INSERT INTO tellings_lean SELECT incident_id, recipient, id, event, step, state, created_ms, delivered_ms, heard_ms, accepted_ms,
    refused_ms, next_ms, json FROM tellings ORDER BY rowid;
  DROP TABLE tellings;
  ALTER TABLE tellings_lean RENAME TO tellings;
  CREATE INDEX tellings_next ON tellings (next_ms) WHERE next_ms IS NOT NULL;
  CREATE INDEX tellings_done ON tellings (created_ms) WHERE next_ms IS NULL;

  CREATE TABLE cap_lean (
    seq INTEGER PRIMARY KEY, incident_id TEXT NOT NULL, identifier TEXT NOT NULL, sent TEXT NOT NULL, sent_ms INTEGER NOT NULL,
    headline TEXT NOT NULL, xml TEXT NOT NULL, UNIQUE (incident_id, identifier)
  ) STRICT;
  INSERT INTO cap_lean SELECT seq, incident_id, identifier, sent, sent_ms, headline, xml FROM cap_messages ORDER BY seq;
  DROP TABLE cap_messages;
  ALTER TABLE cap_lean RENAME TO cap_messages;

  -- an alarm that went into another incident has no version there yet, so its newest there is its newest
  DROP INDEX desk_versions_subject;
  DROP INDEX desk_versions_alarms;
  CREATE INDEX desk_versions_of ON desk_versions (incident_id, subject_id, seq, at_ms);
  `
