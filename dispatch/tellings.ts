// The ladder of one notification and one person on disk: which channel was tried last, how far it has come, when the next is due. Rows
// only, each call inside the caller's transaction; what moves them is ladder.ts. The newest 100,000 finished ones are kept.
import type { DatabaseSync } from 'node:sqlite'
import type { TellingLine, TellingState } from '#contracts/incident.ts'
import { incidentOf, type Notification } from './notifiers/notifier.ts'

export type Telling = {
  id: string
  recipient: string
  incidentId: string
  step: number
  state: TellingState
  createdMs: number
  notification: Notification
}
export const TELLINGS_KEPT = 100_000

type Row = { id: string; recipient: string; incident_id: string; step: number; state: TellingState; created_ms: number; json: string }
const toTelling = (r: Row): Telling => ({
  id: r.id,
  recipient: r.recipient,
  incidentId: r.incident_id,
  step: r.step,
  state: r.state,
  createdMs: r.created_ms,
  notification: JSON.parse(r.json) as Notification,
})
type ListedRow = {
  recipient: string
  event: string
  step: number
  state: TellingState
  created_ms: number
  delivered_ms: number | null
  heard_ms: number | null
  accepted_ms: number | null
}
const iso = (ms: number): string => new Date(ms).toISOString()
const toLine = (r: ListedRow): TellingLine => ({
  recipient: r.recipient,
  event: r.event,
  state: r.state,
  step: r.step + 1,
  at: iso(r.created_ms),
  ...(r.delivered_ms !== null && { deliveredAt: iso(r.delivered_ms) }),
  ...(r.heard_ms !== null && { heardAt: iso(r.heard_ms) }),
  ...(r.accepted_ms !== null && { acceptedAt: iso(r.accepted_ms) }),
})
const COLUMNS = 'id, recipient, incident_id, step, state, created_ms, json'

export type Tellings = ReturnType<typeof tellingRows>

export const tellingRows = (db: DatabaseSync) => {
  const insert = db.prepare(
    `INSERT INTO tellings (id, recipient, incident_id, event, step, state, created_ms, next_ms, json)
     VALUES (:id, :recipient, :incident_id, :event, 0, 'sent', :now, :next, :json) ON CONFLICT DO NOTHING`,
  )
  const supersede = db.prepare(
    `UPDATE tellings SET next_ms = NULL, state = CASE WHEN state IN ('sent', 'delivered', 'refused') THEN 'superseded' ELSE state END
     WHERE incident_id = ? AND recipient = ? AND next_ms IS NOT NULL`,
  )
  const due = db.prepare(`SELECT ${COLUMNS} FROM tellings WHERE next_ms <= ? ORDER BY next_ms LIMIT ? + 0`)
  const one = db.prepare(`SELECT ${COLUMNS} FROM tellings WHERE incident_id = ? AND recipient = ? AND id = ?`)
  const climb = db.prepare(
    "UPDATE tellings SET step = :step, state = 'sent', next_ms = :next WHERE incident_id = :incident AND recipient = :recipient AND id = :id",
  )
  const end = db.prepare(
    'UPDATE tellings SET state = :state, next_ms = NULL WHERE incident_id = :incident AND recipient = :recipient AND id = :id',
  )
  const hurry = db.prepare(
    'UPDATE tellings SET next_ms = :now WHERE incident_id = :incident AND recipient = :recipient AND id = :id AND step = :step AND next_ms IS NOT NULL',
  )
  const delivered = db.prepare(
    `UPDATE tellings SET delivered_ms = coalesce(delivered_ms, :now), state = CASE state WHEN 'sent' THEN 'delivered' ELSE state END
     WHERE incident_id = :incident AND recipient = :recipient AND id = :id`,
  )
  const heard = db.prepare(
    `UPDATE tellings SET heard_ms = coalesce(heard_ms, :now), next_ms = NULL, state = CASE state WHEN 'accepted' THEN state ELSE 'heard' END
     WHERE incident_id = :incident AND recipient = :recipient AND id = :id AND heard_ms IS NULL`,
  )
  const accepted = db.prepare(
    `UPDATE tellings SET accepted_ms = :now, heard_ms = coalesce(heard_ms, :now), next_ms = NULL, state = 'accepted'
     WHERE incident_id = :incident AND recipient = :recipient AND id = :id AND accepted_ms IS NULL`,
  )
  const refused = db.prepare(
    'UPDATE tellings SET refused_ms = :now WHERE incident_id = :incident AND recipient = :recipient AND id = :id AND refused_ms IS NULL',
  )
  const first = {
    notified: db.prepare(
      'INSERT INTO told (incident_id, notified_ms) VALUES (?, ?) ON CONFLICT DO UPDATE SET notified_ms = coalesce(notified_ms, excluded.notified_ms)',
    ),
    heard: db.prepare(
      'INSERT INTO told (incident_id, heard_ms) VALUES (?, ?) ON CONFLICT DO UPDATE SET heard_ms = coalesce(heard_ms, excluded.heard_ms)',
    ),
    accepted: db.prepare(
      'INSERT INTO told (incident_id, accepted_ms) VALUES (?, ?) ON CONFLICT DO UPDATE SET accepted_ms = coalesce(accepted_ms, excluded.accepted_ms)',
    ),
  }
  const toldOf = db.prepare(
    'SELECT notified_ms AS notifiedMs, heard_ms AS heardMs, accepted_ms AS acceptedMs FROM told WHERE incident_id = ?',
  )
  const list = db.prepare(
    `SELECT recipient, event, step, state, created_ms, delivered_ms, heard_ms, accepted_ms FROM tellings WHERE incident_id = ?
     ORDER BY created_ms DESC, recipient LIMIT ? + 0`,
  )
  const trim = db.prepare(
    'DELETE FROM tellings WHERE next_ms IS NULL AND created_ms < (SELECT created_ms FROM tellings WHERE next_ms IS NULL ORDER BY created_ms DESC LIMIT 1 OFFSET ?)',
  )
  const key = (id: string, recipient: string) => ({ incident: incidentOf(id), id, recipient })
  const keyOf = ({ id, recipient }: Telling) => key(id, recipient)
  return {
    /** `nextMs` null: nobody waits for a word; `json`: the notification. False where it stands there already. */
    begin({ id, event }: Notification, recipient: string, at: { nowMs: number; nextMs: number | null }, json: string): boolean {
      const row = { id, recipient, incident_id: incidentOf(id), event, now: at.nowMs, next: at.nextMs, json }
      return Number(insert.run(row).changes) > 0
    },
    /** A newer event takes the place of what was still being told of the same incident. */
    supersede: (incidentId: string, recipient: string): void => void supersede.run(incidentId, recipient),
    due: (nowMs: number, limit: number): Telling[] => (due.all(nowMs, limit) as unknown as Row[]).map(toTelling),
    get(id: string, recipient: string): Telling | undefined {
      const row = one.get(incidentOf(id), recipient, id) as Row | undefined
      return row === undefined ? undefined : toTelling(row)
    },
    climb: (t: Telling, step: number, nextMs: number): void => void climb.run({ ...keyOf(t), step, next: nextMs }),
    end: (t: Telling, state: TellingState): void => void end.run({ ...keyOf(t), state }),
    /** The channel tried last cannot reach them: the next is due now. */
    hurry: (t: Telling, nowMs: number): void => void hurry.run({ ...keyOf(t), step: t.step, now: nowMs }),
    delivered: (id: string, recipient: string, nowMs: number): void => void delivered.run({ ...key(id, recipient), now: nowMs }),
    /** False where it was known. */
    heard: (t: Telling, nowMs: number): boolean => Number(heard.run({ ...keyOf(t), now: nowMs }).changes) > 0,
    /** False where it was known: the same word twice takes no time from the channel that is tried after it. */
    refused: (t: Telling, nowMs: number): boolean => Number(refused.run({ ...keyOf(t), now: nowMs }).changes) > 0,
    accepted: (t: Telling, nowMs: number): boolean => Number(accepted.run({ ...keyOf(t), now: nowMs }).changes) > 0,
    first: (what: keyof typeof first, incidentId: string, atMs: number): void => void first[what].run(incidentId, atMs),
    told: (incidentId: string): Told =>
      (toldOf.get(incidentId) as Told | undefined) ?? { notifiedMs: null, heardMs: null, acceptedMs: null },
    /** newest first */
    of: (incidentId: string, limit: number): TellingLine[] => (list.all(incidentId, limit) as unknown as ListedRow[]).map(toLine),
    trim: (): void => void trim.run(TELLINGS_KEPT),
  }
}

export type Told = { notifiedMs: number | null; heardMs: number | null; acceptedMs: number | null }
