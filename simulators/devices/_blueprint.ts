// Copy this file to add a kind of device: rename it, write the body, and list it in index.ts; give it a share in ../pace.ts and
// places in ../plan.ts. test/simulators/devices.test.ts then runs it through the conformance suite.
import { nextRoutine, telemetry, type DeviceModel } from './device.ts'

export const blueprint: DeviceModel = o => {
  // state lives in the closure; draw from o.random only
  let level = o.random.between(40, 60)
  return {
    about: () => ({ manufacturer: 'Fengsui simulator', model: 'blueprint' }),
    step(atS) {
      if (o.scenario.trouble(o.planned.deviceId)?.what === 'silent') return { say: [], nextS: Infinity }
      level += o.random.normal() * 0.1
      return { say: [telemetry({ metrics: { level_pct: Number(level.toFixed(1)) } })], nextS: nextRoutine(o, atS) }
    },
  }
}
