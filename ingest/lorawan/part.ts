// What a payload codec answers: one part a record of the payload, without envelope, time of reception or device id.
import type { AlarmFlag, DeviceKind } from '#contracts/reading.ts'
import type { Given } from '../no-place.ts'

export type Part = {
  /** undefined = the payload alone does not tell */
  kind?: DeviceKind
  model?: string
  metrics?: Record<string, number | undefined>
  alarms?: Partial<Record<AlarmFlag, boolean | undefined>>
  batteryPct?: number | undefined
  state?: Record<string, unknown>
  /** as it stands in the payload: it may be no place */
  given?: Pick<Given, 'lat' | 'lon'>
  /** what the single numbers of its stored records are */
  stored?: Stored
  /** a record stored on the device: epoch ms by its own clock */
  storedAtMs?: number
}

export type Stored = 'distance' | 'light'

export type Decoding = {
  parts: Part[]
  /** what could not be read */
  unread?: string
}

/** `fault`: the payload is of this codec's device and broken, so no other codec may guess at it. */
export type CodecResult = Decoding | { fault: string } | undefined

export type Hints = {
  fPort?: number | undefined
  /** profile, device and application names in lower case */
  names: string
  /** the kind learned of this device before */
  kind?: DeviceKind | undefined
  stored?: Stored | undefined
}

export const int8 = (byte: number): number => (byte > 127 ? byte - 256 : byte)
export const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
