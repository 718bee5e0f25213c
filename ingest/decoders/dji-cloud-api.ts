// DJI Cloud API: docks, aircraft and controllers on thing/product and sys/product. Which aircraft a gateway carries comes from update_topo;
// secrets that ride in it (device_secret, nonce) are never kept, noted or shown.
import type { Decoded, DeviceKind } from '#contracts/reading.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { at, composed, entranceOf, isRecord, list, mentions, num, record, str, type Found, type JsonObject } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { eventPart, kindOfDomain } from '../dji-cloud-api/events.ts'
import { kindOfData, telemetryOf } from '../dji-cloud-api/telemetry.ts'
import { parseJson } from '../json.ts'
import { placeOf } from '../no-place.ts'
import { stamp, type Stamp } from '../time.ts'

const FAMILY = 'dji-cloud-api'
const TOPIC = /(?:^|\/)(thing|sys)\/product\/([^/]+)\/(.+)$/
const SUB_DEVICES_MAX = 16

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic => TOPIC.test(topic) || entranceOf(FAMILY, topic) !== undefined,
  decode,
  // health messages, a cover that jams, and the thermal camera
  mayCarryAlarm: payload => mentions(payload, /"(?:list|hms|cover_state|ir_lense|ir_metering|thermal_|flight_setup_exception)/),
}

function decode(input: DecodeInput, memory: DecoderMemory): Decoded {
  const [, branch = 'thing', sn = entranceOf(FAMILY, input.topic) ?? 'unknown', channel = 'osd'] = TOPIC.exec(input.topic) ?? []
  if (
    channel !== 'osd' &&
    channel !== 'state' &&
    channel !== 'events' &&
    channel !== 'drc/up' &&
    !(branch === 'sys' && channel === 'status')
  )
    return ignored(`${channel.slice(0, 64)}: a command, a request or an answer`)
  if (input.payload.length === 0) return ignored('an empty message')
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const data = at(parsed.value, 'data')
  if (!isRecord(parsed.value) || !isRecord(data))
    return rejected('decoder-failed', 'an envelope with an object `data` was expected', '/data')
  const method = str(parsed.value, 'method')
  const time = timeOf(parsed.value, input)
  if (branch === 'sys') return topology(sn, method, data, time, input, memory)
  return channel === 'events' ? event(sn, method, data, time, input, memory) : telemetry(sn, method, data, time, input, memory)
}

const timeOf = (envelope: JsonObject, input: DecodeInput): Stamp =>
  stamp({ deviceMs: num(envelope, 'timestamp'), source: 'device', receivedAtMs: input.receivedAtMs, where: '/timestamp' })

function telemetry(
  sn: string,
  method: string | undefined,
  data: JsonObject,
  time: Stamp,
  input: DecodeInput,
  memory: DecoderMemory,
): Decoded {
  if (method === 'heart_beat' || method === 'delay_info_push' || method === 'hsi_info_push')
    return ignored(`${method}: link and obstacle data`)
  // a link is what docks and controllers have alike: it does not make a controller of a dock
  const shown = kindOfData(data)
  const before = recallKind(memory, sn)
  const kind = (shown === 'gateway' ? before : undefined) ?? shown ?? before ?? 'other'
  if (kind !== 'other' && !input.topic.endsWith('/drc/up')) memory.set(`kind/${sn}`, kind)
  const { given, ...rest } = telemetryOf(data, kind)
  const deviceId = `dji:${sn}`
  const placed = given === undefined ? {} : placeOf(given, deviceId, '/data/latitude', memory)
  return composed(input, FAMILY, [{ deviceId, kind, time, ...rest, ...placed }])
}

function event(sn: string, method: string | undefined, data: JsonObject, time: Stamp, input: DecodeInput, memory: DecoderMemory): Decoded {
  const part = eventPart(method, data)
  if (part === undefined)
    return method === undefined
      ? rejected('decoder-failed', 'an event without method and of no known shape', '/data')
      : ignored(`event ${method.slice(0, 64)}`)
  const { kind, ...rest } = part
  return composed(input, FAMILY, [{ deviceId: `dji:${sn}`, kind: recallKind(memory, sn) ?? kind ?? 'drone', time, ...rest }])
}

/** The only word DJI documents on coming and going: the gateway lists what it carries, an empty list is an aircraft that left. */
function topology(
  sn: string,
  method: string | undefined,
  data: JsonObject,
  time: Stamp,
  input: DecodeInput,
  memory: DecoderMemory,
): Decoded {
  if ((method ?? 'update_topo') !== 'update_topo') return ignored('a status message other than update_topo')
  if (!Array.isArray(data['sub_devices']))
    return rejected('decoder-failed', 'update_topo without a list of sub_devices', '/data/sub_devices')
  const devices = list(data['sub_devices'])
    .slice(0, SUB_DEVICES_MAX)
    .map(record)
    .filter(device => str(device, 'sn') !== undefined)
  const carried = devices.map(device => str(device, 'sn') ?? '')
  for (const device of devices) memory.set(`kind/${str(device, 'sn') ?? ''}`, kindOfDomain(device['domain']) ?? 'drone')
  const gatewayKind = kindOfDomain(data['domain']) ?? recallKind(memory, sn) ?? 'gateway'
  memory.set(`kind/${sn}`, gatewayKind)
  const before = list(memory.get(`carries/${sn}`)).filter(other => typeof other === 'string')
  memory.set(`carries/${sn}`, carried)
  const gone = before.filter(other => !carried.includes(other))
  const presence = (device: string, online: boolean): Found => ({
    deviceId: `dji:${device}`,
    kind: recallKind(memory, device) ?? 'drone',
    time,
    online,
    gateway: `dji:${sn}`,
  })
  return composed(input, FAMILY, [
    ...carried.map(device => presence(device, true)),
    ...gone.map(device => presence(device, false)),
    { deviceId: `dji:${sn}`, kind: gatewayKind, time, online: true },
  ])
}

function recallKind(memory: DecoderMemory, sn: string): DeviceKind | undefined {
  const kind = memory.get(`kind/${sn}`)
  return DEVICE_KINDS.find(known => known === kind)
}
