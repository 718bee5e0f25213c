// What is still to be told outside, on disk: one row a notification and channel, written in the transaction of the incident's change,
// so that neither can be without the other. Rows only; who sends is notify.ts. Waiting rows are never shed; of finished ones
// the newest 10,000 a state are kept (their fate stands in the timeline), the oldest delivered go first.
import type { DatabaseSync } from 'node:sqlite'
import type { Notification } from './notifiers/notifier.ts'

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

type Row = { seq: number; channel: string; recipient: string; attempts: number; created_ms: number; json: string }
const toRow = (r: Row): OutboxRow => ({
  seq: r.seq,
  channel: r.channel,
  recipient: r.recipient,
  attempts: r.attempts,
  createdMs: r.created_ms,
  notification: JSON.parse(r.json) as Notification,
})

/** `channels`: those that are told of every fire. */
export const outboxRows = (db: DatabaseSync, channels: readonly string[]) => {
  // due_ms NULL = not its turn: an earlier row of the same incident, channel and recipient waits, or the row is finished
  // looked at and then written: in one statement SQLite would build a table aside for each row
  const isBehind = db.prepare("SELECT 1 FROM outbox WHERE channel = ? AND incident_id = ? AND recipient = ? AND state = 'waiting' LIMIT 1")
  const insert = db.prepare(
    `INSERT INTO outbox (id, channel, recipient, incident_id, state, attempts, created_ms, due_ms, json)
     VALUES (?, ?, ?, ?, 'waiting', 0, ?, ?, ?) ON CONFLICT (id, channel) DO NOTHING`,
  )
  const due = db.prepare('SELECT seq, id FROM outbox WHERE channel = ? AND due_ms <= ? ORDER BY due_ms, seq LIMIT ?')
  const bySeq = db.prepare('SELECT seq, channel, recipient, attempts, created_ms, json FROM outbox WHERE seq = ?')
  const later = db.prepare(
    "UPDATE outbox SET due_ms = ?, attempts = attempts + 1, reason = ? WHERE seq = ? AND state = 'waiting' AND due_ms IS NOT NULL",
  )
  const finish = db.prepare("UPDATE outbox SET state = ?, due_ms = NULL, reason = ? WHERE seq = ? AND state = 'waiting'")
  const next = db.prepare(
    `UPDATE outbox SET due_ms = :now WHERE seq =
      (SELECT min(seq) FROM outbox WHERE channel = :channel AND incident_id = :incident_id AND recipient = :recipient AND state = 'waiting')`,
  )
  const trim = db.prepare(
    'DELETE FROM outbox WHERE state = :state AND seq <= (SELECT seq FROM outbox WHERE state = :state ORDER BY seq DESC LIMIT 1 OFFSET :kept)',
  )
  const waiting = db.prepare("SELECT seq, recipient, incident_id FROM outbox WHERE id = ? AND channel = ? AND state = 'waiting'")
  const count = db.prepare("SELECT count(*) AS waiting, min(created_ms) AS oldestMs FROM outbox WHERE channel = ? AND state = 'waiting'")

  const put = (n: Notification, channel: string, recipient: string, nowMs: number, json: string): void => {
    const incidentId = n.incident.id
    const dueMs = isBehind.get(channel, incidentId, recipient) === undefined ? nowMs : null
    insert.run(n.id, channel, recipient, incidentId, nowMs, dueMs, json)
  }

  return {
    /** Inside the transaction that changes the incident. The same id a second time on a channel is the same row. */
    write: (n: Notification, channel: string, recipient: string, nowMs: number): void =>
      put(n, channel, recipient, nowMs, JSON.stringify(n)),
    broadcast(n: Notification, nowMs: number): void {
      const json = channels.length === 0 ? '' : JSON.stringify(n)
      for (const channel of channels) put(n, channel, '', nowMs, json)
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
      trim.run({ state, kept: FINISHED_KEPT })
      return true
    },
    /** It is no news any more; one that is being sent at this moment may arrive all the same. */
    cancel(id: string, channel: string, why: string, nowMs: number): void {
      const row = waiting.get(id, channel) as { seq: number; recipient: string; incident_id: string } | undefined
      if (row === undefined) return
      finish.run('gave-up', why, row.seq)
      next.run({ channel, recipient: row.recipient, incident_id: row.incident_id, now: nowMs })
    },
    backlog: (channel: string): Backlog => count.get(channel) as Backlog,
  }
}
