// ONVIF events over MQTT ({prefix}/onvif-ej/{topic}/&{source}) and in the forms that bridges give them, and Axis' own form of them. Formats:
// ONVIF Core, "event payload in JSON"; Axis device events over MQTT and over its websocket. Axis writes values as strings: "0" is false.
import type { Decoded } from '#contracts/reading.ts'
import { at, composed, isRecord, num, record, str, type JsonObject } from '../compose.ts'
import { ignored, rejected, type DecodeInput } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { parseRfc3339, stamp } from '../time.ts'
import { simpleItems, type Notice } from './notices.ts'
import { eventOf } from './topics.ts'

export const ONVIF_TOPIC = /^(.+?)\/onvif-ej\/([^&]*)(?:&(.*))?$/
export const AXIS_TOPIC = /^(?:axis\/([^/]+)|([0-9A-F]{12})\/event)\//i

/** The same camera may write its sources in any order: what names the picture goes first, then whatever is there. */
const NAMING: readonly string[] = ['VideoSourceConfigurationToken', 'VideoSourceToken', 'VideoSource', 'Source', 'VideoSourceConfiguration']

export function firstOf(source: unknown): string | undefined {
  const given = record(source)
  const texts = [...NAMING.map(name => given[name]), ...Object.values(given)].map(one =>
    typeof one === 'string' ? one : typeof one === 'number' ? String(one) : '',
  )
  return texts.find(one => one !== '')?.slice(0, 128)
}

const DELETED = 'a property event was deleted'

export function onvif(input: DecodeInput, fallbackPrefix: string): Decoded {
  if (input.payload.length === 0) return ignored(DELETED)
  const [, prefix = fallbackPrefix, path, where] = ONVIF_TOPIC.exec(input.topic) ?? []
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const { value } = parsed
  const data = at(value, 'Data')
  const utc = str(value, 'UtcTime')
  if (utc === undefined && data === undefined)
    return rejected('decoder-failed', 'an ONVIF event with UtcTime and Data was expected', '/Data')
  const source = firstOf(simpleItems(at(value, 'Source'))) ?? where?.split('/').find(part => part !== '')
  const operation = str(value, 'PropertyOperation')
  const topic = path ?? str(value, 'Topic') ?? str(value, 'topic') ?? ''
  return noticed([{ topic, utc, operation, source: { source }, data: simpleItems(data) }], input, prefix)
}

/** Events that say their topic themselves. */
export function noticed(notices: readonly Notice[], input: DecodeInput, prefix: string): Decoded {
  const live = notices.filter(({ operation }) => operation?.toLowerCase() !== 'deleted')
  if (live.length === 0) return ignored(DELETED)
  return composed(
    input,
    'cameras',
    live.map(({ topic, utc, source, data }) => {
      const time = stamp({
        deviceMs: utc === undefined ? undefined : (parseRfc3339(utc) ?? parseRfc3339(`${utc}Z`)),
        ...(utc !== undefined && { given: utc }),
        source: 'device',
        receivedAtMs: input.receivedAtMs,
        where: '/UtcTime',
      })
      const from = firstOf(source)
      const deviceId = from === undefined ? `onvif:${prefix}` : `onvif:${prefix}/${from}`
      return { deviceId, kind: 'camera', time, ...eventOf(topic.replace(/\/$/, ''), data) }
    }),
  )
}

export function axis(input: DecodeInput, fallbackName: string): Decoded {
  if (input.payload.length === 0) return ignored('an empty message')
  const [, named, serial] = AXIS_TOPIC.exec(input.topic) ?? []
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const event = axisEvent(parsed.value)
  if (event === undefined) return ignored('an answer of the event stream')
  const topic = str(event, 'topic')
  const message = at(event, 'message')
  // scene metadata, many times a second: what moves, not what is wrong
  if (isRecord(at(event, 'frame'))) return ignored('a description of the scene')
  if (topic === undefined || message === undefined)
    return rejected('decoder-failed', 'an Axis event with topic and message was expected', '/topic')
  const time = stamp({ deviceMs: num(event, 'timestamp'), source: 'device', receivedAtMs: input.receivedAtMs, where: '/timestamp' })
  const source = firstOf(at(message, 'source'))
  const name = named ?? serial ?? str(event, 'serial') ?? fallbackName
  const deviceId = source === undefined ? `axis:${name}` : `axis:${name}/${source}`
  return composed(input, 'cameras', [{ deviceId, kind: 'camera', time, ...eventOf(topic, record(at(message, 'data'))) }])
}

/** The websocket of events wraps the same: {method: "events:notify", params: {notification}}. undefined = what it answers to a request. */
function axisEvent(value: unknown): JsonObject | undefined {
  if (typeof at(value, 'method') !== 'string') return record(value)
  const wrapped = at(value, 'params', 'notification')
  return isRecord(wrapped) ? wrapped : undefined
}

export const isAxis = (value: unknown): boolean =>
  (str(value, 'topic') !== undefined && isRecord(at(value, 'message')) && at(value, 'message', 'message') === undefined) ||
  (str(value, 'method') ?? '').startsWith('events:')
