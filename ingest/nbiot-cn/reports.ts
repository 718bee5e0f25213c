// What a platform's envelope holds, whichever platform it is: named values, bytes as base64 or hex, or the text that a detector sends. Bytes and
// texts of no known device are refused with a reason: they stay in quarantine until somebody can read them.
import type { Decoded } from '#contracts/reading.ts'
import { composed, isRecord, unhexed, type Found } from '../compose.ts'
import { ignored, rejected, type DecodeInput } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { isMeokon, readFrame } from '../meokon/frame.ts'
import { stamp, type Note, type Stamp } from '../time.ts'
import type { Part } from './part.ts'
import { isPu, puFrame } from './pu.ts'
import { isTransmitter, transmitterParts } from './transmitter.ts'
import { serviceData } from './vendors.ts'
import { wanlinText } from './wanlin.ts'

export const FAMILY = 'nbiot-cn'
export const RECORDS_MAX = 256
const TEXT_CHARS_MAX = 8_192

/** Milliseconds; a forwarder that cut them off says seconds, which read as milliseconds would be of 1970. */
export const platformStamp = (given: number | undefined, input: DecodeInput, where: string): Stamp => {
  const isSeconds = given !== undefined && given > SECONDS_MIN && given < SECONDS_MAX
  return stamp({ deviceMs: isSeconds ? given * 1000 : given, source: 'gateway', receivedAtMs: input.receivedAtMs, where })
}
const SECONDS_MIN = 1e9
const SECONDS_MAX = 1e11

/** The device's own time where it sends one, else the platform's. */
export function report(given: Part | readonly Part[], deviceId: string, platform: Stamp, input: DecodeInput): Decoded {
  const parts = [given].flat() as Part[]
  const notes: Note[] = []
  const found = parts.map(({ atMs, unread, sub, ...rest }): Found => {
    if (unread !== undefined) notes.push({ code: 'decoder-failed', reason: unread, where: '/payload' })
    const history = rest.flags?.history === true
    const own = stamp({ deviceMs: atMs, source: 'device', receivedAtMs: input.receivedAtMs, history, where: '/payload' })
    const id = sub === undefined ? { deviceId } : { deviceId: `${deviceId}/${sub}`, gateway: deviceId }
    return { ...rest, ...id, kind: rest.kind ?? 'other', time: atMs === undefined ? platform : own }
  })
  return composed(input, FAMILY, found, notes)
}

/** Transparent products: the device's own bytes in base64, in hex (OneNET), or the very text it sends. */
export function textReport(text: string, deviceId: string, time: Stamp, input: DecodeInput): Decoded {
  const known = wordsReport(text, deviceId, time, input)
  if (known !== undefined) return known
  const asHex = unhexed(Buffer.from(text.slice(0, 2 * TEXT_CHARS_MAX)))
  const isBase64 = text.length <= TEXT_CHARS_MAX && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
  const bytes = asHex.wasText ? asHex.bytes : isBase64 ? Uint8Array.from(Buffer.from(text, 'base64')) : new Uint8Array()
  if (isMeokon(bytes)) {
    const found = readFrame(bytes, input.receivedAtMs)
    return 'fault' in found ? rejected('decoder-failed', found.fault, '/payload') : composed(input, FAMILY, found)
  }
  if (isPu(bytes)) {
    const parts = puFrame(bytes)
    return typeof parts === 'string' ? rejected('decoder-failed', parts, '/payload') : report(parts, deviceId, time, input)
  }
  const inside = isPrintable(bytes) ? wordsReport(Buffer.from(bytes).toString('utf8'), deviceId, time, input) : undefined
  return inside ?? rejected('decoder-failed', unknownBytes(bytes), '/payload')
}

function wordsReport(text: string, deviceId: string, time: Stamp, input: DecodeInput): Decoded | undefined {
  const wanlin = wanlinText(text)
  if (wanlin !== undefined) return report(wanlin, deviceId, time, input)
  if (!/^\s*\{/.test(text)) return undefined
  const parsed = parseJson(Buffer.from(text))
  if (!parsed.ok || !isRecord(parsed.value)) return undefined
  const { value } = parsed
  return report(isTransmitter(value) ? transmitterParts(value) : serviceData(value), deviceId, time, input)
}

const isPrintable = (bytes: Uint8Array): boolean =>
  bytes.length > 0 && bytes.every(byte => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13)

const unknownBytes = (bytes: Uint8Array): string =>
  bytes[0] === 0x40 && bytes[1] === 0x40
    ? 'a frame of GB/T 26875.3 inside: let the transmitter connect to the port for these'
    : 'bytes of no known device (neither a PU report, a MEOKON frame nor a text of Wanlin)'

export function merged(answers: readonly Decoded[]): Decoded {
  const readings = answers.flatMap(answer => answer.readings)
  const notes = answers.flatMap(answer => [...(answer.notes ?? []), ...(answer.rejected === undefined ? [] : [answer.rejected])])
  if (readings.length === 0) return answers.find(answer => answer.rejected !== undefined) ?? answers[0] ?? ignored('nothing to read')
  return { readings, ...(notes.length > 0 && { notes: notes.slice(0, 16) }) }
}

/** Platforms sort events: what one calls an alarm or a fault in names that nobody here knows is one all the same, and somebody looks at it. */
export function atLeast(decoded: Decoded, flag: 'preAlarm' | 'fault' | undefined, where: string): Decoded {
  const saysNothing = decoded.readings.every(({ alarms }) => Object.keys(alarms).length === 0)
  if (flag === undefined || decoded.readings.length === 0 || !saysNothing) return decoded
  const note = { code: 'decoder-failed', reason: `an event that the platform calls ${WORDS[flag]}, in names that are not known`, where }
  return {
    ...decoded,
    readings: decoded.readings.map(reading => ({ ...reading, alarms: { [flag]: true } })),
    notes: [...(decoded.notes ?? []), note].slice(0, 16),
  }
}
const WORDS = { preAlarm: 'an alarm', fault: 'a fault' } as const
