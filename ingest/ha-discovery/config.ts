// Home Assistant's MQTT discovery: a retained config says where a device's state is published and how it is to be read. Format:
// home-assistant.io "MQTT" (discovery, abbreviations). Templates are not evaluated: only `{{ value }}` and paths into value_json are
// understood, any other template is refused where people can see it.
import type { AlarmFlag, DeviceKind } from '#contracts/reading.ts'
import { isRecord, list, num, record, str, within, type JsonObject } from '../compose.ts'

export type Entity = {
  deviceId: string
  kind: DeviceKind
  /** keys into the JSON of the state; empty = the whole payload */
  path: string[]
  /** a flag that is on at `on` and off at `off`, `turned` where on means well */
  flag?: AlarmFlag
  turned?: boolean
  on?: string
  off?: string
  /** device class or name, and unit, of a number */
  measure?: string
  unit?: string
  /** seconds after which what was said no longer holds */
  expectNextS?: number
  online?: boolean
  /** of several topics that must all say so */
  ofAll?: boolean
  name?: string
  model?: string
}

export type Config = { stateTopic: string; entity: Entity }

const ABBREVIATIONS: Readonly<Record<string, string>> = {
  stat_t: 'state_topic',
  val_tpl: 'value_template',
  avty_t: 'availability_topic',
  avty_tpl: 'availability_template',
  avty: 'availability',
  avty_mode: 'availability_mode',
  exp_aft: 'expire_after',
  def_ent_id: 'default_entity_id',
  dev_cla: 'device_class',
  unit_of_meas: 'unit_of_measurement',
  uniq_id: 'unique_id',
  obj_id: 'object_id',
  dev: 'device',
  pl_on: 'payload_on',
  pl_off: 'payload_off',
  pl_avail: 'payload_available',
  pl_not_avail: 'payload_not_available',
  cmps: 'components',
  p: 'platform',
  ids: 'identifiers',
  mf: 'manufacturer',
  mdl: 'model',
  cns: 'connections',
}

const long = (object: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(object).map(([key, value]) => [Object.hasOwn(ABBREVIATIONS, key) ? (ABBREVIATIONS[key] ?? key) : key, value]),
  )

/** `~` at the beginning or the end of a topic stands for the base topic. */
function topicOf(value: unknown, base: string | undefined): string | undefined {
  const topic = str(value)
  if (topic === undefined || base === undefined) return topic
  return topic.startsWith('~') ? base + topic.slice(1) : topic.endsWith('~') ? topic.slice(0, -1) + base : topic
}

const BINARY: Readonly<Record<string, { flag: AlarmFlag; kind?: DeviceKind; turned?: true }>> = {
  smoke: { flag: 'smoke', kind: 'smoke' },
  carbon_monoxide: { flag: 'co', kind: 'co' },
  gas: { flag: 'gas', kind: 'gas' },
  heat: { flag: 'heat', kind: 'heat' },
  moisture: { flag: 'leak', kind: 'water-leak' },
  safety: { flag: 'preAlarm' },
  tamper: { flag: 'tamper' },
  // on = low
  battery: { flag: 'lowBattery' },
  problem: { flag: 'fault' },
  // on = power is there
  power: { flag: 'mainPowerFault', turned: true },
  plug: { flag: 'mainPowerFault', turned: true },
}

const KIND_WORDS: readonly [RegExp, DeviceKind][] = [
  [/smoke/i, 'smoke'],
  [/carbon monoxide|\bco\b/i, 'co'],
  [/heat (?:detector|alarm|sensor)/i, 'heat'],
  [/\bgas\b/i, 'gas'],
  [/leak|flood|water/i, 'water-leak'],
  [/\b(?:door|contact|window)\b/i, 'door'],
]

export const COMPONENTS: ReadonlySet<string> = new Set(['binary_sensor', 'sensor'])

/** One entity of a config; a string is why it cannot be read. `fallbackId` comes from the topic where no device is named. */
export function entityOf(component: string, given: JsonObject, fallbackId: string, shared: JsonObject = {}): Config | string {
  const config = { ...shared, ...long(given) }
  const base = str(config['~'])
  const stateTopic = topicOf(config['state_topic'], base)
  if (stateTopic === undefined) return 'no state_topic'
  const path = pathOf(config['value_template'])
  if (path === undefined) return 'the value_template is no plain path (`{{ value_json.a.b }}`): templates are not evaluated'
  const device = long(record(config['device']))
  const identifier = identifierOf(device)
  const name = str(device, 'name')
  const model = str(device, 'model')
  const deviceClass = str(config, 'device_class')
  const expectNextS = within(num(config, 'expire_after'), 1, EXPIRES_S_MAX)
  const described = `${model ?? ''} ${name ?? ''} ${str(config, 'name') ?? ''}`
  const binary =
    component === 'binary_sensor' && deviceClass !== undefined && Object.hasOwn(BINARY, deviceClass) ? BINARY[deviceClass] : undefined
  const entity: Entity = {
    deviceId: (identifier ?? fallbackId).slice(0, 128),
    kind: binary?.kind ?? KIND_WORDS.find(([pattern]) => pattern.test(described))?.[1] ?? climate(deviceClass),
    path,
    ...(name !== undefined && { name }),
    ...(model !== undefined && { model }),
    ...(expectNextS !== undefined && { expectNextS }),
  }
  if (component === 'sensor') {
    const unit = str(config, 'unit_of_measurement')
    return {
      stateTopic,
      entity: {
        ...entity,
        measure: deviceClass ?? str(config, 'object_id') ?? str(config, 'name') ?? 'value',
        ...(unit !== undefined && { unit }),
      },
    }
  }
  const words = { on: word(config['payload_on'], 'ON'), off: word(config['payload_off'], 'OFF') }
  if (deviceClass === 'connectivity') return { stateTopic, entity: { ...entity, ...words, online: true } }
  if (binary === undefined)
    return { stateTopic, entity: { ...entity, ...words, measure: deviceClass ?? str(config, 'object_id') ?? 'state' } }
  return { stateTopic, entity: { ...entity, ...words, flag: binary.flag, ...(binary.turned === true && { turned: true }) } }
}

/** An identifier, or an address by which it is connected: [['mac', '02:5b:...']]. */
function identifierOf(device: JsonObject): string | undefined {
  const named = [device['identifiers']].flat()
  const addresses = list(device['connections']).map(pair => list(pair)[1])
  return [...named, ...addresses]
    .filter(id => typeof id === 'string' || typeof id === 'number')
    .map(String)
    .find(id => id !== '')
}

const EXPIRES_S_MAX = 31 * 86_400
const climate = (deviceClass: string | undefined): DeviceKind =>
  deviceClass === 'temperature' || deviceClass === 'humidity' ? 'environment' : 'other'
const word = (value: unknown, standard: string): string =>
  typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' ? String(value).slice(0, 64) : standard

const VALUE = /^\s*\{\{\s*value\s*\}\}\s*$/
const JSON_PATH = /^\s*\{\{\s*value_json((?:\.[A-Za-z_]\w*|\[\s*(?:'[^'\\]{1,64}'|"[^"\\]{1,64}")\s*\]){1,8})\s*\}\}\s*$/
const STEP = /\.([A-Za-z_]\w*)|\[\s*(?:'([^']+)'|"([^"]+)")\s*\]/g

/** undefined = not a plain path. */
export function pathOf(template: unknown): string[] | undefined {
  if (template === undefined || template === null || template === '') return []
  if (typeof template !== 'string' || template.length > 512) return undefined
  if (VALUE.test(template)) return []
  const steps = JSON_PATH.exec(template)?.[1]
  return steps === undefined ? undefined : [...steps.matchAll(STEP)].map(step => step[1] ?? step[2] ?? step[3] ?? '')
}

/** A device config lists its entities under `components`, each with its platform. */
export function componentsOf(given: JsonObject): [component: string, config: JsonObject, shared: JsonObject][] {
  const config = long(given)
  const { components, ...shared } = config
  return (
    Object.values(record(components))
      .slice(0, 64)
      .filter(isRecord)
      // one with its platform alone is an entity that was removed
      .filter(entity => Object.keys(entity).length > 1)
      .map((entity): [string, JsonObject, JsonObject] => [str(long(entity), 'platform') ?? '', entity, shared])
  )
}

/** Topics that tell whether the device is there, with the words for it. */
export function availabilityOf(given: JsonObject): { topic: string; path: string[]; on: string; off: string; ofAll: boolean }[] {
  const config = long(given)
  const base = str(config['~'])
  const one = (
    source: JsonObject,
    topicKey: string,
    templateKey: string,
  ): { topic: string; path: string[]; on: string; off: string } | undefined => {
    const topic = topicOf(source[topicKey] ?? source['t'], base)
    const path = pathOf(source[templateKey])
    if (topic === undefined || path === undefined) return undefined
    return { topic, path, on: word(source['payload_available'], 'online'), off: word(source['payload_not_available'], 'offline') }
  }
  const listed = list(config['availability'])
    .slice(0, 8)
    .map(entry => one(long(record(entry)), 'topic', 'value_template'))
  const all = [one(config, 'availability_topic', 'availability_template'), ...listed].filter(found => found !== undefined)
  const ofAll = all.length > 1 && str(config, 'availability_mode') === 'all'
  return all.map(found => ({ ...found, ofAll }))
}
