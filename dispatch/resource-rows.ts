// Resources and their duty rosters on disk. A removed one stays as a row, so that telemetry does not bring it back and orders keep their
// resource. No decisions.
import type { DatabaseSync } from 'node:sqlite'
import type { DutyShift, ResourceProfile } from '#contracts/resource.ts'

/** heardMs: the last check-in or act of its crew, where it has no device */
export type ResourceRecord = { profile: ResourceProfile; heardMs: number | null; removed: boolean }
export type ResourceRows = ReturnType<typeof resourceRows>

type Row = { json: string; heard_ms: number | null; removed: number }
const toRecord = (row: Row): ResourceRecord => ({
  profile: JSON.parse(row.json) as ResourceProfile,
  heardMs: row.heard_ms,
  removed: row.removed === 1,
})
const toShift = (row: Record<string, unknown>): DutyShift => ({
  from: new Date(Number(row['from_ms'])).toISOString(),
  to: new Date(Number(row['to_ms'])).toISOString(),
  crew: Number(row['crew']),
  ...(typeof row['note'] === 'string' && { note: row['note'] }),
})

export const resourceRows = (db: DatabaseSync) => {
  const byId = db.prepare('SELECT json, heard_ms, removed FROM resources WHERE id = ?')
  const all = db.prepare('SELECT json, heard_ms, removed FROM resources WHERE removed = 0 ORDER BY id')
  const known = db.prepare('SELECT 1 FROM resources WHERE id = :id OR device_id = :id LIMIT 1')
  const upsert = db.prepare(
    `INSERT INTO resources VALUES (:id, :kind, :device_id, :removed, :heard_ms, :json)
     ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, device_id = excluded.device_id, removed = excluded.removed,
      heard_ms = excluded.heard_ms, json = excluded.json`,
  )
  const heardEarlier = db.prepare('UPDATE resources SET heard_ms = heard_ms - ? WHERE heard_ms IS NOT NULL')
  const count = db.prepare('SELECT count(*) AS n FROM resources WHERE removed = 0')
  const shifts = db.prepare('SELECT * FROM duty_shifts WHERE resource_id = ? AND to_ms > ? AND from_ms < ? ORDER BY from_ms')
  const onDuty = db.prepare('SELECT resource_id, crew FROM duty_shifts WHERE from_ms <= :now AND to_ms > :now')
  const rostered = db.prepare('SELECT DISTINCT resource_id FROM duty_shifts')
  const clearShifts = db.prepare('DELETE FROM duty_shifts WHERE resource_id = ?')
  const addShift = db.prepare('INSERT INTO duty_shifts VALUES (?, ?, ?, ?, ?)')

  // asked for with every ranking and every second, changed by people now and then; at most RESOURCES_MAX
  let kept: ResourceRecord[] | null = null

  return {
    get(id: string): ResourceRecord | undefined {
      const row = byId.get(id) as Row | undefined
      return row === undefined || row.removed === 1 ? undefined : toRecord(row)
    },
    /** Not to be changed by who asks. */
    all: (): readonly ResourceRecord[] => (kept ??= (all.all() as unknown as Row[]).map(toRecord)),
    /** A transaction was rolled back: what was written in it is not so. */
    forget: (): void => void (kept = null),
    /** Also a removed one, and a device that belongs to one. */
    isKnown: (id: string): boolean => known.get({ id }) !== undefined,
    save({ profile, heardMs, removed }: ResourceRecord): void {
      const row = { id: profile.id, kind: profile.kind, device_id: profile.deviceId ?? null }
      kept = null
      upsert.run({ ...row, removed: Number(removed), heard_ms: heardMs, json: JSON.stringify(profile) })
    },
    /** The clock was set back by so much since they checked in. */
    heardEarlier(byMs: number): void {
      kept = null
      heardEarlier.run(byMs)
    },
    size: (): number => Number(count.get()?.['n']),
    shifts: (id: string, fromMs: number, toMs: number): DutyShift[] => shifts.all(id, fromMs, toMs).map(toShift),
    /** Crew on duty now, of every resource whose roster has a shift now. */
    onDuty: (nowMs: number): Map<string, number> =>
      new Map(onDuty.all({ now: nowMs }).map(row => [row['resource_id'] as string, Number(row['crew'])])),
    /** Those that have a roster at all: for them no shift means nobody. */
    rostered: (): Set<string> => new Set(rostered.all().map(row => row['resource_id'] as string)),
    setShifts(id: string, given: readonly { fromMs: number; toMs: number; crew: number; note?: string | undefined }[]): void {
      clearShifts.run(id)
      for (const { fromMs, toMs, crew, note } of given) addShift.run(id, fromMs, toMs, crew, note ?? null)
    },
  }
}
