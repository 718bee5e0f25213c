// What a Zigbee2MQTT topic is about. The base is configurable and may have levels of its own; friendly names may hold
// slashes, spaces and Chinese. Format: zigbee2mqtt.io "MQTT topics and messages"; Koenkk/zigbee2mqtt lib/mqtt.ts, lib/controller.ts.

export type Z2mTopic =
  | { of: 'bridge'; base: string; channel: string }
  | { of: 'availability'; base: string; name: string }
  | { of: 'command'; base: string; name: string }
  | { of: 'device'; base: string; name: string }

/** The base by which gateways are found among all topics: a level that begins with "zigbee2mqtt", at most three levels deep. */
const BASE = /^(?:[^/]+\/){0,2}zigbee2mqtt[^/]*(?=\/)/i
const DEFAULT_BASE = 'zigbee2mqtt'
const NAME_CHARS_MAX = 256

export const claimsTopic = (topic: string): boolean => BASE.test(topic)

/** null where nothing follows the base or the name is longer than any real one. With another base the first level is taken. */
export function parseTopic(topic: string): Z2mTopic | null {
  const base = BASE.exec(topic)?.[0] ?? topic.slice(0, Math.max(0, topic.indexOf('/')))
  const rest = topic.slice(base.length + 1)
  if (base === '' || rest === '' || rest.length > NAME_CHARS_MAX) return null
  if (rest === 'bridge' || rest.startsWith('bridge/')) return { of: 'bridge', base, channel: rest.slice('bridge/'.length) }
  if (rest.endsWith('/availability')) return { of: 'availability', base, name: rest.slice(0, -'/availability'.length) }
  const command = /^(.+?)\/(?:set|get)(?:\/.+)?$/.exec(rest)
  if (command?.[1] !== undefined) return { of: 'command', base, name: command[1] }
  return { of: 'device', base, name: rest }
}

/** Two gateways may know devices of the same name: only the default base goes without saying. */
export const deviceIdOf = (base: string, name: string): string => (base === DEFAULT_BASE ? `z2m:${name}` : `z2m:${base}/${name}`)

/** "kitchen/smoke" may be a device of that name or the attribute `smoke` of "kitchen". */
export function splitAttribute(name: string): { name: string; attribute: string } | null {
  const at = name.lastIndexOf('/')
  return at <= 0 || at === name.length - 1 ? null : { name: name.slice(0, at), attribute: name.slice(at + 1) }
}
