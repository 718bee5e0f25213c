// The six numbers of the top bar that come from the queue. Cheap enough for once a second; every count is over an index.
import type { Zone } from '#contracts/zone.ts'
import type { DatabaseSync } from 'node:sqlite'

export type QueueKpis = {
  /** open incidents with an alarm nobody has acknowledged */
  unacknowledged: number
  /** alarms that came in during the last 10 min of server time, of all kinds (flood: EEMUA 191 says 10 for one operator) */
  alarmsIn10Min: number
  /** acknowledged - queued, seconds, over the incidents queued today (local day); null = none acknowledged yet */
  mttaP50S: number | null
  mttaP90S: number | null
  openIncidents: number
}

const TEN_MINUTES_MS = 600_000

/** Nearest rank: the smallest value that at least `p` of all do not exceed. */
export const percentile = (sorted: readonly number[], p: number): number | null => sorted[Math.ceil(p * sorted.length) - 1] ?? null

export const openKpis = (db: DatabaseSync, zone: Zone): ((nowMs: number) => QueueKpis) => {
  const open = db.prepare('SELECT count(*) AS open, total(unacknowledged) AS unacknowledged FROM incidents WHERE open = 1')
  const recent = db.prepare('SELECT count(*) AS n FROM alarms WHERE queued_ms > ? AND queued_ms <= ?')
  const answered = db.prepare(
    'SELECT acknowledged_ms - queued_ms AS ms FROM incidents WHERE queued_ms >= ? AND acknowledged_ms IS NOT NULL ORDER BY ms',
  )
  return nowMs => {
    const now = open.get()
    const seconds = answered.all(zone.dayStartMs(zone.day(nowMs))).map(row => Math.max(0, Number(row['ms'])) / 1000)
    return {
      unacknowledged: Number(now?.['unacknowledged']),
      alarmsIn10Min: Number(recent.get(nowMs - TEN_MINUTES_MS, nowMs)?.['n']),
      mttaP50S: percentile(seconds, 0.5),
      mttaP90S: percentile(seconds, 0.9),
      openIncidents: Number(now?.['open']),
    }
  }
}
