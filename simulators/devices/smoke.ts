// A photoelectric smoke detector with temperature and CO, on a battery, by radio to a gateway. It decides by itself, latches,
// repeats while in alarm, and dies when its own housing gets too hot: silence that must not be read as "no fire".
import type { Air } from '../fire.ts'
import { createDrift, humidityPct, indoorC, rounded } from '../weather.ts'
import { event, nextRoutine, telemetry, type DeviceModel, type Saying } from './device.ts'

const MANUFACTURER = 'Fengsui simulator'
/** smoke has to get into the chamber: characteristic length over ceiling-jet velocity (Heskestad; EN 54-7 detectors 1-3 m) */
const ENTRY_LAG_S = 9
const THERMAL_LAG_S = 25
const CONFIRM_SAMPLES = 3
const PRE_ALARM_RATIO = 0.5
const CO_ALARM_PPM = 100
/** GB 4716 class A1 static response, lower end */
const HEAT_ALARM_C = 57
const HOUSING_LIMIT_C = 125
const REPEAT_S = 10
const QUIET_BEFORE_CLEAR_S = 180
const NO_AIR: Air = { obscurationDbPerM: 0, coPpm: 0, riseC: 0 }

export const smoke: DeviceModel = o => {
  const { planned, random, scenario } = o
  const trouble = scenario.trouble(planned.deviceId)
  const alarmPoint = random.between(0.13, 0.18)
  const base = random.between(0.002, 0.008)
  const offsetC = random.between(-1.5, 1.5)
  const contaminationPct = trouble?.what === 'dirty-chamber' ? random.between(86, 96) : random.between(2, 35)
  const radioDbm = Math.round(random.between(-104, -78))
  const drift = createDrift(random.normal, 900)
  let batteryPct = trouble?.what === 'low-battery' ? random.between(5, 9) : random.between(35, 100)
  let chamber = { ...NO_AIR }
  let lastS = 0
  let hits = 0
  let state: 'normal' | 'pre-alarm' | 'alarm' = 'normal'
  let cleanSinceS = 0
  let routineAtS = -Infinity
  let repeatAtS = Infinity

  function breathe(atS: number): void {
    const air = scenario.air(planned.deviceId, atS) ?? NO_AIR
    const stepS = Math.max(0, atS - lastS)
    const follow = (from: number, to: number, lagS: number) => from + (to - from) * (1 - Math.exp(-stepS / lagS))
    chamber = {
      obscurationDbPerM: follow(chamber.obscurationDbPerM, air.obscurationDbPerM, ENTRY_LAG_S),
      coPpm: follow(chamber.coPpm, air.coPpm, THERMAL_LAG_S),
      riseC: follow(chamber.riseC, air.riseC, THERMAL_LAG_S),
    }
    batteryPct = Math.max(1, batteryPct - (stepS / 86_400) * 0.03)
    lastS = atS
  }

  /** Three samples above the point confirm; a latched alarm clears only after minutes of clean air. */
  function decide(atS: number, ratio: number): boolean {
    const before = state
    hits = ratio >= 1 ? hits + 1 : 0
    if (ratio >= PRE_ALARM_RATIO) cleanSinceS = atS
    if (hits >= CONFIRM_SAMPLES) state = 'alarm'
    else if (state === 'normal' && ratio >= PRE_ALARM_RATIO) state = 'pre-alarm'
    else if (state !== 'normal' && atS - cleanSinceS > QUIET_BEFORE_CLEAR_S) state = 'normal'
    return state !== before
  }

  function body(atS: number): Record<string, unknown> {
    const obscuration = Math.min(20, Math.max(0, base + chamber.obscurationDbPerM + contaminationPct * 0.0001 + random.normal() * 0.0006))
    const temperature = indoorC(hour(atS)) + offsetC + 0.3 * drift(atS) + chamber.riseC + random.normal() * 0.05
    const co = Math.min(20_000, Math.max(0, 0.8 + chamber.coPpm + random.normal() * 0.3))
    const dirty = contaminationPct > 85
    return {
      power: { batteryPct: rounded(batteryPct, 1), batteryV: rounded(2.4 + batteryPct * 0.006, 2) },
      radio: { rssiDbm: radioDbm + Math.round(random.normal() * 2) },
      alarms: {
        smoke: state === 'alarm',
        preAlarm: state !== 'normal',
        heat: temperature >= HEAT_ALARM_C,
        co: co >= CO_ALARM_PPM,
        chamberFault: false,
        chamberDirty: dirty,
        tamper: false,
        lowBattery: batteryPct < 10,
      },
      smoke: {
        obscurationDbPerM: rounded(obscuration, 4),
        alarmRatio: rounded(Math.min(10, obscuration / alarmPoint), 3),
        temperatureC: rounded(Math.min(1000, temperature), 2),
        coPpm: rounded(co, 1),
        humidityPct: rounded(humidityPct(temperature), 1),
        state,
        chamber: dirty ? 'dirty' : 'ok',
        contaminationPct: rounded(contaminationPct, 1),
        standard: 'GB 20517-2025',
      },
    }
  }
  const hour = (atS: number) => scenario.startHour + atS / 3600

  return {
    about: () => ({
      manufacturer: MANUFACTURER,
      model: 'SMK-3 photo/heat/CO',
      firmware: '1.4.2',
      standards: ['GB 20517-2025'],
      capabilities: ['smoke', 'temperature', 'co'],
      thresholds: { obscuration_db_per_m: rounded(alarmPoint, 3), co_ppm: CO_ALARM_PPM, temperature_c: HEAT_ALARM_C },
    }),
    step(atS) {
      if (trouble?.what === 'silent' && atS >= trouble.sinceS) return { say: [], nextS: Infinity }
      breathe(atS)
      if (chamber.riseC > HOUSING_LIMIT_C) return { say: [], nextS: Infinity }
      const changed = decide(atS, (base + chamber.obscurationDbPerM) / alarmPoint)
      const say: Saying[] = []
      if (changed) {
        say.push(event(body(atS)))
        if (state === 'alarm') repeatAtS = atS + REPEAT_S * o.speed
        else repeatAtS = Infinity
      } else if (atS >= routineAtS || atS >= repeatAtS) {
        say.push(telemetry(body(atS)))
        if (state === 'alarm') repeatAtS = atS + REPEAT_S * o.speed
      }
      if (atS >= routineAtS) routineAtS = nextRoutine(o, atS)
      const watching = scenario.alert(planned.deviceId, atS) || chamber.obscurationDbPerM > 0.02
      return { say, nextS: watching ? Math.min(atS + 1, routineAtS, repeatAtS) : Math.min(routineAtS, repeatAtS) }
    },
  }
}
