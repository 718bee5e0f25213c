// The runs that crews of this district have made, read out of their orders: what travel figures are fitted to. Reads only. Drills are left
// out, and so are orders whose distance was not known when they were given.
import type { DatabaseSync } from 'node:sqlite'
import type { Order } from '#contracts/order.ts'
import type { ResourceProfile, TravelMode } from '#contracts/resource.ts'
import type { Run } from './fit.ts'

/** The newest of each look: a district has some ten thousand a year. */
export const RUNS_READ_MAX = 50_000

export type HandledRun = Run & { mode: TravelMode; orderId: string; resourceId: string; orderedMs: number; eta?: Order['eta'] }

type Row = { json: string; profile: string }

const runOf = (row: Row): HandledRun[] => {
  const order = JSON.parse(row.json) as Order
  const { mode } = JSON.parse(row.profile) as ResourceProfile
  if (order.onSceneAt === undefined || order.distanceM === undefined || order.drill === true || mode === 'fixed') return []
  const orderedMs = Date.parse(order.offeredAt)
  const since = (time: string): number => (Date.parse(time) - orderedMs) / 1000
  return [
    {
      mode,
      orderId: order.id,
      resourceId: order.resourceId,
      orderedMs,
      distanceM: order.distanceM,
      totalS: since(order.onSceneAt),
      ...(order.enRouteAt !== undefined && { turnOutS: since(order.enRouteAt) }),
      ...(order.eta !== undefined && { eta: order.eta }),
    },
  ]
}

/** Oldest first; `fromMs` <= time of the order < `toMs`. */
export const handledRuns = (
  db: DatabaseSync,
  { fromMs = 0, toMs = Number.MAX_SAFE_INTEGER }: { fromMs?: number; toMs?: number },
): HandledRun[] =>
  (
    db
      .prepare(
        `SELECT orders.json AS json, resources.json AS profile FROM orders JOIN resources ON resources.id = orders.resource_id
         WHERE offered_ms >= ? AND offered_ms < ? ORDER BY offered_ms DESC LIMIT ${RUNS_READ_MAX}`,
      )
      .all(fromMs, toMs) as unknown as Row[]
  )
    .flatMap(runOf)
    .toReversed()
