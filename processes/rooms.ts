// Asks the rooms of other processes how they are, once a second, so that /readyz and the live heartbeat can answer at once and a
// process that hangs shows as not ok instead of hanging the answer.
import type { RoomHealth } from '#contracts/live.ts'
import type { MetricsSnapshot } from './metrics.ts'

export type Neighbour = {
  /** the rooms it answers for: they are not ok while it does not answer */
  rooms: string[]
  health(): Promise<RoomHealth[]>
  metrics(): Promise<MetricsSnapshot>
}

export type RoomWatch = { latest(): RoomHealth[]; metrics(): Promise<MetricsSnapshot[]>; close(): void }

const EVERY_MS = 1000

export function watchRooms(neighbours: readonly Neighbour[]): RoomWatch {
  const silent = (rooms: string[], detail: string): RoomHealth[] => rooms.map(room => ({ room, ok: false, detail, troubles: ['silent'] }))
  let latest = neighbours.flatMap(n => silent(n.rooms, 'not asked yet'))
  let asking = false
  const ask = async () => {
    if (asking) return
    asking = true
    const answers = await Promise.all(neighbours.map(n => n.health().catch((error: Error) => silent(n.rooms, error.message))))
    latest = answers.flat()
    asking = false
  }
  const timer = setInterval(() => void ask(), EVERY_MS)
  void ask()
  return {
    latest: () => latest,
    // a process that does not answer is missing from the sum; its room is not ok at the same time
    metrics: async () =>
      (await Promise.allSettled(neighbours.map(n => n.metrics()))).flatMap(a => (a.status === 'fulfilled' ? [a.value] : [])),
    close: () => clearInterval(timer),
  }
}
