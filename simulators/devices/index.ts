// The kinds of device there are.
import type { SimKind } from '../plan.ts'
import { camera } from './camera.ts'
import type { DeviceModel } from './device.ts'
import { drone } from './drone.ts'
import { gateway } from './gateway.ts'
import { microStation } from './micro-station.ts'
import { smoke } from './smoke.ts'

export const DEVICE_MODELS: Record<SimKind, DeviceModel> = { smoke, camera, drone, 'micro-station': microStation, gateway }
