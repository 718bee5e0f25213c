// Huawei VIAS: webhooks of its video services. Fire and smoke have the number 393216 (6 in the upper half), and each place says by `state` which
// it is; intruders, smokers and ships have others and raise nothing. A number that its pages do not have is a sign to be looked at. Format: VIAS API,
// output of algorithms. The picture in the message is not kept: it has its place on the service that took it. Boxes are in pixels of it, so they
// cannot be placed without it.
import type { Decoded } from '#contracts/reading.ts'
import { at, composed, list, num, str, type Found, type JsonObject } from '../compose.ts'
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
  const number = num(value, 'event_type')
  const deviceId = `vias:${str(value, 'stream_id') ?? str(value, 'camera_id') ?? peer}`
  if (number !== undefined) {
    const { unread, ...found } = numbered(number, value)
    return composed(input, 'cameras', [{ deviceId, kind: 'camera', time, ...found }], unread === undefined ? [] : [unread])
  }
  const categoryOf = (one: unknown): unknown => at(one, 'category') ?? at(one, 'label') ?? at(one, 'class')
  const given = [value['event_type'], value['event'], ...[...list(value['data']), ...list(value['objects'])].map(categoryOf)]
  const words = given
    .filter(word => typeof word === 'string')
    .slice(0, WORDS_MAX)
    .map(word => word.toLowerCase().slice(0, 64))
  if (words.length === 0) return rejected('decoder-failed', 'no event type and no category', '/event_type')
  const signs = words.map(signsIn)
  const alarms = {
    ...(signs.some(one => one.flame) && flagsOf({ flame: true }, true)),
    ...(signs.some(one => one.smoke) && flagsOf({ smoke: true }, true)),
  }
  const detections = words.map((word, i) => ({
    class: signs[i]?.flame === true ? 'fire' : hasSign(signs[i] ?? {}) ? 'smoke' : word,
  }))
  return composed(input, 'cameras', [{ deviceId, kind: 'camera', time, alarms, detections }])
}

const FIRE_AND_SMOKE = 6
/** vehicles, intruders and loiterers, things left behind, a post that is empty, smokers, telephones, behaviour, water on the road, ships */
const OTHERS: ReadonlySet<number> = new Set([1, 3, 5, 7, 11, 12, 13, 29, 517])
const PLACES_MAX = 64
const FIRE = 1
const SMOKE = 2

function numbered(number: number, value: JsonObject): Pick<Found, 'alarms' | 'detections' | 'state'> & { unread?: Note } {
  const state = { eventType: number }
  const algorithm = Math.floor(number / 0x10000)
  if (OTHERS.has(algorithm)) return { state }
  if (algorithm !== FIRE_AND_SMOKE) {
    const unread = { code: 'decoder-failed', reason: `event type ${number} is not documented`, where: '/event_type' }
    return { alarms: { preAlarm: true }, state, unread }
  }
  const places = [...list(at(value, 'data', 'event_set')), ...list(value['data'])].slice(0, PLACES_MAX).map(one => num(one, 'state'))
  const [isFire, isSmoke] = [places.includes(FIRE), places.includes(SMOKE)]
  if (!isFire && !isSmoke) return { alarms: { preAlarm: true }, state }
  return {
    alarms: { ...(isFire && { flame: true }), ...(isSmoke && { smoke: true }) },
    detections: places.filter(one => one === FIRE || one === SMOKE).map(one => ({ class: one === FIRE ? 'fire' : 'smoke' })),
    state,
  }
}
