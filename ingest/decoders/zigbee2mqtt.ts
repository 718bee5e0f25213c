// Zigbee2MQTT: JSON or attribute output, availability, bridge state and device list. Knows a detector by its gateway's definition,
// else by what it reports. A state published again from the gateway's cache is marked stale, never taken for news.
import type { Decoded, DeviceKind, Reading } from '#contracts/reading.ts'
import { coerceNumber } from '../coerce.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory, type Json } from '../decoder.ts'
import { parseJson, textOf } from '../json.ts'
import { iso, parseRfc3339, serverStamp, stamp, type Stamp } from '../time.ts'
import { present } from '../units.ts'
import { freshness } from '../zigbee2mqtt/freshness.ts'
import {
  isKnown,
  isRecord,
  learnDevice,
  learnDevices,
  recall,
  recallAt,
  rememberAt,
  renameDevice,
  type Known,
} from '../zigbee2mqtt/known.ts'
import { flagOf, isHeatDetector, kindOfRank, MEASURE_OF } from '../zigbee2mqtt/properties.ts'
import { addressed, claimsTopic, onlineKey, parseTopic, type Addressed } from '../zigbee2mqtt/topic.ts'
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
  if (online) memory.set(onlineKey(base), input.receivedAtMs)
  return { readings: [{ ...bare(addressed(base, 'bridge'), 'gateway', input, {}), online }] }
}

function availability(who: Who, input: DecodeInput, memory: DecoderMemory): Decoded {
  const online = onlineOf(input.payload)
  if (online === undefined) return rejected('decoder-failed', 'availability is neither online nor offline', '/state')
  const known = recall(memory, who.base, who.name)
  return { readings: [{ ...bare(addressed(who.base, who.name), known.kind ?? 'other', input, known), online }] }
}

/** `{"state":"online"}`, or the bare word of versions before 1.17. */
function onlineOf(payload: Uint8Array): boolean | undefined {
  const text = textOf(payload)
  const parsed = parseJson(payload)
  const word =
    parsed.ok && isRecord(parsed.value) ? parsed.value['state'] : parsed.ok ? parsed.value : text.ok ? text.text.trim() : undefined
  return word === 'online' ? true : word === 'offline' ? false : undefined
}

function deviceMessage(who: Addressed, input: DecodeInput, memory: DecoderMemory): Decoded {
  const parsed = parseJson(input.payload)
  const { parts } = who
  if (parsed.ok && isRecord(parsed.value)) {
    const known = recallAt(memory, who.key)
    if (known === undefined && parts !== null && isKnown(memory, parts.base, parts.name))
      return attribute(parts, parsed.value, input, memory)
    return state(who, known ?? NOTHING, parsed.value, input, memory)
  }
  const value = parsed.ok ? parsed.value : bareWord(input.payload)
  if (parts === null || value === undefined) return notAState(parsed.ok ? 'a bare value' : parsed.reason)
  if (!isKnown(memory, parts.base, parts.name) && !isAttribute(parts.attribute)) return notAState('a bare value on no known attribute')
  return attribute(parts, value, input, memory)
}

const NOTHING: Known = {}
function attribute(parts: NonNullable<Addressed['parts']>, value: unknown, input: DecodeInput, memory: DecoderMemory): Decoded {
  const who = addressed(parts.base, parts.name)
  return state(who, recallAt(memory, who.key) ?? NOTHING, { [parts.attribute]: value }, input, memory)
}

const notAState = (what: string): Decoded => rejected('json-invalid', `${what}, where a JSON object of properties was expected`, '/')
const bareWord = (payload: Uint8Array): string | undefined => {
  const text = textOf(payload)
  return text.ok && /^[^{[\p{Cc}]{1,256}$/u.test(text.text) ? text.text : undefined
}
const isAttribute = (name: string): boolean =>
  flagOf(name) !== undefined || Object.hasOwn(MEASURE_OF, name) || ['battery', 'voltage', 'linkquality', 'last_seen'].includes(name)

function state(who: Addressed, known: Known, payload: Record<string, unknown>, input: DecodeInput, memory: DecoderMemory): Decoded {
  const values = valuesOf(payload, known.units)
  const device = isRecord(payload['device']) ? payload['device'] : undefined
  const shown = kindOf(known, values.rank, device)
  const isNews = shown !== undefined && (shown.kind !== known.kind || (shown.defined === true && known.defined !== true))
  const learned = isNews ? { ...known, ...shown } : known
  if (learned.kind === 'heat' && values.alarms.smoke !== undefined) values.alarms.heat = values.alarms.smoke

  const time = stampOf(payload['last_seen'], input.receivedAtMs)
  const fresh = freshness({
    known,
    seen: payload['last_seen'],
    hash: values.hash,
    alarms: values.alarms,
    onlineAtMs: memory.get(who.onlineKey),
    receivedAtMs: input.receivedAtMs,
  })
  // most messages say what is known already
  if (isNews || fresh.marks !== undefined) rememberAt(memory, who.key, { ...learned, ...fresh.marks })

  const reading = readingOf(who, input, learned, values, time, fresh.stale)
  const about = factsOf(learned, device)
  if (about !== undefined) reading.about = about
  const notes = time.note === undefined || fresh.stale ? values.notes : [...values.notes, time.note]
  return notes.length > 0 ? { readings: [reading], notes } : { readings: [reading] }
}

/** A definition wins; else what this message shows; else what earlier ones showed. */
function kindOf(known: Known, rank: number, device: Record<string, unknown> | undefined): Pick<Known, 'kind' | 'defined'> | undefined {
  if (known.defined === true) return undefined
  const model = device === undefined ? undefined : [device['model'], device['modelId'], device['modelID']].find(isText)
  if (model !== undefined && isHeatDetector(model)) return { kind: 'heat', defined: true }
  const shown = kindOfRank(rank)
  // a temperature does not make a smoke detector a thermometer
  if (shown === undefined || (shown === 'environment' && known.kind !== undefined)) return undefined
  return shown === known.kind ? undefined : { kind: shown }
}

const isText = (value: unknown): value is string => typeof value === 'string'

/** Written one by one, in place: a detector's state is the most frequent message there is. */
function readingOf(who: Addressed, input: DecodeInput, known: Known, values: Values, time: Stamp, stale: boolean): Reading {
  const { alarms, metrics, batteryPct, lqi, state } = values
  const reading = bare(who, known.kind ?? 'other', input, known)
  reading.ts = time.ts
  reading.tsSource = time.tsSource
  reading.metrics = metrics
  reading.alarms = alarms
  if (time.deviceTs !== undefined) reading.deviceTs = time.deviceTs
  if (batteryPct !== undefined) reading.batteryPct = batteryPct
  if (lqi !== undefined) reading.lqi = lqi
  if (hasAny(state)) reading.state = state
  if (stale) reading.flags.stale = true
  if (alarms.test === true) reading.flags.test = true
  return reading
}

function hasAny(object: object): boolean {
  for (const _ in object) return true
  return false
}

function bare(
  { name, deviceId, gateway }: Pick<Addressed, 'name' | 'deviceId' | 'gateway'>,
  kind: DeviceKind,
  input: DecodeInput,
  { model }: Known,
): Reading {
  const at = iso(input.receivedAtMs)
  const source: Reading['source'] =
    model === undefined ? { family: 'zigbee2mqtt', topic: input.topic } : { family: 'zigbee2mqtt', model, topic: input.topic }
  if (name !== 'bridge') source.gateway = gateway
  return {
    deviceId,
    kind,
    ts: at,
    tsSource: 'server',
    receivedAt: at,
    metrics: {},
    alarms: {},
    flags: {},
    source,
  }
}

function factsOf(known: Known, device: Record<string, unknown> | undefined): Reading['about'] {
  if (device === undefined && known.model === undefined && known.vendor === undefined) return undefined
  const text = (...keys: string[]): string | undefined =>
    keys
      .map(key => device?.[key])
      .find(isText)
      ?.slice(0, 64)
  const model = known.model ?? text('model', 'modelId', 'modelID')
  const manufacturer = known.vendor ?? text('manufacturerName', 'manufName')
  const about = present({ model, manufacturer, firmware: text('softwareBuildID') })
  return hasAny(about) ? about : undefined
}

/** last_seen: ISO with zone, ISO local with zone, epoch ms, or relative text (of no use: then the server's time stands). */
function stampOf(lastSeen: unknown, receivedAtMs: number): Stamp {
  if (lastSeen === undefined) return serverStamp(receivedAtMs)
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
  /smoke|carbon_monoxide|co_state|gas|water_leak|heat|sos|emergency|alarm|\\u|mains_power_connected"\s*:\s*false|(?:tamper|battery_low(?:_\d+)?|battery_state|battery_level|trouble|fault|fault_state|reliability|defect|silenced?|silence_siren|hush|hush_active|muted?|muffling|test|test_in_progress|testing|link_available|lifecycle|endoflife|end_of_life|chamber_contamination|_result|ac_status|"water|leak_detect(?:_\d+)?|halo_alert_state)"\s*:\s*(?:true|1|"(?!(?:OFF|off|false|none|normal|Normal|Dry|high|medium|middle|safe|success|no_fault_detected)"))/

/** Any message that names a hazard property, and any bare value (attribute output names it in the topic only). */
function mayCarryAlarm(payload: Uint8Array): boolean {
  return payload[0] !== 0x7b || HAZARD.test(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1'))
}
