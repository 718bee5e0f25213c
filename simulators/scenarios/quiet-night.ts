// A night without a fire: everything ordinary, including what goes wrong on ordinary nights. Nothing here may raise a hazard.
import type { Scenario, ScenarioOptions } from './scenario.ts'
import { cookingAir, listTroubles, makeTroubles } from './troubles.ts'

export function quietNight({ planned, random, beginsS }: ScenarioOptions): Scenario {
  const troubles = makeTroubles(planned, random.fork('troubles'), beginsS, new Set())
  return {
    name: 'quiet-night',
    startHour: 22,
    wakes: [],
    air(deviceId, atS) {
      const trouble = troubles.get(deviceId)
      return trouble?.what === 'cooking' ? cookingAir(trouble.sinceS, atS) : null
    },
    alert: () => false,
    aimDeg: () => null,
    sight: () => null,
    mission: () => null,
    target: () => ({ hottestC: 0, controlled: true }),
    trouble: deviceId => troubles.get(deviceId) ?? null,
    alarmed: () => [],
    summary: () => ({ scenario: 'quiet-night', detectors: [], cameras: [], troubles: listTroubles(troubles) }),
  }
}
