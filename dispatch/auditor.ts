// Looks once a minute for anything that is stuck: what should have moved by itself and has not, and what nobody is left to move. It repairs
// nothing and asks the tables, not the code that should have done it: what it finds becomes an alarm of the system about itself.
import type { DatabaseSync } from 'node:sqlite'

export const AUDIT_EVERY_MS = 60_000
/** Deadlines are looked at four times a second; later than this, they are not looked at. */
const LATE_MS = 10_000
/** each kind of finding names at most so many */
const NAMED_MAX = 5

export type Finding = { what: string; count: number; ids: string[] }

const CHECKS: readonly { what: string; sql: string }[] = [
  { what: 'deadlines passed and nobody acted on them', sql: 'SELECT subject_id AS id FROM deadlines WHERE due_ms < :late' },
  { what: 'offers unanswered and not passed on', sql: 'SELECT id FROM orders WHERE answer_by_ms < :late' },
  { what: 'shelved alarms past their time', sql: 'SELECT id FROM alarms WHERE shelved_until_ms < :late' },
  { what: 'ladders whose time passed and that nobody climbed', sql: 'SELECT id FROM tellings WHERE next_ms < :late' },
  {
    what: 'orders open though their incident is over',
    sql: 'SELECT orders.id AS id FROM orders JOIN incidents ON incidents.id = orders.incident_id WHERE orders.open = 1 AND incidents.open = 0',
  },
  {
    // a row was lost, or the incident was written past the code that times it
    what: 'incidents with a due time that nothing watches',
    sql: `SELECT id FROM incidents WHERE open = 1 AND json_extract(json, '$.dueAt') IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM deadlines WHERE subject = 'incident' AND subject_id = incidents.id)`,
  },
  {
    what: 'fires that missed their deadline at the city, with nobody above',
    sql: `SELECT id FROM incidents WHERE open = 1 AND category = 'fire' AND escalation >= 4 AND json_extract(json, '$.dueAt') IS NULL
      AND json_extract(json, '$.missedAt') IS NOT NULL AND json_extract(json, '$.drill') IS NULL`,
  },
]

export const openAuditor = (db: DatabaseSync): ((nowMs: number) => Finding[]) => {
  const checks = CHECKS.map(({ what, sql }) => ({ what, timed: sql.includes(':late'), all: db.prepare(`${sql} LIMIT 1000`) }))
  return nowMs =>
    checks.flatMap(({ what, timed, all }) => {
      const named = all.all(timed ? { late: nowMs - LATE_MS } : {}).map(row => row['id'] as string)
      return named.length === 0 ? [] : [{ what, count: named.length, ids: named.slice(0, NAMED_MAX) }]
    })
}

export const findingWords = (found: readonly Finding[]): string =>
  found.map(({ what, count, ids }) => `${count} ${what}: ${ids.join(', ')}`).join('; ')
