// How far InfluxDB has been written, what the decoders knew then, and the run of rollups that is still open: InfluxDB itself has no
// transaction to keep it in. Saved after the server's answer: a crash in between sends the same points once more, which changes nothing.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Run, RunChange } from './influx-runs.ts'
import { Rollup, type Part } from './rollup.ts'
import type { RoomRows } from './store.ts'

export type Progress = {
  position(): number
  rows(room: string): [string, string][]
  /** the run of rollups that was open at the position */
  run(): Run | undefined
  /** points of runs that have ended, not known to be in InfluxDB yet */
  unsent(): { id: number; line: string }[]
  sent(upToId: number): void
  save(position: number, rooms: readonly RoomRows[], change: RunChange | undefined): void
  close(): void
}

const SCHEMA = `PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS state_row (room TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (room, key)) STRICT;
  CREATE TABLE IF NOT EXISTS run (one INTEGER PRIMARY KEY CHECK (one = 1), first_seq INTEGER NOT NULL, arrival TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS run_sum (minute INTEGER NOT NULL, area TEXT NOT NULL, kind TEXT NOT NULL, metric TEXT NOT NULL,
    count INTEGER NOT NULL, sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL, PRIMARY KEY (minute, kind, metric, area)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS unsent_line (id INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;`

/** DATA_DIR/influx.db, or memory without a folder. */
export function openProgress(dir: string | undefined): Progress {
  const db = new DatabaseSync(dir === undefined ? ':memory:' : join(dir, 'influx.db'))
  db.exec(SCHEMA)
  const get = db.prepare('SELECT position FROM progress')
  const set = db.prepare('INSERT INTO progress (one, position) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET position = excluded.position')
  const list = db.prepare('SELECT key, json FROM state_row WHERE room = ?')
  const put = db.prepare('INSERT OR REPLACE INTO state_row (room, key, json) VALUES (?, ?, ?)')
  const drop = db.prepare('DELETE FROM state_row WHERE room = ? AND key = ?')
  const getRun = db.prepare('SELECT first_seq, arrival FROM run')
  const setRun = db.prepare('INSERT OR REPLACE INTO run (one, first_seq, arrival) VALUES (1, ?, ?)')
  const sums = db.prepare('SELECT minute, area, kind, metric, count, sum, min, max FROM run_sum')
  const putSum = db.prepare(
    'INSERT OR REPLACE INTO run_sum (minute, area, kind, metric, count, sum, min, max) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const addLine = db.prepare('INSERT INTO unsent_line (line) VALUES (?)')
  const lines = db.prepare('SELECT id, line FROM unsent_line ORDER BY id')
  const dropLines = db.prepare('DELETE FROM unsent_line WHERE id <= ?')

  function saveRows(rooms: readonly RoomRows[]): void {
    for (const { room, rows } of rooms) {
      for (const [key, json] of rows) {
        if (json === null) drop.run(room, key)
        else put.run(room, key, json)
      }
    }
  }

  function saveRun({ lines: ended, run, changed, begun }: RunChange): void {
    for (const line of ended) addLine.run(line)
    if (begun) db.exec('DELETE FROM run_sum')
    if (begun) setRun.run(run.firstSeq, run.arrival)
    for (const { minute, area, kind, metric, count, sum, min, max } of changed) putSum.run(minute, area, kind, metric, count, sum, min, max)
  }

  return {
    position: () => Number(get.get()?.['position'] ?? 0),
    rows: room => list.all(room).map(row => [String(row['key']), String(row['json'])]),
    run() {
      const row = getRun.get()
      if (row === undefined) return undefined
      const saved = new Rollup()
      for (const sum of sums.all() as unknown as Part[]) saved.put({ ...sum })
      return { firstSeq: Number(row['first_seq']), arrival: String(row['arrival']), sums: saved }
    },
    unsent: () => lines.all().map(row => ({ id: Number(row['id']), line: String(row['line']) })),
    sent: upToId => void dropLines.run(upToId),
    save(position, rooms, change) {
      db.exec('BEGIN IMMEDIATE')
      try {
        saveRows(rooms)
        if (change !== undefined) saveRun(change)
        set.run(position)
        db.exec('COMMIT')
      } catch (error) {
        db.exec('ROLLBACK')
        throw error
      }
    },
    close: () => db.close(),
  }
}
