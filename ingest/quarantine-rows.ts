// The rows of quarantine.db: columns, what older versions lack, filters, and the way between a row and an entry. No decisions.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { QuarantineEntry, QuarantineFilter } from '#contracts/quarantine.ts'

export const QUARANTINE_PAYLOAD_BYTES_MAX = 65_536

const FIRST = 'id, source, code, reason, at, disposition, identity, client_id, topic, seq, count, first_at, last_at, bytes, payload'
export const COLUMNS = `${FIRST}, decoder, redrive_of, redrives, settled_at, settled_by`

/** columns that came later */
const LATER = { decoder: 'TEXT', redrive_of: 'TEXT', redrives: 'INTEGER NOT NULL DEFAULT 0', settled_at: 'TEXT', settled_by: 'TEXT' }

export const SWEEP = `DELETE FROM entry WHERE place IN (SELECT place FROM entry ORDER BY
  CASE WHEN source = 'door' THEN 0 WHEN disposition IN ('redriven', 'discarded') THEN 1 WHEN disposition = 'kept-with-note' THEN 2 ELSE 3 END,
  place LIMIT ?) RETURNING disposition`

/** Three processes may open the file at once: the first makes it, or brings it up to date. */
export function migrateQuarantine(db: DatabaseSync): void {
  db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE')
  try {
    db.exec(`CREATE TABLE IF NOT EXISTS entry (
      place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL,
      at TEXT, disposition TEXT NOT NULL, identity TEXT, client_id TEXT, topic TEXT, seq INTEGER, count INTEGER NOT NULL,
      first_at TEXT NOT NULL, last_at TEXT NOT NULL, bytes INTEGER NOT NULL, payload BLOB) STRICT;
      CREATE INDEX IF NOT EXISTS entry_code ON entry (code, place);
      CREATE INDEX IF NOT EXISTS entry_source ON entry (source, disposition, place);`)
    const there = new Set(
      db
        .prepare('SELECT name FROM pragma_table_info(?)')
        .all('entry')
        .map(row => String(row['name'])),
    )
    for (const [name, type] of Object.entries(LATER)) if (!there.has(name)) db.exec(`ALTER TABLE entry ADD COLUMN ${name} ${type}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

type Cell = null | number | string | Uint8Array

/** Only what is asked for stands in it, so that an index can be used. */
export function whereOf(filter: QuarantineFilter, condition?: string, ...values: Cell[]): { where: string; given: Cell[] } {
  const { code, source, disposition, topic, device, from, to } = filter
  const conditions: [string, ...Cell[]][] = [
    ...(code === undefined ? [] : [['code = ?', code] satisfies [string, Cell]]),
    ...(source === undefined ? [] : [['source = ?', source] satisfies [string, Cell]]),
    ...(disposition === undefined ? [] : [['disposition = ?', disposition] satisfies [string, Cell]]),
    ...(topic === undefined ? [] : [['substr(topic, 1, length(?)) = ?', topic, topic] satisfies [string, Cell, Cell]]),
    ...(device === undefined
      ? []
      : [["(identity = ? OR instr('/' || topic || '/', '/' || ? || '/') > 0)", device, device] satisfies [string, Cell, Cell]]),
    ...(from === undefined ? [] : [['last_at >= ?', new Date(from).toISOString()] satisfies [string, Cell]]),
    ...(to === undefined ? [] : [['first_at < ?', new Date(to).toISOString()] satisfies [string, Cell]]),
    ...(condition === undefined ? [] : [[condition, ...values] satisfies [string, ...Cell[]]]),
  ]
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([condition]) => condition).join(' AND ')}`
  return { where, given: conditions.flatMap(([, ...values]) => values) }
}

export const base64 = (payload: Uint8Array): string => Buffer.from(payload.subarray(0, QUARANTINE_PAYLOAD_BYTES_MAX)).toString('base64')

export function rowOf(e: QuarantineEntry): Cell[] {
  const payload = e.payloadBase64 === undefined ? null : Buffer.from(e.payloadBase64, 'base64').subarray(0, QUARANTINE_PAYLOAD_BYTES_MAX)
  const head = [e.id, e.source, e.code, e.reason, e.where ?? null, e.disposition, e.identity ?? null, e.clientId ?? null]
  const later = [e.decoder ?? null, e.redriveOf ?? null, e.redrives ?? 0, e.settledAt ?? null, e.settledBy ?? null]
  return [...head, e.topic ?? null, e.seq ?? null, e.count, e.firstAt, e.lastAt, e.bytes, payload, ...later]
}

/** name of the field -> column */
const TEXTS = {
  where: 'at',
  identity: 'identity',
  clientId: 'client_id',
  topic: 'topic',
  decoder: 'decoder',
  redriveOf: 'redrive_of',
  settledAt: 'settled_at',
  settledBy: 'settled_by',
} as const

export function entryOf(row: Record<string, SQLOutputValue>): QuarantineEntry {
  const { payload } = row
  const texts = Object.entries(TEXTS).flatMap(([name, column]) => (typeof row[column] === 'string' ? [[name, row[column]]] : []))
  return {
    id: String(row['id']),
    source: row['source'] as QuarantineEntry['source'],
    code: String(row['code']),
    reason: String(row['reason']),
    disposition: row['disposition'] as QuarantineEntry['disposition'],
    ...(Object.fromEntries(texts) as Partial<Record<keyof typeof TEXTS, string>>),
    ...(row['seq'] !== null && { seq: Number(row['seq']) }),
    ...(Number(row['redrives']) > 0 && { redrives: Number(row['redrives']) }),
    count: Number(row['count']),
    firstAt: String(row['first_at']),
    lastAt: String(row['last_at']),
    bytes: Number(row['bytes']),
    ...(payload instanceof Uint8Array && { payloadBase64: Buffer.from(payload).toString('base64') }),
  }
}
