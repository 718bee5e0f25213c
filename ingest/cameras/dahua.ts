// Dahua events: `Code=...;action=Start|Stop|Pulse;index=N;data={...}`, alone or in the multipart body of an attached stream; and Huawei
// VIAS alarms of fire and smoke. Format: Dahua HTTP API "event manager"; no public capture of the data of its fire codes is known.
import type { Decoded, Detection } from '#contracts/reading.ts'
import { at, composed, list, num, record, str, type Found, type JsonObject } from '../compose.ts'
import { ignored, rejected, type DecodeInput } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { serverStamp, stamp, type Stamp } from '../time.ts'

const EVENTS_MAX = 64
const EVENT = /Code=([A-Za-z0-9_]{1,64});action=([A-Za-z]{1,16});index=(\d{1,5})(?:;data=)?/g

export const isDahua = (text: string): boolean => /(?:^|\n)[ \t\r]*Code=[A-Za-z0-9_]{1,64};action=/.test(text)

export function dahua(text: string, input: DecodeInput, host: string): Decoded {
  const heads = [...text.matchAll(EVENT)].slice(0, EVENTS_MAX)
  const found = heads.map((head, i) => {
    const [whole, code = '', action = '', index = '0'] = head
    const body = text.slice(head.index + whole.length, heads[i + 1]?.index)
    return eventOf(code, action, `dahua:${host}/${index}`, dataIn(body), input)
  })
  const kept = found.filter(one => one !== undefined)
  if (heads.length === 0) return rejected('decoder-failed', 'no event of the form Code=...;action=...;index=...', '/')
  return kept.length === 0 ? ignored('a heartbeat or an event that says nothing of fire') : composed(input, 'cameras', kept)
}

function dataIn(body: string): JsonObject {
  const end = body.lastIndexOf('}')
  if (!body.trimStart().startsWith('{') || end < 0) return {}
  const parsed = parseJson(Buffer.from(body.slice(0, end + 1)))
  return parsed.ok ? record(parsed.value) : {}
}

function eventOf(code: string, action: string, deviceId: string, data: JsonObject, input: DecodeInput): Found | undefined {
  const on = action !== 'Stop'
  const base: Found = { deviceId, kind: 'camera', time: timeOf(data, input), state: { event: code, action } }
  const temperature =
    num(data, 'Temperature') ?? num(data, 'MaxTemperature') ?? num(data, 'TemperatureValue') ?? num(data, 'CurTemperature')
  const metrics = { temperature_max_c: temperature }
  if (code === 'FireWarning' || code === 'FireWarningInfo') return { ...base, alarms: { fire: on, flame: on }, metrics }
  if (code === 'SmokeDetection') return { ...base, alarms: { smoke: on } }
  if (code === 'HeatImagingTemper') return { ...base, alarms: { heat: on, preAlarm: on }, metrics }
  if (code === 'VideoBlind' || code === 'VideoUnFocus' || code === 'SceneChange') return { ...base, alarms: { tamper: on } }
  if (code === 'VideoLoss' || /^Storage|Abnormal$/.test(code)) return { ...base, alarms: { fault: on } }
  if (code === 'Heartbeat') return undefined
  if (!on) return base
  if (code === 'VideoMotion' || code === 'SmartMotionHuman' || code === 'SmartMotionVehicle')
    return { ...base, detections: [{ class: 'motion' }] }
  const detection = objectOf(record(data['Object']))
  return { ...base, ...(detection !== undefined && { detections: [detection] }) }
}

/** A box in 8192nds of the picture. */
function objectOf(object: JsonObject): Detection | undefined {
  const type = str(object, 'ObjectType')
  if (type === undefined) return undefined
  const [left, top, right, bottom] = list(object['BoundingBox']).map(edge =>
    typeof edge === 'number' && edge >= 0 && edge <= 8192 ? edge / 8192 : undefined,
  )
  const isBox = left !== undefined && top !== undefined && right !== undefined && bottom !== undefined && right >= left && bottom >= top
  return { class: type.toLowerCase(), ...(isBox && { bbox: [left, top, right - left, bottom - top] }) }
}

function timeOf(data: JsonObject, input: DecodeInput): Stamp {
  const seconds = num(data, 'UTC')
  if (seconds === undefined) return serverStamp(input.receivedAtMs)
  return stamp({
    deviceMs: Math.floor(seconds) * 1000 + (num(data, 'UTCMS') ?? 0),
    source: 'device',
    receivedAtMs: input.receivedAtMs,
    where: '/data/UTC',
  })
}

export const isVias = (value: unknown): boolean =>
  str(value, 'stream_id') !== undefined || str(value, 'camera_id') !== undefined || typeof at(value, 'image_base64') === 'string'

/** The picture in the message is not kept: it has its place on the service that took it. */
export function vias(value: JsonObject, input: DecodeInput, peer: string): Decoded {
  const seconds = num(value, 'timestamp')
  const time = stamp({
    deviceMs: seconds === undefined ? undefined : Math.floor(seconds * 1000),
    source: 'device',
    receivedAtMs: input.receivedAtMs,
    where: '/timestamp',
  })
  const classes = [
    value['event_type'],
    value['event'],
    ...list(value['data']).map(one => at(one, 'category') ?? at(one, 'label') ?? at(one, 'class')),
    ...list(value['objects']).map(one => at(one, 'category') ?? at(one, 'label')),
  ]
  const words = classes
    .filter(word => typeof word === 'string')
    .slice(0, 32)
    .map(word => word.toLowerCase().slice(0, 64))
  if (words.length === 0) return rejected('decoder-failed', 'no event type and no category', '/event_type')
  const deviceId = `vias:${str(value, 'stream_id') ?? str(value, 'camera_id') ?? peer}`
  return composed(input, 'cameras', [
    {
      deviceId,
      kind: 'camera',
      time,
      alarms: {
        ...(words.some(word => /fire|flame/.test(word)) && { flame: true }),
        ...(words.some(word => /smoke/.test(word)) && { smoke: true }),
      },
      detections: words.map(word => ({ class: /fire|flame/.test(word) ? 'fire' : /smoke/.test(word) ? 'smoke' : word })),
    },
  ])
}
