// Tables of resources, their duty rosters and their orders. At most one order of a resource is open: the index refuses a second, whatever
// the code above it thinks.

export const ORDER_TABLES = `
  CREATE TABLE resources (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, device_id TEXT, removed INTEGER NOT NULL, heard_ms INTEGER, json TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX resources_device ON resources (device_id) WHERE device_id IS NOT NULL AND removed = 0;

  CREATE TABLE duty_shifts (
    resource_id TEXT NOT NULL REFERENCES resources (id), from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, crew INTEGER NOT NULL, note TEXT,
    PRIMARY KEY (resource_id, from_ms)
  ) WITHOUT ROWID, STRICT;

  CREATE TABLE orders (
    id TEXT PRIMARY KEY, incident_id TEXT NOT NULL REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED, resource_id TEXT NOT NULL,
    state TEXT NOT NULL, open INTEGER NOT NULL, offered_ms INTEGER NOT NULL, answer_by_ms INTEGER, json TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX orders_busy ON orders (resource_id) WHERE open = 1;
  CREATE INDEX orders_incident ON orders (incident_id, offered_ms);
  CREATE INDEX orders_resource ON orders (resource_id, offered_ms);
  CREATE INDEX orders_owed ON orders (answer_by_ms) WHERE answer_by_ms IS NOT NULL;
  CREATE INDEX orders_offered ON orders (offered_ms);
`
