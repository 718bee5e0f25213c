// Dahua events: `Code=...;action=Start|Stop|Pulse;index=N;data={...}`, alone or in the multipart body of an attached stream, or the same in JSON
// as its platforms push it. Format: Dahua HTTP API "event manager"; no public capture of the data of its fire codes is known, so a temperature
// is taken from wherever the data names one.
import type { Decoded, Detection } from '#contracts/reading.ts'
import { at, composed, isRecord, list, num, record, str, type Found, type JsonObject } from '../compose.ts'
import { rejected, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { serverStamp, stamp, type Note, type Stamp } from '../time.ts'
import { flagsOf, hasSign, signsIn } from './words.ts'

const EVENTS_MAX = 64
const CHANNELS_MAX = 64
const EVENT = /Code=([A-Za-z0-9_]{1,64});action=([A-Za-z]{1,16});index=(-?\d{1,5})(?:;data=)?/g
/** the body of a part, or what stands alone */
const HEARTBEAT = /^\s*Heartbeat\s*$/i

export const isDahua = (text: string): boolean => /(?:^|\n)[ \t\r]*Code=[A-Za-z0-9_]{1,64};action=/.test(text) || HEARTBEAT.test(text)

type Event = { code: string; action: string; channel: number; data: JsonObject }

export function dahua(text: string, input: DecodeInput, host: string, memory: DecoderMemory): Decoded {
  if (HEARTBEAT.test(text)) return told([{ code: 'Heartbeat', action: 'Pulse', channel: 0, data: {} }], input, host, memory)
  const heads = [...text.matchAll(EVENT)].slice(0, EVENTS_MAX)
  if (heads.length === 0) return rejected('decoder-failed', 'no event of the form Code=...;action=...;index=...', '/')
  const events = heads.map((head, i): Event => {
    const [whole, code = '', action = '', index = '0'] = head
    const body = text.slice(head.index + whole.length, heads[i + 1]?.index)
    return { code, action, channel: Math.max(0, Number(index)), data: dataIn(body) }
  })
  return told(events, input, host, memory)
}

/** {Code, Action, Index, Data}, or {Events: [...]} of these; undefined = this is none. */
export function dahuaInJson(value: unknown): Event[] | undefined {
  const events = list(at(value, 'Events')).length > 0 ? list(at(value, 'Events')) : [value]
  const read = events.slice(0, EVENTS_MAX).map((one): Event | undefined => {
    const [code, action] = [str(one, 'Code'), str(one, 'Action')]
    if (code === undefined || action === undefined) return undefined
    return { code: code.slice(0, 64), action: action.slice(0, 16), channel: num(one, 'Index') ?? 0, data: record(at(one, 'Data')) }
  })
  return read.every(one => one !== undefined) && read.length > 0 ? read : undefined
}

export function told(events: readonly Event[], input: DecodeInput, host: string, memory: DecoderMemory): Decoded {
  const read = events.map(event => foundIn(event, input, host, memory))
  return composed(
    input,
    'cameras',
    read.flatMap(one => one.found),
    read.flatMap(one => one.note ?? []),
  )
}

function dataIn(body: string): JsonObject {
  const end = body.lastIndexOf('}')
  if (!body.trimStart().startsWith('{') || end < 0) return {}
  const parsed = parseJson(Buffer.from(body.slice(0, end + 1)))
  return parsed.ok ? record(parsed.value) : {}
}

/** A sign of life is of the device: every channel that it ever told of is heard. */
function foundIn(event: Event, input: DecodeInput, host: string, memory: DecoderMemory): { found: Found[]; note?: Note } {
  const key = `dahua-channels/${host}`
  const known = list(memory.get(key)).filter(one => typeof one === 'number')
  if (event.code === 'Heartbeat') {
    const channels = known.length === 0 ? [0] : known
    const state = { event: 'heartbeat' }
    return { found: channels.map((one): Found => ({ deviceId: `dahua:${host}/${one}`, kind: 'camera', state })) }
  }
  if (!known.includes(event.channel)) memory.set(key, [...known, event.channel].slice(-CHANNELS_MAX))
  const { unread, ...found } = meaningOf(event)
  const base: Found = {
    deviceId: `dahua:${host}/${event.channel}`,
    kind: 'camera',
    time: timeOf(event.data, input),
    state: { event: event.code, action: event.action },
  }
  return { found: [{ ...base, ...found }], ...(unread !== undefined && { note: { code: 'decoder-failed', reason: unread, where: '/' } }) }
}

function meaningOf({ code, action, data }: Event): Partial<Found> & { unread?: string } {
  const on = action !== 'Stop'
  const metrics = { temperature_max_c: hottestIn(data) }
  if (code === 'FireWarning' || code === 'FireWarningInfo') return { alarms: { fire: on, flame: on }, metrics }
  if (code === 'HeatImagingTemper') return isCold(data) ? { alarms: { supervisory: on } } : { alarms: { heat: on, preAlarm: on }, metrics }
  if (/^(?:VideoBlind|VideoUnFocus|SceneChange|VideoAbnormalDetection)$/.test(code)) return { alarms: { tamper: on } }
  if (code === 'VideoLoss' || /^Storage|Abnormal$/.test(code)) return { alarms: { fault: on } }
  // names of its later thermal cameras, whose data is not public
  if (/^(?:HotSpot|ColdSpot|Temperature|BetweenRule\w*Temp)/.test(code)) {
    const unread = { unread: `event ${code} is not documented` }
    if (code.startsWith('ColdSpot') || isCold(data)) return { alarms: { supervisory: on }, ...unread }
    return { alarms: { heat: on, preAlarm: on }, metrics, ...unread }
  }
  const signs = signsIn(code)
  if (hasSign(signs)) {
    const isKnown = code === 'SmokeDetection' || code === 'FireDetection'
    return { alarms: flagsOf(signs, on), ...(!isKnown && { unread: `event ${code} is not documented` }) }
  }
  if (!on) return {}
  if (code === 'VideoMotion' || code === 'SmartMotionHuman' || code === 'SmartMotionVehicle') return { detections: [{ class: 'motion' }] }
  const detection = objectOf(record(data['Object']))
  return detection === undefined ? {} : { detections: [detection] }
}

const WARMTH: readonly string[] = ['Temperature', 'MaxTemperature', 'TemperatureMax', 'TemperatureValue', 'CurTemperature']

/** Of the event, and of the places of fire that its data lists. */
function hottestIn(data: JsonObject): number | undefined {
  const blocks = [
    data,
    ...Object.values(data)
      .slice(0, 64)
      .flatMap(one => (Array.isArray(one) ? one.slice(0, 64) : [one])),
  ].filter(isRecord)
  const all = blocks.flatMap(block => {
    const value = WARMTH.map(name => num(block, name)).find(one => one !== undefined)
    return value === undefined ? [] : [isFahrenheit(block) || isFahrenheit(data) ? ((value - 32) * 5) / 9 : value]
  })
  return all.length === 0 ? undefined : Math.max(...all)
}

const isFahrenheit = (block: JsonObject): boolean => /fahrenheit/i.test(str(block, 'TemperatureUnit') ?? '')
/** The condition of the rule that spoke. */
const isCold = (data: JsonObject): boolean => /below|less|lower/i.test(str(data, 'Condition') ?? str(data, 'AlarmCondition') ?? '')

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

/** `UTC` is the local time of some firmware; where that also says `RealUTC`, this is the true one. */
function timeOf(data: JsonObject, input: DecodeInput): Stamp {
  const seconds = num(data, 'RealUTC') ?? num(data, 'UTC')
  if (seconds === undefined) return serverStamp(input.receivedAtMs)
  return stamp({
    deviceMs: Math.floor(seconds) * 1000 + (num(data, 'UTCMS') ?? 0),
    source: 'device',
    receivedAtMs: input.receivedAtMs,
    where: '/data/UTC',
  })
}
