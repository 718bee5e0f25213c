// Messages of Tuya's queue as a forwarder pushes them, opened: status reports in the older form (devId, status) and the newer (bizCode, bizData),
// events and presence. What is still sealed is refused: the key for it belongs to the forwarder.
import type { Decoded } from '#contracts/reading.ts'
import { at, composed, isRecord, list, num, str, type Found, type JsonObject } from '../compose.ts'
import { ignored, rejected, type DecodeInput } from '../decoder.ts'
import { stamp, type Note } from '../time.ts'
import { FAMILY, platformStamp, RECORDS_MAX } from './reports.ts'
import { tuyaStatus } from './zigbee-cloud.ts'

const idOf = (value: JsonObject): string | undefined => str(value, 'devId') ?? str(value, 'bizData', 'devId')
const isSealed = (value: JsonObject): boolean => value['protocol'] !== undefined && typeof value['data'] === 'string'
export const isTuya = (value: JsonObject): boolean => idOf(value) !== undefined || isSealed(value)

export function tuya(given: JsonObject, input: DecodeInput): Decoded {
  // an opened message may still lie in its first layer
  const value = isRecord(given['data']) && idOf(given) === undefined ? given['data'] : given
  const id = idOf(value)
  if (id === undefined)
    return rejected('decoder-failed', 'a message of the queue that is still encrypted: the forwarder has to open `data`', '/data')
  const deviceId = `tuya:${id}`
  const business = str(value, 'bizCode')
  const presence = /^(?:device)?(online|offline)$/i.exec(business ?? '')?.[1]?.toLowerCase()
  if (presence !== undefined) {
    const time = platformStamp(num(value, 'bizData', 'time') ?? num(value, 'ts'), input, '/bizData/time')
    return composed(input, FAMILY, [{ deviceId, kind: 'other', online: presence === 'online', time }])
  }
  const entries = list(value['status'] ?? at(value, 'bizData', 'properties') ?? eventIn(value))
    .filter(isRecord)
    .slice(0, RECORDS_MAX)
  if (entries.length === 0)
    return business === undefined
      ? rejected('decoder-failed', 'no status of a device', '/status')
      : ignored(`${business.slice(0, 64)}: no status of a device`)
  const { atMs, uncoded, ...found } = tuyaStatus(entries)
  const time = stamp({ deviceMs: atMs ?? num(value, 'ts'), source: 'device', receivedAtMs: input.receivedAtMs, where: '/status' })
  const reason = `${uncoded} data points by number only: their codes stand in the product's definition`
  const notes: Note[] = uncoded === 0 ? [] : [{ code: 'decoder-failed', reason, where: '/status' }]
  return composed(input, FAMILY, [{ ...found, deviceId, time } as Found], notes)
}

/** {eventCode, outputParams}: that it happened is the news. */
function eventIn(value: JsonObject): unknown[] | undefined {
  const code = str(value, 'bizData', 'eventCode')
  return code === undefined ? undefined : [{ code, value: true, time: num(value, 'bizData', 'time') }]
}
