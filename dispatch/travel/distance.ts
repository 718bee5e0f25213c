// The travel model by default: the straight line at the speed of its kind. Distance says little about the time of a single run (on 18,000 real
// ones they correlate 0.25 to 0.33), so the answer is an interval; how often it holds is measured on real runs (fit.ts).
import type { TravelMode } from '#contracts/resource.ts'
import type { TravelFigures } from '../plan.ts'
import { planeFrom, type Leg, type Travel } from './travel.ts'

/** Interval around turn-out + way. */
export const intervalOf = (f: TravelFigures, wayS: number): Leg['eta'] => {
  const likelyS = f.turnOutS + f.baseS + wayS
  return { lowS: Math.round(likelyS * f.lowFactor), likelyS: Math.round(likelyS), highS: Math.round(likelyS * f.highFactor) }
}

export const byDistance = (figures: Record<TravelMode, TravelFigures>): Travel => ({
  legs(from, to) {
    const metresTo = planeFrom(to)
    return from.map(({ mode, at }): Leg => {
      const distanceM = Math.round(metresTo(at))
      const f = figures[mode]
      if (mode === 'fixed') return { eta: { lowS: 0, likelyS: 0, highS: 0 }, distanceM, source: 'fixed' }
      return { eta: intervalOf(f, distanceM / f.speedMps), distanceM, source: 'distance' }
    })
  },
})
