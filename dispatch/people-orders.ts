// What people do with orders: an officer sends resources to an incident; a crew accepts, refuses, drives off, arrives and completes. A crew
// acts for its own resources only. The first to act wins; the second is told by whom and when.
import { FengsuiError } from '#contracts/errors.ts'
import type { Order } from '#contracts/order.ts'
import type { Candidate, Resource } from '#contracts/resource.ts'
import { candidatesOf } from './candidates.ts'
import { actorOf, NOTE_CHARACTERS_MAX, optional, REASON_CHARACTERS_MAX, required } from './checks.ts'
import { incidentStep } from './incident-states.ts'
import { offerNext } from './offers.ts'
import { moveOrder, offer } from './orders.ts'
import { acknowledgeAlarmsOf, existing, stepOf } from './people-incidents.ts'
import { looksOnly } from './ranking.ts'
import { resourceById } from './resources-now.ts'
import type { Turn } from './turn.ts'

/** More at once is a mistake of a program, not a decision of a person. */
export const RESOURCES_SENT_MAX = 20

/** `onlyFor`: the account of a crew, which may act for its own resources only; absent = an officer, for any. */
export type CrewAct = { by: string; onlyFor?: string; reason?: string; note?: string }

export type Sending = {
  by: string
  /** absent: the first of the ranking */
  resourceIds?: string[]
  /** needed to send one that is not ready */
  reason?: string
  evenIfNotReady?: boolean
}

const existingResource = (turn: Turn, id: string, ignoreDrills: boolean): Resource => {
  const resource = resourceById(turn.desk, turn.nowMs, id, { ignoreDrills })
  if (resource === undefined) throw new FengsuiError('not-found', `there is no resource ${id}`)
  return resource
}

const checkFree = (turn: Turn, resource: Resource, o: Sending, isDrill: boolean): void => {
  const has = turn.desk.orders.openOf(resource.id)
  if (has !== undefined && !(has.drill === true && !isDrill))
    throw new FengsuiError(
      'conflict',
      `${resource.id} has order ${has.id} already, given by ${has.offeredBy} at ${has.offeredAt} (${has.state}): withdraw it first or send another`,
    )
  if (resource.state !== 'not-ready' || o.evenIfNotReady === true) return
  const why = resource.reasons.map(one => one.text.en).join('; ')
  throw new FengsuiError('conflict', `${resource.id} is not ready (${why}): send another, or set evenIfNotReady with a reason`)
}

const chosen = (turn: Turn, id: string, o: Sending, candidates: Candidate[]): string[] => {
  if (o.resourceIds !== undefined && o.resourceIds.length > 0) return [...new Set(o.resourceIds)]
  const first = candidates.find(one => one.task === 'respond' && one.rank === 1)
  if (first === undefined) throw new FengsuiError('conflict', `nobody is free and ready for incident ${id}: name a resource, or escalate`)
  return [first.resourceId]
}

/** A call for help is answered by sending somebody. */
const answerHelp = (turn: Turn, id: string): void => {
  const record = turn.incident(id)
  if (record?.incident.helpAskedAt === undefined) return
  const { helpAskedAt: _asked, ...incident } = record.incident
  turn.saveIncident({ ...record, incident })
}

/** Sending is also taking: a new incident is acknowledged by who sends. */
export const dispatchIncident = (turn: Turn, id: string, o: Sending): void => {
  const { by, actor } = actorOf(o.by)
  const reason =
    o.evenIfNotReady === true ? required('reason', o.reason, REASON_CHARACTERS_MAX) : optional('reason', o.reason, REASON_CHARACTERS_MAX)
  const record = existing(turn, id)
  stepOf(record, 'dispatch')
  if ((o.resourceIds?.length ?? 0) > RESOURCES_SENT_MAX)
    throw new FengsuiError(
      'invalid-request',
      `resourceIds has ${o.resourceIds?.length ?? 0} entries, at most ${RESOURCES_SENT_MAX} are sent at once`,
    )
  const candidates = candidatesOf(turn.desk, turn, id)
  const resources = chosen(turn, id, o, candidates).map(one => existingResource(turn, one, record.incident.drill !== true))
  for (const resource of resources) checkFree(turn, resource, o, record.incident.drill === true)
  const alarms = acknowledgeAlarmsOf(turn, id, by)
  if (record.incident.acknowledgedAt === undefined) {
    const state = incidentStep(record.incident.state, 'acknowledge') ?? record.incident.state
    turn.saveIncident({ ...record, incident: { ...record.incident, state, acknowledgedAt: turn.now, acknowledgedBy: by } })
    turn.tell(id, { actor, what: 'acknowledged', detail: { alarms } })
  }
  if (resources.some(({ capabilities }) => !looksOnly(capabilities))) answerHelp(turn, id)
  turn.touch(id)
  for (const resource of resources) {
    const candidate = candidates.find(one => one.resourceId === resource.id)
    offer(turn, { incidentId: id, resource, candidate, actor, passesOn: candidate?.task === 'respond', reason })
  }
}

export const existingOrder = (turn: Turn, id: string, onlyFor: string | undefined): Order => {
  const order = turn.order(id)
  if (order === undefined) throw new FengsuiError('not-found', `there is no order ${id}`)
  if (onlyFor === undefined) return order
  const crew = turn.desk.resources.get(order.resourceId)?.profile.accounts ?? []
  if (!crew.includes(onlyFor)) throw new FengsuiError('forbidden', `order ${id} is for ${order.resourceId}: ${onlyFor} is not of its crew`)
  return order
}

/** An act of its crew is also a sign of life of a resource without a device. */
const heard = (turn: Turn, order: Order): void => {
  const record = turn.desk.resources.get(order.resourceId)
  if (record !== undefined && record.profile.deviceId === undefined) turn.desk.resources.save({ ...record, heardMs: turn.nowMs })
}

export const acceptOrder = (turn: Turn, id: string, o: CrewAct): void => {
  const { actor } = actorOf(o.by)
  const order = existingOrder(turn, id, o.onlyFor)
  moveOrder(turn, order, 'accept', { actor, reason: optional('note', o.note, NOTE_CHARACTERS_MAX) })
  heard(turn, order)
}

/** The next of the ranking is offered at once. */
export const refuseOrder = (turn: Turn, id: string, o: CrewAct): void => {
  const { actor } = actorOf(o.by)
  const reason = required('reason', o.reason, REASON_CHARACTERS_MAX)
  const order = existingOrder(turn, id, o.onlyFor)
  const refused = moveOrder(turn, order, 'refuse', { actor, reason })
  heard(turn, order)
  offerNext(turn, refused)
}

export const enRouteOrder = (turn: Turn, id: string, o: CrewAct): void => {
  const { actor } = actorOf(o.by)
  const order = existingOrder(turn, id, o.onlyFor)
  moveOrder(turn, order, 'en-route', { actor, reason: optional('note', o.note, NOTE_CHARACTERS_MAX) })
  heard(turn, order)
}

export const onSceneOrder = (turn: Turn, id: string, o: CrewAct): void => {
  const { actor } = actorOf(o.by)
  const order = existingOrder(turn, id, o.onlyFor)
  moveOrder(turn, order, 'on-scene', { actor, reason: optional('note', o.note, NOTE_CHARACTERS_MAX) })
  heard(turn, order)
}

/** `reason`: what the crew found and did. */
export const completeOrder = (turn: Turn, id: string, o: CrewAct): void => {
  const { actor } = actorOf(o.by)
  const order = existingOrder(turn, id, o.onlyFor)
  moveOrder(turn, order, 'complete', { actor, reason: optional('note', o.note, NOTE_CHARACTERS_MAX) })
  heard(turn, order)
}

/** By an officer; no next one is offered. */
export const withdrawOrder = (turn: Turn, id: string, o: { by: string; reason: string }): void => {
  const { actor } = actorOf(o.by)
  const reason = required('reason', o.reason, REASON_CHARACTERS_MAX)
  moveOrder(turn, existingOrder(turn, id, undefined), 'withdraw', { actor, reason })
}
