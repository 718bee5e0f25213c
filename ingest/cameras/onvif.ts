// ONVIF events over MQTT ({prefix}/onvif-ej/{topic}/&{source}) and Axis' own form of them. Formats: ONVIF Core, "event payload in JSON";
// Axis device events over MQTT. Axis writes values as strings: "0" is false.
import type { Decoded } from '#contracts/reading.ts'
import { at, composed, num, record, str } from '../compose.ts'
import { ignored, rejected, type DecodeInput } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { parseRfc3339, stamp } from '../time.ts'
import { eventOf } from './topics.ts'

export const ONVIF_TOPIC = /^(.+?)\/onvif-ej\/([^&]*)(?:&(.*))?$/
export const AXIS_TOPIC = /^(?:axis\/([^/]+)|([0-9A-F]{12})\/event)\//i

const firstOf = (source: unknown): string | undefined => {
  const values = Object.values(record(source)).map(one => (typeof one === 'string' ? one : typeof one === 'number' ? String(one) : ''))
  return values.find(one => one !== '')?.slice(0, 128)
}

export function onvif(input: DecodeInput, fallbackPrefix: string): Decoded {
  if (input.payload.length === 0) return ignored('a property event was deleted')
  const [, prefix = fallbackPrefix, topic = ''] = ONVIF_TOPIC.exec(input.topic) ?? []
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const given = str(parsed.value, 'UtcTime')
  const data = at(parsed.value, 'Data')
  if (given === undefined && data === undefined)
    return rejected('decoder-failed', 'an ONVIF event with UtcTime and Data was expected', '/Data')
  const time = stamp({
    deviceMs: given === undefined ? undefined : parseRfc3339(given),
    ...(given !== undefined && { given }),
    source: 'device',
    receivedAtMs: input.receivedAtMs,
    where: '/UtcTime',
  })
  const source = firstOf(at(parsed.value, 'Source'))
  const deviceId = source === undefined ? `onvif:${prefix}` : `onvif:${prefix}/${source}`
  return composed(input, 'cameras', [{ deviceId, kind: 'camera', time, ...eventOf(topic.replace(/\/$/, ''), record(data)) }])
}

export function axis(input: DecodeInput, fallbackName: string): Decoded {
  if (input.payload.length === 0) return ignored('an empty message')
  const [, named, serial] = AXIS_TOPIC.exec(input.topic) ?? []
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const topic = str(parsed.value, 'topic')
  const message = at(parsed.value, 'message')
  if (topic === undefined || message === undefined)
    return rejected('decoder-failed', 'an Axis event with topic and message was expected', '/topic')
  const time = stamp({ deviceMs: num(parsed.value, 'timestamp'), source: 'device', receivedAtMs: input.receivedAtMs, where: '/timestamp' })
  const source = firstOf(at(message, 'source'))
  const name = named ?? serial ?? str(parsed.value, 'serial') ?? fallbackName
  const deviceId = source === undefined ? `axis:${name}` : `axis:${name}/${source}`
  return composed(input, 'cameras', [{ deviceId, kind: 'camera', time, ...eventOf(topic, record(at(message, 'data'))) }])
}
