// What Frigate tracks: objects (`events`) and the reviews made of them. Times are seconds with a fraction, boxes pixels of a frame whose size
// is not told. "alert" is its word for the priority of a review, not for a fire. While one of two fires is still seen, the end of the other
// clears nothing.
import type { Decoded, Detection } from '#contracts/reading.ts'
import { at, composed, isRecord, list, num, str, type Found } from '../compose.ts'
import { rejected, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { stamp, type Stamp } from '../time.ts'
import { flagsOf, hasSign, type Signs } from './words.ts'

const DETECTIONS_MAX = 64
const OPEN_MAX = 32
const ZONES_MAX = 128
/** a track whose end was never heard holds nothing back for longer */
const OPEN_MS = 3_600_000
/** sounds that are somebody's alarm */
export const SIRENS: ReadonlySet<string> = new Set(['fire_alarm', 'smoke_detector', 'smoke_alarm', 'siren', 'civil_defense_siren', 'alarm'])

const FLAMES: ReadonlySet<string> = new Set(['fire', 'flame', 'flames', 'wildfire', 'open_flame', 'forest_fire'])
const SMOKES: ReadonlySet<string> = new Set(['smoke', 'smoke_plume', 'black_smoke', 'white_smoke'])
const BOTH: ReadonlySet<string> = new Set(['fire_smoke', 'smoke_fire', 'fire_and_smoke', 'smoke_and_fire'])

/** A whole label: `fire hydrant` and `fire_truck` are things that models know, too. */
export function labelSigns(label: string): Signs {
  const word = label.toLowerCase().replaceAll(/[ -]/g, '_')
  return {
    ...((FLAMES.has(word) || BOTH.has(word)) && { flame: true }),
    ...((SMOKES.has(word) || BOTH.has(word)) && { smoke: true }),
  }
}

export const idOf = (base: string, camera: string): string =>
  base.toLowerCase() === 'frigate' ? `frigate:${camera}` : `frigate:${base}/${camera}`

const strings = (value: unknown): string[] => list(value).filter(one => typeof one === 'string')

const zonesKey = (base: string): string => `frigate-zones/${base}`
/** Zones publish counts under topics that look like a camera's. */
export const zonesOf = (base: string, memory: DecoderMemory): string[] => strings(memory.get(zonesKey(base)))

function learnZones(base: string, names: readonly string[], camera: string, memory: DecoderMemory): void {
  const known = zonesOf(base, memory)
  const added = names.filter(name => name !== camera && name.length <= 128 && !known.includes(name))
  if (added.length > 0) memory.set(zonesKey(base), [...new Set([...known, ...added])].slice(-ZONES_MAX))
}

export function tracked(base: string, channel: string, input: DecodeInput, memory: DecoderMemory): Decoded {
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const after = at(parsed.value, 'after')
  const camera = str(after, 'camera')
  if (!isRecord(after) || camera === undefined) return rejected('decoder-failed', 'no camera in `after`', '/after/camera')
  const zones = channel === 'events' ? [after['current_zones'], after['entered_zones']] : [at(after, 'data', 'zones')]
  learnZones(base, zones.flatMap(strings), camera, memory)
  const isOver = str(parsed.value, 'type') === 'end'
  const deviceId = idOf(base, camera)
  const found = channel === 'events' ? event(after, isOver, deviceId, input, memory) : review(after, isOver, input)
  return composed(input, 'cameras', [{ deviceId, kind: 'camera', ...found }])
}

type Told = Omit<Found, 'deviceId' | 'kind'>

function event(after: Record<string, unknown>, isOver: boolean, deviceId: string, input: DecodeInput, memory: DecoderMemory): Told {
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
  const signs = labelSigns(label)
  const isSeen = !isOver && !isFalse
  const others = hasSign(signs) ? othersOpen(`frigate-open/${deviceId}/${Object.keys(signs).join('+')}`, trackId, isSeen, input, memory) : 0
  return {
    time: timeOf(num(after, 'frame_time') ?? num(after, 'start_time'), input),
    // what is over is no longer seen; a list without it would say "looked, saw nothing" of other tracks too
    ...(isSeen && { detections: [detection] }),
    ...(!isFalse && { alarms: { ...((isSeen || others === 0) && flagsOf(signs, isSeen)), ...sirenOf([label], isSeen) } }),
    state: {
      event: isOver ? 'end' : 'seen',
      zones: strings(after['current_zones']).slice(0, 16),
    },
  }
}

/** How many other tracks of the same are open. What is seen is noted, what is over or was none is taken out. */
function othersOpen(key: string, trackId: string | undefined, isSeen: boolean, input: DecodeInput, memory: DecoderMemory): number {
  const known = list(memory.get(key)).filter(
    (one): one is [string, number] => Array.isArray(one) && typeof one[0] === 'string' && Number(one[1]) > input.receivedAtMs - OPEN_MS,
  )
  const others = known.filter(([id]) => id !== trackId)
  const now = isSeen && trackId !== undefined ? [...others, [trackId, input.receivedAtMs] satisfies [string, number]] : others
  if (now.length > 0) memory.set(key, now.slice(-OPEN_MAX))
  else if (known.length > 0) memory.delete(key)
  return others.length
}

function review(after: Record<string, unknown>, isOver: boolean, input: DecodeInput): Told {
  const words = (key: string): string[] => strings(at(after, 'data', key)).slice(0, DETECTIONS_MAX)
  const objects = words('objects').map(object => object.replace(/-verified$/, '').slice(0, 64))
  const signs = objects.map(labelSigns)
  const all: Signs = {
    ...(signs.some(one => one.flame) && { flame: true }),
    ...(signs.some(one => one.smoke) && { smoke: true }),
  }
  return {
    // when it is over, that is the news
    time: timeOf((isOver ? num(after, 'end_time') : undefined) ?? num(after, 'start_time'), input),
    ...(!isOver && { detections: objects.map(object => ({ class: object })) }),
    alarms: { ...flagsOf(all, !isOver), ...sirenOf(words('audio'), !isOver) },
    state: { review: str(after, 'severity'), event: isOver ? 'end' : 'seen', zones: words('zones').slice(0, 16) },
  }
}

const sirenOf = (labels: readonly string[], on: boolean): { soundOfAlarm?: boolean } =>
  labels.some(label => SIRENS.has(label)) ? { soundOfAlarm: on } : {}

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
