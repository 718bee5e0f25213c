// China Telecom's CTWing (AEP): reports, events and presence as it pushes them to a subscriber. Answers to commands are none of a device's news.
import type { Decoded } from '#contracts/reading.ts'
import { at, composed, isRecord, num, str, type JsonObject } from '../compose.ts'
import { ignored, rejected, type DecodeInput } from '../decoder.ts'
import type { Stamp } from '../time.ts'
import { atLeast, FAMILY, merged, platformStamp, RECORDS_MAX, report, textReport } from './reports.ts'
import { serviceData } from './vendors.ts'

/** 1 is information */
const SORTS: Readonly<Record<number, 'preAlarm' | 'fault'>> = { 2: 'preAlarm', 3: 'fault' }
const REPORTS: ReadonlySet<string> = new Set(['dataReport', 'eventReport', 'dataReportTupe', 'dataReportTupUnion'])

const idOf = (value: JsonObject): string | undefined => {
  const found = value['deviceId'] ?? value['deviceCode'] ?? value['IMEI'] ?? value['imei']
  return typeof found === 'number' ? String(found) : str(found)
}
export const isCtWing = (value: JsonObject): boolean => idOf(value) !== undefined

export function ctWing(value: JsonObject, input: DecodeInput): Decoded {
  const deviceId = `ctwing:${idOf(value) ?? ''}`
  const time = platformStamp(num(value, 'timestamp'), input, '/timestamp')
  const type = str(value, 'messageType') ?? 'dataReport'
  if (type === 'deviceOnlineOfflineReport') {
    const event = num(value, 'eventType')
    return event === 0 || event === 1
      ? composed(input, FAMILY, [{ deviceId, kind: 'other', time, online: event === 1 }])
      : rejected('decoder-failed', 'eventType is neither 0 nor 1', '/eventType')
  }
  const isAnswer = value['payload'] === undefined && (value['commandId'] !== undefined || value['taskId'] !== undefined)
  if (isAnswer) return ignored('what became of a command')
  if (!REPORTS.has(type)) return ignored(`${type.slice(0, 64)}: no report of a device`)
  const payloads = [value['payload'] ?? value['eventContent']].flat().slice(0, RECORDS_MAX)
  const answers = payloads.map(payload => reported(payload, deviceId, time, input))
  return type === 'eventReport' ? atLeast(merged(answers), SORTS[num(value, 'eventType') ?? 0], '/eventContent') : merged(answers)
}

function reported(payload: unknown, deviceId: string, time: Stamp, input: DecodeInput): Decoded {
  const inside = at(payload, 'APPdata') ?? payload
  if (typeof inside === 'string') return textReport(inside, deviceId, time, input)
  const data = at(payload, 'serviceData') ?? payload
  return isRecord(data)
    ? report(serviceData(data), deviceId, time, input)
    : rejected('decoder-failed', 'neither serviceData nor APPdata', '/payload')
}
