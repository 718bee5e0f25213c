// The background of every night: a few batteries run low, a chamber gathers dust, somebody cooks, one device falls silent.
// None of it may sound an alarm: cooking stays well below every detector's alarm point.
import type { Air } from '../fire.ts'
import type { Planned, SimKind } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Trouble } from './scenario.ts'

const CHANCES: Partial<Record<SimKind, [Trouble['what'], number][]>> = {
  smoke: [
    ['low-battery', 0.006],
    ['dirty-chamber', 0.003],
    ['cooking', 0.01],
  ],
  'micro-station': [['low-hydrant', 0.06]],
  camera: [['lens-fault', 0.008]],
}
const COOKING_S = 420
const COOKING_PEAK_DB_PER_M = 0.045

/** Always at least one of cooking, low battery and silence, so that each can be seen in any run. */
export function makeTroubles(
  planned: readonly Planned[],
  random: Random,
  beginsS: number,
  spared: ReadonlySet<string>,
): Map<string, Trouble> {
  const troubles = new Map<string, Trouble>()
  const free = planned.filter(p => !spared.has(p.deviceId) && p.kind !== 'gateway')
  for (const device of free) {
    const r = random.fork(device.deviceId)
    for (const [what, chance] of CHANCES[device.kind] ?? []) {
      if (r.chance(chance) && !troubles.has(device.deviceId)) troubles.set(device.deviceId, { what, sinceS: beginsS + r.between(0, 600) })
    }
  }
  const smokes = free.filter(p => p.kind === 'smoke' && !troubles.has(p.deviceId))
  for (const [i, what] of (['silent', 'cooking', 'low-battery'] as const).entries()) {
    const device = smokes[Math.floor((smokes.length * (i + 1)) / 4)]
    if (device !== undefined) troubles.set(device.deviceId, { what, sinceS: beginsS + 20 * i })
  }
  return troubles
}

/** Frying: a hump of thin smoke, a little CO and warmth. */
export function cookingAir(sinceS: number, atS: number): Air | null {
  const t = (atS - sinceS) / COOKING_S
  if (t <= 0 || t >= 1) return null
  const hump = Math.sin(Math.PI * t) ** 2
  return { obscurationDbPerM: COOKING_PEAK_DB_PER_M * hump, coPpm: 5 * hump, riseC: 4 * hump }
}

export const listTroubles = (troubles: ReadonlyMap<string, Trouble>) => [...troubles].map(([deviceId, { what }]) => ({ deviceId, what }))
