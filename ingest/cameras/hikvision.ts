// Hikvision ISAPI alerts: EventNotificationAlert as XML or JSON, alone or in a multipart body. A repeat (activePostCount) is no new event;
// a thermal camera that reports motion reports no fire. Format: ISAPI "event notification", coordinates 0..1000, TargetRect 0..1.
import type { Decoded } from '#contracts/reading.ts'
import { coerceBoolean } from '../coerce.ts'
import { at, composed, isRecord, list, num, str, type Found, type JsonObject } from '../compose.ts'
import { rejected, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { parseRfc3339, stamp, type Note } from '../time.ts'
import { meaningOf } from './hikvision-meaning.ts'
import { panelEvent } from './hikvision-panel.ts'
import { readXml } from './xml.ts'

const ALERTS_MAX = 64
const CHANNELS_MAX = 64

/** undefined = no such alert in the text. */
export function alertsIn(text: string): JsonObject[] | { fault: string } | undefined {
  const xml = documentsIn(text)
  if (xml.length > 0) {
    const read = xml.map(one => readXml(one)).map(root => at(root, 'EventNotificationAlert'))
    return read.every(isRecord) ? read : { fault: 'the XML of an EventNotificationAlert is not well-formed' }
  }
  if (/<EventNotificationAlert[\s>]/.test(text)) return { fault: 'an EventNotificationAlert that does not end' }
  if (!/"eventType"/.test(text)) return undefined
  const whole = jsonIn(text)
  if (Array.isArray(whole)) return whole
  // several parts of one body, each with an alert
  const parts = text
    .split(BOUNDARY)
    .slice(0, ALERTS_MAX)
    .filter(part => part.includes('"eventType"'))
    .map(jsonIn)
  return parts.length > 1 && parts.every(part => Array.isArray(part)) ? parts.flat() : whole
}

const BOUNDARY = /\r?\n--[^\r\n]{1,128}/

function jsonIn(text: string): JsonObject[] | { fault: string } | undefined {
  const parsed = parseJson(Buffer.from(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)))
  if (!parsed.ok) return { fault: parsed.reason }
  const alert = at(parsed.value, 'EventNotificationAlert') ?? parsed.value
  return isRecord(alert) ? [alert] : undefined
}

/** The alerts between other parts of a multipart body; one pass, however often the begin stands there without an end. */
function documentsIn(text: string): string[] {
  const documents: string[] = []
  for (let from = 0; documents.length < ALERTS_MAX;) {
    const begin = text.indexOf('<EventNotificationAlert', from)
    const end = begin < 0 ? -1 : text.indexOf(END, begin)
    if (end < 0) break
    from = end + END.length
    documents.push(text.slice(begin, from))
  }
  return documents
}
const END = '</EventNotificationAlert>'

export function hikvision(alerts: readonly JsonObject[], input: DecodeInput, peer: string | undefined, memory: DecoderMemory): Decoded {
  const read = alerts.map(alert => alertOf(alert, input, peer, memory))
  const found = read.flatMap(one => one.found)
  if (found.length === 0) return rejected('decoder-failed', 'an alert without eventType', '/eventType')
  return composed(
    input,
    'cameras',
    found,
    read.flatMap(one => one.note ?? []),
  )
}

function alertOf(alert: JsonObject, input: DecodeInput, peer: string | undefined, memory: DecoderMemory): { found: Found[]; note?: Note } {
  const type = str(alert, 'eventType')
  if (type === undefined) return { found: [] }
  const on = str(alert, 'eventState')?.toLowerCase() !== 'inactive'
  const channel = num(alert, 'channelID') ?? num(alert, 'dynChannelID') ?? 0
  const who = macOf(str(alert, 'macAddress')) ?? str(alert, 'ipAddress') ?? peer ?? 'unknown'
  const isVideoLoss = type.toLowerCase() === 'videoloss'
  // "videoloss inactive" is how the stream says that it is alive
  if ((isVideoLoss && !on) || type.toLowerCase() === 'heartbeat') return { found: aliveOf(who, channel, memory) }
  learnChannel(who, channel, memory)
  if (isVideoLoss) memory.set(lostKey(who, channel), true)
  const given = str(alert, 'dateTime')
  const isHistory = coerceBoolean(at(alert, 'isDataRetransmission')) === true
  const panel = panelEvent(alert, `hik:${who}`, channel)
  const { unread, ...meaning } = panel ?? meaningOf(type, on, alert)
  const name = str(alert, 'channelName')
  const found: Found = {
    deviceId: `hik:${who}/${channel}`,
    kind: 'camera',
    time: stamp({
      deviceMs: given === undefined ? undefined : parseRfc3339(given.replace(SHORT_ZONE, '$10$2')),
      ...(given !== undefined && { given }),
      source: 'device',
      receivedAtMs: input.receivedAtMs,
      history: isHistory,
      where: '/dateTime',
    }),
    flags: { ...(isHistory && { history: true }) },
    ...(meaning as Partial<Found>),
    ...(name !== undefined && { about: { name } }),
  }
  return { found: [found], ...(unread !== undefined && { note: { code: 'decoder-failed', reason: unread, where: '/eventType' } }) }
}

/** "+8:00" is written by some firmware. */
const SHORT_ZONE = /([+-])(\d:\d\d)$/

const channelsKey = (who: string): string => `hik-channels/${who}`
const lostKey = (who: string, channel: number): string => `hik-lost/${who}/${channel}`

function learnChannel(who: string, channel: number, memory: DecoderMemory): void {
  const known = list(memory.get(channelsKey(who))).filter(one => typeof one === 'number')
  if (!known.includes(channel)) memory.set(channelsKey(who), [...known, channel].slice(-CHANNELS_MAX))
}

/**
 * A sign of life is of the whole device: every channel that it ever told of is heard. It says nothing of any alarm, except that a picture
 * that was lost is back.
 */
function aliveOf(who: string, channel: number, memory: DecoderMemory): Found[] {
  const known = list(memory.get(channelsKey(who))).filter(one => typeof one === 'number')
  return [...new Set(known.length === 0 ? [channel] : known)].map((one): Found => {
    const wasLost = memory.get(lostKey(who, one)) === true && (one === channel || channel === 0)
    if (wasLost) memory.delete(lostKey(who, one))
    return { deviceId: `hik:${who}/${one}`, kind: 'camera', state: { event: 'heartbeat' }, ...(wasLost && { alarms: { fault: false } }) }
  })
}

/** "4c:f:1:..." is written without leading zeros by some firmware; what is masked stays as it is. */
function macOf(mac: string | undefined): string | undefined {
  if (mac === undefined) return undefined
  const parts = mac.toLowerCase().split(/[:-]/)
  const isWhole = parts.length === 6 && parts.every(part => /^[0-9a-f]{1,2}$/.test(part))
  return isWhole ? parts.map(part => part.padStart(2, '0')).join(':') : parts.join(':')
}
