// China Mobile's OneNET: data points and presence of its older suites (type 1, 2), properties, events and presence of Studio. `msg` is an object, a
// list of objects, or one of them as text. Signatures are checked and encrypted messages opened where the request arrives (push/proof.ts).
import type { Decoded } from '#contracts/reading.ts'
import { coerceBoolean, coerceNumber } from '../coerce.ts'
import { at, composed, isRecord, num, str, type JsonObject } from '../compose.ts'
import { ignored, rejected, type DecodeInput } from '../decoder.ts'
import { parseJson } from '../json.ts'
import type { Stamp } from '../time.ts'
import { FAMILY, merged, platformStamp, RECORDS_MAX, report, textReport } from './reports.ts'
import { serviceData } from './vendors.ts'

const PARAMS_MAX = 128
const SEALED = 'an encrypted message: give the source an aesKey in FENGSUI_PUSH_FILE, or choose plain text on the platform'

export function oneNet(value: JsonObject, input: DecodeInput): Decoded {
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
  const ms = num(message, 'at') ?? num(message, 'time') ?? newestOf(params) ?? pushedAtMs
  const time = platformStamp(ms, input, '/msg/at')
  const online = presenceIn(message)
  if (online !== undefined) return composed(input, FAMILY, [{ deviceId, kind: 'other', time, online }])
  if (num(message, 'type') === 2) return ignored('a login without status')
  if (num(message, 'type') === 7) return ignored('what became of a command')
  if (isRecord(params)) return report(serviceData(valuesOf(params, str(message, 'notifyType') === 'event')), deviceId, time, input)
  return dataPoint(message, deviceId, time, input)
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
        return [name, hasHappened ? true : value]
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

/** Objects of IPSO (OMA's registry) by which NB-IoT products name their data streams: object_instance_resource. */
const IPSO: Readonly<Record<string, string>> = { '3303_5700': 'temperature', '3304_5700': 'humidity', '3316_5700': 'battery_voltage' }

function dataPoint(message: JsonObject, deviceId: string, time: Stamp, input: DecodeInput): Decoded {
  const { value } = message
  if (isRecord(value)) return report(serviceData(value), deviceId, time, input)
  const stream = str(message, 'ds_id')
  const [, object, resource] = /^(\d{1,5})_\d{1,3}_(\d{1,5})$/.exec(stream ?? '') ?? []
  const name = object === undefined ? stream : (IPSO[`${object}_${resource}`] ?? `ipso_${object}_${resource}`)
  const isPlain = coerceNumber(value) !== undefined || coerceBoolean(value) !== undefined
  if (name !== undefined && isPlain && !isFrame(value)) return report(serviceData({ [name]: value }), deviceId, time, input)
  return typeof value === 'string' ? textReport(value, deviceId, time, input) : ignored('a message without value')
}

/** A frame in hex may be all digits. */
const isFrame = (value: unknown): boolean => typeof value === 'string' && value.length >= 24
