// What a travel model is: how long each of many takes to one place. Asked inside a transaction, so it answers at once; what must be fetched
// from elsewhere is fetched before, by prepare(), and what could not be had is answered by the next simpler model.
import type { Text } from '#contracts/alarm.ts'
import type { EtaInterval, TravelMode, TravelSource } from '#contracts/resource.ts'

export type LatLon = { lat: number; lon: number }
export type Starter = { id: string; mode: TravelMode; at: LatLon }
/** eta: from the order to the scene, turn-out included; `instead`: why a simpler model had to answer */
export type Leg = { eta: EtaInterval; distanceM: number; source: TravelSource; instead?: Text }

export type Travel = {
  /** In the order of `from`. */
  legs(from: readonly Starter[], to: LatLon): Leg[]
  /** Fetches what legs() may be asked next; never throws, never takes longer than its own time-out. */
  prepare?(from: readonly Starter[], to: LatLon): Promise<void>
  /** for the health line */
  status?(): string
  /** what it depends on does not answer: everything is reckoned by the next simpler model */
  troubled?(): boolean
}

/** Those whose place is known; where they are now comes before where they wait. */
export const startersOf = (resources: readonly { id: string; mode: Starter['mode']; at?: LatLon; position?: LatLon }[]): Starter[] =>
  resources.flatMap(({ id, mode, at, position }) => {
    const from = at ?? position
    return from === undefined ? [] : [{ id, mode, at: from }]
  })

const EARTH_M = 6_371_008.8
const rad = (degrees: number): number => (degrees * Math.PI) / 180

/** East and north of `middle` in metres, on a plane that touches the earth there. */
export const planeAt = (middle: LatLon): ((at: LatLon) => [x: number, y: number]) => {
  const mPerLat = rad(1) * EARTH_M
  const mPerLon = mPerLat * Math.cos(rad(middle.lat))
  return at => [(at.lon - middle.lon) * mPerLon, (at.lat - middle.lat) * mPerLat]
}

/** Metres on a plane that touches the earth at `to`: within 0.1 % of the great circle over a district. */
export const planeFrom = (to: LatLon): ((at: LatLon) => number) => {
  const mPerLat = rad(1) * EARTH_M
  const mPerLon = mPerLat * Math.cos(rad(to.lat))
  return at => Math.hypot((at.lat - to.lat) * mPerLat, (at.lon - to.lon) * mPerLon)
}
