// What may be said of a device when it is registered: the same fields one by one, in a list, by claim code.
import type { Device } from '#contracts/device.ts'
import type { DeviceKind } from '#contracts/reading.ts'
import { DEVICE_ID } from '#contracts/topic.ts'
import { list, number, text } from './schema.ts'
import { place, position } from './shapes.ts'

export type Registered = Partial<Device> & { deviceId: string; kind: DeviceKind }

export const deviceIdField = text({ pattern: DEVICE_ID.source, description: 'letters, digits and . _ : - ; at most 128' })
export const deviceDetails = {
  name: text({ maxLength: 200 }),
  place,
  position,
  via: { ...deviceIdField, description: 'the gateway that publishes for it' },
  expectNextS: number({ exclusiveMinimum: 0, maximum: 31_536_000, description: 'the longest silence that is still normal, seconds' }),
}
export const grantsField = list(text({ minLength: 1, maxLength: 256 }), {
  maxItems: 32,
  description: 'vendor topic prefixes, like zigbee2mqtt/#',
})
