// Zigbee2MQTT: JSON or attribute output, availability, bridge state and device list. Knows a detector by its gateway's definition,
// else by what it reports. A state published again from the gateway's cache is marked stale, never taken for news.
import type { Decoded, DeviceKind, Reading } from '#contracts/reading.ts'
import { coerceNumber } from '../coerce.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory, type Json } from '../decoder.ts'
import { parseJson, textOf } from '../json.ts'
import { iso, parseRfc3339, serverStamp, stamp, type Stamp } from '../time.ts'
import { present } from '../units.ts'
import { freshness } from '../zigbee2mqtt/freshness.ts'
import { isKnown, isRecord, learnDevice, learnDevices, recall, remember, renameDevice, type Known } from '../zigbee2mqtt/known.ts'
import { flagOf, isHeatDetector, kindOfProperties, MEASURE_OF } from '../zigbee2mqtt/properties.ts'
import { claimsTopic, deviceIdOf, parseTopic, splitAttribute } from '../zigbee2mqtt/topic.ts'
import { valuesOf, type Values } from '../zigbee2mqtt/values.ts'

export const decoder: Decoder = { family: 'zigbee2mqtt', claims: claimsTopic, decode, mayCarryAlarm }

type Who = { base: string; name: string }

function decode(input: DecodeInput, memory: DecoderMemory): Decoded {
  const topic = parseTopic(input.topic)
  if (topic === null)
    return rejected('unknown-topic', 'no device name follows the base topic, or it is longer than 256 characters', 'topic')
  if (topic.of === 'command') return ignored('a command to a device')
  if (topic.of === 'bridge') return decodeBridge(topic.base, topic.channel, input, memory)
  if (input.payload.length === 0) return ignored('a retained message was cleared, or an attribute is unknown')
  return topic.of === 'availability' ? availability(topic, input, memory) : deviceMessage(topic, input, memory)
}

function decodeBridge(base: string, channel: string, input: DecodeInput, memory: DecoderMemory): Decoded {
  if (channel === 'state') return bridgeState(base, input, memory)
  if (channel !== 'devices' && channel !== 'event' && channel !== 'response/device/rename')
    return ignored(`the gateway's own ${channel || 'topic'}`)
  if (input.payload.length === 0) return ignored('a retained message was cleared')
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  return learn(base, channel, parsed.value, memory)
}

function learn(base: string, channel: string, value: Json, memory: DecoderMemory): Decoded {
  if (channel === 'devices')
    return { readings: [], control: `${learnDevices(value, base, memory)} devices learned from the gateway's list` }
  const data = isRecord(value) ? value['data'] : undefined
  if (channel === 'event')
    return learnDevice(data, base, memory) ? { readings: [], control: 'a device was interviewed' } : ignored('a gateway event')
  renameDevice(data, base, memory)
  return { readings: [], control: 'a device was renamed' }
}

function bridgeState(base: string, input: DecodeInput, memory: DecoderMemory): Decoded {
  const online = onlineOf(input.payload)
  if (online === undefined) return rejected('decoder-failed', 'bridge/state is neither online nor offline', '/state')
  if (online) memory.set(`online/${base}`, input.receivedAtMs)
  return { readings: [{ ...bare({ base, name: 'bridge' }, 'gateway', input, {}), online }] }
}

function availability(who: Who, input: DecodeInput, memory: DecoderMemory): Decoded {
  const online = onlineOf(input.payload)
  if (online === undefined) return rejected('decoder-failed', 'availability is neither online nor offline', '/state')
  const known = recall(memory, who.base, who.name)
  return { readings: [{ ...bare(who, known.kind ?? 'other', input, known), online }] }
}

/** `{"state":"online"}`, or the bare word of versions before 1.17. */
function onlineOf(payload: Uint8Array): boolean | undefined {
  const text = textOf(payload)
  const parsed = parseJson(payload)
  const word =
    parsed.ok && isRecord(parsed.value) ? parsed.value['state'] : parsed.ok ? parsed.value : text.ok ? text.text.trim() : undefined
  return word === 'online' ? true : word === 'offline' ? false : undefined
}

function deviceMessage(who: Who, input: DecodeInput, memory: DecoderMemory): Decoded {
  const parsed = parseJson(input.payload)
  const parts = splitAttribute(who.name)
  if (parsed.ok && isRecord(parsed.value)) {
    if (parts !== null && !isKnown(memory, who.base, who.name) && isKnown(memory, who.base, parts.name))
      return state({ base: who.base, name: parts.name }, { [parts.attribute]: parsed.value }, input, memory)
    return state(who, parsed.value, input, memory)
  }
  const value = parsed.ok ? parsed.value : bareWord(input.payload)
  if (parts === null || value === undefined) return notAState(parsed.ok ? 'a bare value' : parsed.reason)
  if (!isKnown(memory, who.base, parts.name) && !isAttribute(parts.attribute)) return notAState('a bare value on no known attribute')
  return state({ base: who.base, name: parts.name }, { [parts.attribute]: value }, input, memory)
}

const notAState = (what: string): Decoded => rejected('json-invalid', `${what}, where a JSON object of properties was expected`, '/')
const bareWord = (payload: Uint8Array): string | undefined => {
  const text = textOf(payload)
  return text.ok && /^[^{[\p{Cc}]{1,256}$/u.test(text.text) ? text.text : undefined
}
const isAttribute = (name: string): boolean =>
  flagOf(name) !== undefined || Object.hasOwn(MEASURE_OF, name) || ['battery', 'voltage', 'linkquality', 'last_seen'].includes(name)

function state(who: Who, payload: Record<string, unknown>, input: DecodeInput, memory: DecoderMemory): Decoded {
  const known = recall(memory, who.base, who.name)
  const values = valuesOf(payload, known.units ?? {})
  const device = isRecord(payload['device']) ? payload['device'] : {}
  const learned = { ...known, ...kindOf(known, Object.keys(payload), device) }
  if (learned.kind === 'heat' && values.alarms.smoke !== undefined) values.alarms.heat = values.alarms.smoke

  const time = stampOf(payload['last_seen'], input.receivedAtMs)
  const fresh = freshness({
    known,
    payload,
    alarms: values.alarms,
    onlineAtMs: memory.get(`online/${who.base}`),
    receivedAtMs: input.receivedAtMs,
  })
  remember(memory, who.base, who.name, { ...learned, ...fresh.marks })

  const notes = [...values.notes, ...(time.note === undefined || fresh.stale ? [] : [time.note])]
  const reading = readingOf(who, input, learned, values, time, fresh.stale)
  return { readings: [{ ...reading, ...factsOf(learned, device) }], ...(notes.length > 0 && { notes }) }
}

/** A definition wins; else what this message shows; else what earlier ones showed. */
function kindOf(known: Known, properties: string[], device: Record<string, unknown>): Pick<Known, 'kind' | 'defined'> {
  if (known.defined === true) return {}
  const model = [device['model'], device['modelId'], device['modelID']].find(value => typeof value === 'string')
  if (typeof model === 'string' && isHeatDetector(model)) return { kind: 'heat', defined: true }
  const shown = kindOfProperties(properties)
  // a temperature does not make a smoke detector a thermometer
  if (shown === undefined || (shown === 'environment' && known.kind !== undefined)) return {}
  return { kind: shown }
}

function readingOf(who: Who, input: DecodeInput, known: Known, values: Values, time: Stamp, stale: boolean): Reading {
  const { note: _, ...when } = time
  const { alarms, metrics, batteryPct, lqi } = values
  return {
    ...bare(who, known.kind ?? 'other', input, known),
    ...when,
    metrics,
    alarms,
    ...present({ batteryPct, lqi }),
    ...(Object.keys(values.state).length > 0 && { state: values.state }),
    flags: { ...(stale && { stale: true }), ...(alarms.test === true && { test: true }) },
  }
}

function bare(who: Who, kind: DeviceKind, input: DecodeInput, known: Known): Reading {
  const isBridge = who.name === 'bridge'
  return {
    deviceId: deviceIdOf(who.base, who.name),
    kind,
    ...serverStamp(input.receivedAtMs),
    receivedAt: iso(input.receivedAtMs),
    metrics: {},
    alarms: {},
    flags: {},
    source: {
      family: 'zigbee2mqtt',
      ...present({ model: known.model, topic: input.topic, gateway: isBridge ? undefined : deviceIdOf(who.base, 'bridge') }),
    },
  }
}

function factsOf(known: Known, device: Record<string, unknown>): Pick<Reading, 'about'> {
  const text = (...keys: string[]): string | undefined =>
    keys
      .map(key => device[key])
      .find(value => typeof value === 'string')
      ?.slice(0, 64)
  const model = known.model ?? text('model', 'modelId', 'modelID')
  const manufacturer = known.vendor ?? text('manufacturerName', 'manufName')
  const about = present({ model, manufacturer, firmware: text('softwareBuildID') })
  return Object.keys(about).length === 0 ? {} : { about }
}

/** last_seen: ISO with zone, ISO local with zone, epoch ms, or relative text (of no use: then the server's time stands). */
function stampOf(lastSeen: unknown, receivedAtMs: number): Stamp {
  const deviceMs = coerceNumber(lastSeen) ?? (typeof lastSeen === 'string' ? parseRfc3339(lastSeen) : undefined)
  return stamp({
    deviceMs,
    ...(typeof lastSeen === 'string' && { given: lastSeen.slice(0, 64) }),
    source: 'gateway',
    receivedAtMs,
    where: '/last_seen',
  })
}

/** Names of hazards; other flags only where they may be on; an escape may spell anything. */
const HAZARD =
  /smoke|carbon_monoxide|co_state|gas|water_leak|heat|sos|emergency|alarm|\\u|mains_power_connected"\s*:\s*false|(?:tamper|battery_low|battery_state|battery_level|trouble|fault|defect|silenced?|hush_active|temporary_mute|test|test_in_progress|link_available|lifecycle|endoflife|end_of_life|chamber_contamination|checking_result|ac_status)"\s*:\s*(?:true|1|"(?!(?:OFF|off|false|none|normal|high|medium|middle)"))/

/** Any message that names a hazard property, and any bare value (attribute output names it in the topic only). */
function mayCarryAlarm(payload: Uint8Array): boolean {
  return payload[0] !== 0x7b || HAZARD.test(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1'))
}
