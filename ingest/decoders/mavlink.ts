// Drones that speak MAVLink: packets in bytes or hex, mavlink2rest's JSON, the JSON of small bridges (drone/telemetry) and Codev nests.
// No message has a date: server time. Fire is not something these messages know.
import type { Decoded } from '#contracts/reading.ts'
import { composed, entranceOf, isRecord, mentions, str, unhexed, type Found } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { packetsIn } from '../mavlink/packets.ts'
import { bridgePart, codevPart, messageOf, vehiclePart, type Part } from '../mavlink/vehicle.ts'
import { placeOf } from '../no-place.ts'
import type { Note } from '../time.ts'

const FAMILY = 'mavlink'
const NEST = /^nest\/([^/]+)\/([^/]+)\/([a-z_]+)$/
const BRIDGE = /^(drone|pixhawk|uav|mavlink)\/(.+)$/
const SYSTEM = /\/mav_sys(\d{1,3})\//

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic => NEST.test(topic) || BRIDGE.test(topic) || SYSTEM.test(topic) || entranceOf(FAMILY, topic) !== undefined,
  decode,
  // a vehicle in a critical state is a fault
  mayCarryAlarm: payload => payload[0] !== 0x7b || mentions(payload, /HEARTBEAT|status|base_mode/i),
}

function decode(input: DecodeInput, memory: DecoderMemory): Decoded {
  if (input.payload.length === 0) return ignored('an empty message')
  const raw = unhexed(input.payload)
  const parsed = parseJson(input.payload)
  // garbage may stand before the first packet
  if (raw.wasText || (!parsed.ok && raw.bytes.some(byte => byte === 0xfd || byte === 0xfe))) return packets(raw.bytes, input, memory)
  if (!parsed.ok) return rejected('json-invalid', `${parsed.reason}, and no MAVLink packet`, '/')
  if (!isRecord(parsed.value)) return rejected('decoder-failed', 'an object or MAVLink packets were expected', '/')
  const body = parsed.value
  const rest = messageOf(body)
  if (rest !== undefined) {
    const part = vehiclePart(rest.message, rest.fields)
    return part === undefined
      ? ignored(`message ${rest.message.slice(0, 64)}`)
      : composed(input, FAMILY, [foundAs(`mav:${rest.system}/${rest.component}`, part, memory)])
  }
  const [, model, nest, channel] = NEST.exec(input.topic) ?? []
  const aircraft = str(body, 'aircraft_id')
  if (aircraft !== undefined && Array.isArray(body['position']))
    return composed(input, FAMILY, [
      { ...foundAs(`codev:${aircraft}`, codevPart(body), memory), model, gateway: nest === undefined ? undefined : `codev:${nest}` },
    ])
  if (channel !== undefined && channel !== 'messages') return ignored(`${channel} of a nest`)
  const part = bridgePart(body)
  return part === undefined
    ? ignored('no field of a vehicle that is read here')
    : composed(input, FAMILY, [foundAs(bridgeId(input.topic, body), part, memory)])
}

/** Home-made bridges name no vehicle: then the topic's first level does. */
function bridgeId(topic: string, body: Record<string, unknown>): string {
  const system = SYSTEM.exec(topic)?.[1]
  const named = str(body, 'device_id') ?? str(body, 'drone_id') ?? entranceOf(FAMILY, topic)
  return `mav:${system ?? named ?? topic.split('/')[0] ?? ''}`
}

function foundAs(deviceId: string, { given, ...part }: Part, memory: DecoderMemory): Found {
  return { ...part, deviceId, ...(given !== undefined && placeOf(given, deviceId, '/position', memory)) }
}

function packets(bytes: Uint8Array, input: DecodeInput, memory: DecoderMemory): Decoded {
  const { packets, faults, unread } = packetsIn(bytes)
  const found = packets.flatMap(({ system, component, message, fields }): Found[] => {
    const part = vehiclePart(message, fields)
    return part === undefined ? [] : [foundAs(`mav:${system}/${component}`, part, memory)]
  })
  const notes: Note[] = faults.map(reason => ({ code: 'decoder-failed', reason, where: '/' }))
  if (found.length > 0) return composed(input, FAMILY, found, notes)
  const [fault] = notes
  return fault === undefined ? ignored(`${unread} messages that are not read here`) : rejected(fault.code, fault.reason, fault.where)
}
