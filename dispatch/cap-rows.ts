// The CAP feed on disk: one message a notification, made in the transaction of the change it tells of and never changed after. The
// newest 10,000 are kept; a reference to one that is gone still names it.
import type { DatabaseSync } from 'node:sqlite'
import type { Zone } from '#contracts/zone.ts'
import { capIdentifier, capMessage, capTime } from './cap.ts'
import { incidentOf, type Notification } from './notifiers/notifier.ts'

export const CAP_KEPT = 10_000
export const CAP_LISTED_MAX = 200
/** of one incident, the newest: a fire that changes its level each hour has fewer */
const REFERENCES_MAX = 50

export type CapEntry = { identifier: string; sentAt: string; headline: string }
export type CapRows = ReturnType<typeof capRows>

export const capRows = (db: DatabaseSync, o: { sender: string; zone: Zone }) => {
  const before = db.prepare('SELECT identifier, sent FROM cap_messages WHERE incident_id = ? ORDER BY seq DESC LIMIT ? + 0')
  const insert = db.prepare(
    `INSERT INTO cap_messages (identifier, incident_id, sent, sent_ms, headline, xml)
     VALUES (:identifier, :incident_id, :sent, :sent_ms, :headline, :xml) ON CONFLICT DO NOTHING`,
  )
  const trim = db.prepare(`DELETE FROM cap_messages WHERE seq <= (SELECT max(seq) - ${CAP_KEPT} FROM cap_messages)`)
  const newest = db.prepare('SELECT identifier, sent_ms, headline FROM cap_messages ORDER BY seq DESC LIMIT ? + 0')
  const one = db.prepare('SELECT xml FROM cap_messages WHERE incident_id = ? AND identifier = ?')
  return {
    write(n: Notification, exercise: boolean): void {
      const references = (before.all(n.incident.id, REFERENCES_MAX) as { identifier: string; sent: string }[]).toReversed()
      const sentMs = Date.parse(n.at)
      insert.run({
        identifier: capIdentifier(n.id),
        incident_id: n.incident.id,
        sent: capTime(sentMs, o.zone),
        sent_ms: sentMs,
        headline: n.text.zh,
        xml: capMessage(n, { ...o, references, exercise }),
      })
      trim.run()
    },
    newest: (limit: number): CapEntry[] =>
      newest.all(Math.min(limit, CAP_LISTED_MAX)).map(row => ({
        identifier: String(row['identifier']),
        sentAt: new Date(Number(row['sent_ms'])).toISOString(),
        headline: String(row['headline']),
      })),
    xml: (identifier: string): string | undefined => one.get(incidentOf(identifier), identifier)?.['xml'] as string | undefined,
  }
}
