// Devices the operator has registered, written by the command line or the API and read by the core while both run.
// A change list: readers remember the last change they saw; nothing here is derived from telemetry.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Device } from '#contracts/device.ts'
import type { DeviceKind } from '#contracts/reading.ts'

export type Registration = Partial<Device> & { deviceId: string; kind: DeviceKind }
export type Registrations = {
  put(rows: Registration[]): void
  remove(deviceId: string): void
  /** changes after `afterChange`, oldest first; `device` null = removed */
  since(afterChange: number): { change: number; deviceId: string; device: Registration | null }[]
  close(): void
}

/** Opens (and makes) DATA_DIR/registrations.db. One row a device: a newer change replaces the older. */
export function openRegistrations(o: { dir: string }): Registrations {
  const db = new DatabaseSync(join(o.dir, 'registrations.db'), { timeout: 5000 })
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS registration (change INTEGER PRIMARY KEY AUTOINCREMENT, device_id TEXT NOT NULL UNIQUE, device TEXT) STRICT;`)
  const upsert = db.prepare('INSERT OR REPLACE INTO registration (device_id, device) VALUES (?, ?)')
  const changes = db.prepare('SELECT change, device_id, device FROM registration WHERE change > ? ORDER BY change')
  return {
    put(rows) {
      db.exec('BEGIN IMMEDIATE')
      try {
        for (const row of rows) upsert.run(row.deviceId, JSON.stringify(row))
        db.exec('COMMIT')
      } catch (error) {
        db.exec('ROLLBACK')
        throw error
      }
    },
    remove: deviceId => void upsert.run(deviceId, null),
    since: afterChange =>
      changes.all(afterChange).map(row => ({
        change: Number(row['change']),
        deviceId: String(row['device_id']),
        device: row['device'] === null ? null : (JSON.parse(String(row['device'])) as Registration),
      })),
    close: () => db.close(),
  }
}
