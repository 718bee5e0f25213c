// The scenarios there are.
import { nightFire } from './night-fire.ts'
import { quietNight } from './quiet-night.ts'
import type { Scenario, ScenarioOptions } from './scenario.ts'

export const SCENARIOS = { 'quiet-night': quietNight, 'night-fire': nightFire } as const satisfies Record<
  string,
  (o: ScenarioOptions) => Scenario
>
export type ScenarioName = keyof typeof SCENARIOS
export const isScenario = (name: string): name is ScenarioName => Object.hasOwn(SCENARIOS, name)
