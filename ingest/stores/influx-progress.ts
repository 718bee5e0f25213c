// How far InfluxDB has been written, and what the decoders knew then: InfluxDB itself has no transaction to keep it in.
// Saved after the server's answer, so a crash in between sends the same points once more, which changes nothing.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { RoomRows } from './store.ts'

export type Progress = {
  position(): number
  rows(room: string): [string, string][]
  save(position: number, rooms: readonly RoomRows[]): void
  close(): void
}

/** DATA_DIR/influx.db, or memory without a folder. */
export function openProgress(dir: string | undefined): Progress {
  const db = new DatabaseSync(dir === undefined ? ':memory:' : join(dir, 'influx.db'))
  db.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS state_row (room TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (room, key)) STRICT;`)
  const get = db.prepare('SELECT position FROM progress')
  const set = db.prepare('INSERT INTO progress (one, position) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET position = excluded.position')
  const list = db.prepare('SELECT key, json FROM state_row WHERE room = ?')
  const put = db.prepare('INSERT OR REPLACE INTO state_row (room, key, json) VALUES (?, ?, ?)')
  const drop = db.prepare('DELETE FROM state_row WHERE room = ? AND key = ?')
  return {
    position: () => Number(get.get()?.['position'] ?? 0),
    rows: room => list.all(room).map(row => [String(row['key']), String(row['json'])]),
    save(position, rooms) {
      db.exec('BEGIN IMMEDIATE')
      try {
        for (const { room, rows } of rooms) {
          for (const [key, json] of rows) {
            if (json === null) drop.run(room, key)
            else put.run(room, key, json)
          }
        }
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
