// GB/T 26875.3-2011: fire panels behind user information transmission devices (frames in bytes or hex; TCP comes through an adapter).
// Times are local and often wrong by years: a fire is told on receipt, whatever its panel's clock says.
import type { Decoded, DeviceKind } from '#contracts/reading.ts'
import { DEFAULT_TIME_ZONE, openZone, type Zone } from '#contracts/zone.ts'
import { composed, entranceOf, list, num, str, unhexed, type Found } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { framesIn, timeAt, type Frame } from '../gbt26875/frame.ts'
import { aboutIn, ABOUT_TYPES } from '../gbt26875/about.ts'
import { analogOf, componentStatusOf, fireOf, kindOfComponent, operationOf, statusOf, textOf, transmitterOf } from '../gbt26875/objects.ts'
import { parseJson } from '../json.ts'
import { onceADay } from '../once-a-day.ts'
import { BELIEVED_FUTURE_MS, BELIEVED_PAST_MS, iso, stamp, type Note, type Stamp } from '../time.ts'

const FAMILY = 'gbt26875'
/** A state may have arisen long before it is told (a standing fire or fault after a new connection). */
const STANDING_MS = 366 * 86_400_000

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic => entranceOf(FAMILY, topic) !== undefined,
  decode: (input, memory, zone = openZone(DEFAULT_TIME_ZONE)) => onceADay(decode(input, memory, zone), memory, input.receivedAtMs),
  mayCarryAlarm,
}

type Context = { frame: Frame; input: DecodeInput; memory: DecoderMemory; zone: Zone }

function decode(input: DecodeInput, memory: DecoderMemory, zone: Zone): Decoded {
  if (input.payload.length === 0) return ignored('an empty message')
  if (input.payload[0] === OPEN_BRACE) return gatewayNote(input)
  const { frames, faults } = framesIn(unhexed(input.payload).bytes)
  const read = frames.map(frame => readFrame({ frame, input, memory, zone }))
  const found = read.flatMap(one => one.found)
  const notes: Note[] = [...faults, ...read.flatMap(one => one.fault ?? [])].map(reason => ({ code: 'decoder-failed', reason, where: '/' }))
  if (found.length > 0) return composed(input, FAMILY, found, notes)
  const [fault] = notes
  if (fault !== undefined) return rejected(fault.code, fault.reason, fault.where)
  return { readings: [], control: read.map(one => one.control ?? 'frame').join(', ') }
}

const OPEN_BRACE = 0x7b

/** What the gateway knows of a transmitter and no frame says: that it has gone, that nobody answered a duty check. */
function gatewayNote(input: DecodeInput): Decoded {
  const parsed = parseJson(input.payload)
  const what = parsed.ok ? str(parsed.value, 'gateway') : undefined
  const deviceId = `gb:${entranceOf(FAMILY, input.topic) ?? 'unknown'}`
  if (what === 'order') return { readings: [], control: 'an order to the transmitter was answered' }
  if (what === 'disconnected') return composed(input, FAMILY, [{ deviceId, kind: 'panel', online: false }])
  if (what === 'duty-unanswered')
    return composed(input, FAMILY, [{ deviceId, kind: 'panel', alarms: { supervisory: true }, state: { dutyCheckAnswered: false } }])
  return rejected('decoder-failed', 'neither a frame that begins with 40 40 nor a note of the gateway', '/')
}

/** Bits of a status or an operation that make a flag true, by type of upload; types that are not here carry none. */
const ALARM_BITS: Readonly<Record<number, [at: number, bytes: 1 | 2, bits: number]>> = {
  1: [2, 2, 0x077e],
  2: [7, 2, 0x077e],
  4: [2, 1, 0x46],
  21: [0, 1, 0x7e],
  24: [0, 1, 0x46],
}

/** Heartbeats, analog values and systems in order are bulk; whatever is not surely that may carry one. */
function mayCarryAlarm(payload: Uint8Array): boolean {
  if (payload[0] !== 0x40) return true
  const { frames, faults } = framesIn(payload)
  return faults.length > 0 || frames.some(frameMayCarryAlarm)
}

function frameMayCarryAlarm({ data }: Frame): boolean {
  const [type = 0, count = 0] = data
  const [at, bytes, bits] = ALARM_BITS[type] ?? []
  const size = SIZES[type] ?? 0
  if (at === undefined || bytes === undefined || bits === undefined) return false
  for (let i = 0; i < count; i++) {
    const from = 2 + size * i + at
    if (((data[from] ?? 0xff) | (bytes === 2 ? (data[from + 1] ?? 0xff) << 8 : 0)) & bits) return true
  }
  return false
}

type Read = { found: Found[]; control?: string; fault?: string }

/** Only what is sent up (2) or answered (5) carries readings; the rest is the conversation. */
function readFrame(context: Context): Read {
  const { command, data, source } = context.frame
  if (command === 3) return { found: [], control: 'ack' }
  if (command === 6) return { found: [], control: 'nak' }
  if (command === 1 || command === 4) return { found: [], control: `command ${data[0] ?? 'without type'}` }
  if (command !== 2 && command !== 5) return { found: [], control: `command ${command} of a vendor` }
  if (data.length < 2) return { found: [{ deviceId: `gb:${source}`, kind: 'panel', online: true }] }
  const [type = 0, count = 0] = data
  if (ABOUT_TYPES.has(type)) return aboutFrame(context)
  const size = SIZES[type]
  // its sender is there, whatever it says
  if (size === undefined)
    return {
      found: [{ deviceId: `gb:${source}`, kind: 'panel', online: true }],
      fault: `type ${type}: an upload that the standard does not define`,
    }
  if (data.length < 2 + size * count)
    return { found: [], fault: `type ${type}: ${count} objects of ${size} bytes do not fit ${data.length - 2} bytes` }
  return { found: Array.from({ length: count }, (_, i) => objectOf(type, data.subarray(2 + size * i, 2 + size * (i + 1)), context)) }
}

/** Versions, descriptions and clocks: facts about a device, and a sign of life of its transmitter. */
function aboutFrame(context: Context): Read {
  const { data, source } = context.frame
  const transmitter = `gb:${source}`
  const alive: Found = { deviceId: transmitter, kind: 'panel', online: true }
  const told = aboutIn(data, context.zone)
  if (typeof told === 'string') return { found: [alive], fault: told }
  const found = told.map(({ system, component, firmware, name, clockMs }): Found => {
    const of = system === undefined ? transmitter : `${transmitter}/${systemOf(system.type, system.address, context)}`
    const about = { ...(firmware !== undefined && { firmware }), ...(name !== undefined && { name }) }
    return {
      deviceId: component === undefined ? of : `${of}/${component.zone}.${component.position}`,
      kind: component === undefined ? 'panel' : kindOfComponent(component.type),
      ...(Object.keys(about).length > 0 && { about }),
      ...(clockMs !== undefined && { state: { clock: iso(clockMs) } }),
      ...(system === undefined ? { online: true } : { gateway: transmitter }),
    }
  })
  return { found: found.some(({ deviceId }) => deviceId === transmitter) ? found : [...found, alive] }
}

const SIZES: Readonly<Record<number, number>> = { 1: 10, 2: 46, 3: 16, 4: 10, 21: 7, 24: 8 }

function objectOf(type: number, bytes: Uint8Array, context: Context): Found {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const transmitter = `gb:${context.frame.source}`
  if (type === 21)
    return {
      deviceId: transmitter,
      kind: 'panel',
      ...timed(transmitter, bytes, 1, view.getUint8(0), context),
      ...pick(transmitterOf(view.getUint8(0))),
    }
  if (type === 24)
    return {
      deviceId: transmitter,
      kind: 'panel',
      ...timed(transmitter, bytes, 2, 0, context),
      ...operationOf(view.getUint8(0), view.getUint8(1), true),
    }
  const system = `${transmitter}/${systemOf(view.getUint8(0), view.getUint8(1), context)}`
  if (type === 1) {
    const status = view.getUint16(2, true)
    return { deviceId: system, kind: 'panel', ...timed(system, bytes, 4, status, context), ...pick(statusOf(status)) }
  }
  if (type === 4)
    return {
      deviceId: system,
      kind: 'panel',
      ...timed(system, bytes, 4, 0, context),
      ...operationOf(view.getUint8(2), view.getUint8(3), false),
    }
  const deviceId = `${system}/${view.getUint16(3, true)}.${view.getUint16(5, true)}`
  const kind = kindOfComponent(view.getUint8(2))
  return type === 2 ? component(deviceId, kind, bytes, view, context) : analog(deviceId, kind, bytes, view, context)
}

const pick = ({
  alarms,
  state,
}: {
  alarms: Found['alarms'] & object
  state: Record<string, unknown>
}): Pick<Found, 'alarms' | 'state'> => ({ alarms, state })

function component(deviceId: string, kind: DeviceKind, bytes: Uint8Array, view: DataView, context: Context): Found {
  const status = view.getUint16(7, true)
  const { alarms, state } = componentStatusOf(status)
  const text = textOf(bytes.subarray(9, 40))
  return {
    deviceId,
    kind,
    ...timed(deviceId, bytes, 40, status, context),
    alarms: { ...alarms, ...fireOf(kind, view.getUint8(2), alarms.fire) },
    state: { ...state, componentType: view.getUint8(2) },
    ...(text !== '' && { text }),
    gateway: `gb:${context.frame.source}`,
  }
}

function analog(deviceId: string, kind: DeviceKind, bytes: Uint8Array, view: DataView, context: Context): Found {
  const metrics = analogOf(view.getUint8(7), view.getInt16(8, true))
  return { deviceId, kind, ...timed(deviceId, bytes, 10, 0, context), metrics, gateway: `gb:${context.frame.source}` }
}

/**
 * A system is known by its type. Where one transmitter carries several systems of one type, the first keeps the plain number and the
 * others bear their address: two panels must never be one device.
 */
function systemOf(type: number, address: number, { frame, input, memory }: Context): string {
  const key = `system/${frame.source}/${type}`
  const first = num(list(memory.get(key))[0])
  // the day keeps the entry young: what is heard of daily is not forgotten
  if (first === undefined || first === address) memory.set(key, [address, Math.floor(input.receivedAtMs / 86_400_000)])
  return first === undefined || first === address ? String(type) : `${type}-${address}`
}

/**
 * The object's own time where it is near arrival. An older one (up to a year) is the time a standing state arose, if the transmitter's
 * clock is right and nothing newer of this component was told: event time never goes back, so no rule can take a fire for an old one.
 */
function timed(deviceId: string, bytes: Uint8Array, at: number, status: number, { frame, input, memory, zone }: Context): { time: Stamp } {
  const { receivedAtMs } = input
  const deviceMs = timeAt(bytes, at, zone)
  const key = `told/${deviceId}`
  const [lastMs = -Infinity, lastStatus] = list(memory.get(key)).map(value => (typeof value === 'number' ? value : undefined))
  const sentMs = frame.sentWallMs === undefined ? undefined : zone.fromWallMs(frame.sentWallMs)
  const isSentNow = sentMs !== undefined && sentMs >= receivedAtMs - BELIEVED_PAST_MS && sentMs <= receivedAtMs + BELIEVED_FUTURE_MS
  const isStanding =
    deviceMs !== undefined && isSentNow && deviceMs >= receivedAtMs - STANDING_MS && deviceMs < receivedAtMs - BELIEVED_PAST_MS
  const isNewest = deviceMs !== undefined && (deviceMs > lastMs || (deviceMs === lastMs && status === lastStatus))
  const time: Stamp =
    isStanding && isNewest ? { ts: iso(deviceMs), tsSource: 'device' } : stamp({ deviceMs, source: 'device', receivedAtMs, where: '/time' })
  memory.set(key, [Math.max(lastMs, Date.parse(time.ts)), status])
  return { time }
}
