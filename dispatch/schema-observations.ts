// The table of observations. A step of schema.ts that stands apart.

export const OBSERVATION_TABLES = `
  -- whose incident it is stands with its alarm, which moves when incidents are merged
  CREATE TABLE IF NOT EXISTS observations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, by_whom TEXT NOT NULL, key TEXT NOT NULL, alarm_id TEXT NOT NULL, at_ms INTEGER NOT NULL,
    json TEXT NOT NULL, UNIQUE (by_whom, key)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS observations_alarm ON observations (alarm_id, seq);
  `
