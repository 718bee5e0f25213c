// Frigate NVR: events, reviews, heard sounds, object counters and availability. Times are seconds with a fraction, boxes pixels of a frame
// whose size is not told. "alert" is its word for the priority of a review, not for a fire. Format: docs.frigate.video "MQTT".
import type { Decoded, Detection } from '#contracts/reading.ts'
import { coerceBoolean, coerceNumber } from '../coerce.ts'
import { at, composed, isRecord, list, num, str, type Found } from '../compose.ts'
import { ignored, rejected, type DecodeInput } from '../decoder.ts'
import { parseJson, textOf } from '../json.ts'
import { stamp, type Stamp } from '../time.ts'

export const FRIGATE_TOPIC = /^(frigate[^/]*)\/(.+)$/i
const DETECTIONS_MAX = 64
/** sounds that are somebody's alarm */
const SIRENS: ReadonlySet<string> = new Set(['fire_alarm', 'smoke_detector', 'smoke_alarm', 'siren', 'civil_defense_siren', 'alarm'])

export function frigate(base: string, channel: string, input: DecodeInput): Decoded {
  if (channel === 'available') return availability(base, input)
  if (channel === 'events' || channel === 'reviews') return tracked(base, channel, input)
  const [camera = '', what = '', detail] = channel.split('/')
  if (what === 'audio' && detail !== undefined && SIRENS.has(detail)) return heard(base, camera, input)
  if (detail === undefined && /^(?:fire|flame|smoke)$/.test(what)) return counted(base, camera, what, input)
  return ignored(`${channel.slice(0, 64)}: a picture, a switch or a statistic`)
}

const idOf = (base: string, camera: string): string =>
  base.toLowerCase() === 'frigate' ? `frigate:${camera}` : `frigate:${base}/${camera}`

function availability(base: string, input: DecodeInput): Decoded {
  const text = textOf(input.payload)
  const word = text.ok ? text.text.trim() : ''
  if (word !== 'online' && word !== 'offline' && word !== 'stopped')
    return rejected('decoder-failed', 'neither online, stopped nor offline', '/')
  return composed(input, 'cameras', [
    { deviceId: base.toLowerCase() === 'frigate' ? 'frigate' : `frigate:${base}`, kind: 'gateway', online: word === 'online' },
  ])
}

function heard(base: string, camera: string, input: DecodeInput): Decoded {
  const text = textOf(input.payload)
  const on = text.ok ? coerceBoolean(text.text) : undefined
  if (on === undefined) return ignored('neither ON nor OFF')
  return composed(input, 'cameras', [{ deviceId: idOf(base, camera), kind: 'camera', alarms: { soundOfAlarm: on } }])
}

/** How many of an object are seen now: models that know fire publish it here. */
function counted(base: string, camera: string, label: string, input: DecodeInput): Decoded {
  const text = textOf(input.payload)
  const count = text.ok ? coerceNumber(text.text) : undefined
  if (count === undefined) return ignored('no count')
  return composed(input, 'cameras', [{ deviceId: idOf(base, camera), kind: 'camera', alarms: flagsOf([label], count > 0) }])
}

function tracked(base: string, channel: string, input: DecodeInput): Decoded {
  if (input.payload.length === 0) return ignored('an empty message')
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const after = at(parsed.value, 'after')
  const camera = str(after, 'camera')
  if (!isRecord(after) || camera === undefined) return rejected('decoder-failed', 'no camera in `after`', '/after/camera')
  const isOver = str(parsed.value, 'type') === 'end'
  const found = channel === 'events' ? event(after, isOver, input) : review(after, isOver, input)
  return composed(input, 'cameras', [{ deviceId: idOf(base, camera), kind: 'camera', ...found }])
}

function event(after: Record<string, unknown>, isOver: boolean, input: DecodeInput): Omit<Found, 'deviceId' | 'kind'> {
  const label = str(after, 'label') ?? 'unknown'
  const confidence = num(after, 'score')
  const box = pixels(after['box'])
  const trackId = str(after, 'id')
  const sub = Array.isArray(after['sub_label']) ? str(after['sub_label'][0]) : str(after, 'sub_label')
  const detection: Detection = {
    class: label.slice(0, 64),
    ...(sub !== undefined && { label: sub }),
    ...(confidence !== undefined && confidence >= 0 && confidence <= 1 && { confidence }),
    ...(trackId !== undefined && { trackId }),
    ...(box !== undefined && { bboxPx: box }),
  }
  const isFalse = after['false_positive'] === true
  return {
    time: timeOf(num(after, 'frame_time') ?? num(after, 'start_time'), input),
    // what is over is no longer seen; a list without it would say "looked, saw nothing" of other tracks too
    ...(!isOver && !isFalse && { detections: [detection] }),
    ...(!isFalse && { alarms: flagsOf([label], !isOver) }),
    state: {
      event: isOver ? 'end' : 'seen',
      zones: list(after['current_zones'])
        .filter(zone => typeof zone === 'string')
        .slice(0, 16),
    },
  }
}

function review(after: Record<string, unknown>, isOver: boolean, input: DecodeInput): Omit<Found, 'deviceId' | 'kind'> {
  const words = (key: string): string[] =>
    list(at(after, 'data', key))
      .filter(word => typeof word === 'string')
      .slice(0, DETECTIONS_MAX)
  const objects = words('objects').map(object => object.replace(/-verified$/, '').slice(0, 64))
  const siren = words('audio').some(sound => SIRENS.has(sound))
  return {
    time: timeOf(num(after, 'start_time'), input),
    detections: objects.map(object => ({ class: object })),
    alarms: { ...flagsOf(objects, !isOver), soundOfAlarm: siren ? !isOver : undefined },
    state: { review: str(after, 'severity'), zones: words('zones') },
  }
}

/** Fire seen by analytics is looked at before it is a fire: the flags of a camera are pre-alarms. */
function flagsOf(labels: readonly string[], on: boolean): NonNullable<Found['alarms']> {
  return {
    ...(labels.some(label => label === 'fire' || label === 'flame') && { flame: on }),
    ...(labels.includes('smoke') && { smoke: on }),
  }
}

const timeOf = (seconds: number | undefined, input: DecodeInput): Stamp =>
  stamp({
    deviceMs: seconds === undefined || Math.abs(seconds) > 1e12 ? undefined : Math.floor(seconds * 1000),
    source: 'device',
    receivedAtMs: input.receivedAtMs,
    where: '/after/frame_time',
  })

function pixels(box: unknown): [number, number, number, number] | undefined {
  const [left, top, right, bottom] = list(box).map(edge => (typeof edge === 'number' ? edge : undefined))
  return left === undefined || top === undefined || right === undefined || bottom === undefined ? undefined : [left, top, right, bottom]
}
