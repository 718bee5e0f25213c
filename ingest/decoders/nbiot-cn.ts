// Detectors behind Chinese platforms, as the bodies those push: CTWing (AEP), OceanConnect, OneNET, Tuya, Feibee. The envelope says which;
// signatures are checked where the HTTP request arrives, not here. Times of the platform are the gateway's.
import type { Decoded } from '#contracts/reading.ts'
import { at, composed, entranceOf, isRecord, list, num, record, str, unhexed, type Found, type JsonObject } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { isMeokon, readFrame } from '../meokon/frame.ts'
import { isPu, puFrame, serviceData, type Part } from '../nbiot-cn/vendors.ts'
import { feibeeRecord, tuyaStatus } from '../nbiot-cn/zigbee-cloud.ts'
import { parseRfc3339, stamp, type Note, type Stamp } from '../time.ts'

const FAMILY = 'nbiot-cn'
const RECORDS_MAX = 256

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic => entranceOf(FAMILY, topic) !== undefined,
  decode,
}

function decode(input: DecodeInput): Decoded {
  if (input.payload.length === 0) return ignored('an empty message')
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const { value } = parsed
  if (!isRecord(value)) return rejected('decoder-failed', 'an object was expected', '/')
  if (
    str(value, 'notifyType') !== undefined &&
    (value['service'] !== undefined ||
      value['services'] !== undefined ||
      value['deviceInfo'] !== undefined ||
      str(value, 'deviceId') !== undefined)
  )
    return oceanConnect(value, input)
  if (value['msg'] !== undefined) return oneNet(value, input)
  if (str(value, 'devId') !== undefined) return tuya(value, input)
  if (Array.isArray(value['records'])) return feibee(value, input)
  if (str(value, 'deviceId') !== undefined || str(value, 'deviceCode') !== undefined || str(value, 'IMEI') !== undefined)
    return ctWing(value, input)
  return rejected('decoder-failed', 'no envelope of CTWing, OceanConnect, OneNET, Tuya or Feibee', '/')
}

const platformStamp = (ms: number | undefined, input: DecodeInput, where: string): Stamp =>
  stamp({ deviceMs: ms, source: 'gateway', receivedAtMs: input.receivedAtMs, where })

function ctWing(value: JsonObject, input: DecodeInput): Decoded {
  const deviceId = `ctwing:${str(value, 'deviceId') ?? str(value, 'deviceCode') ?? str(value, 'IMEI') ?? ''}`
  const time = platformStamp(num(value, 'timestamp'), input, '/timestamp')
  const type = str(value, 'messageType') ?? 'dataReport'
  if (type === 'deviceOnlineOfflineReport') {
    const event = num(value, 'eventType')
    return event === 0 || event === 1
      ? composed(input, FAMILY, [{ deviceId, kind: 'other', time, online: event === 1 }])
      : rejected('decoder-failed', 'eventType is neither 0 nor 1', '/eventType')
  }
  if (type !== 'dataReport' && type !== 'eventReport' && type !== 'dataReportTupe')
    return ignored(`${type.slice(0, 64)}: no report of a device`)
  const payload = value['payload'] ?? value['eventContent']
  const binary = str(payload, 'APPdata') ?? (typeof payload === 'string' ? payload : undefined)
  const long = at(payload, 'APPdata')
  if (binary !== undefined) return bytesReport(typeof long === 'string' ? long : binary, deviceId, time, input)
  const data = at(payload, 'serviceData') ?? payload
  return isRecord(data)
    ? report(serviceData(data), deviceId, time, input)
    : rejected('decoder-failed', 'neither serviceData nor APPdata', '/payload')
}

/** Transparent products: the device's own bytes in base64 (or hex, on OneNET). */
function bytesReport(text: string, deviceId: string, time: Stamp, input: DecodeInput): Decoded {
  const asHex = unhexed(Buffer.from(text))
  const bytes = asHex.wasText
    ? asHex.bytes
    : text.length <= 8_192 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
      ? Uint8Array.from(Buffer.from(text, 'base64'))
      : new Uint8Array()
  if (isMeokon(bytes)) {
    const found = readFrame(bytes, input.receivedAtMs)
    return 'fault' in found ? rejected('decoder-failed', found.fault, '/payload') : composed(input, FAMILY, found)
  }
  if (!isPu(bytes)) return rejected('decoder-failed', 'bytes of no known device (neither a PU report nor a MEOKON frame)', '/payload')
  const part = puFrame(bytes)
  return typeof part === 'string' ? rejected('decoder-failed', part, '/payload') : report(part, deviceId, time, input)
}

function report(part: Part, deviceId: string, platform: Stamp, input: DecodeInput): Decoded {
  const { atMs, unread, ...rest } = part
  const own =
    atMs === undefined ? undefined : stamp({ deviceMs: atMs, source: 'device', receivedAtMs: input.receivedAtMs, where: '/payload' })
  const notes: Note[] = unread === undefined ? [] : [{ code: 'decoder-failed', reason: unread, where: '/payload' }]
  return composed(input, FAMILY, [{ ...rest, deviceId, kind: rest.kind ?? 'other', time: own ?? platform } as Found], notes)
}

const BASIC_ISO = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

function oceanConnect(value: JsonObject, input: DecodeInput): Decoded {
  const deviceId = `oc:${str(value, 'deviceId') ?? ''}`
  const type = str(value, 'notifyType') ?? ''
  if (type === 'deviceInfoChanged') {
    const status = str(value, 'deviceInfo', 'status')
    return status === 'ONLINE' || status === 'OFFLINE'
      ? composed(input, FAMILY, [{ deviceId, kind: 'other', online: status === 'ONLINE' }])
      : ignored('device information without status')
  }
  const services = [value['service'], ...list(value['services'])].filter(isRecord).slice(0, RECORDS_MAX)
  if (services.length === 0)
    return type.startsWith('deviceData')
      ? rejected('decoder-failed', 'no service in the notification', '/service')
      : ignored(`${type.slice(0, 64)}: no data of a device`)
  const answers = services.map(service => {
    const given = str(service, 'eventTime')
    const basic = given === undefined ? null : BASIC_ISO.exec(given)
    const iso = basic === null ? given : `${basic[1]}-${basic[2]}-${basic[3]}T${basic[4]}:${basic[5]}:${basic[6]}Z`
    const time = platformStamp(iso === undefined ? undefined : parseRfc3339(iso), input, '/service/eventTime')
    const data = record(service['data'])
    const raw = str(data, 'rawData') ?? str(data, 'APPdata')
    return raw === undefined
      ? report(serviceData(data), deviceId, time, input)
      : bytesReport(String(data['rawData'] ?? data['APPdata']), deviceId, time, input)
  })
  return merged(answers)
}

function merged(answers: readonly Decoded[]): Decoded {
  const readings = answers.flatMap(answer => answer.readings)
  const notes = answers.flatMap(answer => [...(answer.notes ?? []), ...(answer.rejected === undefined ? [] : [answer.rejected])])
  if (readings.length === 0) return answers.find(answer => answer.rejected !== undefined) ?? ignored('nothing to read')
  return { readings, ...(notes.length > 0 && { notes: notes.slice(0, 16) }) }
}

/** `msg` is an object, a list of objects, or one of them as text. */
function oneNet(value: JsonObject, input: DecodeInput): Decoded {
  const text = value['msg']
  const parsed = typeof text === 'string' ? parseJson(Buffer.from(text)) : undefined
  const inner: unknown = parsed === undefined ? text : parsed.ok ? parsed.value : undefined
  const messages = [inner].flat().filter(isRecord).slice(0, RECORDS_MAX)
  if (messages.length === 0) return rejected('decoder-failed', 'msg is no object', '/msg')
  return merged(messages.map(message => oneNetMessage(message, input)))
}

function oneNetMessage(message: JsonObject, input: DecodeInput): Decoded {
  const name = message['dev_id'] ?? message['deviceId'] ?? message['deviceName'] ?? message['imei']
  const deviceId = `onenet:${typeof name === 'string' || typeof name === 'number' ? String(name).slice(0, 128) : 'unknown'}`
  const time = platformStamp(num(message, 'at') ?? num(message, 'time'), input, '/msg/at')
  if (num(message, 'type') === 2) {
    const status = num(message, 'status')
    return status === 0 || status === 1
      ? composed(input, FAMILY, [{ deviceId, kind: 'other', time, online: status === 1 }])
      : ignored('a login without status')
  }
  const { value } = message
  const params = at(message, 'data', 'params')
  if (isRecord(params))
    return report(
      serviceData(
        Object.fromEntries(
          Object.entries(params)
            .slice(0, 128)
            .map(([key, one]) => [key, at(one, 'value') ?? one]),
        ),
      ),
      deviceId,
      time,
      input,
    )
  if (isRecord(value)) return report(serviceData(value), deviceId, time, input)
  if (typeof value === 'string') return bytesReport(value, deviceId, time, input)
  const stream = str(message, 'ds_id')
  return num(value) === undefined || stream === undefined
    ? ignored('a message without value')
    : report(serviceData({ [stream]: value }), deviceId, time, input)
}

function tuya(value: JsonObject, input: DecodeInput): Decoded {
  const deviceId = `tuya:${str(value, 'devId') ?? ''}`
  const business = str(value, 'bizCode')
  if (business === 'online' || business === 'offline')
    return composed(input, FAMILY, [
      {
        deviceId,
        kind: 'other',
        online: business === 'online',
        time: platformStamp(num(value, 'bizData', 'time') ?? num(value, 'ts'), input, '/bizData/time'),
      },
    ])
  const entries = list(value['status'] ?? at(value, 'bizData', 'properties'))
    .filter(isRecord)
    .slice(0, RECORDS_MAX)
  if (entries.length === 0)
    return business === undefined
      ? rejected('decoder-failed', 'no status of a device', '/status')
      : ignored(`${business.slice(0, 64)}: no status of a device`)
  const { atMs, ...found } = tuyaStatus(entries)
  const time = stamp({ deviceMs: atMs, source: 'device', receivedAtMs: input.receivedAtMs, where: '/status' })
  return composed(input, FAMILY, [{ ...found, deviceId, time }])
}

function feibee(value: JsonObject, input: DecodeInput): Decoded {
  const found = list(value['records'])
    .filter(isRecord)
    .slice(0, RECORDS_MAX)
    .flatMap((entry): Found[] => {
      const read = feibeeRecord(entry)
      const uuid = str(entry, 'uuid')
      if (read === undefined || uuid === undefined) return []
      const time = stamp({ deviceMs: num(entry, 'uptime'), source: 'device', receivedAtMs: input.receivedAtMs, where: '/records/uptime' })
      const gateway = str(entry, 'bindid')
      return [{ ...read, deviceId: `feibee:${uuid}`, time, ...(gateway !== undefined && { gateway: `feibee:${gateway}` }) }]
    })
  return found.length === 0 ? ignored('no attribute that is read here') : composed(input, FAMILY, found)
}
