// LoRaWAN: events of ChirpStack v4 and uplinks of The Things Stack v3, with the payload codecs of fire and water devices.
// Records a device stored and sent later are history; a simulated uplink is a test. A payload no codec knows is refused, not guessed.
import type { Decoded, DeviceKind } from '#contracts/reading.ts'
import { composed, entranceOf, isRecord, mentions, unhexed, type Found } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { decodePayload } from '../lorawan/codecs.ts'
import { CHIRPSTACK_TOPIC, chirpStack, isChirpStack, isTts, tts, TTS_TOPIC, type Event } from '../lorawan/envelope.ts'
import type { Part, Stored } from '../lorawan/part.ts'
import { placeOf, type Given } from '../no-place.ts'
import { stamp, type Note, type Stamp } from '../time.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'

const FAMILY = 'lorawan'

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic => CHIRPSTACK_TOPIC.test(topic) || TTS_TOPIC.test(topic) || entranceOf(FAMILY, topic) !== undefined,
  decode,
  // the payload is base64: every uplink may carry one; what is no JSON is raw bytes
  mayCarryAlarm: payload => mentions(payload, /"(?:data|frm_payload|object|decoded_payload)"|^\s*[^{\s]/),
}

function decode(input: DecodeInput, memory: DecoderMemory): Decoded {
  if (input.payload.length === 0) return ignored('an empty message')
  const raw = unhexed(input.payload)
  if (raw.wasText) return payloadOnly(raw.bytes, input, memory)
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', `${parsed.reason} (network servers must be set to JSON, not Protobuf)`, '/')
  if (!isRecord(parsed.value)) return rejected('decoder-failed', 'an event object of a network server was expected', '/')
  const isThingsStack = isTts(parsed.value) || (!isChirpStack(parsed.value) && TTS_TOPIC.test(input.topic))
  const event = isThingsStack ? tts(parsed.value, input.topic) : chirpStack(parsed.value, input.topic)
  if (event === undefined)
    return rejected('decoder-failed', 'no device EUI in the message or its topic', isThingsStack ? '/end_device_ids' : '/deviceInfo/devEui')
  return decodeEvent(event, input, memory)
}

function decodeEvent(event: Event, input: DecodeInput, memory: DecoderMemory): Decoded {
  if (event.type === 'other') return ignored(`the network server's ${event.name.slice(0, 64)} event`)
  const time = networkStamp(event, input)
  const kind = kindOf(memory, event.device)
  if (event.type !== 'up') {
    const online = event.type === 'join' ? { online: true } : {}
    return composed(input, FAMILY, [{ ...base(event, kind), ...place(event, event.given, memory), time, ...online }])
  }
  const hints = { fPort: event.fPort, names: event.names, kind, stored: storedOf(memory, event.device) }
  const result = decodePayload(event.data ?? new Uint8Array(), event.object, hints)
  if (result === undefined || 'fault' in result) return refused(event, result?.fault)
  const notes: Note[] = result.unread === undefined ? [] : [{ code: 'decoder-failed', reason: result.unread, where: '/data' }]
  learn(memory, event.device, result.parts)
  return composed(
    input,
    FAMILY,
    result.parts.map(part => found(part, event, time, input, kind, memory)),
    notes,
  )
}

/** A payload as the codec sees it, without envelope (tools, bridges): the topic names the device. */
function payloadOnly(bytes: Uint8Array, input: DecodeInput, memory: DecoderMemory): Decoded {
  const device = CHIRPSTACK_TOPIC.exec(input.topic)?.[2] ?? TTS_TOPIC.exec(input.topic)?.[2] ?? entranceOf(FAMILY, input.topic) ?? 'unknown'
  return decodeEvent({ type: 'up', name: 'up', device: device.toLowerCase(), names: device.toLowerCase(), data: bytes }, input, memory)
}

const refused = (event: Event, fault: string | undefined): Decoded =>
  rejected(
    'decoder-failed',
    fault ??
      `no codec knows the payload on port ${event.fPort ?? 'unknown'}: name the model in the device profile, or let the network server decode it`,
    '/data',
  )

function networkStamp(event: Event, input: DecodeInput): Stamp {
  const { timeMs, time } = event
  return stamp({
    deviceMs: timeMs,
    ...(time !== undefined && { given: time }),
    source: 'gateway',
    receivedAtMs: input.receivedAtMs,
    where: '/time',
  })
}

function found(part: Part, event: Event, time: Stamp, input: DecodeInput, known: DeviceKind | undefined, memory: DecoderMemory): Found {
  const { storedAtMs, kind, given, stored: _, ...rest } = part
  const isStored = storedAtMs !== undefined
  const stored =
    isStored && stamp({ deviceMs: storedAtMs, source: 'device', receivedAtMs: input.receivedAtMs, history: true, where: '/data' })
  const flags = { ...(isStored && { history: true }), ...(event.simulated === true && { test: true }) }
  return {
    ...base(event, kind ?? known),
    ...place(event, given ?? event.given, memory),
    ...rest,
    batteryPct: rest.batteryPct ?? event.batteryPct,
    time: stored === false ? time : stored,
    flags,
  } as Found
}

const base = (event: Event, kind: DeviceKind | undefined): Found =>
  ({
    deviceId: `lora:${event.device}`,
    kind: kind ?? 'other',
    msgId: event.msgId,
    seq: event.seq,
    boot: event.boot,
    rssiDbm: event.rssiDbm,
    snrDb: event.snrDb,
    gateway: event.gateway === undefined ? undefined : `lora:gw:${event.gateway}`,
    batteryPct: event.batteryPct,
  }) as Found

const place = (event: Event, given: Given | undefined, memory: DecoderMemory): Pick<Found, 'position' | 'notes'> =>
  given === undefined ? {} : placeOf(given, `lora:${event.device}`, '/location', memory)

function kindOf(memory: DecoderMemory, device: string): DeviceKind | undefined {
  const kind = memory.get(`kind/${device}`)
  return DEVICE_KINDS.find(known => known === kind)
}

function learn(memory: DecoderMemory, device: string, parts: readonly Part[]): void {
  if (device === 'unknown') return
  const kind = parts.find(part => part.storedAtMs === undefined && part.kind !== undefined)?.kind
  if (kind !== undefined) memory.set(`kind/${device}`, kind)
  const stored = parts.find(part => part.stored !== undefined)?.stored
  if (stored !== undefined) memory.set(`stored/${device}`, stored)
}

function storedOf(memory: DecoderMemory, device: string): Stored | undefined {
  const stored = memory.get(`stored/${device}`)
  return stored === 'distance' || stored === 'light' ? stored : undefined
}
