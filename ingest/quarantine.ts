// What could not be used, with the reason and the raw bytes: DATA_DIR/quarantine.db. Nothing here is on the way of an alarm.
// Rows are idempotent by id, so a replay of the journal puts each message here once. Edge, store and core each open it.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { systemClock, type Clock } from '#contracts/clock.ts'
import type { QuarantineEntry } from '#contracts/quarantine.ts'

/** At this many rows the oldest go: first what the door refused (it was never acknowledged), then what was re-driven, then the rest. */
export const QUARANTINE_ROWS_MAX = 100_000
export const QUARANTINE_PAYLOAD_BYTES_MAX = 65_536
/** how many rows may be over the bound before a sweep: sweeping costs a scan */
const SWEEP_EVERY = 500

/** A refusal at the door, standing for `count` of the same kind in the time from `firstAt` to `lastAt`. */
export type DoorNote = {
  code: string
  reason: string
  identity?: string
  clientId?: string
  topic?: string
  count: number
  firstAt: string
  lastAt: string
  payload?: Uint8Array
}

export type Quarantine = {
  /** an id that is there already keeps its row: the disposition a person gave it stands */
  put(entry: QuarantineEntry | readonly QuarantineEntry[]): void
  /** adds up with the row of the same code, sender and topic */
  note(note: DoorNote | readonly DoorNote[]): void
  /** newest first */
  list(q: { limit: number; offset?: number; code?: string; source?: string }): { entries: QuarantineEntry[]; total: number }
  get(id: string): QuarantineEntry | undefined
  /** false when there is no such row */
  mark(id: string, disposition: QuarantineEntry['disposition']): boolean
  counts(): Record<string, number>
  /** all rows, and those that wait for a person: held, not settled */
  waiting(): { rows: number; open: number }
  close(): void
  [Symbol.dispose](): void
}

/** `busyMs`: how long a write waits, and its process with it, while another process writes; default 5 s */
export function openQuarantine(o: { dir: string; clock?: Clock; rowsMax?: number; busyMs?: number }): Quarantine {
  const rowsMax = o.rowsMax ?? QUARANTINE_ROWS_MAX
  const clock = o.clock ?? systemClock
  const db = new DatabaseSync(join(o.dir, 'quarantine.db'))
  db.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS entry (
      place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL,
      at TEXT, disposition TEXT NOT NULL, identity TEXT, client_id TEXT, topic TEXT, seq INTEGER, count INTEGER NOT NULL,
      first_at TEXT NOT NULL, last_at TEXT NOT NULL, bytes INTEGER NOT NULL, payload BLOB) STRICT;
    CREATE INDEX IF NOT EXISTS entry_code ON entry (code, place);
    CREATE INDEX IF NOT EXISTS entry_source ON entry (source, disposition, place);`)
  const columns = 'id, source, code, reason, at, disposition, identity, client_id, topic, seq, count, first_at, last_at, bytes, payload'
  const values = columns.replaceAll(/\w+/g, '?')
  const insert = db.prepare(`INSERT INTO entry (${columns}) VALUES (${values}) ON CONFLICT (id) DO NOTHING`)
  const addUp = db.prepare(`INSERT INTO entry (${columns}) VALUES (${values}) ON CONFLICT (id) DO UPDATE SET
    count = count + excluded.count, last_at = excluded.last_at, reason = excluded.reason, payload = coalesce(excluded.payload, payload)`)
  const count = db.prepare('SELECT count(*) AS n FROM entry')
  const held = db.prepare("SELECT count(*) AS n FROM entry WHERE source IN ('decoder', 'store') AND disposition = 'held'")
  db.exec(`PRAGMA busy_timeout = ${o.busyMs ?? 5000}`)
  let written = SWEEP_EVERY

  const transaction = (work: () => void): void => {
    db.exec('BEGIN IMMEDIATE')
    try {
      work()
      if (written >= SWEEP_EVERY) sweep()
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK') // a full disk has rolled back already
      throw error
    }
  }
  const sweep = (): void => {
    written = 0
    const over = Number(count.get()?.['n']) - rowsMax
    if (over <= 0) return
    db.prepare(
      `DELETE FROM entry WHERE place IN (SELECT place FROM entry
         ORDER BY CASE WHEN source = 'door' THEN 0 WHEN disposition = 'redriven' THEN 1 WHEN disposition = 'kept-with-note' THEN 2 ELSE 3 END, place
         LIMIT ?)`,
    ).run(over)
  }
  const write = (statement: typeof insert, entries: readonly QuarantineEntry[]): void =>
    transaction(() => {
      for (const entry of entries) statement.run(...rowOf(entry))
      written += entries.length
    })

  return {
    put: entry => write(insert, [entry].flat()),
    note: note => write(addUp, [note].flat().map(doorEntry)),
    list({ limit, offset = 0, code, source }) {
      const where = `(?1 IS NULL OR code = ?1) AND (?2 IS NULL OR source = ?2)`
      const filter = [code ?? null, source ?? null] as const
      const rows = db
        .prepare(`SELECT ${columns} FROM entry WHERE ${where} ORDER BY place DESC LIMIT ?3 OFFSET ?4`)
        .all(...filter, limit, offset)
      const total = db.prepare(`SELECT count(*) AS n FROM entry WHERE ${where}`).get(...filter)
      return { entries: rows.map(entryOf), total: Number(total?.['n']) }
    },
    get(id) {
      const row = db.prepare(`SELECT ${columns} FROM entry WHERE id = ?`).get(id)
      return row === undefined ? undefined : entryOf(row)
    },
    mark: (id, disposition) =>
      Number(
        db.prepare('UPDATE entry SET disposition = ?, last_at = ? WHERE id = ?').run(disposition, new Date(clock.nowMs()).toISOString(), id)
          .changes,
      ) > 0,
    counts: () =>
      Object.fromEntries(
        db
          .prepare('SELECT code, sum(count) AS n FROM entry GROUP BY code ORDER BY code')
          .all()
          .map(row => [String(row['code']), Number(row['n'])]),
      ),
    waiting: () => ({ rows: Number(count.get()?.['n']), open: Number(held.get()?.['n']) }),
    close: () => db.close(),
    [Symbol.dispose]: () => db.close(),
  }
}

function doorEntry(note: DoorNote): QuarantineEntry {
  const { payload, ...rest } = note
  const key = [note.code, note.identity, note.clientId, note.topic].join('\n')
  return {
    id: `d-${createHash('sha256').update(key).digest('hex').slice(0, 20)}`,
    source: 'door',
    disposition: 'refused',
    ...rest,
    bytes: payload?.byteLength ?? 0,
    ...(payload !== undefined && { payloadBase64: base64(payload) }),
  }
}

export const base64 = (payload: Uint8Array): string => Buffer.from(payload.subarray(0, QUARANTINE_PAYLOAD_BYTES_MAX)).toString('base64')

type Cell = null | number | string | Uint8Array

function rowOf(e: QuarantineEntry): Cell[] {
  const payload = e.payloadBase64 === undefined ? null : Buffer.from(e.payloadBase64, 'base64').subarray(0, QUARANTINE_PAYLOAD_BYTES_MAX)
  const head = [e.id, e.source, e.code, e.reason, e.where ?? null, e.disposition, e.identity ?? null, e.clientId ?? null]
  return [...head, e.topic ?? null, e.seq ?? null, e.count, e.firstAt, e.lastAt, e.bytes, payload]
}

function entryOf(row: Record<string, SQLOutputValue>): QuarantineEntry {
  const text = (name: string): Record<string, string> => (typeof row[name] === 'string' ? { [name]: row[name] } : {})
  const { at, client_id: clientId, payload } = row
  return {
    id: String(row['id']),
    source: row['source'] as QuarantineEntry['source'],
    code: String(row['code']),
    reason: String(row['reason']),
    ...(typeof at === 'string' && { where: at }),
    disposition: row['disposition'] as QuarantineEntry['disposition'],
    ...text('identity'),
    ...(typeof clientId === 'string' && { clientId }),
    ...text('topic'),
    ...(row['seq'] !== null && { seq: Number(row['seq']) }),
    count: Number(row['count']),
    firstAt: String(row['first_at']),
    lastAt: String(row['last_at']),
    bytes: Number(row['bytes']),
    ...(payload instanceof Uint8Array && { payloadBase64: Buffer.from(payload).toString('base64') }),
  }
}
