// How often each device speaks so that the whole district makes the asked rate. Seconds of the wall clock.
import type { Planned, SimKind } from './plan.ts'

/** readings for one of a smoke detector's */
const SHARE: Record<SimKind, number> = { smoke: 1, camera: 1, 'micro-station': 2, drone: 4, gateway: 0.5 }
const SILENCE_FACTOR = 2
const SILENCE_MIN_S = 60
const SILENCE_MAX_S = 604_800

export type Pace = { everyS(kind: SimKind): number; expectNextS(kind: SimKind): number }

export function createPace(planned: readonly Planned[], messagesPerS: number): Pace {
  const shares = planned.reduce((sum, p) => sum + SHARE[p.kind], 0)
  const everyS = (kind: SimKind) => shares / (SHARE[kind] * messagesPerS)
  /** the longest silence that is still normal: native-status.schema.json allows at most a week */
  const expectNextS = (kind: SimKind) => Math.min(SILENCE_MAX_S, Math.max(SILENCE_MIN_S, Math.ceil(everyS(kind) * SILENCE_FACTOR)))
  return { everyS, expectNextS }
}
