// The topic grammar of native devices: fire/v1/{kind}/{deviceId}/{channel}. Vendor prefixes are granted per credential.
import { DEVICE_KINDS, type DeviceKind } from './reading.ts'

export const NATIVE_PREFIX = 'fire/v1/'
/** The edge's own clock message in the journal, identity `system`. No client can publish under `$`. */
export const CLOCK_TOPIC = '$fengsui/clock'
export const CLOCK_IDENTITY = 'system'
/** The message that the system sends to its own door to prove the way of an alarm, and the device id it comes in by. */
export const CANARY_TOPIC = 'fengsui/canary'
export const CANARY_ID = 'fengsui-canary'
/** How the client id of a message begins that was sent through again out of quarantine. No client can have it. */
export const REDRIVE_CLIENT = 'redrive:'
/** How the client id of a message begins that a bridge of ours brought: its retain bit means a copy out of another broker's store. */
export const BRIDGE_CLIENT = 'bridge:'
export const CHANNELS = ['telemetry', 'event', 'status', 'about', 'cmd', 'ack'] as const
export type Channel = (typeof CHANNELS)[number]
export type NativeTopic = { kind: DeviceKind; deviceId: string; channel: Channel }

export const DEVICE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

/** As the expression, which costs more than the rest of reading a topic. */
function isDeviceId(text: string): boolean {
  const { length } = text
  if (length === 0 || length > 128) return false
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i)
    const isAlphanumeric = (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122)
    if (!isAlphanumeric && (i === 0 || (c !== 45 && c !== 46 && c !== 58 && c !== 95))) return false
  }
  return true
}

const kinds: ReadonlySet<string> = new Set(DEVICE_KINDS)
const channels: ReadonlySet<string> = new Set(CHANNELS)

/** null when the topic is not of the native grammar. */
export function parseNativeTopic(topic: string): NativeTopic | null {
  if (!topic.startsWith(NATIVE_PREFIX)) return null
  const kindEnd = topic.indexOf('/', NATIVE_PREFIX.length)
  const idEnd = topic.indexOf('/', kindEnd + 1)
  if (kindEnd < 0 || idEnd < 0) return null
  const kind = topic.slice(NATIVE_PREFIX.length, kindEnd)
  const deviceId = topic.slice(kindEnd + 1, idEnd)
  const channel = topic.slice(idEnd + 1)
  if (!kinds.has(kind) || !channels.has(channel) || !isDeviceId(deviceId)) return null
  return { kind: kind as DeviceKind, deviceId, channel: channel as Channel }
}

export const nativeTopic = ({ kind, deviceId, channel }: NativeTopic): string => `${NATIVE_PREFIX}${kind}/${deviceId}/${channel}`

/** MQTT 3.1.1 section 4.7: does `topic` match `filter` (`+`, `#`)? Topics that begin with $ are matched only by filters that do. */
export function topicMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') !== filter.startsWith('$')) return false
  const want = filter.split('/')
  const have = topic.split('/')
  for (const [i, level] of want.entries()) {
    if (level === '#') return true
    if (i >= have.length) return false
    if (level !== '+' && level !== have[i]) return false
  }
  return want.length === have.length
}
