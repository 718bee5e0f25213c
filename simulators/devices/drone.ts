// A drone in a dock. When called it prepares, takes off, flies straight to the target looking at it, hovers while its thermal
// camera finds and ranges the hot spot, comes home and lands. In the dock it charges and says so now and then.
import type { Mission } from '../scenarios/scenario.ts'
import { bearingBetween, metresBetween } from '../scenarios/scene.ts'
import { outdoorC, rounded } from '../weather.ts'
import { event, nextRoutine, telemetry, type DeviceModel, type Saying } from './device.ts'

const CRUISE_MPS = 15
const CLIMB_MPS = 4
const HEIGHT_M = 80
const PREPARE_S = 15
const STAND_OFF_M = 45
const TELEMETRY_S = 2
const FLIGHT_S = 1900
const CHARGE_PCT_PER_S = 0.03
const HOT_SPOT_C = 80
const RANGE_MAX_C = 550

type Phase = 'none' | 'preparing' | 'taking-off' | 'en-route' | 'on-scene' | 'returning' | 'landing' | 'landed'
type Flight = { mission: Mission; phase: Phase; phaseSinceS: number }

export const drone: DeviceModel = o => {
  const { planned, random, scenario } = o
  let batteryPct = random.between(88, 100)
  let flight: Flight | null = null
  let flown = 0
  let lastS = 0
  let metresOut = 0
  let heightM = 0
  let headingDeg = random.between(0, 359)
  let reported = false
  let routineAtS = -Infinity

  const outboundM = (m: Mission) => Math.max(0, metresBetween(planned, m.target) - STAND_OFF_M)

  /** Moves one step; answers the phase it is in afterwards. */
  function fly(f: Flight, stepS: number, atS: number): Phase {
    const inPhaseS = atS - f.phaseSinceS
    const goal = outboundM(f.mission)
    batteryPct = f.phase === 'preparing' ? batteryPct : Math.max(3, batteryPct - (100 / FLIGHT_S) * stepS)
    if (f.phase === 'preparing') return inPhaseS >= PREPARE_S ? 'taking-off' : f.phase
    if (f.phase === 'taking-off') {
      heightM = Math.min(HEIGHT_M, heightM + CLIMB_MPS * stepS)
      return heightM >= HEIGHT_M ? 'en-route' : f.phase
    }
    if (f.phase === 'en-route') {
      headingDeg = bearingBetween(planned, f.mission.target)
      metresOut = Math.min(goal, metresOut + CRUISE_MPS * stepS)
      return metresOut >= goal ? 'on-scene' : f.phase
    }
    if (f.phase === 'on-scene') return batteryPct < 35 || scenario.target(atS).controlled || atS > f.mission.endsS ? 'returning' : f.phase
    if (f.phase === 'returning') {
      headingDeg = bearingBetween(f.mission.target, planned)
      metresOut = Math.max(0, metresOut - CRUISE_MPS * stepS)
      return metresOut <= 0 ? 'landing' : f.phase
    }
    heightM = Math.max(0, heightM - CLIMB_MPS * stepS)
    return heightM <= 0 ? 'landed' : 'landing'
  }

  function position() {
    if (flight === null || metresOut <= 0) return { lat: planned.lat, lon: planned.lon, heightM: rounded(heightM, 1) }
    const whole = metresBetween(planned, flight.mission.target)
    const share = whole > 0 ? metresOut / whole : 0
    const along = (from: number, to: number) => rounded(from + (to - from) * share, 6)
    return {
      lat: along(planned.lat, flight.mission.target.lat),
      lon: along(planned.lon, flight.mission.target.lon),
      heightM: rounded(heightM, 1),
    }
  }

  function body(atS: number) {
    const phase = flight?.phase ?? 'none'
    const airborne = heightM > 0
    const there = phase === 'on-scene' && flight !== null
    const coolC = outdoorC(scenario.startHour + atS / 3600)
    const hottestC = there ? Math.min(RANGE_MAX_C, Math.max(coolC, scenario.target(atS).hottestC + random.normal() * 4)) : coolC + 5
    const hot = hottestC >= HOT_SPOT_C
    const moving = phase === 'en-route' || phase === 'returning'
    const target = flight?.mission.target
    return {
      position: position(),
      power: { batteryPct: rounded(batteryPct, 1), batteryV: rounded(20.4 + batteryPct * 0.048, 2) },
      alarms: { heat: there && hot, fault: false },
      drone: {
        headingDeg: rounded(headingDeg, 1) % 360,
        speedMps: moving ? rounded(CRUISE_MPS + random.normal() * 0.4, 1) : 0,
        verticalSpeedMps: phase === 'taking-off' ? CLIMB_MPS : phase === 'landing' ? -CLIMB_MPS : 0,
        homeDistanceM: rounded(metresOut, 0),
        remainingFlightS: Math.round((batteryPct / 100) * FLIGHT_S),
        windMps: rounded(Math.abs(3 + random.normal() * 0.8), 1),
        gnss: { fix: 'rtk-fixed', satellites: random.integer(24, 33) },
        gimbal: { pitchDeg: there ? -58 : airborne ? -30 : 0, rollDeg: 0, yawDeg: rounded(headingDeg, 1) },
        ...(airborne
          ? {
              thermal: {
                maxC: rounded(hottestC, 1),
                minC: rounded(coolC - 3, 1),
                rangeMaxC: RANGE_MAX_C,
                ...(there && hot && target !== undefined
                  ? { at: [0.51, 0.48], position: { lat: target.lat, lon: target.lon, accuracyM: 6 } }
                  : {}),
              },
            }
          : {}),
        mission: {
          state: phase,
          ...(flight === null ? {} : { id: `F-${planned.deviceId}-${flown}`, dispatchId: flight.mission.dispatchId }),
        },
        armed: airborne,
        inDock: !airborne,
      },
    }
  }

  return {
    about: () => ({
      manufacturer: 'Fengsui simulator',
      model: 'UAV-D1 with dock',
      firmware: '2.2.0',
      capabilities: ['thermal', 'ranging', 'visible'],
    }),
    step(atS) {
      const stepS = Math.max(0, atS - lastS)
      lastS = atS
      const say: Saying[] = []
      const mission = scenario.mission(planned.deviceId, atS)
      if (flight === null && mission !== null && atS < mission.endsS && flown === 0) {
        flight = { mission, phase: 'preparing', phaseSinceS: atS }
        flown++
        say.push(event(body(atS)))
      } else if (flight !== null) {
        const phase = fly(flight, stepS, atS)
        const changed = phase !== flight.phase
        if (changed) flight = { ...flight, phase, phaseSinceS: atS }
        const found = phase === 'on-scene' && !reported && scenario.target(atS).hottestC >= HOT_SPOT_C
        reported ||= found
        say.push(changed || found ? event(body(atS)) : telemetry(body(atS)))
        if (phase === 'landed') flight = null
      } else {
        batteryPct = Math.min(100, batteryPct + CHARGE_PCT_PER_S * stepS)
        if (atS >= routineAtS) say.push(telemetry(body(atS)))
      }
      if (atS >= routineAtS) routineAtS = nextRoutine(o, atS)
      return { say, nextS: flight === null ? routineAtS : atS + Math.max(1, TELEMETRY_S * Math.min(o.speed, 5)) }
    },
  }
}
