// Home Assistant discovery: learns from `homeassistant/.../config` where things are published, and reads those states. Anything that
// describes itself this way can be read without a decoder of its own. No template is evaluated.
import type { Decoded } from '#contracts/reading.ts'
import { DEVICE_KINDS, type DeviceKind } from '#contracts/reading.ts'
import { coerceNumber } from '../coerce.ts'
import { at, composed, entranceOf, isRecord, list, scaled, type Found } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory, type Json } from '../decoder.ts'
import { availabilityOf, COMPONENTS, componentsOf, entityOf, type Entity } from '../ha-discovery/config.ts'
import { parseJson, textOf } from '../json.ts'
import type { Note } from '../time.ts'
import { measureOf } from '../zigbee2mqtt/properties.ts'

const FAMILY = 'ha-discovery'
const CONFIG = /^([^/]+)\/([a-z_]+)\/(?:([^/]+)\/)?([^/]+)\/config$/
/** What a memory entry holds; of more entities on one state topic the oldest are forgotten. */
const ENTITIES_CHARS_MAX = 4_000

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic => topic.startsWith('homeassistant/') || entranceOf(FAMILY, topic) !== undefined,
  knows: (topic, memory) => memory.get(`state/${topic}`) !== undefined,
  decode,
}

function decode(input: DecodeInput, memory: DecoderMemory): Decoded {
  const config = CONFIG.exec(input.topic)
  if (config === null) return state(input, memory)
  const [, , component = '', node, object = ''] = config
  if (input.payload.length === 0) {
    forget(input.topic, memory)
    return { readings: [], control: 'an entity was removed' }
  }
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  if (!isRecord(parsed.value)) return rejected('decoder-failed', 'a config object was expected', '/')
  return learn(component, parsed.value, node ?? object, input.topic, memory)
}

function learn(component: string, config: Record<string, unknown>, fallbackId: string, topic: string, memory: DecoderMemory): Decoded {
  const given: [string, Record<string, unknown>, Record<string, unknown>?][] =
    component === 'device' ? componentsOf(config) : [[component, config]]
  const wanted = given.filter(([platform]) => COMPONENTS.has(platform))
  if (component === 'device') forget(topic, memory)
  if (wanted.length === 0) return ignored(`a config of ${component.slice(0, 32)}: nothing that measures`)
  forget(topic, memory)
  const read = wanted.map(([platform, entity, shared]) => entityOf(platform, entity, fallbackId, shared))
  const learned = read.filter(one => typeof one !== 'string')
  const [why] = read.filter(one => typeof one === 'string')
  if (learned.length === 0) return rejected('decoder-failed', why ?? 'nothing to learn', '/value_template')
  for (const { stateTopic, entity } of learned) remember(stateTopic, { ...entity, by: topic }, memory)
  const available = wanted.flatMap(([, entity, shared]) => availability({ ...shared, ...entity }, topic, learned[0]?.entity, memory))
  memory.set(`config/${topic}`, [...new Set([...learned.map(one => one.stateTopic), ...available])].slice(0, 16))
  const notes: Note[] = why === undefined ? [] : [{ code: 'decoder-failed', reason: why, where: '/components' }]
  const [first] = learned
  const said = `${first?.entity.flag ?? first?.entity.measure ?? 'state'} of ${first?.entity.deviceId ?? ''} on ${first?.stateTopic ?? ''} at /${first?.entity.path.join('/') ?? ''}`
  return { readings: [], control: `learned: ${said}`, ...(notes.length > 0 && { notes }) }
}

type Known = Entity & { by: string }

const same = (a: Known, b: Known): boolean =>
  a.by === b.by && a.deviceId === b.deviceId && a.flag === b.flag && a.measure === b.measure && a.path.join('/') === b.path.join('/')

function remember(topic: string, entity: Known, memory: DecoderMemory): void {
  const entities = [...entitiesOf(topic, memory).filter(other => !same(other, entity)), entity]
  while (entities.length > 1 && JSON.stringify(entities).length > ENTITIES_CHARS_MAX) entities.shift()
  memory.set(`state/${topic}`, entities as unknown as Json)
  const { deviceId, kind } = entity
  if (graver(kind, kindOf(deviceId, memory)) === kind) memory.set(`kind/${deviceId}`, kind)
}

/** What its entities together show it to be: a detector that measures a temperature too is no thermometer. */
const kindOf = (deviceId: string, memory: DecoderMemory): DeviceKind | undefined => {
  const known = memory.get(`kind/${deviceId}`)
  return DEVICE_KINDS.find(kind => kind === known)
}
const SLIGHT: readonly DeviceKind[] = ['other', 'environment']
const weightOf = (kind: DeviceKind): number => (SLIGHT.includes(kind) ? SLIGHT.indexOf(kind) : SLIGHT.length)
const graver = (kind: DeviceKind, than: DeviceKind | undefined): DeviceKind =>
  than === undefined || weightOf(kind) > weightOf(than) ? kind : than

function availability(config: Record<string, unknown>, by: string, entity: Entity | undefined, memory: DecoderMemory): string[] {
  if (entity === undefined) return []
  return availabilityOf(config).map(({ topic, path, on, off, ofAll }) => {
    const { deviceId, kind } = entity
    remember(topic, { deviceId, kind, path, on, off, online: true, ...(ofAll && { ofAll }), by }, memory)
    return topic
  })
}

/** What this config taught is forgotten; what others taught of the same topic stays. */
function forget(by: string, memory: DecoderMemory): void {
  for (const topic of list(memory.get(`config/${by}`)).map(String)) {
    const left = entitiesOf(topic, memory).filter(entity => entity.by !== by)
    if (left.length === 0) memory.delete(`state/${topic}`)
    else memory.set(`state/${topic}`, left as unknown as Json)
  }
  memory.delete(`config/${by}`)
}

const entitiesOf = (topic: string, memory: DecoderMemory): Known[] =>
  list(memory.get(`state/${topic}`))
    .filter(isRecord)
    .map(entity => entity as unknown as Known)

function state(input: DecodeInput, memory: DecoderMemory): Decoded {
  const entities = entitiesOf(input.topic, memory)
  if (entities.length === 0)
    return input.topic === 'homeassistant/status'
      ? ignored('Home Assistant’s own state')
      : rejected('unknown-topic', 'no discovery config names this topic', 'topic')
  if (input.payload.length === 0) return ignored('a retained message was cleared')
  const parsed = parseJson(input.payload)
  const text = textOf(input.payload)
  const whole: unknown = parsed.ok ? parsed.value : text.ok ? text.text : undefined
  const byDevice = new Map<string, Found>()
  for (const entity of entities)
    take(entity, entity.path.length === 0 ? (text.ok ? text.text : undefined) : at(whole, ...entity.path), byDevice, { input, memory })
  const found = [...byDevice.values()]
  return found.length === 0 ? ignored('none of the values that were announced') : composed(input, FAMILY, found)
}

type Where = { input: DecodeInput; memory: DecoderMemory }

function take(entity: Entity, value: unknown, byDevice: Map<string, Found>, where: Where): void {
  if (value === undefined || value === null || value === '') return
  const found = byDevice.get(entity.deviceId) ?? begun(entity, kindOf(entity.deviceId, where.memory))
  const before = JSON.stringify(found)
  if (entity.on !== undefined) takeBinary(entity, value, found, where)
  else takeNumber(entity, value, found)
  if (JSON.stringify(found) !== before) byDevice.set(entity.deviceId, found)
}

const begun = ({ deviceId, kind, name, model, expectNextS }: Entity, shown: DeviceKind | undefined): Found => ({
  deviceId: `ha:${deviceId}`,
  kind: shown ?? DEVICE_KINDS.find(known => known === kind) ?? 'other',
  metrics: {},
  alarms: {},
  state: {},
  ...((name ?? model ?? expectNextS) !== undefined && {
    about: {
      ...(name !== undefined && { name }),
      ...(model !== undefined && { model }),
      ...(expectNextS !== undefined && { expectNextS }),
    },
  }),
})

function takeBinary(entity: Entity, value: unknown, found: Found, where: Where): void {
  const said = String(value).trim().toLowerCase()
  const on = said === entity.on?.toLowerCase() ? true : said === entity.off?.toLowerCase() ? false : undefined
  if (on === undefined) return
  if (entity.online === true) found.online = entity.ofAll === true ? isThere(entity, on, where) : on
  else if (entity.flag !== undefined) found.alarms = { ...found.alarms, [entity.flag]: entity.turned === true ? !on : on }
  else found.state = { ...found.state, [entity.measure ?? 'state']: on }
}

const TOPICS_MAX = 8

/** There when none of its topics says that it is not. */
function isThere({ deviceId }: Entity, on: boolean, { input, memory }: Where): boolean {
  const key = `gone/${deviceId}`
  const gone = list(memory.get(key)).map(String)
  const rest = gone.filter(topic => topic !== input.topic)
  const now = on ? rest : [...rest, input.topic.slice(0, 256)].slice(-TOPICS_MAX)
  if (now.length > 0) memory.set(key, now)
  else if (gone.length > 0) memory.delete(key)
  return now.length === 0
}

function takeNumber({ measure = 'value', unit }: Entity, value: unknown, found: Found): void {
  const number = typeof value === 'boolean' ? undefined : coerceNumber(value)
  if (number === undefined) {
    if (typeof value === 'string') found.state = { ...found.state, [measure]: value.slice(0, 256) }
    return
  }
  if (measure === 'battery' && (unit === undefined || unit === '%')) found.batteryPct = number
  else if (measure === 'signal_strength' && unit === 'dBm') found.rssiDbm = number
  else {
    const known = measureOf(METRIC_NAMES[measure] ?? measure, unit)
    if (known !== undefined) found.metrics = { ...found.metrics, [known.metric]: scaled(number + (known.offset ?? 0), known.factor ?? 1) }
  }
}

const METRIC_NAMES: Readonly<Record<string, string>> = {
  carbon_monoxide: 'co',
  carbon_dioxide: 'co2',
  atmospheric_pressure: 'pressure',
}
