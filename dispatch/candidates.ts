// The candidates of one incident, as of now.
import type { Candidate } from '#contracts/resource.ts'
import { isOpen } from './incident-states.ts'
import { rankCandidates } from './ranking.ts'
import { resourcesNow } from './resources-now.ts'
import type { Desk, Turn } from './turn.ts'

export const candidatesOf = (desk: Desk, turn: Pick<Turn, 'incident' | 'nowMs'>, incidentId: string): Candidate[] => {
  const incident = turn.incident(incidentId)?.incident
  if (incident === undefined || !isOpen(incident.state) || incident.category !== 'fire') return []
  return rankCandidates({
    incident,
    resources: resourcesNow(desk, turn.nowMs, { ignoreDrills: incident.drill !== true }),
    orders: desk.orders.ofIncident(incidentId),
    travel: desk.travel,
    plan: desk.plan,
  })
}
