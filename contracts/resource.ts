// Resources: whom or what an incident can be given to (micro stations, grid officers, engines, drones, cameras), whether they are ready,
// and what speaks for and against sending them. Readiness is always said with its reasons; an unknown is never "ready".
import type { Text } from './alarm.ts'
import type { Position } from './reading.ts'

export const RESOURCE_KINDS = ['micro-station', 'grid-officer', 'engine', 'drone', 'camera'] as const
export type ResourceKind = (typeof RESOURCE_KINDS)[number]

/** How it gets there; 'fixed' does not move: it looks from where it stands. */
export const TRAVEL_MODES = ['foot', 'e-vehicle', 'engine', 'drone', 'fixed'] as const
export type TravelMode = (typeof TRAVEL_MODES)[number]

/** What it can do at the scene. */
export const CAPABILITIES = ['extinguish', 'breathing-apparatus', 'rescue', 'evacuate', 'inspect', 'observe', 'thermal'] as const
export type Capability = (typeof CAPABILITIES)[number]

/** 'ready' = free and ready; 'busy' = has an order; 'not-ready' = may not be sent by the system (an officer still may, on record). */
export const RESOURCE_STATES = ['ready', 'busy', 'not-ready'] as const
export type ResourceState = (typeof RESOURCE_STATES)[number]

/** Codes of the reasons for a state or a rank; each comes with its words. */
export const REASON_CODES = [
  // against sending it at all
  'has-order',
  'responding',
  'off-duty',
  'crew-short',
  'no-crew',
  'never-heard',
  'silent',
  'offline',
  'says-not-ready',
  'out-of-service',
  'battery-low',
  'in-flight',
  'no-position',
  'out-of-reach',
  'no-capability',
  'place-unknown',
  // for and against its rank
  'own-area',
  'soonest',
  'slower',
  'degraded',
  'less-capable',
  'leaves-gap',
  'refused-before',
  'silent-before',
  'same-time',
  'reckoned',
] as const
export type ReasonCode = (typeof REASON_CODES)[number]
export type Reason = { code: ReasonCode; text: Text }

/** What people say about a resource; stored, audited. */
export type ResourceProfile = {
  id: string
  kind: ResourceKind
  name: Text
  mode: TravelMode
  capabilities: Capability[]
  /** where it waits for an order */
  position?: Position
  area?: string
  grid?: string
  /** the device whose telemetry says how it is; without one it is heard by its check-ins */
  deviceId?: string
  /** accounts of its crew: who may accept its orders */
  accounts: string[]
  /** fewer on duty than this is not ready */
  crewRequired?: number
  /** set while it may not be sent at all */
  outOfService?: { by: string; at: string; reason: string }
}

/** A resource as it is now: the profile, and what telemetry, roster and orders say of it. */
export type Resource = ResourceProfile & {
  state: ResourceState
  /** why it is not ready, or what is less than perfect about a ready one */
  reasons: Reason[]
  crewOnDuty?: number
  lastHeardAt?: string
  /** where it is now, where its telemetry says so; else as `position` */
  at?: Position
  /** of the order it has */
  orderId?: string
  incidentId?: string
}

/** One turn of duty; crew is a number, never names. */
export type DutyShift = { from: string; to: string; crew: number; note?: string }

/** Seconds from now until it is at the scene, turn-out included: meant so that 5 in 100 come sooner than low and 5 in 100 later than high. */
export type EtaInterval = { lowS: number; likelyS: number; highS: number }

/** Where an ETA comes from. */
export const TRAVEL_SOURCES = ['distance', 'roads', 'valhalla', 'fixed'] as const
export type TravelSource = (typeof TRAVEL_SOURCES)[number]

/** To go there and act, or to look. Each task has a ranking of its own. */
export type Task = 'respond' | 'look'

/** One resource looked at for one incident. Ranked ones come first, by rank; then those that may not be sent, each with its reasons. */
export type Candidate = {
  resourceId: string
  kind: ResourceKind
  name: Text
  task: Task
  /** 1 = to be sent first; null = not ready, busy, or cannot help */
  rank: number | null
  state: ResourceState
  eta?: EtaInterval
  distanceM?: number
  travel?: TravelSource
  /** of what the incident asks for, what it has */
  capabilities: Capability[]
  /** seconds by which the area it leaves waits longer for the next one, at likely times; absent where nobody is left */
  coverageLossS?: number
  reasons: Reason[]
}
