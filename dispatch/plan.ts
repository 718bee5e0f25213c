// The dispatch plan: every number and list by which resources are judged and ranked, in one place. Words and reasons are not here.
import type { AlarmKind } from '#contracts/alarm.ts'
import type { Capability, ResourceKind, TravelMode } from '#contracts/resource.ts'

/** From the order to the scene: turnOutS + baseS + metres / speedMps, times lowFactor and highFactor for the 90 % interval. */
export type TravelFigures = {
  turnOutS: number
  /** parts of a way that do not grow with its length: lifts, gates, finding the door */
  baseS: number
  /** along the straight line, detours included */
  speedMps: number
  lowFactor: number
  highFactor: number
  /** further away than this it is not sent by itself */
  reachM: number
}

export type DispatchPlan = {
  readiness: {
    /** a device that does not say how often it reports is silent after this */
    silentAfterS: number
    /** a resource without a device must have checked in, or acted, within this */
    checkInValidS: number
    droneBatteryMinPct: number
  }
  travel: Record<TravelMode, TravelFigures>
  offers: {
    /** an offer that is not answered goes on to the next */
    answerS: number
  }
  ranking: {
    /** what a lack costs, in seconds of the likely ETA */
    degradedS: number
    lackingS: number
    /** of the coverage lost, this part is added, up to the most */
    coverageWeight: number
    coverageS: number
  }
  /** what an incident of a kind asks of who goes there */
  needs: Partial<Record<AlarmKind, Capability[]>>
  /** what a resource can do where nobody said */
  capabilities: Record<ResourceKind, Capability[]>
  modes: Record<ResourceKind, TravelMode>
}

export const DEFAULT_PLAN: DispatchPlan = {
  readiness: { silentAfterS: 3600, checkInValidS: 43_200, droneBatteryMinPct: 30 },
  travel: {
    foot: { turnOutS: 60, baseS: 30, speedMps: 1.3, lowFactor: 0.5, highFactor: 1.9, reachM: 2_000 },
    'e-vehicle': { turnOutS: 60, baseS: 30, speedMps: 4.5, lowFactor: 0.5, highFactor: 1.9, reachM: 6_000 },
    engine: { turnOutS: 70, baseS: 60, speedMps: 8, lowFactor: 0.5, highFactor: 1.9, reachM: 30_000 },
    drone: { turnOutS: 20, baseS: 15, speedMps: 13, lowFactor: 0.7, highFactor: 1.5, reachM: 6_000 },
    fixed: { turnOutS: 0, baseS: 0, speedMps: 1, lowFactor: 1, highFactor: 1, reachM: 300 },
  },
  offers: { answerS: 60 },
  ranking: { degradedS: 45, lackingS: 120, coverageWeight: 0.1, coverageS: 60 },
  needs: {
    'fire-alarm': ['extinguish', 'evacuate'],
    'manual-call': ['extinguish', 'evacuate'],
    heat: ['extinguish', 'evacuate'],
    'electrical-fire': ['extinguish', 'inspect'],
    'gas-alarm': ['inspect', 'evacuate'],
    'co-alarm': ['breathing-apparatus', 'evacuate'],
    'pre-alarm': ['inspect'],
  },
  capabilities: {
    'micro-station': ['extinguish', 'evacuate', 'inspect', 'breathing-apparatus'],
    'grid-officer': ['evacuate', 'inspect'],
    engine: ['extinguish', 'breathing-apparatus', 'rescue', 'evacuate', 'inspect'],
    drone: ['observe', 'thermal'],
    camera: ['observe'],
  },
  modes: { 'micro-station': 'e-vehicle', 'grid-officer': 'foot', engine: 'engine', drone: 'drone', camera: 'fixed' },
}

/** What an incident of this kind asks for; what is not listed needs somebody to look at it. */
export const needsOf = (plan: DispatchPlan, kind: AlarmKind): Capability[] => plan.needs[kind] ?? ['inspect']
