// Huawei VIAS: the webhook of its service that looks for fire and smoke. The picture in the message is not kept: it has its place on the
// service that took it. What that service calls by a number only is a sign to be looked at, too: it has nothing else to tell.
import type { Decoded } from '#contracts/reading.ts'
import { at, composed, list, num, str, type JsonObject } from '../compose.ts'
import { rejected, type DecodeInput } from '../decoder.ts'
import { stamp, type Note } from '../time.ts'
import { flagsOf, hasSign, signsIn } from './words.ts'

const WORDS_MAX = 32

export const isVias = (value: unknown): boolean =>
  str(value, 'stream_id') !== undefined || str(value, 'camera_id') !== undefined || typeof at(value, 'image_base64') === 'string'

export function vias(value: JsonObject, input: DecodeInput, peer: string): Decoded {
  const seconds = num(value, 'timestamp')
  const time = stamp({
    deviceMs: seconds === undefined ? undefined : Math.floor(seconds * 1000),
    source: 'device',
    receivedAtMs: input.receivedAtMs,
    where: '/timestamp',
  })
  const categoryOf = (one: unknown): unknown => at(one, 'category') ?? at(one, 'label') ?? at(one, 'class')
  const given = [value['event_type'], value['event'], ...[...list(value['data']), ...list(value['objects'])].map(categoryOf)]
  const words = given
    .filter(word => typeof word === 'string')
    .slice(0, WORDS_MAX)
    .map(word => word.toLowerCase().slice(0, 64))
  const numbers = given.filter(word => typeof word === 'number')
  if (words.length + numbers.length === 0) return rejected('decoder-failed', 'no event type and no category', '/event_type')
  const signs = words.map(signsIn)
  const isUnknown = words.length === 0
  const notes: Note[] = isUnknown
    ? [{ code: 'decoder-failed', reason: `event type ${String(numbers[0])} is not documented`, where: '/event_type' }]
    : []
  const alarms = {
    ...(signs.some(one => one.flame) && flagsOf({ flame: true }, true)),
    ...(signs.some(one => one.smoke) && flagsOf({ smoke: true }, true)),
    ...(isUnknown && { preAlarm: true }),
  }
  const detections = words.map((word, i) => ({
    class: signs[i]?.flame === true ? 'fire' : hasSign(signs[i] ?? {}) ? 'smoke' : word,
  }))
  const deviceId = `vias:${str(value, 'stream_id') ?? str(value, 'camera_id') ?? peer}`
  return composed(input, 'cameras', [{ deviceId, kind: 'camera', time, alarms, ...(!isUnknown && { detections }) }], notes)
}
