// Orders on disk: the whole order as JSON, and beside it the columns that queries look at. No decisions.
import type { DatabaseSync } from 'node:sqlite'
import { isOpenOrder, type Order } from '#contracts/order.ts'

export type OrderRows = ReturnType<typeof orderRows>

export const orderRows = (db: DatabaseSync) => {
  const byId = db.prepare('SELECT json FROM orders WHERE id = ?')
  const upsert = db.prepare(
    `INSERT INTO orders VALUES (:id, :incident_id, :resource_id, :state, :open, :offered_ms, :answer_by_ms, :json)
     ON CONFLICT (id) DO UPDATE SET incident_id = excluded.incident_id, state = excluded.state, open = excluded.open,
      answer_by_ms = excluded.answer_by_ms, json = excluded.json`,
  )
  const ofIncident = db.prepare('SELECT json FROM orders WHERE incident_id = ? ORDER BY offered_ms, id')
  const ofResource = db.prepare('SELECT json FROM orders WHERE resource_id = ? ORDER BY offered_ms DESC LIMIT ? + 0')
  const open = db.prepare('SELECT json FROM orders WHERE open = 1 ORDER BY offered_ms, id')
  const openOf = db.prepare('SELECT json FROM orders WHERE resource_id = ? AND open = 1')
  const newest = db.prepare('SELECT json FROM orders ORDER BY offered_ms DESC, id LIMIT ? + 0')
  const owed = db.prepare('SELECT json FROM orders WHERE answer_by_ms <= ? ORDER BY answer_by_ms LIMIT ? + 0')
  const count = db.prepare('SELECT count(*) AS n FROM orders WHERE id >= ? AND id < ?')

  const parsed = (rows: unknown[]): Order[] => rows.map(row => JSON.parse((row as { json: string }).json) as Order)
  const one = (row: unknown): Order | undefined => (row === undefined ? undefined : parsed([row])[0])

  return {
    get: (id: string): Order | undefined => one(byId.get(id)),
    save(order: Order): void {
      upsert.run({
        id: order.id,
        incident_id: order.incidentId,
        resource_id: order.resourceId,
        state: order.state,
        open: Number(isOpenOrder(order.state)),
        offered_ms: Date.parse(order.offeredAt),
        answer_by_ms: order.state === 'offered' ? Date.parse(order.answerBy) : null,
        json: JSON.stringify(order),
      })
    },
    ofIncident: (incidentId: string): Order[] => parsed(ofIncident.all(incidentId)),
    /** Newest first. */
    ofResource: (resourceId: string, limit: number): Order[] => parsed(ofResource.all(resourceId, limit)),
    open: (): Order[] => parsed(open.all()),
    openOf: (resourceId: string): Order | undefined => one(openOf.get(resourceId)),
    newest: (limit: number): Order[] => parsed(newest.all(limit)),
    /** Offered and not answered in time. */
    owed: (nowMs: number, limit: number): Order[] => parsed(owed.all(nowMs, limit)),
    /** How many an incident's number has had: ids are never used again. */
    countOf: (incidentId: string): number => Number(count.get(`${incidentId}-`, `${incidentId}.`)?.['n']),
  }
}
