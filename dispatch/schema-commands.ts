// The table of commands to devices. A step of schema.ts that stands apart.

export const COMMAND_TABLES = `
  -- next_ms: queued = sent as soon as it can be; sent = how long an answer is waited for; NULL = done. The key is the caller's own.
  CREATE TABLE IF NOT EXISTS commands (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, device_id TEXT NOT NULL, by_whom TEXT NOT NULL, key TEXT, state TEXT NOT NULL CHECK
      (state IN ('queued', 'sent', 'acknowledged', 'timed-out', 'expired')), expires_ms INTEGER NOT NULL, next_ms INTEGER, json TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS commands_key ON commands (by_whom, key) WHERE key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS commands_device ON commands (device_id, seq);
  CREATE INDEX IF NOT EXISTS commands_next ON commands (next_ms) WHERE next_ms IS NOT NULL;
  `
