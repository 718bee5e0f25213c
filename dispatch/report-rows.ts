// What crews reported from the scene on disk: one row a report, its picture with it. No decisions.
import type { DatabaseSync } from 'node:sqlite'

export type Picture = { type: string; bytes: Uint8Array }
export type ReportRows = ReturnType<typeof reportRows>
export const reportRows = (db: DatabaseSync) => {
  const known = db.prepare('SELECT 1 FROM order_reports WHERE id = ?')
  const pictures = db.prepare('SELECT count(*) AS n FROM order_reports WHERE order_id = ? AND picture IS NOT NULL')
  const insert = db.prepare('INSERT INTO order_reports VALUES (?, ?, ?, ?, ?, ?, ?)')
  // an order goes along when its incident is merged, and its pictures with it
  const picture = db.prepare(
    `SELECT picture_type, picture FROM order_reports JOIN orders ON orders.id = order_reports.order_id
     WHERE order_reports.id = :id AND :incident IN (order_reports.incident_id, orders.incident_id) AND picture IS NOT NULL`,
  )
  return {
    has: (id: string): boolean => known.get(id) !== undefined,
    pictures: (orderId: string): number => pictures.get(orderId)?.['n'] as number,
    put: (o: { id: string; orderId: string; incidentId: string; what: string; atMs: number; picture: Picture | undefined }): void =>
      void insert.run(o.id, o.orderId, o.incidentId, o.what, o.atMs, o.picture?.type ?? null, o.picture?.bytes ?? null),
    picture(incidentId: string, id: string): Picture | undefined {
      const row = picture.get({ id, incident: incidentId })
      return row === undefined ? undefined : { type: row['picture_type'] as string, bytes: row['picture'] as Uint8Array }
    },
  }
}
