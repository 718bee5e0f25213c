// What a Zigbee2MQTT topic is about. The base is configurable and may have levels of its own; friendly names may hold
// slashes, spaces and Chinese. Format: zigbee2mqtt.io "MQTT topics and messages"; Koenkk/zigbee2mqtt lib/mqtt.ts, lib/controller.ts.

export type Z2mTopic =
  | { of: 'bridge'; base: string; channel: string }
  | { of: 'availability'; base: string; name: string }
  | { of: 'command'; base: string; name: string }
  | ({ of: 'device' } & Addressed)

/** A device's topic with what is asked of it with every message. `key`: where it stands in the memory; `parts`: its name as one with an attribute. */
export type Addressed = {
  base: string
  name: string
  key: string
  deviceId: string
  gateway: string
  /** where it stands when the gateway came */
  onlineKey: string
  parts: { base: string; name: string; attribute: string } | null
}

/** Topics that are remembered; at the bound remembering begins anew. Detectors say the same one again and again. */
const TOPICS_MAX = 20_000
const topics = new Map<string, Z2mTopic | null>()

/** The base by which gateways are found among all topics: a level that begins with "zigbee2mqtt", at most three levels deep. */
const BASE = /^(?:[^/]+\/){0,2}zigbee2mqtt[^/]*(?=\/)/i
const DEFAULT_BASE = 'zigbee2mqtt'
const NAME_CHARS_MAX = 256

export const claimsTopic = (topic: string): boolean => BASE.test(topic)

/** null where nothing follows the base or the name is longer than any real one. With another base the first level is taken. Answers are not to be changed. */
export function parseTopic(topic: string): Z2mTopic | null {
  const known = topics.get(topic)
  if (known !== undefined) return known
  const parsed = parse(topic)
  if (topics.size >= TOPICS_MAX) topics.clear()
  topics.set(topic, parsed)
  return parsed
}

function parse(topic: string): Z2mTopic | null {
  const base = BASE.exec(topic)?.[0] ?? topic.slice(0, Math.max(0, topic.indexOf('/')))
  const rest = topic.slice(base.length + 1)
  if (base === '' || rest === '' || rest.length > NAME_CHARS_MAX) return null
  if (rest === 'bridge' || rest.startsWith('bridge/')) return { of: 'bridge', base, channel: rest.slice('bridge/'.length) }
  if (rest.endsWith('/availability')) return { of: 'availability', base, name: rest.slice(0, -'/availability'.length) }
  const command = rest.includes('/set') || rest.includes('/get') ? /^(.+?)\/(?:set|get)(?:\/.+)?$/.exec(rest) : null
  if (command?.[1] !== undefined) return { of: 'command', base, name: command[1] }
  return { of: 'device', ...addressed(base, rest) }
}

export const keyOf = (base: string, name: string): string => `device/${base}/${name}`
export const onlineKey = (base: string): string => `online/${base}`

export function addressed(base: string, name: string): Addressed {
  const parts = splitAttribute(name)
  const key = keyOf(base, name)
  return {
    base,
    name,
    key,
    deviceId: deviceIdOf(base, name),
    gateway: deviceIdOf(base, 'bridge'),
    onlineKey: onlineKey(base),
    parts: parts === null ? null : { base, ...parts },
  }
}

/** Two gateways may know devices of the same name: only the default base goes without saying. */
export const deviceIdOf = (base: string, name: string): string => (base === DEFAULT_BASE ? `z2m:${name}` : `z2m:${base}/${name}`)

/** "kitchen/smoke" may be a device of that name or the attribute `smoke` of "kitchen". */
export function splitAttribute(name: string): { name: string; attribute: string } | null {
  const at = name.lastIndexOf('/')
  return at <= 0 || at === name.length - 1 ? null : { name: name.slice(0, at), attribute: name.slice(at + 1) }
}
