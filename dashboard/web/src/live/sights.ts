// How drones fly, where cameras look, how stations stand: the newest word of each, and the way a drone has come while this page was open.
// Bounded: one entry a device that says such things, TRACK_MAX positions a drone.
import type { Sight } from '#contracts/live.ts'

/** Positions remembered of one drone: ten minutes at one each two seconds. */
export const TRACK_MAX = 300
/** A drone that has moved less than this has not moved, degrees (about 2 m). */
const STILL_DEG = 0.000_02

export type Track = { lonLat: number[] }

export type Sights = {
  all(): Iterable<Sight>
  find(deviceId: string): Sight | undefined
  track(deviceId: string): Track | undefined
  reset(sights: readonly Sight[]): void
  apply(sights: readonly Sight[], removed?: readonly string[]): void
  /** where a drone is now; joins its track unless it stands in its dock */
  at(deviceId: string, lon: number, lat: number): void
}

export const createSights = (): Sights => {
  const known = new Map<string, Sight>()
  const tracks = new Map<string, Track>()
  return {
    all: () => known.values(),
    find: deviceId => known.get(deviceId),
    track: deviceId => tracks.get(deviceId),
    reset(sights) {
      known.clear()
      for (const sight of sights) known.set(sight.deviceId, sight)
      for (const deviceId of tracks.keys()) if (!known.has(deviceId)) tracks.delete(deviceId)
    },
    apply(sights, removed = []) {
      for (const deviceId of removed) {
        known.delete(deviceId)
        tracks.delete(deviceId)
      }
      for (const sight of sights) {
        known.set(sight.deviceId, sight)
        if (sight.inDock === true) tracks.delete(sight.deviceId)
      }
    },
    at(deviceId, lon, lat) {
      const track = tracks.get(deviceId) ?? { lonLat: [] }
      const [lastLon, lastLat] = track.lonLat.slice(-2)
      if (lastLon !== undefined && lastLat !== undefined && Math.abs(lastLon - lon) + Math.abs(lastLat - lat) < STILL_DEG) return
      track.lonLat.push(lon, lat)
      if (track.lonLat.length > TRACK_MAX * 2) track.lonLat.splice(0, 2)
      tracks.set(deviceId, track)
    },
  }
}
