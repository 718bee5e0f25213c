// When a device was last heard, for a clock that may have been set back since: what was heard before lies ahead of it then, and must not pass
// for a word of just now for as long as the clock was set back.
import type { DatabaseSync } from 'node:sqlite'

/** what clocks correct by themselves */
const AHEAD_MS = 2_000

export type Heard = {
  /** null = never */
  ms(lastReceivedAt: string | undefined, nowMs: number): number | null
  /** Inside the transaction that brings forward what is due. */
  setBackAt(nowMs: number): void
}

export const openHeard = (db: DatabaseSync): Heard => {
  const get = db.prepare("SELECT CAST(value AS INTEGER) AS ms FROM meta WHERE key = 'clock-set-back'")
  const put = db.prepare("INSERT INTO meta VALUES ('clock-set-back', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
  return {
    ms(lastReceivedAt, nowMs) {
      if (lastReceivedAt === undefined) return null
      const ms = Date.parse(lastReceivedAt)
      if (ms <= nowMs + AHEAD_MS) return ms
      // at the latest when the clock was set: from then on its silence is counted
      return Math.min(nowMs, Number(get.get()?.['ms'] ?? nowMs))
    },
    setBackAt: nowMs => void put.run(String(nowMs)),
  }
}
