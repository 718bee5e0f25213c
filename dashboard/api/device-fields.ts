// What may be said of a device when it is registered: the same fields one by one, in a list, by claim code.
import { FengsuiError } from '#contracts/errors.ts'
import type { Device } from '#contracts/device.ts'
import type { DeviceKind, Position } from '#contracts/reading.ts'
import { DEVICE_ID } from '#contracts/topic.ts'
import { list, number, text } from './schema.ts'
import { givenPosition, place } from './shape-parts.ts'

export type Registered = Partial<Device> & { deviceId: string; kind: DeviceKind }
export type GivenPosition = Position & { crs?: 'WGS84' | 'CGCS2000' | 'GCJ02' | 'BD09' }
/** In WGS84. @throws FengsuiError position-invalid, position-outside-district */
export type PositionOf = (given: GivenPosition, kind: DeviceKind) => Position

export const deviceIdField = text({ pattern: DEVICE_ID.source, description: 'letters, digits and . _ : - ; at most 128' })
export const deviceDetails = {
  name: text({ maxLength: 200 }),
  place,
  position: givenPosition,
  via: { ...deviceIdField, description: 'the gateway that publishes for it' },
  expectNextS: number({ exclusiveMinimum: 0, maximum: 31_536_000, description: 'the longest silence that is still normal, seconds' }),
}
export const grantsField = list(text({ minLength: 1, maxLength: 256 }), {
  maxItems: 32,
  description: 'vendor topic prefixes, like zigbee2mqtt/#',
})

/** The same with its position in WGS84; what cannot be is refused, by name, before anything is made. */
export const located = <T extends { deviceId?: string; position?: GivenPosition | undefined }>(
  given: T,
  kind: DeviceKind,
  positionOf: PositionOf,
): T => {
  if (given.position === undefined) return given
  try {
    return { ...given, position: positionOf(given.position, kind) }
  } catch (error) {
    if (given.deviceId === undefined || !(error instanceof FengsuiError)) throw error
    throw new FengsuiError(error.code, `device ${given.deviceId}: ${error.message}`, { cause: error })
  }
}
