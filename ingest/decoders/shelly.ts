// Shelly Gen2 and later over MQTT (events/rpc, status/..., online), and the sensors of Gen1 (shellies/...). A device without a set clock
// counts seconds since it started: then server time. Battery detectors sleep: their "offline" says so.
import type { Decoded, DeviceKind } from '#contracts/reading.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { coerceBoolean, coerceNumber } from '../coerce.ts'
import { at, composed, entranceOf, isRecord, list, mentions, num, record, str, type Found } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory, type Json } from '../decoder.ts'
import { parseJson, textOf } from '../json.ts'
import { emptyStatus, graverKind, kindByName, readComponent, readEvent, type Status } from '../shelly/components.ts'
import { serverStamp, stamp, type Stamp } from '../time.ts'

const FAMILY = 'shelly'
/** The prefix is the device's id unless somebody changed it; then it is known by channels no other family uses. */
const GEN2 = /^((?:[^/]+\/){0,3}shelly[^/]*)\/(events\/rpc|status\/.+|online|rpc|fengsui\/rpc|debug\/.*|command|announce)$/i
const GEN2_RENAMED = /^(.+)\/(events\/rpc|status\/[a-z0-9_]+:\d+)$/
const ONLINE = '/online'
const GEN1 = /^shellies\/([^/]+)\/(.+)$/
const GONE_OR_HERE = /^(.+)\/(online)$/
/** before 2001 it is no date but seconds since the device started */
const UNIX_S_MIN = 1_000_000_000

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic => GEN1.test(topic) || GEN2.test(topic) || GEN2_RENAMED.test(topic) || entranceOf(FAMILY, topic) !== undefined,
  // the last will of one whose prefix somebody changed
  knows: (topic, memory) => topic.endsWith(ONLINE) && memory.get(idOf(topic.slice(0, -ONLINE.length))) !== undefined,
  decode,
  mayCarryAlarm: payload =>
    mentions(payload, /alarm|"errors"|^\s*(?:true|1|on|yes|active|detected|mild|heavy|test)\s*$|"smoke|"flood|"gas/i),
}

function decode(input: DecodeInput, memory: DecoderMemory): Decoded {
  const gen1 = GEN1.exec(input.topic)
  if (input.payload.length === 0) return ignored('an empty message')
  if (gen1 !== null) return decodeGen1(gen1[1] ?? '', gen1[2] ?? '', input, memory)
  const [, prefix = entranceOf(FAMILY, input.topic), channel = 'events/rpc'] =
    GEN2.exec(input.topic) ?? GEN2_RENAMED.exec(input.topic) ?? GONE_OR_HERE.exec(input.topic) ?? []
  if (channel === 'online') return presence(prefix ?? '', input, memory)
  if (channel !== 'events/rpc' && !channel.startsWith('status/')) return ignored(`${channel.slice(0, 32)}: a command, an answer or a log`)
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  if (!isRecord(parsed.value)) return rejected('decoder-failed', 'an object was expected', '/')
  return channel === 'events/rpc'
    ? notification(prefix, parsed.value, input, memory)
    : component(prefix ?? '', channel.slice('status/'.length), parsed.value, input, memory)
}

function notification(prefix: string | undefined, frame: Record<string, unknown>, input: DecodeInput, memory: DecoderMemory): Decoded {
  const name = prefix ?? str(frame, 'src')
  if (name === undefined) return rejected('decoder-failed', 'no device in topic or src', '/src')
  const method = str(frame, 'method')
  if (method !== 'NotifyStatus' && method !== 'NotifyFullStatus' && method !== 'NotifyEvent') return ignored('an answer to a request')
  const params = record(frame['params'])
  const status = emptyStatus(method === 'NotifyFullStatus')
  for (const [key, value] of Object.entries(params).slice(0, 256)) readComponent(key, value, status)
  const events = list(params['events']).slice(0, 64)
  for (const event of events) readEvent(event, status)
  if (method === 'NotifyEvent' && Object.keys(status.alarms).length === 0 && Object.keys(status.state).length === 0)
    return ignored('an event of a component that is no detector')
  return answer(name, status, timeOf(params, input), input, memory)
}

function timeOf(params: Record<string, unknown>, input: DecodeInput): Stamp {
  const seconds = num(params, 'ts')
  const clockIsUnset = at(params, 'sys', 'unixtime') === null
  if (seconds === undefined || seconds < UNIX_S_MIN || clockIsUnset) return serverStamp(input.receivedAtMs)
  return stamp({ deviceMs: Math.round(seconds * 1000), source: 'device', receivedAtMs: input.receivedAtMs, where: '/params/ts' })
}

function component(prefix: string, key: string, value: Record<string, unknown>, input: DecodeInput, memory: DecoderMemory): Decoded {
  const status = emptyStatus(true)
  readComponent(key, value, status)
  if (key !== 'sys' && key !== 'wifi' && status.kinds.length + Object.keys(status.metrics).length + Object.keys(status.state).length === 0)
    return ignored(`component ${key.slice(0, 32)} says nothing that is read here`)
  return answer(prefix, status, serverStamp(input.receivedAtMs), input, memory)
}

type Known = { kind?: DeviceKind; wakeS?: number }
const idOf = (name: string): string => `shelly:${name.replace(/^.*\/(?=shelly)/i, '')}`

function recall(memory: DecoderMemory, name: string): Known {
  const known = record(memory.get(idOf(name)))
  const kind = DEVICE_KINDS.find(one => one === known['kind']) ?? kindByName(name)
  const wakeS = num(known, 'wakeS')
  return { ...(kind !== undefined && { kind }), ...(wakeS !== undefined && { wakeS }) }
}

function answer(name: string, status: Status, time: Stamp, input: DecodeInput, memory: DecoderMemory): Decoded {
  const before = recall(memory, name)
  const kind = before.kind !== undefined && before.kind !== 'environment' ? before.kind : (graverKind(status.kinds) ?? before.kind)
  const wakeS = status.wakeS ?? before.wakeS
  memory.set(idOf(name), { ...(kind !== undefined && { kind }), ...(wakeS !== undefined && { wakeS }) } as Json)
  const { metrics, alarms, state, batteryPct, rssiDbm } = status
  const found = {
    deviceId: idOf(name),
    kind: kind ?? 'other',
    time,
    metrics,
    alarms,
    state,
    batteryPct,
    rssiDbm,
    // it wakes at least so often; an hour more for a busy network
    ...(status.wakeS !== undefined && { about: { expectNextS: status.wakeS + 3_600 } }),
  } as Found
  return composed(input, FAMILY, [found])
}

function presence(name: string, input: DecodeInput, memory: DecoderMemory): Decoded {
  const word = textOf(input.payload)
  const online = word.ok ? coerceBoolean(word.text) : undefined
  if (online === undefined) return rejected('decoder-failed', 'online is neither true nor false', '/')
  const { kind, wakeS } = recall(memory, name)
  const sleeps = !online && wakeS !== undefined
  return composed(input, FAMILY, [
    { deviceId: idOf(name), kind: kind ?? 'other', online, ...(sleeps && { state: { statusReason: 'sleep' } }) },
  ])
}

/** Gen1 publishes bare values, one a topic. */
function decodeGen1(name: string, channel: string, input: DecodeInput, memory: DecoderMemory): Decoded {
  if (channel === 'online') return presence(name, input, memory)
  const text = textOf(input.payload)
  const sensor = /^sensor\/([a-z_]+)$/.exec(channel)?.[1]
  if (sensor === undefined || !text.ok) return ignored(`${channel.slice(0, 32)} of a Gen1 device`)
  const status = emptyStatus()
  readSensor(sensor, text.text.trim(), status)
  if (status.kinds.length === 0 && status.batteryPct === undefined && Object.keys(status.alarms).length === 0)
    return ignored(`sensor ${sensor.slice(0, 32)} says nothing that is read here`)
  return answer(name, status, serverStamp(input.receivedAtMs), input, memory)
}

function readSensor(sensor: string, text: string, status: Status): void {
  const on = coerceBoolean(text)
  const number = coerceNumber(text)
  if (sensor === 'smoke' || sensor === 'flood') {
    if (on !== undefined) status.alarms[sensor === 'smoke' ? 'smoke' : 'leak'] = on
    status.kinds.push(sensor === 'smoke' ? 'smoke' : 'water-leak')
  } else if (sensor === 'gas') {
    // none, mild, heavy, test
    if (text === 'test') status.alarms.test = true
    else if (text === 'mild' || text === 'heavy' || text === 'none') status.alarms.gas = text !== 'none'
    status.kinds.push('gas')
  } else if (sensor === 'battery') status.batteryPct = number
  else if (sensor === 'temperature' || sensor === 'humidity') {
    status.metrics[sensor === 'temperature' ? 'temperature_c' : 'humidity_pct'] = number
    status.kinds.push('environment')
  }
}
