// Orders (工单): one incident given to one resource, from the offer to the end, each step with who, when and why.
import type { EtaInterval } from './resource.ts'
import type { Text } from './alarm.ts'

export const ORDER_STATES = ['offered', 'accepted', 'en-route', 'on-scene', 'complete', 'refused', 'silent', 'withdrawn'] as const
export type OrderState = (typeof ORDER_STATES)[number]

export const isOpenOrder = (state: OrderState): boolean =>
  state === 'offered' || state === 'accepted' || state === 'en-route' || state === 'on-scene'

/** One step of an order; `by` as in timelines: user:<name>, device:<id>, system. */
export type OrderStep = { state: OrderState; at: string; by: string; reason?: string }

export type Order = {
  /** <incident>-<number>, as it is said over the radio */
  id: string
  incidentId: string
  resourceId: string
  resourceName: Text
  state: OrderState
  /** server time of the offer */
  offeredAt: string
  offeredBy: string
  /** silence beyond this offers it to the next */
  answerBy: string
  /** somebody at the crew's terminal has seen or heard it */
  heardAt?: string
  acceptedAt?: string
  enRouteAt?: string
  onSceneAt?: string
  endedAt?: string
  /** why it was refused, or what the crew reported at its end */
  reason?: string
  /** as it was estimated when it was offered */
  eta?: EtaInterval
  /** along the straight line, from where it was when it was offered; absent where one of the two places was not known */
  distanceM?: number
  /** its place in the ranking when it was offered; absent where an officer sent one that was not ready */
  rank?: number
  /** the order that was refused or not answered, for which this one was offered */
  insteadOf?: string
  /** whether a refusal or silence offers the next by itself */
  passesOn: boolean
  /** "1-3-5": out of the door by, on scene by, joint action by; micro stations only */
  clock?: { turnOutBy: string; onSceneBy: string; jointBy: string }
  /** which of the clock's times passed before the crew was so far */
  late?: ('turn-out' | 'on-scene' | 'joint')[]
  /** part of a drill: nothing real goes out */
  drill?: true
  steps: OrderStep[]
}
