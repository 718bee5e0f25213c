// The radio gateway that smoke detectors report through. It speaks of itself only to show that it is alive.
import { rounded } from '../weather.ts'
import { nextRoutine, telemetry, type DeviceModel } from './device.ts'

export const gateway: DeviceModel = o => {
  const rssi = Math.round(o.random.between(-85, -60))
  return {
    about: () => ({ manufacturer: 'Fengsui simulator', model: 'GW-200', firmware: '4.0.3', capabilities: ['lora'] }),
    step: atS => ({
      say: [
        telemetry({
          power: { mainsOk: true },
          radio: { rssiDbm: rssi + o.random.integer(-2, 2) },
          metrics: { uptime_s: rounded(atS / o.speed, 0) },
        }),
      ],
      nextS: nextRoutine(o, atS),
    }),
  }
}
