// Huawei's OceanConnect (notifyType, services) and what it became, IoTDA (resource, event, notify_data): device data and presence.
import type { Decoded } from '#contracts/reading.ts'
import { at, composed, isRecord, list, record, str, type JsonObject } from '../compose.ts'
import { ignored, rejected, type DecodeInput } from '../decoder.ts'
import { parseRfc3339, type Stamp } from '../time.ts'
import { FAMILY, merged, platformStamp, RECORDS_MAX, report, textReport } from './reports.ts'
import { serviceData } from './vendors.ts'

/** 20151212T121212Z, of some fields with thousandths */
const BASIC_ISO = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/

export const isOceanConnect = (value: JsonObject): boolean =>
  str(value, 'notifyType') !== undefined &&
  (value['service'] !== undefined ||
    value['services'] !== undefined ||
    value['deviceInfo'] !== undefined ||
    isRecord(value['header']) ||
    str(value, 'deviceId') !== undefined)

export function oceanConnect(value: JsonObject, input: DecodeInput): Decoded {
  const deviceId = `oc:${str(value, 'deviceId') ?? ''}`
  const type = str(value, 'notifyType') ?? ''
  if (type === 'deviceInfoChanged') return presence(str(value, 'deviceInfo', 'status'), deviceId, undefined, input)
  const services = [value['service'], ...list(value['services'])].filter(isRecord).slice(0, RECORDS_MAX)
  if (services.length === 0)
    return type.startsWith('deviceData')
      ? rejected('decoder-failed', 'no service in the notification', '/service')
      : ignored(`${type.slice(0, 64)}: no data of a device`)
  return merged(services.map(service => serviceReport(service['data'], str(service, 'eventTime'), '/service/eventTime', deviceId, input)))
}

export const isIotDa = (value: JsonObject): boolean => str(value, 'resource') !== undefined && isRecord(value['notify_data'])

/** The maker's pages show the body beside notify_data as well as inside it: both are pushed. */
export function iotDa(value: JsonObject, input: DecodeInput): Decoded {
  const resource = str(value, 'resource') ?? ''
  const event = str(value, 'event') ?? 'report'
  const body = at(value, 'notify_data', 'body') ?? value['body']
  const id = str(value, 'notify_data', 'header', 'device_id') ?? str(body, 'device_id')
  if (id === undefined) return rejected('decoder-failed', 'no device_id', '/notify_data/header/device_id')
  const deviceId = `oc:${id}`
  const eventTime = str(value, 'event_time_ms') ?? str(value, 'event_time')
  if (resource === 'device.status') return presence(str(body, 'status'), deviceId, str(body, 'status_update_time') ?? eventTime, input)
  if (event !== 'report' || resource.endsWith('.status'))
    return ignored(`${resource.slice(0, 64)} ${event.slice(0, 32)}: no data of a device`)
  if (resource === 'device.message') {
    const given = at(body, 'content')
    // a message in the platform's own form: {name, id, content}
    const content = at(given, 'content') ?? given
    return serviceReport(typeof content === 'string' ? { rawData: content } : content, eventTime, '/event_time', deviceId, input)
  }
  const services = list(at(body, 'services')).filter(isRecord).slice(0, RECORDS_MAX)
  if (services.length === 0) return ignored(`${resource.slice(0, 64)}: no data of a device`)
  return merged(
    services.map(service =>
      serviceReport(service['properties'] ?? service['paras'], str(service, 'event_time') ?? eventTime, '/event_time', deviceId, input),
    ),
  )
}

function serviceReport(given: unknown, eventTime: string | undefined, where: string, deviceId: string, input: DecodeInput): Decoded {
  const time = stampOf(eventTime, where, input)
  const data = record(given)
  const raw = data['rawData'] ?? data['APPdata']
  return typeof raw === 'string' && raw !== '' ? textReport(raw, deviceId, time, input) : report(serviceData(data), deviceId, time, input)
}

function stampOf(given: string | undefined, where: string, input: DecodeInput): Stamp {
  const basic = given === undefined ? null : BASIC_ISO.exec(given)
  const iso = basic === null ? given : `${basic[1]}-${basic[2]}-${basic[3]}T${basic[4]}:${basic[5]}:${basic[6]}${basic[7] ?? ''}Z`
  return platformStamp(iso === undefined ? undefined : parseRfc3339(iso), input, where)
}

/** ABNORMAL and INBOX are kept as the platform's words: a sleeping device is neither here nor gone. */
function presence(status: string | undefined, deviceId: string, since: string | undefined, input: DecodeInput): Decoded {
  if (status === undefined) return ignored('device information without status')
  const online = status === 'ONLINE' ? true : status === 'OFFLINE' ? false : undefined
  return composed(input, FAMILY, [
    {
      deviceId,
      kind: 'other',
      time: stampOf(since, '/event_time', input),
      ...(online === undefined ? { state: { status: status.slice(0, 32) } } : { online }),
    },
  ])
}
