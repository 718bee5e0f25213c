// The table of what crews say and show from the scene beyond the steps of their order. A step of schema.ts that stands apart.

export const REPORT_TABLES = `
  CREATE TABLE IF NOT EXISTS order_reports (
    id TEXT PRIMARY KEY, order_id TEXT NOT NULL, incident_id TEXT NOT NULL, what TEXT NOT NULL, at_ms INTEGER NOT NULL,
    picture_type TEXT, picture BLOB
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS order_reports_order ON order_reports (order_id);
  `
