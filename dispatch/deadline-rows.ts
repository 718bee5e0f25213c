// What is due when, on disk: one row an incident (its state's deadline) and up to three an order (the 1-3-5 clock). A restart reads them as
// they stand; what came due meanwhile is due at once. No decisions.
import type { DatabaseSync } from 'node:sqlite'

export const DEADLINE_TABLES = `
  CREATE TABLE deadlines (
    subject TEXT NOT NULL CHECK (subject IN ('incident', 'order')), subject_id TEXT NOT NULL, what TEXT NOT NULL, due_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, subject_id, what)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX deadlines_due ON deadlines (due_ms);
`

export type Deadline = { subject: 'incident' | 'order'; subjectId: string; what: string; dueMs: number }
export type DeadlineRows = ReturnType<typeof deadlineRows>

type Row = { subject: Deadline['subject']; subject_id: string; what: string; due_ms: number }
const toDeadline = (r: Row): Deadline => ({ subject: r.subject, subjectId: r.subject_id, what: r.what, dueMs: r.due_ms })

export const deadlineRows = (db: DatabaseSync) => {
  const put = db.prepare(
    'INSERT INTO deadlines VALUES (?, ?, ?, ?) ON CONFLICT (subject, subject_id, what) DO UPDATE SET due_ms = excluded.due_ms',
  )
  const drop = db.prepare('DELETE FROM deadlines WHERE subject = ? AND subject_id = ? AND what = ?')
  const dropAll = db.prepare('DELETE FROM deadlines WHERE subject = ? AND subject_id = ?')
  const due = db.prepare('SELECT * FROM deadlines WHERE due_ms <= ? ORDER BY due_ms, subject_id LIMIT ? + 0')
  return {
    put: (d: Deadline): void => void put.run(d.subject, d.subjectId, d.what, d.dueMs),
    drop: (subject: Deadline['subject'], id: string, what: string): void => void drop.run(subject, id, what),
    dropAll: (subject: Deadline['subject'], id: string): void => void dropAll.run(subject, id),
    /** Longest due first. */
    due: (nowMs: number, limit: number): Deadline[] => (due.all(nowMs, limit) as unknown as Row[]).map(toDeadline),
  }
}
