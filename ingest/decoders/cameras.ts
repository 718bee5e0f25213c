// Cameras and video recorders: Frigate, ONVIF and Axis over MQTT; alerts of Hikvision, Dahua, ONVIF and Huawei VIAS as their HTTP bodies. What
// analytics see is a pre-alarm for a person to look at; the fire and temperature alarms of thermal cameras are fires.
import type { Decoded } from '#contracts/reading.ts'
import { at, entranceOf, isRecord, mentions } from '../compose.ts'
import { dahua, dahuaInJson, isDahua, told } from '../cameras/dahua.ts'
import { frigate, FRIGATE_TOPIC } from '../cameras/frigate.ts'
import { alertsIn, hikvision } from '../cameras/hikvision.ts'
import { isNotification, noticeInJson, noticesIn } from '../cameras/notices.ts'
import { axis, AXIS_TOPIC, isAxis, noticed, onvif, ONVIF_TOPIC } from '../cameras/onvif.ts'
import { isVias, vias } from '../cameras/vias.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { parseJson, textOf } from '../json.ts'
import { onceADay } from '../once-a-day.ts'

const FAMILY = 'cameras'

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic =>
    FRIGATE_TOPIC.test(topic) || ONVIF_TOPIC.test(topic) || AXIS_TOPIC.test(topic) || entranceOf(FAMILY, topic) !== undefined,
  decode: (input, memory) => onceADay(decode(input, memory), memory, input.receivedAtMs),
  // an ONVIF event names its alarm in the topic only: of all that comes here just Frigate's objects can be ruled out
  mayCarryAlarm: payload =>
    !isFrigateEvent(payload) ||
    mentions(payload, /fire|smoke|flame|siren|alarm|"Data"|"topic"|eventType|Code=|stream_id|camera_id|image_base64/i),
}

function decode(input: DecodeInput, memory: DecoderMemory): Decoded {
  const { topic } = input
  const [, base, channel] = FRIGATE_TOPIC.exec(topic) ?? []
  if (base !== undefined && channel !== undefined) {
    // pictures and switches come as they come; what has to be JSON cannot be nothing
    return input.payload.length === 0 ? ignored('an empty message') : frigate(base, channel, input, memory)
  }
  if (ONVIF_TOPIC.test(topic)) return onvif(input, '')
  if (AXIS_TOPIC.test(topic)) return axis(input, '')
  return byContent(input, memory)
}

/** What came by HTTP or through a bridge says by its form whose it is. */
function byContent(input: DecodeInput, memory: DecoderMemory): Decoded {
  if (input.payload.length === 0) return ignored('an empty message')
  const text = textOf(withoutPictures(input.payload))
  if (!text.ok) return rejected('decoder-failed', text.reason, '/')
  const peer = input.headers?.['peer'] ?? entranceOf(FAMILY, input.topic)
  if (isDahua(text.text)) return dahua(text.text, input, peer ?? '{host}', memory)
  if (isNotification(text.text)) return notification(text.text, input, peer ?? 'unknown')
  const alerts = alertsIn(text.text)
  if (alerts !== undefined)
    return 'fault' in alerts ? rejected('decoder-failed', alerts.fault, '/') : hikvision(alerts, input, peer, memory)
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const { value } = parsed
  const notice = noticeInJson(value)
  if (notice !== undefined) return noticed([notice], input, peer ?? 'unknown')
  if (at(value, 'UtcTime') !== undefined) return onvif(input, peer ?? 'unknown')
  if (isAxis(value)) return axis(input, peer ?? 'unknown')
  const events = dahuaInJson(value)
  if (events !== undefined) return told(events, input, peer ?? '{host}', memory)
  if (isRecord(at(value, 'after')))
    return frigate('frigate', at(value, 'after', 'label') === undefined ? 'reviews' : 'events', input, memory)
  if (isRecord(value) && isVias(value)) return vias(value, input, peer ?? 'unknown')
  return rejected('decoder-failed', 'neither an event of Frigate, ONVIF or Axis nor an alert of Hikvision, Dahua or VIAS', '/')
}

function notification(text: string, input: DecodeInput, peer: string): Decoded {
  const from = text.search(/<(?!\?)/)
  const notices = noticesIn(text.slice(from, text.lastIndexOf('>') + 1))
  if (notices === undefined) return rejected('decoder-failed', 'the XML of a notification is not well-formed', '/')
  return notices.length === 0
    ? rejected('decoder-failed', 'a notification without topic and message', '/NotificationMessage')
    : noticed(notices, input, peer)
}

const isFrigateEvent = (payload: Uint8Array): boolean =>
  /"after"\s*:\s*\{/.test(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1'))

const PICTURE = /Content-Type:\s*image\//i
/** A multipart body carries JPEGs behind the text: what begins with a picture's header is cut off. */
function withoutPictures(payload: Uint8Array): Uint8Array {
  const latin1 = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1')
  const at = PICTURE.exec(latin1)?.index
  return at === undefined ? payload : payload.subarray(0, at)
}
