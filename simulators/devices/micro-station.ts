// A micro fire station: crew, an electric vehicle, hydrants, breathing apparatus, tank, doors, and whether all that makes it
// ready. When called it takes the task through its states and drives to the scene and back. "1-3-5": one minute to turn out.
import type { Mission } from '../scenarios/scenario.ts'
import { metresBetween } from '../scenarios/scene.ts'
import { createDrift, outdoorC, rounded } from '../weather.ts'
import { event, nextRoutine, positionOf, telemetry, type DeviceModel, type Saying } from './device.ts'

const ACKNOWLEDGE_S = 12
const TURN_OUT_S = 60
const DRIVE_MPS = 6
const CONTROL_S = 60
const HOMEWARD_S = 300
/** what a crew needs for anything that is not the story's fire */
const HANDLED_S = 240
/** longer than any order lasts */
const MISSION_S = 1500
const CREW_REQUIRED = 6
/** GB 55036-2022 3.0.3: a municipal hydrant stands at 0.14 MPa or more in normal operation */
const HYDRANT_MIN_KPA = 140
const HYDRANT_FAULT_KPA = 95
/** full = 30 MPa; below 24 the set is not ready */
const CYLINDER_READY_MPA = 24
const TANK_M3 = 12

type TaskState = 'received' | 'acknowledged' | 'departed' | 'arrived' | 'controlled' | 'returned'

export const microStation: DeviceModel = o => {
  const { planned, random, scenario } = o
  const trouble = scenario.trouble(planned.deviceId)
  const onDuty = random.chance(0.85) ? random.integer(CREW_REQUIRED, CREW_REQUIRED + 2) : CREW_REQUIRED - 1
  const hydrants = Array.from({ length: random.integer(2, 4) }, (_, i) => ({
    id: `${planned.deviceId}-h${i + 1}`,
    baseKpa: random.between(210, 340),
    drift: createDrift(random.normal, 1800),
  }))
  const cylinders = Array.from({ length: 4 }, (_, i) => ({ id: `ba-${i + 1}`, mpa: random.between(27, 30) }))
  const powders = random.integer(8, 16)
  const expired = random.chance(0.15) ? 1 : 0
  let tankPct = random.between(78, 98)
  let energyPct = random.between(70, 100)
  let mission: Mission | null = null
  let task: TaskState | null = null
  let arrivedS = 0
  let controlledS = Infinity
  let routineAtS = -Infinity

  function taskAt(m: Mission, atS: number): TaskState {
    const driveS = metresBetween(planned, m.target) / DRIVE_MPS
    const waitedS = atS - m.calledS
    arrivedS = m.calledS + TURN_OUT_S + driveS
    if (atS >= controlledS) return atS < controlledS + HOMEWARD_S ? 'controlled' : 'returned'
    if (waitedS < ACKNOWLEDGE_S) return 'received'
    if (waitedS < TURN_OUT_S) return 'acknowledged'
    if (atS < arrivedS) return 'departed'
    const isDone = scenario.target(atS).controlled ? atS > arrivedS + CONTROL_S : m.ordered === true && atS > arrivedS + HANDLED_S
    if (!isDone) return 'arrived'
    controlledS = atS
    return 'controlled'
  }

  function vehicle(atS: number) {
    const out = task === 'departed' || task === 'arrived' || task === 'controlled'
    const at = out && mission !== null ? onTheWay(mission, atS) : planned
    const state = task === 'departed' ? 'dispatched' : task === 'arrived' || task === 'controlled' ? 'on-scene' : 'ready'
    return {
      id: 'ev-01',
      type: 'electric-patrol',
      state,
      waterL: task === 'arrived' || task === 'controlled' ? 120 : 500,
      energyPct: rounded(energyPct, 0),
      position: positionOf(at),
    }
  }
  function onTheWay(m: Mission, atS: number) {
    const leftS = m.calledS + TURN_OUT_S
    const share = Math.min(1, Math.max(0, (atS - leftS) / Math.max(1, arrivedS - leftS)))
    return {
      lat: rounded(planned.lat + (m.target.lat - planned.lat) * share, 6),
      lon: rounded(planned.lon + (m.target.lon - planned.lon) * share, 6),
    }
  }

  const lowHydrant = (i: number, atS: number) => i === 0 && trouble?.what === 'low-hydrant' && atS >= trouble.sinceS
  const pressureKpa = (i: number, atS: number) => {
    const h = hydrants[i]!
    return rounded(lowHydrant(i, atS) ? HYDRANT_FAULT_KPA + 3 * h.drift(atS) : h.baseKpa + 6 * h.drift(atS), 0)
  }

  function body(atS: number) {
    const states = hydrants.map((h, i) => ({ id: h.id, pressureKpa: pressureKpa(i, atS), flowLps: 0, capOpen: false }))
    const pressureLow = states.some(h => h.pressureKpa < HYDRANT_MIN_KPA)
    const busy = task !== null && task !== 'returned'
    const readiness = busy ? 'responding' : pressureLow || onDuty < CREW_REQUIRED ? 'degraded' : 'ready'
    return {
      position: positionOf(planned),
      power: { mainsOk: true, backupOk: true, batteryPct: 100 },
      alarms: { fault: false, pressureLow, levelLow: false },
      station: {
        readiness,
        crew: { onDuty, required: CREW_REQUIRED, shift: 'night', leaderRef: `roster-${planned.deviceId}` },
        vehicles: [vehicle(atS)],
        waterTank: {
          levelPct: rounded(tankPct, 1),
          levelM: rounded((tankPct / 100) * 2.5, 2),
          volumeM3: rounded((tankPct / 100) * TANK_M3, 2),
          capacityM3: TANK_M3,
          temperatureC: rounded(outdoorC(scenario.startHour + atS / 3600 - 4), 1),
        },
        hydrants: states,
        extinguishers: [
          { agent: 'abc-powder', sizeKg: 4, count: powders, pressureOk: powders - expired, expired },
          { agent: 'co2', sizeKg: 3, count: 2, pressureOk: 2, expired: 0 },
        ],
        breathingApparatus: cylinders.map(c => ({
          id: c.id,
          cylinderMpa: rounded(c.mpa, 1),
          ratedMpa: 30,
          cylinderL: 6.8,
          ready: c.mpa >= CYLINDER_READY_MPA,
        })),
        equipment: [
          { item: 'nozzle', count: 2, required: 2 },
          { item: 'hose', count: 6, required: 6 },
          { item: 'radio', count: 6, required: 6 },
        ],
        doors: [{ id: 'garage', open: task === 'departed' || task === 'arrived' }],
        ...(mission === null || task === null ? {} : { task: { dispatchId: mission.dispatchId, state: task } }),
      },
    }
  }

  /** What time and work do to the equipment between two steps. */
  function wear(stepS: number): void {
    tankPct = Math.max(20, tankPct - stepS * 1e-6)
    energyPct = task === 'departed' ? Math.max(10, energyPct - stepS * 0.01) : energyPct
    const breathing = task === 'arrived' ? 0.012 : 5e-7
    for (const c of cylinders) c.mpa = Math.max(5, c.mpa - stepS * breathing)
  }

  let lastS = 0
  const isBusy = () => task !== null && task !== 'returned'
  return {
    about: () => ({
      manufacturer: 'Fengsui simulator',
      model: 'MFS-1 station terminal',
      firmware: '1.1.0',
      capabilities: ['readiness', 'hydrants', 'scba', 'task'],
    }),
    told({ event, dispatchId, target = planned }, atS) {
      if (event === 'order-ended') {
        // called back: the crew turns round where it is
        if (mission?.dispatchId === dispatchId && isBusy()) controlledS = Math.min(controlledS, atS)
        return
      }
      if (isBusy() || mission?.dispatchId === dispatchId) return
      mission = { dispatchId, calledS: atS, target, endsS: atS + MISSION_S, ordered: true }
      task = null
      controlledS = Infinity
    },
    step(atS) {
      wear(Math.max(0, atS - lastS))
      lastS = atS
      const say: Saying[] = []
      mission ??= scenario.mission(planned.deviceId, atS)
      const now = mission === null || task === 'returned' ? task : taskAt(mission, atS)
      if (now !== task) {
        task = now
        say.push(event(body(atS)))
      } else if (atS >= routineAtS) say.push(telemetry(body(atS)))
      if (atS >= routineAtS) routineAtS = nextRoutine(o, atS)
      const busy = isBusy()
      return { say, nextS: busy ? Math.min(atS + 2, routineAtS) : routineAtS }
    },
  }
}
