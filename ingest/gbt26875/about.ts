// Facts about a panel, its components and the transmitter: versions (types 5, 25), descriptions (6, 7, 26) and clocks (8, 28) by GB/T 26875.3-2011,
// 8.3.1. None of them is a state: they raise and clear nothing.
import type { Zone } from '#contracts/zone.ts'
import { timeAt } from './frame.ts'
import { textOf } from './objects.ts'

export type About = {
  /** of the transmitter itself where there is none */
  system?: { type: number; address: number }
  component?: { type: number; zone: number; position: number }
  firmware?: string
  name?: string
  clockMs?: number
}

const VERSION = 5
const SYSTEM_TEXT = 6
const COMPONENT_TEXT = 7
const SYSTEM_CLOCK = 8
const OWN_VERSION = 25
const OWN_TEXT = 26
const OWN_CLOCK = 28
/** bytes of one object; of texts with a length, those before the text */
const SIZES: Readonly<Record<number, number>> = {
  [VERSION]: 4,
  [SYSTEM_TEXT]: 3,
  [COMPONENT_TEXT]: 38,
  [SYSTEM_CLOCK]: 8,
  [OWN_VERSION]: 2,
  [OWN_TEXT]: 1,
  [OWN_CLOCK]: 6,
}
export const ABOUT_TYPES: ReadonlySet<number> = new Set(Object.keys(SIZES).map(Number))

/** Of one unit of data; a text says why it cannot be read. */
export function aboutIn(data: Uint8Array, zone: Zone): About[] | string {
  const [type = 0, count = 0] = data
  const size = SIZES[type] ?? 0
  const hasLength = type === SYSTEM_TEXT || type === OWN_TEXT
  const found: About[] = []
  let at = 2
  for (let i = 0; i < count; i++) {
    const length = size + (hasLength ? (data[at + size - 1] ?? 0) : 0)
    if (at + length > data.length) return `type ${type}: ${count} objects do not fit ${data.length - 2} bytes`
    found.push(aboutOf(type, data.subarray(at, at + length), size, zone))
    at += length
  }
  return found
}

function aboutOf(type: number, bytes: Uint8Array, head: number, zone: Zone): About {
  const [first = 0, second = 0] = bytes
  const name = (from: number): Pick<About, 'name'> => {
    const text = textOf(bytes.subarray(from))
    return text === '' ? {} : { name: text }
  }
  const clock = (from: number): Pick<About, 'clockMs'> => {
    const clockMs = timeAt(bytes, from, zone)
    return clockMs === undefined ? {} : { clockMs }
  }
  if (type === OWN_VERSION) return { firmware: `${first}.${second}` }
  if (type === OWN_TEXT) return name(head)
  if (type === OWN_CLOCK) return clock(0)
  const system = { type: first, address: second }
  if (type === VERSION) return { system, firmware: `${bytes[2] ?? 0}.${bytes[3] ?? 0}` }
  if (type === SYSTEM_CLOCK) return { system, ...clock(2) }
  if (type === SYSTEM_TEXT) return { system, ...name(head) }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { system, component: { type: bytes[2] ?? 0, zone: view.getUint16(3, true), position: view.getUint16(5, true) }, ...name(7) }
}
