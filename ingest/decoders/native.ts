// Our own devices: fire/v1/{kind}/{deviceId}/{telemetry|event|status|about}, payloads by contracts/schema. A reading with an
// implausible clock is kept under server time; a payload against the schema is rejected whole, and says if it may be an alarm.
import type { AlarmFlags, Decoded, Reading } from '#contracts/reading.ts'
import { CHANNELS, NATIVE_PREFIX, parseNativeTopic, type NativeTopic } from '#contracts/topic.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { cameraPart, dronePart, smokePart, type Part } from '../native/blocks.ts'
import { aboutReading, statusReading } from '../native/presence.ts'
import type { NativeReading } from '../native/payload.ts'
import { isAbout, isReading, isStatus, violationOf } from '../native/schema.ts'
import { stationPart } from '../native/station.ts'
import { toWgs84 } from '../position.ts'
import { parseRfc3339, stamp, iso, type Note } from '../time.ts'
import { measured, present } from '../units.ts'

export const decoder: Decoder = {
  family: 'native',
  claims: topic => topic.startsWith(NATIVE_PREFIX),
  decode,
  mayCarryAlarm,
}

function decode(input: DecodeInput, memory: DecoderMemory): Decoded {
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
  if (topic.channel === 'status') return isStatus(value) ? statusReading(value, topic, input, memory) : violates(isStatus)
  const schema = topic.channel === 'about' ? isAbout : isReading
  if (!schema(value)) return violates(schema)
  if (value.deviceId !== topic.deviceId)
    return rejected('device-id-mismatch', `deviceId is ${JSON.stringify(value.deviceId)} but the topic says ${topic.deviceId}`, '/deviceId')
  if (value.kind !== topic.kind)
    return rejected('kind-mismatch', `kind is ${JSON.stringify(value.kind)} but the topic says ${topic.kind}`, '/kind')
  return isReading(value) ? telemetry(value, input) : isAbout(value) ? aboutReading(value, topic, input) : violates(schema)
}

const violates = (validate: Parameters<typeof violationOf>[0]): Decoded => {
  const { code, reason, where } = violationOf(validate)
  return rejected(code, reason, where)
}

function telemetry(payload: NativeReading, input: DecodeInput): Decoded {
  const time = stampOf(payload, input.receivedAtMs)
  const given = payload.alarms ?? {}
  const parts = partsOf(payload, given)
  const notes = [time.note, ...parts.flatMap(part => part.notes ?? [])].filter(note => note !== undefined)
  return { readings: [readingOf(payload, input, time, parts)], ...(notes.length > 0 && { notes }) }
}

function partsOf(payload: NativeReading, given: AlarmFlags): Part[] {
  const { smoke, station, camera, drone } = payload
  return [
    smoke === undefined ? undefined : smokePart(smoke, given),
    station === undefined ? undefined : stationPart(station),
    camera === undefined ? undefined : cameraPart(camera),
    drone === undefined ? undefined : dronePart(drone),
  ].filter(part => part !== undefined)
}

function readingOf(payload: NativeReading, input: DecodeInput, time: ReturnType<typeof stampOf>, parts: Part[]): Reading {
  const { deviceId, kind, msgId, seq, boot, power, radio, source } = payload
  const { note: _, ...when } = time
  const test = payload.test === true || parts.some(part => part.test === true)
  const state = Object.assign(
    {},
    present({ mainsOk: power?.mainsOk, backupOk: power?.backupOk, sourceFamily: source?.family }),
    ...parts.map(p => p.state),
  )
  const detections = parts.flatMap(part => part.detections ?? [])
  const position = payload.position === undefined ? undefined : toWgs84(payload.position)
  const about = present({ model: source?.model, firmware: source?.firmware })
  return {
    deviceId,
    kind,
    ...when,
    receivedAt: iso(input.receivedAtMs),
    ...present({ msgId }),
    ...measured({ seq, boot }),
    ...(position !== undefined && { position }),
    metrics: Object.assign({ ...payload.metrics }, measured({ battery_v: power?.batteryV }), ...parts.map(part => part.metrics)),
    alarms: alarmsOf(payload.alarms ?? {}, parts, test),
    ...measured({ batteryPct: power?.batteryPct, ...radio }),
    ...(Object.keys(state).length > 0 && { state }),
    ...(parts.some(part => part.detections !== undefined) && { detections }),
    flags: { ...(payload.history === true && { history: true }), ...(test && { test: true }) },
    ...(Object.keys(about).length > 0 && { about }),
    source: { family: 'native', ...present({ model: source?.model, topic: input.topic, gateway: source?.gateway }) },
  }
}

/** The payload's own flags win over what its blocks imply, except that a contradiction about smoke is taken as the graver. */
function alarmsOf(given: AlarmFlags, parts: Part[], test: boolean): AlarmFlags {
  const implied = Object.assign({}, ...parts.map(part => part.implied ?? {})) as AlarmFlags
  const alarms = { ...implied, ...given }
  if (implied.smoke === true) alarms.smoke = true
  return test ? { ...alarms, test: true } : alarms
}

function stampOf(payload: NativeReading, receivedAtMs: number): ReturnType<typeof stamp> & { note?: Note } {
  const { ts, history } = payload
  const deviceMs = typeof ts === 'string' ? parseRfc3339(ts) : ts
  const given = typeof ts === 'string' ? ts : undefined
  return stamp({
    deviceMs,
    ...(given !== undefined && { given }),
    source: 'device',
    receivedAtMs,
    history: history === true,
    where: '/ts',
  })
}

const ACTIVE = /"(?:fire|smoke|heat|co|gas|flame|manualCall|preAlarm|leak|soundOfAlarm)"\s*:\s*true|"state"\s*:\s*"(?:alarm|pre-alarm)"/
/** An escape (it could spell anything), or a value that could be true, a list, or one of the states below: by its first letters. */
const SUSPECT = /\\|:\s*(?:t|\[|"(?:[apft]|s[ih]|di))/

/** What makes a flag of the reading true: a flag, a state or chamber that implies one, something seen or heard. */
const CARRIES =
  /"alarms"\s*:\s*\{[^}]*true|"test"\s*:\s*true|"(?:state|chamber)"\s*:\s*"(?:alarm|pre-alarm|silenced|test|fault|shielded|dirty)"|"(?:detections|audio)"\s*:\s*\[\s*[^\]\s]/

/**
 * Plain telemetry, also with all its flags false, waits for its group. The long expression is asked only where a value could be
 * active: most payloads are through after the short one.
 */
function mayCarryAlarm(payload: Uint8Array): boolean {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const text = bytes.toString('latin1')
  return SUSPECT.test(text) && (text.includes('\\') || CARRIES.test(text))
}

function withAlarmHint(decoded: Decoded, input: DecodeInput): Decoded {
  if (decoded.rejected === undefined || !ACTIVE.test(Buffer.from(input.payload).toString('latin1'))) return decoded
  return {
    ...decoded,
    rejected: { ...decoded.rejected, reason: `${decoded.rejected.reason}. LOOKS LIKE AN ACTIVE ALARM: see to it by hand` },
  }
}
