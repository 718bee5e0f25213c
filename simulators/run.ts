// Runs a district: every 50 ms what the world has to say goes to the fleet. Stops cleanly when told to; never outruns its bounds.
import { createFleet, type Fleet } from './fleet.ts'
import type { Login } from './logins.ts'
import type { Planned } from './plan.ts'
import { createRandom } from './random.ts'
import type { ScenarioName } from './scenarios/index.ts'
import type { Summary } from './scenarios/scenario.ts'
import { createWorld } from './world.ts'

export type RunOptions = {
  url: string
  planned: readonly Planned[]
  logins: ReadonlyMap<string, Login>
  seed: string
  scenario: ScenarioName
  messagesPerS: number
  speed: number
  awaitOrders?: boolean
  clock: { nowMs(): number }
  inFlightMax?: number
  firstPauseMs?: number
}
export type Run = {
  fleet: Fleet
  summary: () => Summary
  /** wall-clock ms of a story second */
  wallMs(storyS: number): number
  stop(): Promise<void>
}
const TICK_MS = 50

export function startRun(o: RunOptions): Run {
  const world = createWorld({ ...o, startMs: o.clock.nowMs() })
  const fleet = createFleet({ ...o, world, random: createRandom(`fleet/${o.seed}`) })
  fleet.open()
  const ticking = setInterval(() => {
    for (const message of world.until(o.clock.nowMs())) fleet.send(message)
  }, TICK_MS)
  return {
    fleet,
    summary: () => world.summary(),
    wallMs: storyS => world.wallMs(storyS),
    async stop() {
      clearInterval(ticking)
      await fleet.close()
    },
  }
}
