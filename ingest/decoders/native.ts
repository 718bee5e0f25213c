// Our own devices: fire/v1/{kind}/{deviceId}/{telemetry|event|status|about}, payloads by contracts/schema. A reading with an
// implausible clock is kept under server time; a payload against the schema is rejected whole, and says if it may be an alarm.
import { Buffer } from 'node:buffer' // the global one is found anew by a getter each time
import type { AlarmFlag, AlarmFlags, Decoded, Reading } from '#contracts/reading.ts'
import { CHANNELS, NATIVE_PREFIX, parseNativeTopic, type NativeTopic } from '#contracts/topic.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { parseJson, parseUnbounded } from '../json.ts'
import { cameraPart, dronePart, smokePart, type Part } from '../native/blocks.ts'
import { withoutBadPositions } from '../native/bad-position.ts'
import { aboutReading, statusReading } from '../native/presence.ts'
import type { NativeCamera, NativeDrone, NativeReading, NativeStation } from '../native/payload.ts'
import { compileNative, isAbout, isReading, isStatus, violationOf } from '../native/schema.ts'
import { stationPart } from '../native/station.ts'
import { toWgs84 } from '../position.ts'
import { parseRfc3339, stamp, iso, type Stamp } from '../time.ts'

export const decoder: Decoder = {
  family: 'native',
  claims: topic => topic.startsWith(NATIVE_PREFIX),
  decode,
  prepare: compileNative,
  mayCarryAlarm: payload => mayCarryAlarmWithin(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength), 0, payload.byteLength),
  mayCarryAlarmWithin,
}

function decode(input: DecodeInput, memory: DecoderMemory): Decoded {
  return plainTelemetry(input) ?? decodeAny(input, memory)
}

/**
 * Most messages: telemetry or an event that the schema passes and whose topic is the one that its own kind and id make. Then the topic need
 * not be taken apart to know that it is right.
 */
function plainTelemetry(input: DecodeInput): Decoded | undefined {
  const { topic } = input
  const last = topic.lastIndexOf('/')
  if (!topic.startsWith('telemetry', last + 1) && !topic.startsWith('event', last + 1)) return undefined
  // no object of the schema is open, so what it passes is no deeper than it
  const payload: unknown = parseUnbounded(input.payload)
  if (payload === undefined || !isReading(payload)) return undefined
  const { kind, deviceId } = payload
  const kindEnd = NATIVE_PREFIX.length + kind.length
  const isOwn =
    last === kindEnd + 1 + deviceId.length &&
    topic.length - last === (topic.charCodeAt(last + 1) === 101 ? EVENT_CHARS : TELEMETRY_CHARS) &&
    topic.startsWith(NATIVE_PREFIX) &&
    topic.startsWith(kind, NATIVE_PREFIX.length) &&
    topic.charCodeAt(kindEnd) === 47 &&
    topic.startsWith(deviceId, kindEnd + 1)
  return isOwn ? telemetry(payload, input) : undefined
}
const EVENT_CHARS = '/event'.length
const TELEMETRY_CHARS = '/telemetry'.length

function decodeAny(input: DecodeInput, memory: DecoderMemory): Decoded {
  const topic = parseNativeTopic(input.topic)
  if (topic === null) return rejected('unknown-topic', `not fire/v1/{kind}/{deviceId}/{${CHANNELS.join('|')}} of a known kind`, 'topic')
  if (topic.channel === 'cmd') return ignored('a command on its way to the device')
  if (topic.channel === 'ack') return ignored('the device acknowledged a command')
  if (input.payload.length === 0 && (topic.channel === 'status' || topic.channel === 'about'))
    return ignored('a retained message was cleared')
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return withAlarmHint(rejected('json-invalid', parsed.reason, '/'), input)
  return withAlarmHint(decodeChannel(parsed.value, topic, input, memory), input)
}

function decodeChannel(value: unknown, topic: NativeTopic, input: DecodeInput, memory: DecoderMemory): Decoded {
  switch (topic.channel) {
    case 'status':
      return isStatus(value) ? statusReading(value, topic, input, memory) : violates(isStatus)
    case 'about':
      return isAbout(value) ? (mistaken(value, topic) ?? aboutReading(value, topic, input)) : violates(isAbout)
    default:
      return isReading(value) ? (mistaken(value, topic) ?? telemetry(value, input)) : unplaced(value, topic, input)
  }
}

/** Bad only by a position: what it says of an alarm goes on, and the rest of it. */
function unplaced(value: unknown, topic: NativeTopic, input: DecodeInput): Decoded {
  const refused = violates(isReading)
  const found = withoutBadPositions(value)
  if (found === undefined) return refused
  if (found.payload === undefined) return rejected(found.note.code, found.note.reason, found.note.where)
  const decoded = mistaken(found.payload, topic) ?? telemetry(found.payload, input)
  return { ...decoded, notes: [found.note, ...(decoded.notes ?? [])] }
}

function mistaken({ deviceId, kind }: { deviceId: string; kind: string }, topic: NativeTopic): Decoded | undefined {
  if (deviceId !== topic.deviceId)
    return rejected('device-id-mismatch', `deviceId is ${JSON.stringify(deviceId)} but the topic says ${topic.deviceId}`, '/deviceId')
  if (kind !== topic.kind) return rejected('kind-mismatch', `kind is ${JSON.stringify(kind)} but the topic says ${topic.kind}`, '/kind')
  return undefined
}

const violates = (validate: Parameters<typeof violationOf>[0]): Decoded => {
  const { code, reason, where } = violationOf(validate)
  return rejected(code, reason, where)
}

function telemetry(payload: NativeReading, input: DecodeInput): Decoded {
  // its own time is written last: that is the one asked for next
  const receivedAt = iso(input.receivedAtMs)
  const time = stampOf(payload, input.receivedAtMs)
  const part = partOf(payload)
  const readings = [readingOf(payload, input, receivedAt, time, part)]
  const notes = time.note === undefined ? part.notes : [time.note, ...(part.notes ?? [])]
  return notes === undefined ? { readings } : { readings, notes }
}

/** What all blocks say. Nearly every payload has one block, and then that is it. */
function partOf({ smoke, station, camera, drone, alarms = {} }: NativeReading): Part {
  if (station === undefined && camera === undefined && drone === undefined) return smoke === undefined ? NO_PART : smokePart(smoke, alarms)
  if (smoke === undefined) {
    if (camera === undefined && drone === undefined) return stationPart(station as NativeStation)
    if (station === undefined && drone === undefined) return cameraPart(camera as NativeCamera)
    if (station === undefined && camera === undefined) return dronePart(drone as NativeDrone)
  }
  const parts: Part[] = []
  if (smoke !== undefined) parts.push(smokePart(smoke, alarms))
  if (station !== undefined) parts.push(stationPart(station))
  if (camera !== undefined) parts.push(cameraPart(camera))
  if (drone !== undefined) parts.push(dronePart(drone))
  return joined(parts)
}

const NO_PART: Part = Object.freeze({ metrics: Object.freeze({}), state: Object.freeze({}) })

function joined(parts: readonly Part[]): Part {
  const notes = parts.flatMap(part => part.notes ?? [])
  return {
    metrics: Object.assign({}, ...parts.map(part => part.metrics)) as Part['metrics'],
    state: Object.assign({}, ...parts.map(part => part.state)) as Part['state'],
    implied: Object.assign({}, ...parts.map(part => part.implied)) as AlarmFlags,
    test: parts.some(part => part.test === true),
    ...(parts.some(part => part.detections !== undefined) && { detections: parts.flatMap(part => part.detections ?? []) }),
    ...(notes.length > 0 && { notes }),
  }
}

/** Written one by one: spreading what is mostly absent costs as much as parsing the payload. */
function readingOf(payload: NativeReading, input: DecodeInput, receivedAt: string, time: Stamp, part: Part): Reading {
  const { msgId, seq, boot, power, radio, source } = payload
  const isTest = payload.test === true || part.test === true
  const position = payload.position === undefined ? undefined : toWgs84(payload.position)
  const state = stateOf(payload, part)
  const reading: Reading = {
    deviceId: payload.deviceId,
    kind: payload.kind,
    ts: time.ts,
    tsSource: time.tsSource,
    receivedAt,
    metrics: metricsOf(payload, part),
    alarms: alarmsOf(payload.alarms, part.implied, isTest),
    flags: {},
    source: { family: 'native', topic: input.topic },
  }
  if (time.deviceTs !== undefined) reading.deviceTs = time.deviceTs
  if (msgId !== undefined) reading.msgId = msgId
  if (seq !== undefined) reading.seq = seq
  if (boot !== undefined) reading.boot = boot
  if (position !== undefined) reading.position = position
  if (power?.batteryPct !== undefined) reading.batteryPct = power.batteryPct
  if (radio !== undefined) hear(reading, radio)
  if (hasAny(state)) reading.state = state
  if (part.detections !== undefined) reading.detections = part.detections
  if (payload.history === true) reading.flags.history = true
  if (isTest) reading.flags.test = true
  if (source !== undefined) describe(reading, source)
  return reading
}

function hear(reading: Reading, { rssiDbm, rsrpDbm, snrDb, lqi }: NonNullable<NativeReading['radio']>): void {
  if (rssiDbm !== undefined) reading.rssiDbm = rssiDbm
  if (rsrpDbm !== undefined) reading.rsrpDbm = rsrpDbm
  if (snrDb !== undefined) reading.snrDb = snrDb
  if (lqi !== undefined) reading.lqi = lqi
}

function describe(reading: Reading, { model, firmware, gateway }: NonNullable<NativeReading['source']>): void {
  if (model !== undefined || firmware !== undefined) {
    const about: NonNullable<Reading['about']> = {}
    if (model !== undefined) about.model = model
    if (firmware !== undefined) about.firmware = firmware
    reading.about = about
  }
  if (model !== undefined) reading.source.model = model
  if (gateway !== undefined) reading.source.gateway = gateway
}

function hasAny(object: object): boolean {
  for (const _ in object) return true
  return false
}

/** The payload and the part are of this message alone: what one has more is put into the other. What the blocks say wins. */
function metricsOf({ metrics, power }: NativeReading, part: Part): Reading['metrics'] {
  const batteryV = power?.batteryV
  if (metrics === undefined) {
    const all = part === NO_PART ? {} : part.metrics
    if (batteryV !== undefined && all['battery_v'] === undefined) all['battery_v'] = batteryV
    return all
  }
  if (batteryV !== undefined) metrics['battery_v'] = batteryV
  const more = part.metrics
  for (const name in more) metrics[name] = more[name] ?? 0
  return metrics
}

function stateOf({ power, source }: NativeReading, part: Part): Record<string, unknown> {
  if (power?.mainsOk === undefined && power?.backupOk === undefined && source?.family === undefined) return part.state
  const state: Record<string, unknown> = {}
  if (power?.mainsOk !== undefined) state['mainsOk'] = power.mainsOk
  if (power?.backupOk !== undefined) state['backupOk'] = power.backupOk
  if (source?.family !== undefined) state['sourceFamily'] = source.family
  for (const name in part.state) state[name] = part.state[name]
  return state
}

/** The payload's own flags win over what its blocks imply, except that a contradiction about smoke is taken as the graver. */
function alarmsOf(given: AlarmFlags | undefined, implied: AlarmFlags | undefined, isTest: boolean): AlarmFlags {
  const alarms = given ?? implied ?? {}
  if (given !== undefined && implied !== undefined) {
    if (implied.smoke !== undefined && (given.smoke === undefined || implied.smoke)) alarms.smoke = implied.smoke
    for (const name in implied) alarms[name as AlarmFlag] ??= implied[name as AlarmFlag] ?? false
  }
  if (isTest) alarms.test = true
  return alarms
}

function stampOf({ ts, history }: NativeReading, receivedAtMs: number): Stamp {
  const isStored = history === true
  return typeof ts === 'string'
    ? stamp({ deviceMs: parseRfc3339(ts), given: ts, source: 'device', receivedAtMs, history: isStored, where: '/ts' })
    : stamp({ deviceMs: ts, source: 'device', receivedAtMs, history: isStored, where: '/ts' })
}

const ACTIVE = /"(?:fire|smoke|heat|co|gas|flame|manualCall|preAlarm|leak|soundOfAlarm)"\s*:\s*true|"state"\s*:\s*"(?:alarm|pre-alarm)"/
/** An escape (it could spell anything), or a value that could be true, a list, or one of the states below: by its first letters. */
const SUSPECT = /\\|:\s*(?:t|\[|"(?:[apft]|s[ih]|di))/g

/** What makes a flag of the reading true: a flag, a state or chamber that implies one, something seen or heard. */
const CARRIES =
  /"alarms"\s*:\s*\{[^}]*true|"test"\s*:\s*true|"(?:state|chamber)"\s*:\s*"(?:alarm|pre-alarm|silenced|test|fault|shielded|dirty)"|"(?:detections|audio)"\s*:\s*\[\s*[^\]\s]/

/**
 * Plain telemetry, also with all its flags false, waits for its group. The long expression is asked only where a value could be
 * active: most payloads are through after the short one.
 */
function mayCarryAlarmWithin(bytes: Buffer, from: number, to: number): boolean {
  if (bytes !== read.bytes) begin(bytes)
  if (from < read.lookedFrom || from > read.suspectAt) lookFrom(from)
  if (to <= read.suspectAt) return false
  const text = read.text.slice(from, to)
  return text.includes('\\') || CARRIES.test(text)
}

const NOTHING: Buffer = Buffer.alloc(0)
/**
 * What came in one read, as text, and where in it the next suspect is: a gateway sends hundreds of messages at once, and most lie
 * before that place. A suspect that reaches over the end of a message is asked about twice.
 */
const read = { bytes: NOTHING, text: '', lookedFrom: 0, suspectAt: -1 }

function begin(bytes: Buffer): void {
  read.bytes = bytes
  read.text = bytes.toString('latin1')
  read.suspectAt = -1
}

function lookFrom(from: number): void {
  SUSPECT.lastIndex = read.lookedFrom = from
  read.suspectAt = SUSPECT.exec(read.text)?.index ?? read.text.length
}

function withAlarmHint(decoded: Decoded, input: DecodeInput): Decoded {
  if (decoded.rejected === undefined || !ACTIVE.test(Buffer.from(input.payload).toString('latin1'))) return decoded
  return {
    ...decoded,
    rejected: { ...decoded.rejected, reason: `${decoded.rejected.reason}. LOOKS LIKE AN ACTIVE ALARM: see to it by hand` },
  }
}
