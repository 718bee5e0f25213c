// Tasmota (tele/{topic}/...) and ESPHome ({prefix}/{component}/{object}/state, {prefix}/status): firmware for home-made sensors.
// What an input is wired to is told by names alone; a value without a known name is kept as state, never taken for an alarm.
import type { Decoded, DeviceKind } from '#contracts/reading.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { at, composed, entranceOf, isRecord, mentions, num, record } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { parseJson, textOf } from '../json.ts'
import { stateOf } from '../tasmota-esphome/esphome.ts'
import { sensorsOf, timeOf } from '../tasmota-esphome/tasmota.ts'

const FAMILY = 'tasmota-esphome'
const TASMOTA = /^(?:tele|stat|cmnd)\/(.+)\/([A-Za-z0-9_]+)$/
const TASMOTA_TURNED = /^(.+)\/(?:tele|stat)\/([A-Za-z0-9_]+)$/
/** prefixes that belong to other families, whose names may end alike */
const ESPHOME =
  /^(?!(?:homeassistant|frigate|shellies|fire|in)\/|(?:[^/]+\/){0,2}zigbee2mqtt)(.+)\/(binary_sensor|sensor|text_sensor|switch|number|light|fan|cover|select|lock|climate)\/([^/]+)\/state$/
const ESPHOME_STATUS = /^(?!(?:homeassistant|frigate|shellies|drone|pixhawk|uav)\/|zigbee2mqtt)([^/]+)\/status$/

const ZIGBEE = 'ZbReceived'
/** What a device whose prefix has several levels publishes beside its states: its birth and will, and its log. */
const BESIDE = /^(.+)\/(status|debug)$/

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic =>
    [TASMOTA, TASMOTA_TURNED, ESPHOME, ESPHOME_STATUS].some(pattern => pattern.test(topic)) || entranceOf(FAMILY, topic) !== undefined,
  knows: (topic, memory) => memory.get(`seen/${BESIDE.exec(topic)?.[1] ?? ''}`) !== undefined,
  decode,
  // without the name of what was received too: then of what it is
  mayCarryAlarm: payload =>
    mentions(
      payload,
      /^\s*(?:on|true|1|yes|alarm|active|detected)\s*$|"ZbReceived"|"0500|"(?:Zone\w*|Fire|Smoke|Water|CO|Gas|Panic|PersonalEmergency|Tamper)"/i,
    ),
}

function decode(input: DecodeInput, memory: DecoderMemory): Decoded {
  if (input.payload.length === 0) return ignored('a retained message was cleared')
  const esphome = ESPHOME.exec(input.topic)
  if (esphome !== null) return esphomeState(esphome[1] ?? '', esphome[2] ?? '', esphome[3] ?? '', input, memory)
  const beside = BESIDE.exec(input.topic)
  if (beside?.[2] === 'debug' && memory.get(`seen/${beside[1] ?? ''}`) !== undefined) return ignored('its log')
  const status = ESPHOME_STATUS.exec(input.topic) ?? beside
  if (status !== null) return presence(`esphome:${status[1] ?? ''}`, recallKind(memory, status[1] ?? '') ?? 'other', input)
  const [, topic = entranceOf(FAMILY, input.topic) ?? 'unknown', channel = 'SENSOR'] =
    TASMOTA.exec(input.topic) ?? TASMOTA_TURNED.exec(input.topic) ?? []
  // what is wired to it, or speaks Zigbee behind it, is not heard without it
  if (channel === 'LWT') return presence(`tasmota:${topic}`, 'gateway', input)
  if (input.topic.startsWith('cmnd/')) return ignored('a command to the device')
  if (channel !== 'SENSOR' && channel !== 'STATE' && channel !== 'STATUS8' && channel !== 'STATUS10' && channel !== ZIGBEE)
    return ignored(`${channel.slice(0, 32)}: no sensor data`)
  return tasmota(topic, channel, input, memory)
}

function tasmota(topic: string, channel: string, input: DecodeInput, memory: DecoderMemory): Decoded {
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const given = at(parsed.value, 'StatusSNS') ?? parsed.value
  // SetOption118 says it in the topic instead
  const body = channel === ZIGBEE && at(given, ZIGBEE) === undefined ? { [ZIGBEE]: given } : given
  if (!isRecord(body)) return rejected('decoder-failed', 'an object of sensors was expected', '/')
  const time = timeOf(body, input.receivedAtMs)
  if (channel === 'STATE') {
    const rssiDbm = num(record(body['Wifi']), 'Signal')
    return composed(input, FAMILY, [{ deviceId: `tasmota:${topic}`, kind: 'other', time, ...(rssiDbm !== undefined && { rssiDbm }) }])
  }
  const found = sensorsOf(topic, body, time, memory)
  return found.length === 0 ? ignored('no sensor in the message that is read here') : composed(input, FAMILY, found)
}

function presence(deviceId: string, kind: DeviceKind, input: DecodeInput): Decoded {
  const text = textOf(input.payload)
  const word = text.ok ? text.text.trim().toLowerCase() : ''
  if (word !== 'online' && word !== 'offline') return rejected('decoder-failed', 'neither online nor offline', '/')
  return composed(input, FAMILY, [{ deviceId, kind, online: word === 'online' }])
}

function esphomeState(prefix: string, component: string, object: string, input: DecodeInput, memory: DecoderMemory): Decoded {
  const text = textOf(input.payload)
  if (!text.ok) return rejected('decoder-failed', text.reason, '/')
  const found = stateOf(component, object, text.text.trim())
  if (found === undefined) return ignored(`${component} without a value`)
  memory.set(`seen/${prefix}`, true)
  const known = recallKind(memory, prefix)
  const kind = known === undefined || known === 'environment' ? (found.kind === 'other' ? (known ?? 'other') : found.kind) : known
  if (kind !== 'other') memory.set(`kind/${prefix}`, kind)
  return composed(input, FAMILY, [{ deviceId: `esphome:${prefix}`, ...found, kind }])
}

function recallKind(memory: DecoderMemory, prefix: string): DeviceKind | undefined {
  const kind = memory.get(`kind/${prefix}`)
  return DEVICE_KINDS.find(known => known === kind)
}
