// Detectors behind Chinese platforms, as the bodies those push: CTWing (AEP), OceanConnect and IoTDA, OneNET, Tuya, Feibee, Wanlin's own cloud.
// The envelope says which; signatures are checked where the HTTP request arrives, not here. Times of the platform are the gateway's.
import type { Decoded } from '#contracts/reading.ts'
import { composed, entranceOf, isRecord, list, num, str, type Found, type JsonObject } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { ctWing, isCtWing } from '../nbiot-cn/ctwing.ts'
import { iotDa, isIotDa, isOceanConnect, oceanConnect } from '../nbiot-cn/oceanconnect.ts'
import { isStudioMessage, oneNet } from '../nbiot-cn/onenet.ts'
import { FAMILY, RECORDS_MAX } from '../nbiot-cn/reports.ts'
import { isTuya, tuya } from '../nbiot-cn/tuya.ts'
import { isWanlinEvent, wanlinEvent } from '../nbiot-cn/wanlin.ts'
import { feibeeRecord } from '../nbiot-cn/zigbee-cloud.ts'
import { onceADay } from '../once-a-day.ts'
import { stamp } from '../time.ts'

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic => entranceOf(FAMILY, topic) !== undefined,
  decode: (input, memory) => onceADay(decode(input), memory, input.receivedAtMs),
}

function decode(input: DecodeInput): Decoded {
  if (input.payload.length === 0) return ignored('an empty message')
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const { value } = parsed
  if (!isRecord(value)) return rejected('decoder-failed', 'an object was expected', '/')
  if (isOceanConnect(value)) return oceanConnect(value, input)
  if (isIotDa(value)) return iotDa(value, input)
  if (value['msg'] !== undefined || value['enc_msg'] !== undefined || isStudioMessage(value)) return oneNet(value, input)
  if (isTuya(value)) return tuya(value, input)
  if (Array.isArray(value['records'])) return feibee(value, input)
  if (isWanlinEvent(value)) return wanlinEvent(value, input, FAMILY)
  if (isCtWing(value)) return ctWing(value, input)
  return rejected('decoder-failed', 'no envelope of CTWing, OceanConnect, OneNET, Tuya, Feibee or Wanlin', '/')
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
