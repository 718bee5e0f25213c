// 22:40, a cigarette end in renovation waste, flat 1405 of building 2. The detector sounds, smoke reaches the corridor and the
// neighbours, a camera sees it, the nearest drone finds the hot spot, the nearest micro station goes, puts it out and reports.
// Which drone and, unless stations await orders, which station goes follows from the first alarm; the platform under test decides for itself.
import { growFire } from '../fire.ts'
import type { Mission, Scenario, ScenarioOptions, Sight } from './scenario.ts'
import { findScene, metresBetween } from './scene.ts'
import { cookingAir, listTroubles, makeTroubles } from './troubles.ts'

const FIRE = { doorOpenS: 48, suppressedS: 330, lengthS: 2400 }
const SMOKE_OUTSIDE_KW = 40
const FLAME_OUTSIDE_KW = 220
const CONTROLLED_KW = 40
const DRONE_AFTER_S = 20
const STATION_AFTER_S = 30
const MISSION_S = 1500
/** detectors in the building sample every second for this long after ignition */
const ALERT_S = 1800

export function nightFire({ planned, random, beginsS, awaitOrders }: ScenarioOptions): Scenario {
  const scene = findScene(planned)
  const cast = new Set(
    scene === null
      ? []
      : [...scene.paths.keys(), ...scene.cameras.map(c => c.device.deviceId), scene.drone?.deviceId ?? '', scene.station?.deviceId ?? ''],
  )
  const troubles = makeTroubles(planned, random.fork('troubles'), beginsS, cast)
  const fire = growFire(FIRE)
  const sounded = new Map<string, number>()
  const missions = new Map<string, Mission>()
  const dispatchId = `D-${random.fork('dispatch').integer(10_000, 99_999)}`

  const burnKw = (atS: number) => fire.heatKw(atS - beginsS)
  const hottestC = (atS: number) => 18 + Math.min(640, 1.4 * burnKw(atS) ** 0.95)
  /** Smoke must find a window first: nothing shows outside in the first minute and a half. */
  const shown = (atS: number, thresholdKw: number) => (atS - beginsS < 90 ? 0 : Math.max(0, 1 - thresholdKw / Math.max(1, burnKw(atS))))

  return {
    name: 'night-fire',
    startHour: 22 + 40 / 60 - beginsS / 3600,
    wakes: [...cast].filter(id => id !== '').map(deviceId => ({ deviceId, atS: Math.max(0, beginsS - 1) })),
    air(deviceId, atS) {
      const path = scene?.paths.get(deviceId)
      if (path !== undefined) return Number.isFinite(path) ? fire.air(path, atS - beginsS) : null
      const trouble = troubles.get(deviceId)
      return trouble?.what === 'cooking' ? cookingAir(trouble.sinceS, atS) : null
    },
    alert: (deviceId, atS) => cast.has(deviceId) && atS >= beginsS - 2 && atS < beginsS + ALERT_S,
    aimDeg: deviceId => scene?.cameras.find(c => c.device.deviceId === deviceId)?.bearingDeg ?? null,
    sight(deviceId, atS): Sight | null {
      const camera = scene?.cameras.find(c => c.device.deviceId === deviceId)
      if (camera === undefined || atS < beginsS) return null
      const { bearingDeg, distanceM } = camera
      return { bearingDeg, distanceM, smoke: shown(atS, SMOKE_OUTSIDE_KW), flame: shown(atS, FLAME_OUTSIDE_KW), hottestC: hottestC(atS) }
    },
    mission: (deviceId, atS) => {
      const mission = missions.get(deviceId)
      return mission !== undefined && atS >= mission.calledS ? mission : null
    },
    target: atS => ({ hottestC: hottestC(atS), controlled: atS - beginsS > FIRE.suppressedS && burnKw(atS) < CONTROLLED_KW }),
    trouble: deviceId => troubles.get(deviceId) ?? null,
    alarmed(deviceId, atS) {
      if (scene === null || !scene.paths.has(deviceId) || sounded.has(deviceId)) return []
      sounded.set(deviceId, atS)
      if (sounded.size > 1) return []
      const { lat, lon } = scene.origin
      const calls = [
        { who: scene.drone, afterS: DRONE_AFTER_S },
        { who: awaitOrders ? undefined : scene.station, afterS: STATION_AFTER_S },
      ].flatMap(({ who, afterS }) => (who === undefined ? [] : [{ deviceId: who.deviceId, atS: atS + afterS }]))
      for (const call of calls)
        missions.set(call.deviceId, { dispatchId, calledS: call.atS, target: { lat, lon }, endsS: call.atS + MISSION_S })
      return calls
    },
    summary: () => ({
      scenario: 'night-fire',
      ...(scene === null ? {} : { building: scene.origin.building, room: scene.origin.room, ignitedS: beginsS }),
      detectors: [...sounded].map(([deviceId, alarmedS]) => ({
        deviceId,
        name: planned.find(p => p.deviceId === deviceId)?.name ?? '',
        alarmedS,
      })),
      cameras: scene?.cameras.map(c => c.device.deviceId) ?? [],
      ...(scene?.drone === undefined
        ? {}
        : { drone: `${scene.drone.deviceId} (${Math.round(metresBetween(scene.drone, scene.origin))} m)` }),
      ...(scene?.station === undefined
        ? {}
        : { station: `${scene.station.deviceId} (${Math.round(metresBetween(scene.station, scene.origin))} m)` }),
      troubles: listTroubles(troubles),
    }),
  }
}
