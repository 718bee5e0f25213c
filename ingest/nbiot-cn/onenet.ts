// China Mobile's OneNET: data points and presence of its older suites (type 1, 2), properties, events and presence of Studio. `msg` is an object, a
// list of objects, or one of them as text. Signatures are checked and encrypted messages opened where the request arrives (push/proof.ts).
import type { Decoded } from '#contracts/reading.ts'
import { coerceBoolean, coerceNumber } from '../coerce.ts'
import { at, composed, isRecord, num, str, type JsonObject } from '../compose.ts'
import { ignored, rejected, type DecodeInput } from '../decoder.ts'
import { parseJson } from '../json.ts'
import type { Stamp } from '../time.ts'
import { atLeast, FAMILY, merged, platformStamp, RECORDS_MAX, report, textReport } from './reports.ts'
import { serviceData } from './vendors.ts'

const PARAMS_MAX = 128
const SEALED = 'an encrypted message: give the source an aesKey in FENGSUI_PUSH_FILE, or choose plain text on the platform'

/** What a rule of Studio passes on is the message itself, without an envelope. */
export const isStudioMessage = (value: JsonObject): boolean =>
  str(value, 'productId') !== undefined && STUDIO.has(str(value, 'messageType') ?? '')
const STUDIO: ReadonlySet<string> = new Set(['notify', 'lifeCycle', 'reply', 'sceneLog', 'deviceLocation'])

export function oneNet(value: JsonObject, input: DecodeInput): Decoded {
  if (isStudioMessage(value)) return oneNetMessage(value, undefined, input)
  if (value['enc_msg'] !== undefined) return rejected('decoder-failed', SEALED, '/enc_msg')
  const text = value['msg']
  const parsed = typeof text === 'string' ? parseJson(Buffer.from(text)) : undefined
  const inner: unknown = parsed === undefined ? text : parsed.ok ? parsed.value : undefined
  const messages = [inner].flat().filter(isRecord).slice(0, RECORDS_MAX)
  if (messages.length === 0) return rejected('decoder-failed', isSealed(text) ? SEALED : 'msg is no object', '/msg')
  return merged(messages.map(message => oneNetMessage(message, num(value, 'time'), input)))
}

const isSealed = (text: unknown): boolean => typeof text === 'string' && text.length >= 24 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)

function oneNetMessage(message: JsonObject, pushedAtMs: number | undefined, input: DecodeInput): Decoded {
  const name = message['dev_id'] ?? message['deviceId'] ?? message['deviceName'] ?? message['dev_name'] ?? message['imei']
  const deviceId = `onenet:${typeof name === 'string' || typeof name === 'number' ? String(name).slice(0, 128) : 'unknown'}`
  const params = at(message, 'data', 'params')
  const ms = num(message, 'at') ?? num(message, 'time') ?? num(message, 'data', 'time') ?? newestOf(params) ?? pushedAtMs
  const time = platformStamp(ms, input, '/msg/at')
  const online = presenceIn(message)
  if (online !== undefined) return composed(input, FAMILY, [{ deviceId, kind: 'other', time, online }])
  if (num(message, 'type') === 2) return ignored('a login without status')
  if (num(message, 'type') === 7) return ignored('what became of a command')
  const type = str(message, 'messageType')
  if (type !== undefined && !NEWS.has(type)) return ignored(`${type.slice(0, 64)}: no report of a device`)
  if (!isRecord(params)) return dataPoint(message, deviceId, time, input)
  const isEvent = str(message, 'notifyType') === 'event'
  const answer = report(serviceData(valuesOf(params, isEvent)), deviceId, time, input)
  return isEvent ? atLeast(answer, gravestOf(params), '/data/params') : answer
}

/** reply, sceneLog, deviceLocation, ... tell what became of a service, or what the platform itself did. */
const NEWS: ReadonlySet<string> = new Set(['notify', 'lifeCycle'])
/** Studio sorts events: info, alert, error. */
const SORTS = { alert: 'preAlarm', error: 'fault' } as const

function gravestOf(params: JsonObject): 'preAlarm' | 'fault' | undefined {
  const sorts = Object.values(params)
    .slice(0, PARAMS_MAX)
    .map(one => str(one, 'eventType'))
  return sorts.includes('alert') ? SORTS.alert : sorts.includes('error') ? SORTS.error : undefined
}

/** type 2 with status, or Studio's life cycle. */
function presenceIn(message: JsonObject): boolean | undefined {
  const status = message['status'] ?? at(message, 'data', 'status')
  const word = typeof status === 'string' ? status.toLowerCase() : str(message, 'notifyType')?.toLowerCase()
  if (num(message, 'type') === 2) return coerceNumber(status) === 1 ? true : coerceNumber(status) === 0 ? false : undefined
  if (/^(?:device)?_?online$/.test(word ?? '')) return true
  return /^(?:device)?_?offline$/.test(word ?? '') ? false : undefined
}

/** {name: {value, time}} as {name: value}. Of an event that only happened its name is the news. */
function valuesOf(params: JsonObject, isEvent: boolean): JsonObject {
  return Object.fromEntries(
    Object.entries(params)
      .slice(0, PARAMS_MAX)
      .map(([name, given]) => {
        const value = isRecord(given) && Object.hasOwn(given, 'value') ? given['value'] : given
        const hasHappened = isEvent && (isRecord(value) || value === null) && !saysWhether(value)
        return [plainName(name), hasHappened ? true : value]
      }),
  )
}

const saysWhether = (value: unknown): boolean =>
  isRecord(value) && Object.values(value).some(one => coerceBoolean(one) !== undefined || coerceNumber(one) !== undefined)

/** Properties bear the time at which the device sent them. */
function newestOf(params: unknown): number | undefined {
  const times = isRecord(params) ? Object.values(params).flatMap(one => num(one, 'time') ?? []) : []
  return times.length === 0 ? undefined : Math.max(...times.slice(0, PARAMS_MAX))
}

/** Objects of IPSO (OMA's registry) by which NB-IoT products name their data streams and properties: object_instance_resource. */
const IPSO: Readonly<Record<string, string>> = { '3303_5700': 'temperature', '3304_5700': 'humidity', '3316_5700': 'battery_voltage' }

function plainName(name: string): string {
  const [, object, resource] = /^(\d{1,5})_\d{1,3}_(\d{1,5})$/.exec(name) ?? []
  return object === undefined ? name : (IPSO[`${object}_${resource}`] ?? `ipso_${object}_${resource}`)
}

function dataPoint(message: JsonObject, deviceId: string, time: Stamp, input: DecodeInput): Decoded {
  const { value } = message
  if (isRecord(value)) return report(serviceData(value), deviceId, time, input)
  const stream = str(message, 'ds_id')
  const name = stream === undefined ? undefined : plainName(stream)
  const isPlain = coerceNumber(value) !== undefined || coerceBoolean(value) !== undefined
  if (name !== undefined && isPlain && !isFrame(value)) return report(serviceData({ [name]: value }), deviceId, time, input)
  return typeof value === 'string' ? textReport(value, deviceId, time, input) : ignored('a message without value')
}

/** A frame in hex may be all digits. */
const isFrame = (value: unknown): boolean => typeof value === 'string' && value.length >= 24
