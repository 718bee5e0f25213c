// What is still to be told outside, on disk: one row a notification and channel, written in the transaction of the incident's change,
// so that neither can be without the other. Rows only; who sends is notify.ts. Waiting rows are never shed; of finished ones
// the newest 10,000 a state are kept (their fate stands in the timeline), the oldest delivered go first.
import type { DatabaseSync } from 'node:sqlite'
import type { Notification } from './notifiers/notifier.ts'
import { BEHIND_MS } from './schema-lean.ts'

export const FINISHED_KEPT = 10_000
/** So many of those due are looked through for first words. */
const LOOKED_AT = 256
/** F0312-7K3QX2.opened, or .opened@captain */
const isFirstWord = (id: string): boolean => /\.opened(@|$)/.test(id)

/** notification: frozen at the time of its event; attempts: sendings that failed so far */
export type OutboxRow = {
  seq: number
  channel: string
  /** '' = the channel has one receiver */
  recipient: string
  attempts: number
  createdMs: number
  notification: Notification
}
export type Backlog = { waiting: number; oldestMs: number | null }
export type Outbox = ReturnType<typeof outboxRows>

type Row = { seq: number; id: string; channel: string; recipient: string; attempts: number; created_ms: number; json: string }
const toRow = (r: Row): OutboxRow => ({
  seq: r.seq,
  channel: r.channel,
  recipient: r.recipient,
  attempts: r.attempts,
  createdMs: r.created_ms,
  notification: { ...(JSON.parse(r.json) as Notification), id: r.id },
})

/** `channels`: those that are told of every fire. */
export const outboxRows = (db: DatabaseSync, channels: readonly string[]) => {
  // looked at and then written: in one statement SQLite would build a table aside for each row
  const isBehind = db.prepare("SELECT 1 FROM outbox WHERE incident_id = ? AND recipient = ? AND channel = ? AND state = 'waiting' LIMIT 1")
  const insert = db.prepare(
    `INSERT INTO outbox (id, channel, recipient, incident_id, state, attempts, created_ms, due_ms, json)
     VALUES (?, ?, ?, ?, 'waiting', 0, ?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  const due = db.prepare('SELECT seq, id FROM outbox WHERE channel = ? AND due_ms <= ? ORDER BY due_ms, seq LIMIT ? + 0')
  const bySeq = db.prepare('SELECT seq, id, channel, recipient, attempts, created_ms, json FROM outbox WHERE seq = ?')
  const later = db.prepare("UPDATE outbox SET due_ms = ?, attempts = attempts + 1, reason = ? WHERE seq = ? AND state = 'waiting'")
  const finish = db.prepare("UPDATE outbox SET state = ?, due_ms = NULL, reason = ? WHERE seq = ? AND state = 'waiting'")
  const next = db.prepare(
    `UPDATE outbox SET due_ms = :now WHERE seq =
      (SELECT min(seq) FROM outbox WHERE incident_id = :incident_id AND recipient = :recipient AND channel = :channel AND state = 'waiting')`,
  )
  const trim = db.prepare(
    `DELETE FROM outbox WHERE state = :state AND state <> 'waiting' AND seq <=
      (SELECT seq FROM outbox WHERE state = :state AND state <> 'waiting' ORDER BY seq DESC LIMIT 1 OFFSET ${FINISHED_KEPT})`,
  )
  const waiting = db.prepare('SELECT seq, recipient, incident_id FROM outbox WHERE channel = ? AND due_ms IS NOT NULL AND id = ?')
  const count = db.prepare(
    `SELECT waiting, (SELECT created_ms FROM outbox WHERE seq = oldest) AS oldestMs FROM
      (SELECT count(*) AS waiting, min(seq) AS oldest FROM outbox WHERE channel = ? AND due_ms IS NOT NULL)`,
  )

  const write = (n: Notification, o: { channel: string; recipient: string; nowMs: number }, json = JSON.stringify(n)): void => {
    const { channel, recipient, nowMs } = o
    const dueMs = isBehind.get(n.incident.id, recipient, channel) === undefined ? nowMs : BEHIND_MS
    insert.run(n.id, channel, recipient, n.incident.id, nowMs, dueMs, json)
  }

  return {
    /**
     * Inside the transaction that changes the incident. The same id a second time on a channel is the same row. `json`: the notification,
     * where it is there in writing; the id stands beside it.
     */
    write,
    broadcast(n: Notification, nowMs: number, json?: string): void {
      for (const channel of channels) write(n, { channel, recipient: '', nowMs }, json)
    },
    /** Those whose turn it is; of one incident at most one. The first word of a place goes before further words of others, then longest due first. */
    due(channel: string, nowMs: number, limit: number): OutboxRow[] {
      const all = due.all(channel, nowMs, Math.max(limit, LOOKED_AT)) as unknown as { seq: number; id: string }[]
      const [first, further] = [all.filter(({ id }) => isFirstWord(id)), all.filter(({ id }) => !isFirstWord(id))]
      return [...first, ...further].slice(0, limit).map(({ seq }) => toRow(bySeq.get(seq) as unknown as Row))
    },
    later: (row: OutboxRow, dueMs: number, why: string): void => void later.run(dueMs, why, row.seq),
    /** Lets the incident's next one go. False where it was finished already. */
    finish(row: OutboxRow, state: 'delivered' | 'gave-up', nowMs: number, why: string | null): boolean {
      if (Number(finish.run(state, why, row.seq).changes) === 0) return false
      next.run({ channel: row.channel, recipient: row.recipient, incident_id: row.notification.incident.id, now: nowMs })
      trim.run({ state })
      return true
    },
    /** It is no news any more; one that is being sent at this moment may arrive all the same. */
    cancel(id: string, channel: string, why: string, nowMs: number): void {
      const row = waiting.get(channel, id) as { seq: number; recipient: string; incident_id: string } | undefined
      if (row === undefined) return
      finish.run('gave-up', why, row.seq)
      next.run({ channel, recipient: row.recipient, incident_id: row.incident_id, now: nowMs })
    },
    backlog: (channel: string): Backlog => count.get(channel) as Backlog,
  }
}
