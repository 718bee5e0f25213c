// What could not be used, with the reason and the raw bytes: DATA_DIR/quarantine.db. Nothing here is on the way of an alarm.
// Rows are idempotent by id, so a replay of the journal puts each message here once. Edge, store and core each open it.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock, type Clock } from '#contracts/clock.ts'
import { noMeter, type Meter } from '#contracts/metrics.ts'
import type { Disposition, QuarantineEntry, QuarantineFilter } from '#contracts/quarantine.ts'
import { base64, COLUMNS, entryOf, migrateQuarantine, rowOf, SWEEP, whereOf } from './quarantine-rows.ts'

/**
 * At this many rows the oldest go, and are counted: first what the door refused (it was never acknowledged), then what a person has
 * settled, then notes, what is held last.
 */
export const QUARANTINE_ROWS_MAX = 100_000
export { QUARANTINE_PAYLOAD_BYTES_MAX } from './quarantine-rows.ts'
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
  list(q: QuarantineFilter & { limit: number; offset?: number }): { entries: QuarantineEntry[]; total: number }
  /** oldest first; `place` of the last one leads to the next page */
  page(q: QuarantineFilter & { limit: number; afterPlace: number; upToPlace: number }): { place: number; entry: QuarantineEntry }[]
  /** how many fit, none newer than the one at `upToPlace` */
  count(q: QuarantineFilter & { upToPlace: number }): number
  /** place of the newest entry; 0 = there is none */
  newestPlace(): number
  get(id: string): QuarantineEntry | undefined
  /** false when there is no such row */
  mark(id: string, disposition: Disposition, by?: string): boolean
  counts(): Record<string, number>
  codes(): string[]
  /** all rows, and those that wait for a person: held, not settled */
  waiting(): { rows: number; open: number }
  close(): void
  [Symbol.dispose](): void
}

/** `busyMs`: how long a write waits, and its process with it, while another process writes; default 5 s */
export function openQuarantine(o: { dir: string; clock?: Clock; meter?: Meter; rowsMax?: number; busyMs?: number }): Quarantine {
  const rowsMax = o.rowsMax ?? QUARANTINE_ROWS_MAX
  const clock = o.clock ?? systemClock
  const meter = o.meter ?? noMeter
  const db = new DatabaseSync(join(o.dir, 'quarantine.db'))
  migrateQuarantine(db)
  const values = COLUMNS.replaceAll(/\w+/g, '?')
  const insert = db.prepare(`INSERT INTO entry (${COLUMNS}) VALUES (${values}) ON CONFLICT (id) DO NOTHING`)
  const addUp = db.prepare(`INSERT INTO entry (${COLUMNS}) VALUES (${values}) ON CONFLICT (id) DO UPDATE SET
    count = count + excluded.count, last_at = excluded.last_at, reason = excluded.reason, payload = coalesce(excluded.payload, payload)`)
  const count = db.prepare('SELECT count(*) AS n FROM entry')
  const held = db.prepare("SELECT count(*) AS n FROM entry WHERE source IN ('decoder', 'store') AND disposition = 'held'")
  const settle = db.prepare(
    "UPDATE entry SET disposition = ?1, settled_at = ?2, settled_by = ?3, redrives = redrives + (?1 = 'redriven') WHERE id = ?4",
  )
  db.exec(`PRAGMA busy_timeout = ${o.busyMs ?? 5000}`)
  let written = SWEEP_EVERY

  const transaction = (work: () => void): void => {
    let swept: Record<string, number> = {}
    db.exec('BEGIN IMMEDIATE')
    try {
      work()
      if (written >= SWEEP_EVERY) swept = sweep()
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK') // a full disk has rolled back already
      throw error
    }
    for (const [disposition, n] of Object.entries(swept)) meter.count('fengsui_quarantine_swept_total', { disposition }, n)
  }
  const sweep = (): Record<string, number> => {
    written = 0
    const over = Number(count.get()?.['n']) - rowsMax
    if (over <= 0) return {}
    const gone = db.prepare(SWEEP).all(over)
    return Object.fromEntries([...Map.groupBy(gone, row => String(row['disposition']))].map(([name, rows]) => [name, rows.length]))
  }
  const write = (statement: typeof insert, entries: readonly QuarantineEntry[]): void =>
    transaction(() => {
      for (const entry of entries) statement.run(...rowOf(entry))
      written += entries.length
    })

  return {
    put: entry => write(insert, [entry].flat()),
    note: note => write(addUp, [note].flat().map(doorEntry)),
    list({ limit, offset = 0, ...filter }) {
      const { where, given } = whereOf(filter)
      const rows = db.prepare(`SELECT ${COLUMNS} FROM entry ${where} ORDER BY place DESC LIMIT ? OFFSET ?`).all(...given, limit, offset)
      const total = db.prepare(`SELECT count(*) AS n FROM entry ${where}`).get(...given)
      return { entries: rows.map(entryOf), total: Number(total?.['n']) }
    },
    page({ limit, afterPlace, upToPlace, ...filter }) {
      const { where, given } = whereOf(filter, 'place > ? AND place <= ?', afterPlace, upToPlace)
      const rows = db.prepare(`SELECT place, ${COLUMNS} FROM entry ${where} ORDER BY place LIMIT ?`).all(...given, limit)
      return rows.map(row => ({ place: Number(row['place']), entry: entryOf(row) }))
    },
    count({ upToPlace, ...filter }) {
      const { where, given } = whereOf(filter, 'place <= ?', upToPlace)
      return Number(db.prepare(`SELECT count(*) AS n FROM entry ${where}`).get(...given)?.['n'])
    },
    newestPlace: () => Number(db.prepare('SELECT coalesce(max(place), 0) AS place FROM entry').get()?.['place']),
    get(id) {
      const row = db.prepare(`SELECT ${COLUMNS} FROM entry WHERE id = ?`).get(id)
      return row === undefined ? undefined : entryOf(row)
    },
    mark: (id, disposition, by) => Number(settle.run(disposition, new Date(clock.nowMs()).toISOString(), by ?? null, id).changes) > 0,
    counts: () =>
      Object.fromEntries(
        db
          .prepare('SELECT code, sum(count) AS n FROM entry GROUP BY code ORDER BY code')
          .all()
          .map(row => [String(row['code']), Number(row['n'])]),
      ),
    codes: () =>
      db
        .prepare('SELECT DISTINCT code FROM entry ORDER BY code')
        .all()
        .map(row => String(row['code'])),
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
